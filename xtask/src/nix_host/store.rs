//! A Nix store of its own in a folder: real Nix, and nothing of the system's Nix is touched.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::run;

/// Nix's settings. Without a group of build users root would look for one; nothing is built or fetched here, and the
/// store is not to outlive a crash of the machine.
const SETTINGS: &str = "build-users-group =\nsandbox = false\nsubstituters =\nfsync-metadata = false\n";

/// A Nix store in a folder. Works as root and as anybody else.
pub(crate) struct Store {
    folder: PathBuf,
    /// What [`Store::add_once`] added.
    added: RefCell<BTreeMap<String, PathBuf>>,
}

impl Store {
    /// Makes the folder and Nix's settings in it.
    pub(crate) fn create(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        // Nix refuses a store whose path has a symbolic link in it.
        let store = Self { folder: folder.canonicalize()?, added: RefCell::default() };
        let settings = store.folder.join("etc/nix");
        fs::create_dir_all(&settings)?;
        fs::write(settings.join("nix.conf"), SETTINGS)?;
        fs::create_dir_all(store.folder.join("home"))?;
        Ok(store)
    }

    /// The store in a folder that has one already.
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        Ok(Self { folder: folder.canonicalize()?, added: RefCell::default() })
    }

    /// The variables that make every Nix command, and an agent that runs some, use this store.
    pub(crate) fn environment(&self) -> Vec<(&'static str, OsString)> {
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

    /// The folder that Nix keeps the system's profiles in.
    pub(crate) fn profiles(&self) -> PathBuf {
        self.folder.join("nix/var/nix/profiles")
    }

    /// One of Nix's programs, on this store.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.folder).envs(self.environment());
        command
    }

    /// Adds a folder to the store, once it has been filled, and tells its store path.
    pub(crate) fn add(&self, name: &str, fill: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
        let building = tempfile::tempdir_in(&self.folder)?;
        let folder = building.path().join(name);
        fs::create_dir(&folder)?;
        fill(&folder)?;
        let path = run::read(self.command("nix-store").arg("--add").arg(&folder))?;
        Ok(PathBuf::from(path.trim()))
    }

    /// Adds a folder whose name says all of what is in it, where it was not added before.
    pub(crate) fn add_once(&self, name: &str, fill: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
        if let Some(path) = self.added.borrow().get(name) {
            return Ok(path.clone());
        }
        let path = self.add(name, fill)?;
        self.added.borrow_mut().insert(name.to_owned(), path.clone());
        Ok(path)
    }

    /// Tells Nix what a store path needs, which adding a folder cannot, so that closures and collecting are real.
    pub(crate) fn set_references(&self, path: &Path, references: &[PathBuf]) -> Result<()> {
        let known = run::read(self.command("nix-store").arg("--dump-db").arg(path))?;
        // Path, hash, size, deriver, number of references, and those.
        let mut lines: Vec<String> = known.lines().take(4).map(str::to_owned).collect();
        lines.push(references.len().to_string());
        lines.extend(references.iter().map(|reference| reference.display().to_string()));
        self.feed("--load-db", &(lines.join("\n") + "\n"))
    }

    /// Deletes a store path even though a generation needs it, as a careless collection of garbage would.
    pub(crate) fn delete(&self, path: &Path) -> Result<()> {
        run::read(self.command("nix-store").args(["--delete", "--ignore-liveness"]).arg(path))?;
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
            bail!("`nix-store {action}` ended with {status}");
        }
        Ok(())
    }
}
