//! The key that seals the seeds of second factors: a seed must stay readable, so a hash will not do.
//!
//! The file holds one key on each line. The first one seals, and each of them opens: a rotation that a crash interrupts leaves every
//! seed readable.

use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand::TryRngCore as _;
use rand::rngs::OsRng;

use crate::sealing_key::{KEY_BYTES, SealingKey};

/// Why a seed is not sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// The file cannot be read or written.
    #[error("the master key {0} cannot be used: {1}")]
    File(PathBuf, std::io::Error),
    /// The file holds something else.
    #[error("the master key {0} must hold {KEY_BYTES} bytes in base64 on each line")]
    Format(PathBuf),
    /// The text was sealed with another key, or for somebody else.
    #[error("a seed cannot be opened with this master key: the file is not the one that sealed it")]
    Opening,
    /// The operating system provides no random numbers.
    #[error("the operating system provides no random numbers")]
    Random,
}

/// The file with the keys. It is read at each use, so a rotation needs no restart.
#[derive(Clone)]
pub struct MasterKey(PathBuf);

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.0.display())
    }
}

impl MasterKey {
    /// The keys in this file, which must exist.
    ///
    /// # Errors
    /// [`MasterKeyError`]
    pub fn open(file: impl Into<PathBuf>) -> Result<Self, MasterKeyError> {
        let key = Self(file.into());
        key.keys().map(|_| key)
    }

    /// The keys in this file. Makes a missing file, readable only by this user.
    ///
    /// # Errors
    /// [`MasterKeyError`]
    pub fn open_or_make(file: impl Into<PathBuf>) -> Result<Self, MasterKeyError> {
        let key = Self(file.into());
        if !key.0.exists() {
            key.write(&[random()?])?;
        }
        Self::open(key.0)
    }

    /// Puts a new key before the others.
    ///
    /// # Errors
    /// [`MasterKeyError`]
    pub fn add(&self) -> Result<(), MasterKeyError> {
        let keys: Vec<_> = std::iter::once(random()?).chain(self.keys()?).collect();
        self.write(&keys)
    }

    /// Drops all keys but the first: nothing is sealed with them any more.
    ///
    /// # Errors
    /// [`MasterKeyError`]
    pub fn drop_others(&self) -> Result<(), MasterKeyError> {
        let first = self.keys()?.swap_remove(0);
        self.write(&[first])
    }

    /// Seals a seed for this person. Nobody else's name opens it.
    pub(crate) fn seal(&self, name: &str, seed: &[u8]) -> Result<String, MasterKeyError> {
        let key = SealingKey::new(&self.keys()?.swap_remove(0)).ok_or(MasterKeyError::Opening)?;
        Ok(STANDARD.encode(key.seal(name, seed).ok_or(MasterKeyError::Random)?))
    }

    /// Opens what [`MasterKey::seal`] sealed for this person.
    pub(crate) fn unseal(&self, name: &str, sealed: &str) -> Result<Vec<u8>, MasterKeyError> {
        let sealed = STANDARD.decode(sealed).map_err(|_| MasterKeyError::Opening)?;
        let opened = self.keys()?.iter().find_map(|key| SealingKey::new(key)?.open(name, &sealed));
        opened.ok_or(MasterKeyError::Opening)
    }

    fn keys(&self) -> Result<Vec<Vec<u8>>, MasterKeyError> {
        let text = std::fs::read_to_string(&self.0).map_err(|error| self.failed(error))?;
        let keys: Vec<_> = text.lines().filter_map(|line| STANDARD.decode(line.trim()).ok()).collect();
        let fits = !keys.is_empty()
            && keys.len() == text.lines().count()
            && keys.iter().all(|key| key.len() == KEY_BYTES);
        if fits { Ok(keys) } else { Err(MasterKeyError::Format(self.0.clone())) }
    }

    /// Replaces the file in one step.
    fn write(&self, keys: &[Vec<u8>]) -> Result<(), MasterKeyError> {
        let lines: String = keys.iter().map(|key| STANDARD.encode(key) + "\n").collect();
        replace(&self.0, &lines).map_err(|error| self.failed(error))
    }

    fn failed(&self, error: std::io::Error) -> MasterKeyError {
        MasterKeyError::File(self.0.clone(), error)
    }
}

fn replace(file: &Path, text: &str) -> std::io::Result<()> {
    let new = file.with_extension("new");
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut open = options.open(&new)?;
    open.write_all(text.as_bytes())?;
    open.sync_all()?;
    #[cfg(unix)]
    keep_owner(file, &new)?;
    std::fs::rename(new, file)
}

/// Gives `new` the owner of the file that it replaces: root rotates the key of a server that runs as a user of its own.
#[cfg(unix)]
fn keep_owner(file: &Path, new: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, chown};

    match std::fs::metadata(file) {
        Ok(replaced) => chown(new, Some(replaced.uid()), Some(replaced.gid())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn random() -> Result<Vec<u8>, MasterKeyError> {
    let mut key = vec![0; KEY_BYTES];
    OsRng.try_fill_bytes(&mut key).map_err(|_| MasterKeyError::Random)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made() -> (tempfile::TempDir, MasterKey) {
        let dir = tempfile::tempdir().unwrap();
        let key = MasterKey::open_or_make(dir.path().join("key")).unwrap();
        (dir, key)
    }

    #[test]
    fn a_sealed_seed_opens_for_its_person_with_its_key_only() {
        let (_dir, key) = made();
        let sealed = key.seal("maria", b"seed").unwrap();
        assert!(!sealed.contains("seed") && sealed != key.seal("maria", b"seed").unwrap());
        assert_eq!(key.unseal("maria", &sealed).unwrap(), b"seed");
        assert!(key.unseal("otto", &sealed).is_err());
        assert!(made().1.unseal("maria", &sealed).is_err());
        assert!(key.unseal("maria", "").is_err() && key.unseal("maria", &sealed[4..]).is_err());
    }

    #[test]
    fn a_rotation_leaves_every_seed_readable_at_every_step() {
        let (_dir, key) = made();
        let old = key.seal("maria", b"seed").unwrap();
        key.add().unwrap();
        assert_eq!(key.unseal("maria", &old).unwrap(), b"seed");
        let new = key.seal("maria", b"seed").unwrap();
        key.drop_others().unwrap();
        assert_eq!(key.unseal("maria", &new).unwrap(), b"seed");
        assert!(key.unseal("maria", &old).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn only_this_user_can_read_a_new_key() {
        use std::os::unix::fs::PermissionsExt as _;

        let (dir, key) = made();
        let mode = || std::fs::metadata(dir.path().join("key")).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(), 0o600);
        key.add().unwrap();
        assert_eq!(mode(), 0o600);
    }

    #[test]
    fn a_file_that_is_no_key_is_refused_and_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("key");
        assert!(MasterKey::open(&file).is_err(), "a named file must exist");
        for text in ["", "secret\n", "c2hvcnQ=\n"] {
            std::fs::write(&file, text).unwrap();
            assert!(matches!(MasterKey::open_or_make(&file), Err(MasterKeyError::Format(_))), "{text:?}");
            assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
        }
    }
}
