//! The temporary folder.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// A folder that is removed with everything in it, including read-only stores.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn create() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("backstay-demo-").tempdir();
        Ok(Self(folder.context("cannot create a folder for the demo")?.keep()))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Removes it, and reports a failure.
    pub(crate) fn remove(self) -> Result<()> {
        self.clear().with_context(|| format!("cannot remove {}", self.0.display()))
    }

    fn clear(&self) -> std::io::Result<()> {
        if !self.0.exists() {
            return Ok(());
        }
        make_writable(&self.0);
        fs::remove_dir_all(&self.0)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = self.clear();
    }
}

/// Makes everything in a folder removable. Does not follow links: they may lead anywhere.
fn make_writable(folder: &Path) {
    let _ = fs::set_permissions(folder, fs::Permissions::from_mode(0o700));
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            make_writable(&entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_only_folders_go_and_what_links_lead_to_stays() {
        let elsewhere = tempfile::tempdir().unwrap();
        fs::write(elsewhere.path().join("kept"), "").unwrap();
        fs::set_permissions(elsewhere.path(), fs::Permissions::from_mode(0o555)).unwrap();
        let folder = Folder::create().unwrap();
        let path = folder.path().to_path_buf();
        let inner = path.join("nix/store/thing");
        fs::create_dir_all(&inner).unwrap();
        fs::write(inner.join("file"), "").unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), inner.join("link")).unwrap();
        fs::set_permissions(&inner, fs::Permissions::from_mode(0o555)).unwrap();
        folder.remove().unwrap();
        assert!(!path.exists());
        assert!(elsewhere.path().join("kept").exists());
        let mode = elsewhere.path().metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o555);
    }
}
