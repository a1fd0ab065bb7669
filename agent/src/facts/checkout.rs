//! The checkout of the configuration repository.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use backstay_protocol::{Checkout, Commit};
use sha2::{Digest as _, Sha256};

use crate::command::{self, Invocation};
use crate::config::Config;

/// How long git may take to name a commit.
const GIT_TIMEOUT: Duration = Duration::from_secs(20);

/// git on the checkout. A checkout that belongs to somebody else is read all the same: the configuration names it.
pub(crate) fn git<'a>(config: &Config, words: impl IntoIterator<Item = &'a str>) -> Invocation {
    let path = config.checkout.path.to_string_lossy();
    let safe = format!("safe.directory={path}");
    let first = ["-c", safe.as_str(), "-C", path.as_ref()].map(str::to_owned);
    let arguments: Vec<String> = first.into_iter().chain(words.into_iter().map(str::to_owned)).collect();
    Invocation::new(&config.commands.git, arguments).with("LC_ALL", "C").with("GIT_TERMINAL_PROMPT", "0")
}

/// Reads the checkout; none where there is no such folder.
pub(super) fn read(config: &Config) -> Result<Option<Checkout>, String> {
    let path = &config.checkout.path;
    if !path.join(".git").exists() {
        return Ok(None);
    }
    let commit = command::read(&git(config, ["rev-parse", "--verify", "HEAD"]), GIT_TIMEOUT)
        .map_err(|why| format!("The commit of {} could not be read: {why}.", path.display()))?;
    Ok(Some(Checkout {
        path: path.to_string_lossy().into_owned(),
        commit: Commit(commit.trim().to_owned()),
        tree: None,
        lock_hash: lock_hash(&path.join("flake.lock"))?,
    }))
}

fn lock_hash(lock: &Path) -> Result<Option<String>, String> {
    match fs::read(lock) {
        Ok(bytes) => Ok(Some(hex(&Sha256::digest(bytes)))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{} could not be read: {error}.", lock.display())),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
