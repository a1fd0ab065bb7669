//! Hosts for the demo and for tests: a folder with a real Nix store, a real profile with real generations,
//! and a checkout of the configuration. Only what a build *does* when it is activated is made up.
//!
//! A host's folder:
//!
//! ```text
//! nix/store, nix/var/nix   its own Nix store
//! home/                    the home folder of its user
//! run/current-system       the running system (NixOS)
//! run/booted-system        the booted system (NixOS)
//! checkout/                the configuration, if an upstream is given
//! builds/<commit>          the ready build for a `switch` with the checkout at that commit
//! workshop.json            what `switch` builds if no build is ready
//! bin/                     nixos-rebuild or home-manager, which switch to those builds; systemctl (NixOS), which
//!                          lists the failed units of the running system
//! tests/                   the host's own tests
//! activations.log          one line per activation: when, how, what
//! hold, holding            while `hold` exists, activations pause and create `holding`
//! during                   a program that each activation runs in its middle, if it exists
//! ```

#![allow(clippy::missing_errors_doc, reason = "an error comes from a file or a program, and names it")]

mod build;
mod command;
mod describe;
mod plan;
mod profile;
mod repository;
mod scripts;
mod store;
#[cfg(test)]
mod tests;
mod workshop;

use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

pub use build::{Build, write_script};
pub use command::{read, shown};
pub use describe::Description;
pub use plan::{CheckoutPlan, GenerationPlan, HostPlan, Platform, make_from_file};
pub use profile::Profile;
pub use repository::{Pin, Pins, Upstream};
pub use scripts::Activation;
pub use store::Store;
pub use workshop::build_checkout;

/// A host in a folder.
struct NixHost {
    name: String,
    platform: Platform,
    folder: PathBuf,
    store: Store,
}

impl NixHost {
    /// Creates a host without generations.
    fn create(folder: &Path, name: &str, platform: Platform) -> Result<Self> {
        let store = Store::create(folder)?;
        let folder = folder.canonicalize()?;
        for part in ["run", "builds", "tests"] {
            fs::create_dir_all(folder.join(part))?;
        }
        let host = Self { name: name.to_owned(), platform, folder, store };
        host.write_programs()?;
        Ok(host)
    }

    /// The profile of its generations.
    fn profile_path(&self) -> PathBuf {
        match self.platform {
            Platform::Nixos => self.store.profiles().join("system"),
            Platform::HomeManager => self.folder.join("home/.local/state/nix/profiles/home-manager"),
        }
    }

    fn profile(&self) -> Result<Profile<'_>> {
        Profile::at(&self.store, self.profile_path())
    }

    /// The path of its checkout of the configuration.
    fn checkout(&self) -> PathBuf {
        self.folder.join("checkout")
    }

    /// The link to the running build.
    fn running(&self) -> PathBuf {
        match self.platform {
            Platform::Nixos => self.folder.join("run/current-system"),
            Platform::HomeManager => self.folder.join("home/.local/state/home-manager/gcroots/current-home"),
        }
    }

    /// Adds a build to its store. It becomes a generation only later.
    fn add(&self, build: &Build) -> Result<PathBuf> {
        match self.platform {
            Platform::Nixos => build.nixos(&self.store, &self.folder, &self.name),
            Platform::HomeManager => build.home(&self.store, &self.folder, &self.profile_path()),
        }
    }

    /// Makes a build ready for a switch with the checkout at this commit.
    fn ready(&self, build: &Path, commit: &str) -> Result<()> {
        point(&self.folder.join("builds").join(commit), build)
    }

    /// Sets which build runs, without activating it.
    fn set_running(&self, build: &Path) -> Result<()> {
        point(&self.running(), build)
    }

    /// Sets which build was booted.
    fn set_booted(&self, build: &Path) -> Result<()> {
        point(&self.folder.join("run/booted-system"), build)
    }

    /// Gives it tests, which fail if the running build says so.
    fn write_tests(&self, names: &[String]) -> Result<()> {
        for name in names {
            build::write_script(
                &self.folder.join("tests").join(name),
                &scripts::health_check(&self.running()),
            )?;
        }
        Ok(())
    }

    fn write_programs(&self) -> Result<()> {
        let builder = this_program()?;
        let (host, profile, checkout) = (&self.folder, self.profile_path(), self.checkout());
        let (name, script) = match self.platform {
            Platform::Nixos => ("nixos-rebuild", scripts::nixos_rebuild(host, &profile, &checkout, &builder)),
            Platform::HomeManager => {
                ("home-manager", scripts::home_manager(host, &profile, &checkout, &builder))
            }
        };
        build::write_script(&self.folder.join("bin").join(name), &script)?;
        if self.platform == Platform::Nixos {
            build::write_script(&self.folder.join("bin/systemctl"), &scripts::systemctl(&self.running()))?;
        }
        Ok(())
    }
}

/// The file of this program, even if it has been rebuilt since the start.
fn this_program() -> Result<PathBuf> {
    let path = env::current_exe().context("this program has no file")?;
    let text = path.to_string_lossy();
    Ok(text.strip_suffix(" (deleted)").map_or_else(|| path.clone(), PathBuf::from))
}

/// Creates a link, or points an existing one elsewhere.
fn point(link: &Path, target: &Path) -> Result<()> {
    if let Some(folder) = link.parent() {
        fs::create_dir_all(folder)?;
    }
    if link.symlink_metadata().is_ok() {
        fs::remove_file(link)?;
    }
    symlink(target, link)?;
    Ok(())
}
