//! Debian's packages: installed, or fetched from another suite without touching the system.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::places::Places;
use crate::run::{self, Log};

/// Installs a package, as root or through passwordless sudo.
pub(super) fn install(places: &Places, log: &Log, package: &str) -> Result<()> {
    let apt = |words: &[&str]| -> Result<Command> {
        let mut command = as_root(places)?;
        command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "--yes"]).args(words);
        Ok(command)
    };
    if log.run(&mut apt(&["install", "--no-install-recommends", package])?).is_ok() {
        return Ok(());
    }
    log.run(&mut apt(&["update"])?)?;
    log.run(&mut apt(&["install", "--no-install-recommends", package])?)
}

/// Has Debian's PostgreSQL start no server for the whole system: the tests start their own.
/// The setting: <https://manpages.debian.org/stable/postgresql-common/pg_createcluster.1.en.html>.
pub(super) fn prepare_postgres(places: &Places, log: &Log) -> Result<()> {
    const SETTING: &str = "/etc/postgresql-common/createcluster.d/backstay-tests.conf";
    let file = tempfile::NamedTempFile::new()?;
    fs::write(file.path(), "create_main_cluster = false\n")?;
    log.run(as_root(places)?.args(["install", "-D", "--mode=644"]).arg(file.path()).arg(SETTING))
}

/// A command whose arguments are run as root: directly, or through passwordless sudo.
fn as_root(places: &Places) -> Result<Command> {
    let is_root = run::read(Command::new("id").arg("-u"))?.trim() == "0";
    if !is_root && run::read(Command::new("sudo").args(["-n", "true"])).is_err() {
        bail!("installing packages needs root, and sudo asks for a password");
    }
    if is_root { places.command("env") } else { places.command("sudo") }
}

/// One suite of a Debian archive with lists and a cache of its own, so that the system's apt stays as it is.
pub(super) struct Suite {
    folder: TempDir,
}

impl Suite {
    /// Reads a suite's package list from the first of the system's own mirrors that has it.
    pub(super) fn open(name: &str, log: &Log) -> Result<Self> {
        for mirror in mirrors()? {
            let suite = Self { folder: tempfile::tempdir()? };
            suite.prepare(&mirror, name)?;
            if log.run(suite.apt("apt-get").args(["-o", "APT::Update::Error-Mode=any", "update"])).is_ok() {
                return Ok(suite);
            }
        }
        bail!("none of this system's Debian mirrors has {name}")
    }

    fn prepare(&self, mirror: &str, name: &str) -> Result<()> {
        let folder = self.folder.path();
        // apt downloads as a user of its own, which needs access to this folder.
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
        fs::create_dir_all(folder.join("lists/partial"))?;
        fs::create_dir_all(folder.join("cache/archives/partial"))?;
        let keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
        let signed =
            if Path::new(keyring).exists() { format!("[signed-by={keyring}] ") } else { String::new() };
        fs::write(folder.join("sources.list"), format!("deb {signed}{mirror} {name} main\n"))?;
        Ok(())
    }

    fn apt(&self, program: &str) -> Command {
        let at = |path: &str| self.folder.path().join(path).display().to_string();
        let mut command = Command::new(program);
        command.current_dir(self.folder.path());
        for option in [
            format!("Dir::Etc::sourcelist={}", at("sources.list")),
            "Dir::Etc::sourceparts=-".to_owned(),
            format!("Dir::State::lists={}", at("lists")),
            format!("Dir::Cache={}", at("cache")),
        ] {
            command.args(["-o", &option]);
        }
        command
    }

    /// Returns the Debian version of a package with exactly this upstream version, or `None`.
    pub(super) fn version(&self, package: &str, upstream: &str) -> Result<Option<String>> {
        let table = run::read(self.apt("apt-cache").args(["madison", package]))?;
        Ok(matching_version(&table, upstream))
    }

    /// Downloads a package (apt checks its signatures) and unpacks it into a folder.
    pub(super) fn unpack(&self, package: &str, version: &str, into: &Path, log: &Log) -> Result<()> {
        log.run(self.apt("apt-get").args(["download", &format!("{package}={version}")]))?;
        let file = self.downloaded().with_context(|| format!("apt-get left no file of {package}"))?;
        log.run(Command::new("dpkg-deb").arg("-x").arg(file).arg(into))
    }

    fn downloaded(&self) -> Option<PathBuf> {
        let files = fs::read_dir(self.folder.path()).ok()?;
        files
            .filter_map(|entry| Some(entry.ok()?.path()))
            .find(|path| path.extension().is_some_and(|e| e == "deb"))
    }
}

/// Returns the archives that this system's apt already knows.
fn mirrors() -> Result<Vec<String>> {
    let text = run::read(Command::new("apt-get").args(["indextargets", "--format", "$(REPO_URI)"]))?;
    let mut found: Vec<String> = Vec::new();
    for mirror in text.lines().filter(|line| line.starts_with("http")) {
        if !found.iter().any(|known| known == mirror) {
            found.push(mirror.to_owned());
        }
    }
    Ok(found)
}

fn matching_version(table: &str, upstream: &str) -> Option<String> {
    table.lines().filter_map(|line| Some(line.split('|').nth(1)?.trim())).find_map(|version| {
        let rest = version.strip_prefix(upstream)?;
        rest.starts_with(['+', '-', '~']).then(|| version.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_only_the_very_version() {
        let table = " rust-src | 1.95.10+dfsg1-1 | mirror\n rust-src | 1.95.1+dfsg1-2~bpo13+1 | mirror\n";
        assert_eq!(matching_version(table, "1.95.1").as_deref(), Some("1.95.1+dfsg1-2~bpo13+1"));
        assert_eq!(matching_version(table, "1.95.0"), None);
        assert_eq!(matching_version(table, "1.95"), None);
    }
}
