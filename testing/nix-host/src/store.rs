//! A separate Nix store in a folder: real Nix, which leaves the system's Nix alone.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::command::read;

/// Nix's settings. Without the empty group, Nix as root would look for build users. Nothing is built or
/// fetched here, and the store need not survive a crash of the machine.
const SETTINGS: &str = "build-users-group =\nsandbox = false\nsubstituters =\nfsync-metadata = false\n";

/// A Nix store in a folder. Works as any user.
pub struct Store {
    folder: PathBuf,
    /// The paths that [`Store::add_once`] added.
    added: RefCell<BTreeMap<String, PathBuf>>,
}

impl Store {
    /// Creates the folder and Nix's settings in it.
    pub fn create(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        // Nix refuses a store whose path contains a symbolic link.
        let store = Self { folder: folder.canonicalize()?, added: RefCell::default() };
        let settings = store.folder.join("etc/nix");
        fs::create_dir_all(&settings)?;
        fs::write(settings.join("nix.conf"), SETTINGS)?;
        fs::create_dir_all(store.folder.join("home"))?;
        Ok(store)
    }

    /// Opens the existing store in a folder.
    pub fn open(folder: &Path) -> Result<Self> {
        Ok(Self { folder: folder.canonicalize()?, added: RefCell::default() })
    }

    /// The variables that make Nix, and an agent that calls it, use this store.
    pub fn environment(&self) -> Vec<(&'static str, OsString)> {
        let at = |path: &str| self.folder.join(path).into_os_string();
        vec![
            ("NIX_STORE_DIR", at("nix/store")),
            ("NIX_STATE_DIR", at("nix/var/nix")),
            ("NIX_LOG_DIR", at("nix/var/log/nix")),
            ("NIX_CONF_DIR", at("etc/nix")),
            ("NIX_USER_CONF_FILES", OsString::new()),
            ("NIX_REMOTE", "local".into()),
            ("HOME", at("home")),
            ("XDG_STATE_HOME", at("home/.local/state")),
            ("XDG_CACHE_HOME", at("home/.cache")),
        ]
    }

    /// Nix's folder for system profiles.
    pub fn profiles(&self) -> PathBuf {
        self.folder.join("nix/var/nix/profiles")
    }

    /// One of Nix's programs, on this store.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.folder).envs(self.environment());
        command
    }

    /// Fills a folder, adds it to the store, and returns its store path.
    pub fn add(&self, name: &str, fill: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
        let building = tempfile::tempdir_in(&self.folder)?;
        let folder = building.path().join(name);
        fs::create_dir(&folder)?;
        fill(&folder)?;
        let path = read(self.command("nix-store").arg("--add").arg(&folder))?;
        Ok(PathBuf::from(path.trim()))
    }

    /// Adds a folder whose name determines its content, unless it was added before.
    pub fn add_once(&self, name: &str, fill: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
        if let Some(path) = self.added.borrow().get(name) {
            return Ok(path.clone());
        }
        let path = self.add(name, fill)?;
        self.added.borrow_mut().insert(name.to_owned(), path.clone());
        Ok(path)
    }

    /// Registers the references of a store path, so that closures and garbage collection are real.
    pub fn set_references(&self, path: &Path, references: &[PathBuf]) -> Result<()> {
        let known = read(self.command("nix-store").arg("--dump-db").arg(path))?;
        // Path, hash, size, deriver, number of references, and the references.
        let mut lines: Vec<String> = known.lines().take(4).map(str::to_owned).collect();
        lines.push(references.len().to_string());
        lines.extend(references.iter().map(|reference| reference.display().to_string()));
        self.feed("--load-db", &(lines.join("\n") + "\n"))
    }

    /// Deletes a store path that a generation needs, like a careless garbage collection.
    pub fn delete(&self, path: &Path) -> Result<()> {
        read(self.command("nix-store").args(["--delete", "--ignore-liveness"]).arg(path))?;
        if path.exists() {
            bail!("nix-store did not delete {}", path.display());
        }
        Ok(())
    }

    fn feed(&self, action: &str, text: &str) -> Result<()> {
        use std::io::Write as _;
        let mut child = self.command("nix-store").arg(action).stdin(Stdio::piped()).spawn()?;
        child.stdin.take().context("no standard input")?.write_all(text.as_bytes())?;
        let status = child.wait()?;
        if !status.success() {
            bail!("`nix-store {action}` exited with {status}");
        }
        Ok(())
    }
}
