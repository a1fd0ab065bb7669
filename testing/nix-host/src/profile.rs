//! A Nix profile and its numbered generations.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};

use crate::command::read;
use crate::store::Store;

/// A Nix profile: a link that points at the link of its current generation.
pub struct Profile<'a> {
    store: &'a Store,
    path: PathBuf,
}

impl<'a> Profile<'a> {
    /// A profile at this path, which need not exist yet.
    pub fn at(store: &'a Store, path: PathBuf) -> Result<Self> {
        fs::create_dir_all(path.parent().context("a profile is in a folder")?)?;
        Ok(Self { store, path })
    }

    /// The link of one generation.
    pub fn link(&self, number: u32) -> PathBuf {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        self.path.with_file_name(format!("{name}-{number}-link"))
    }

    /// Makes a new generation of a build and returns its number.
    pub fn set(&self, build: &Path) -> Result<u32> {
        read(self.store.command("nix-env").arg("--profile").arg(&self.path).arg("--set").arg(build))?;
        self.current()
    }

    /// Makes the first generation with a chosen number.
    pub fn set_first(&self, build: &Path, number: u32) -> Result<u32> {
        if number <= 1 {
            return self.set(build);
        }
        // Nix continues from the highest generation that it finds, unless that is the same build.
        let before = self.link(number - 1);
        symlink("nowhere", &before)?;
        let set = self.set(build);
        fs::remove_file(&before)?;
        set
    }

    /// The current generation.
    pub fn current(&self) -> Result<u32> {
        let target =
            fs::read_link(&self.path).with_context(|| format!("no profile {}", self.path.display()))?;
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let number = name.strip_suffix("-link").and_then(|rest| rest.rsplit('-').next());
        number.and_then(|digits| digits.parse().ok()).with_context(|| format!("{name} is not a generation"))
    }

    /// Points the profile at an existing generation, without activating it.
    pub fn switch_to(&self, number: u32) -> Result<()> {
        let mut command = self.store.command("nix-env");
        command.arg("--profile").arg(&self.path).args(["--switch-generation", &number.to_string()]);
        read(&mut command).map(drop)
    }

    /// Makes a generation look this old.
    pub fn set_age(&self, number: u32, age: Duration) -> Result<()> {
        let made =
            SystemTime::now().checked_sub(age).context("older than time")?.duration_since(UNIX_EPOCH)?;
        let time = Timespec { tv_sec: i64::try_from(made.as_secs())?, tv_nsec: 0 };
        let times = Timestamps { last_access: time, last_modification: time };
        // The link itself carries the date: everything in the store has the same one.
        utimensat(CWD, self.link(number), &times, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(())
    }

    /// Deletes the build of a generation and leaves its link dangling.
    pub fn collect(&self, number: u32) -> Result<()> {
        let build = fs::read_link(self.link(number))?;
        if self.current()? == number {
            bail!("generation {number} is the current one");
        }
        self.store.delete(&build)
    }
}
