//! Programs that come from the system's packages: Chromium for the browser tests, Nix for the demo's hosts.

use anyhow::{Result, bail};

use super::{Step, apt};
use crate::places::Places;
use crate::run::Log;

pub(super) struct DebianPackage {
    name: &'static str,
    package: &'static str,
    programs: &'static [&'static str],
}

/// The names under which systems install Chromium or a browser that does as well.
pub(crate) const CHROMIUM: &[&str] =
    &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

pub(super) fn chromium() -> DebianPackage {
    DebianPackage { name: "Chromium", package: "chromium", programs: CHROMIUM }
}

pub(super) fn nix() -> DebianPackage {
    DebianPackage { name: "Nix", package: "nix-bin", programs: &["nix-env"] }
}

impl Step for DebianPackage {
    fn name(&self) -> &str {
        self.name
    }

    fn takes(&self) -> &'static str {
        "1 minute"
    }

    fn is_there(&self, places: &Places) -> Result<bool> {
        Ok(places.any_program(self.programs)?.is_some())
    }

    fn install(&self, places: &Places, log: &Log) -> Result<()> {
        if places.program("apt-get")?.is_none() {
            bail!("this system has no apt-get, and no other way to install it is known here");
        }
        apt::install(places, log, self.package)
    }

    fn by_hand(&self) -> String {
        format!(
            "install {} so that one of these is on PATH: {} (on Debian: apt-get install {})",
            self.name,
            self.programs.join(", "),
            self.package
        )
    }
}
