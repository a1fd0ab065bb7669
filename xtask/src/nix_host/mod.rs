//! Hosts for the demo and for tests: a folder with a real Nix store, a real profile with real generations, and a
//! checkout of the configuration. Only what a build *does* when it is activated is made up.
//!
//! A host's folder:
//!
//! ```text
//! nix/store, nix/var/nix   its own Nix store
//! home/                    the home folder of its user
//! run/current-system       what runs (NixOS)
//! run/booted-system        what was booted (NixOS)
//! checkout/                the configuration, where an upstream is given
//! builds/<commit>          what `switch` finds built when the checkout is at that commit
//! workshop.json            what `switch` builds where it finds nothing built
//! bin/                     nixos-rebuild or home-manager, which switch to those builds; systemctl (NixOS), which
//!                          lists the units that fail in what runs
//! tests/                   the host's own tests
//! activations.log          one line for each activation: when, how, what
//! hold, holding            while `hold` exists, activations stand still, which `holding` tells
//! during                   a program that each activation runs in its middle, where there is one
//! ```

mod build;
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

pub(crate) use self::build::Build;
pub(crate) use self::describe::Description;
pub(crate) use self::plan::{CheckoutPlan, GenerationPlan, HostPlan, Platform, run};
use self::profile::Profile;
pub(crate) use self::repository::{Pin, Pins, Upstream};
pub(crate) use self::scripts::Activation;
use self::store::Store;
pub(crate) use self::workshop::build_checkout;

/// A host in a folder.
pub(crate) struct NixHost {
    name: String,
    platform: Platform,
    folder: PathBuf,
    store: Store,
}

impl NixHost {
    /// Makes a host that has no generation yet.
    pub(crate) fn create(folder: &Path, name: &str, platform: Platform) -> Result<Self> {
        let store = Store::create(folder)?;
        let folder = folder.canonicalize()?;
        for part in ["run", "builds", "tests"] {
            fs::create_dir_all(folder.join(part))?;
        }
        let host = Self { name: name.to_owned(), platform, folder, store };
        host.write_programs()?;
        Ok(host)
    }

    /// The profile that its generations are in.
    pub(crate) fn profile_path(&self) -> PathBuf {
        match self.platform {
            Platform::Nixos => self.store.profiles().join("system"),
            Platform::HomeManager => self.folder.join("home/.local/state/nix/profiles/home-manager"),
        }
    }

    pub(crate) fn profile(&self) -> Result<Profile<'_>> {
        Profile::at(&self.store, self.profile_path())
    }

    /// Where its checkout of the configuration is, or would be.
    pub(crate) fn checkout(&self) -> PathBuf {
        self.folder.join("checkout")
    }

    /// The link that points at the build that runs.
    pub(crate) fn running(&self) -> PathBuf {
        match self.platform {
            Platform::Nixos => self.folder.join("run/current-system"),
            Platform::HomeManager => self.folder.join("home/.local/state/home-manager/gcroots/current-home"),
        }
    }

    /// Puts a build into its store; it becomes a generation only later.
    pub(crate) fn add(&self, build: &Build) -> Result<PathBuf> {
        match self.platform {
            Platform::Nixos => build.nixos(&self.store, &self.folder, &self.name),
            Platform::HomeManager => build.home(&self.store, &self.folder, &self.profile_path()),
        }
    }

    /// Has a build ready for when the host switches with its checkout at this commit.
    pub(crate) fn ready(&self, build: &Path, commit: &str) -> Result<()> {
        point(&self.folder.join("builds").join(commit), build)
    }

    /// Says which build runs, without activating it.
    pub(crate) fn set_running(&self, build: &Path) -> Result<()> {
        point(&self.running(), build)
    }

    /// Says which build was booted.
    pub(crate) fn set_booted(&self, build: &Path) -> Result<()> {
        point(&self.folder.join("run/booted-system"), build)
    }

    /// Gives it tests of its own; they fail where the running build says so.
    pub(crate) fn write_tests(&self, names: &[String]) -> Result<()> {
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

/// The file of this program, also where it has been built anew since it was started.
fn this_program() -> Result<PathBuf> {
    let path = env::current_exe().context("this program has no file")?;
    let text = path.to_string_lossy();
    Ok(text.strip_suffix(" (deleted)").map_or_else(|| path.clone(), PathBuf::from))
}

/// Makes a link, or points an existing one elsewhere.
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
