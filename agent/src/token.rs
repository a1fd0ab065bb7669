//! The host's own token, made by the agent before it first connects. Enrolling can therefore be repeated, and
//! a lost answer costs nothing.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rand::TryRngCore as _;
use rand::rngs::OsRng;

use crate::config::{Config, JOIN_TOKEN_VARIABLE};
use crate::storage;

/// Random bytes in a token.
const BYTES: usize = 32;

/// The host's own token. It is never shown.
#[derive(Clone)]
pub(crate) struct HostToken {
    text: String,
    enrolled: PathBuf,
}

impl HostToken {
    /// Reads the token from the state folder, or makes one.
    pub(crate) fn load_or_create(state_dir: &Path) -> io::Result<Self> {
        if let Some(token) = Self::load(state_dir)? {
            return Ok(token);
        }
        let text = make()?;
        storage::write(&state_dir.join("token"), text.as_bytes())?;
        Ok(Self::of(text, state_dir))
    }

    /// Reads the token from the state folder, if an agent has made one.
    pub(crate) fn load(state_dir: &Path) -> io::Result<Option<Self>> {
        let path = state_dir.join("token");
        match fs::read_to_string(&path) {
            Ok(text) if is_token(text.trim()) => Ok(Some(Self::of(text.trim().to_owned(), state_dir))),
            Ok(_) => {
                let path = path.display();
                Err(io::Error::other(format!("{path} holds no token; remove it to enrol again")))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn of(text: String, state_dir: &Path) -> Self {
        Self { text, enrolled: state_dir.join("enrolled") }
    }

    /// Returns the token itself.
    pub(crate) fn secret(&self) -> &str {
        &self.text
    }

    /// Returns the join token to send along, if there is one and the server has not welcomed this host yet.
    pub(crate) fn join_token(&self, config: &Config) -> Option<String> {
        if self.enrolled.exists() {
            return None;
        }
        let from_file = config.join_token_file.as_ref().and_then(|path| match fs::read_to_string(path) {
            Ok(text) => Some(text),
            Err(error) => {
                tracing::warn!(file = %path.display(), %error, "the join token cannot be read");
                None
            }
        });
        let token = from_file.or_else(|| std::env::var(JOIN_TOKEN_VARIABLE).ok())?;
        Some(token.trim().to_owned()).filter(|token| !token.is_empty())
    }

    /// Records whether the server knows this host.
    pub(crate) fn set_enrolled(&self, enrolled: bool) {
        let done = match (enrolled, self.enrolled.exists()) {
            (true, false) => storage::write(&self.enrolled, b""),
            (false, true) => fs::remove_file(&self.enrolled),
            _ => Ok(()),
        };
        if let Err(error) = done {
            tracing::warn!(%error, "whether this host is enrolled cannot be recorded");
        }
    }
}

impl fmt::Debug for HostToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HostToken(…)")
    }
}

fn make() -> io::Result<String> {
    let mut bytes = [0; BYTES];
    OsRng.try_fill_bytes(&mut bytes).map_err(io::Error::other)?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

fn is_token(text: &str) -> bool {
    BASE64_URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == BYTES)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_token_is_made_once_and_kept_private() {
        let state = tempfile::tempdir().unwrap();
        let first = HostToken::load_or_create(state.path()).unwrap();
        assert_eq!(HostToken::load_or_create(state.path()).unwrap().secret(), first.secret());
        let mode = state.path().join("token").metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(!format!("{first:?}").contains(first.secret()));
        let other = tempfile::tempdir().unwrap();
        assert_ne!(HostToken::load_or_create(other.path()).unwrap().secret(), first.secret());
    }

    #[test]
    fn a_file_that_holds_no_token_is_not_overwritten() {
        let state = tempfile::tempdir().unwrap();
        fs::write(state.path().join("token"), "short").unwrap();
        assert!(HostToken::load_or_create(state.path()).is_err());
        assert_eq!(fs::read_to_string(state.path().join("token")).unwrap(), "short");
    }

    #[test]
    fn a_join_token_is_shown_until_the_host_is_enrolled() {
        let state = tempfile::tempdir().unwrap();
        let file = state.path().join("join");
        fs::write(&file, "join-me\n").unwrap();
        let mut config: Config = toml::from_str("server = \"http://localhost\"").unwrap();
        config.join_token_file = Some(file);
        let token = HostToken::load_or_create(state.path()).unwrap();
        assert_eq!(token.join_token(&config).as_deref(), Some("join-me"));
        token.set_enrolled(true);
        assert_eq!(token.join_token(&config), None);
        token.set_enrolled(false);
        assert_eq!(token.join_token(&config).as_deref(), Some("join-me"));
    }
}
