//! Paths: this repository, cargo's build folder, and the programs that `cargo xtask setup` installs.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::run;

/// The folders that every task needs.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    /// This repository.
    pub(crate) root: PathBuf,
    /// Backstay's folder in the user's cache: logs, and what the last tests took.
    pub(crate) cache: PathBuf,
}

impl Places {
    /// Finds the repository that this program was compiled in, and the user's cache.
    pub(crate) fn find() -> Result<Self> {
        let manifest = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&manifest).parent().context("xtask has no parent folder")?.to_path_buf();
        let cache = match env::var_os("XDG_CACHE_HOME").filter(|path| Path::new(path).is_absolute()) {
            Some(path) => PathBuf::from(path),
            None => Path::new(&env::var_os("HOME").context("HOME is not set")?).join(".cache"),
        };
        Ok(Self { root, cache: cache.join("backstay") })
    }

    /// Returns the folder for the logs of long installations.
    pub(crate) fn logs(&self) -> PathBuf {
        self.cache.join("logs")
    }

    /// Returns the version of a package in `Cargo.lock`.
    pub(crate) fn locked_version(&self, package: &str) -> Result<String> {
        let path = self.root.join("Cargo.lock");
        let lock = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        locked_version(&lock, package).with_context(|| format!("Cargo.lock does not name {package}"))
    }

    /// Returns the PATH, with the tools that `setup` installed first.
    pub(crate) fn path(&self) -> Result<OsString> {
        let mut folders = vec![self.root.join("node_modules/.bin")];
        folders.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
        env::join_paths(folders).context("a folder in PATH has a colon in its name")
    }

    /// Returns the file of a program on [`Places::path`], or `None`.
    pub(crate) fn program(&self, name: &str) -> Result<Option<PathBuf>> {
        let path = self.path()?;
        Ok(env::split_paths(&path).map(|folder| folder.join(name)).find(|file| is_program(file)))
    }

    /// Returns the first of several programs that this machine has, or `None`.
    pub(crate) fn any_program(&self, names: &[&str]) -> Result<Option<PathBuf>> {
        for name in names {
            if let Some(found) = self.program(name)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// A command that finds our tools, runs in the repository, and does not inherit variables of xtask's own
    /// build.
    pub(crate) fn command(&self, program: &str) -> Result<Command> {
        let mut command = Command::new(program);
        command.current_dir(&self.root).env("PATH", self.path()?);
        for (name, _) in env::vars_os() {
            if is_of_our_build(&name.to_string_lossy()) {
                command.env_remove(name);
            }
        }
        Ok(command)
    }

    /// cargo, as the user called it.
    pub(crate) fn cargo(&self) -> Result<Command> {
        let program = env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        self.command(&program)
    }

    /// Returns cargo's metadata of this workspace, without its dependencies.
    pub(crate) fn metadata(&self) -> Result<serde_json::Value> {
        let mut cargo = self.cargo()?;
        let said = run::read(cargo.args(["metadata", "--format-version=1", "--no-deps", "--offline"]))?;
        serde_json::from_str(&said).context("cargo metadata is not JSON")
    }

    /// Returns cargo's build folder, wherever the user's settings put it.
    pub(crate) fn target(&self) -> Result<PathBuf> {
        let metadata = self.metadata()?;
        let target =
            metadata["target_directory"].as_str().context("cargo metadata names no target folder")?;
        Ok(PathBuf::from(target))
    }
}

/// Variables that cargo sets for a program that it runs; another build must not see them.
fn is_of_our_build(name: &str) -> bool {
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(file).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

fn locked_version(lock: &str, package: &str) -> Option<String> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name);
    lines.next()?;
    let version = lines.next()?.strip_prefix("version = \"")?.strip_suffix('"')?;
    Some(version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_version_from_the_lock_file() {
        let lock = "[[package]]\nname = \"wasm-bindgen-macro\"\nversion = \"9.9.9\"\n\n\
                    [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.1\"\n";
        assert_eq!(locked_version(lock, "wasm-bindgen").as_deref(), Some("0.2.1"));
        assert_eq!(locked_version(lock, "wasm"), None);
    }

    #[test]
    fn our_tools_come_first_on_the_path() {
        let places = Places::find().unwrap();
        let path = places.path().unwrap();
        let first = env::split_paths(&path).next().unwrap();
        assert!(first == places.root.join("node_modules/.bin"), "{}", first.display());
    }
}
