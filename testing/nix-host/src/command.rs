//! Runs commands and reads their output.

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

/// Runs a command and returns its standard output.
///
/// # Errors
/// If it cannot be started, does not exit with 0 or does not write text. The error includes its messages.
pub fn read(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {}", command.get_program().display()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`{}` exited with {}: {}", shown(command), output.status, said.trim());
    }
    String::from_utf8(output.stdout).context("the output is not text")
}

/// A command as a person would type it, without quotes.
pub fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
