//! Secrets come from files only: everybody on the machine can see a command line, and every child process an environment.

use std::path::Path;

use anyhow::{Context, ensure};
use backstay_fleet::secret::Secret;

/// Reads the secret in the file that this option names.
pub(crate) fn read(option: &str, file: &Path) -> anyhow::Result<Secret> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("{option}: {} cannot be read", file.display()))?;
    ensure!(!text.trim().is_empty(), "{option}: {} is empty", file.display());
    Ok(Secret::from_text(&text))
}
