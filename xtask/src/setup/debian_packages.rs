//! Packages of the system: Chromium and Firefox for the browser tests, Nix for the demo's hosts, libfaketime for
//! jumping clocks, oathtool for codes, PostgreSQL for the store, systemd to boot.

use std::path::Path;

use anyhow::{Result, bail};

use super::{Step, apt};
use crate::places::Places;
use crate::run::Log;

pub(super) struct DebianPackage {
    name: &'static str,
    package: &'static str,
    /// Any of these on the PATH will do.
    programs: &'static [&'static str],
    /// So will any of these.
    files: &'static [&'static str],
    /// The parts that are skipped without it, or `None` if nothing works without it.
    without_it: Option<&'static str>,
}

/// Names of Chromium, or of a browser that will do as well.
pub(crate) const CHROMIUM: &[&str] =
    &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

pub(super) fn chromium() -> DebianPackage {
    DebianPackage { name: "Chromium", package: "chromium", programs: CHROMIUM, files: &[], without_it: None }
}

/// Names of Firefox.
pub(crate) const FIREFOX: &[&str] = &["firefox-esr", "firefox"];

pub(super) fn firefox() -> DebianPackage {
    DebianPackage {
        name: "Firefox",
        package: "firefox-esr",
        programs: FIREFOX,
        files: &[],
        without_it: Some("the browser tests run in Chromium alone"),
    }
}

/// The package of PostgreSQL, which starts a server for the whole system unless it is kept from that.
const POSTGRES: &str = "postgresql";

/// The package of Nix, which makes the demo's hosts too; the others serve tests alone.
const NIX: &str = "nix-bin";

pub(super) fn nix() -> DebianPackage {
    DebianPackage { name: "Nix", package: NIX, programs: &["nix-env"], files: &[], without_it: None }
}

/// Computes the codes of second factors, which the tests compare with ours.
pub(super) fn oathtool() -> DebianPackage {
    DebianPackage {
        name: "oathtool",
        package: "oathtool",
        programs: &["oathtool"],
        files: &[],
        without_it: None,
    }
}

pub(super) fn faketime() -> DebianPackage {
    DebianPackage {
        name: "libfaketime",
        package: "libfaketime",
        programs: &[],
        files: &[
            "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
            "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
            "/usr/lib/faketime/libfaketimeMT.so.1",
            "/usr/lib64/faketime/libfaketimeMT.so.1",
        ],
        without_it: Some("`cargo xtask chaos` lets no clock jump"),
    }
}

/// The tests start a server of their own. Debian keeps its programs off the PATH.
pub(super) fn postgres() -> DebianPackage {
    DebianPackage {
        name: "PostgreSQL",
        package: POSTGRES,
        programs: &[],
        files: &[
            "/usr/lib/postgresql/15/bin/postgres",
            "/usr/lib/postgresql/16/bin/postgres",
            "/usr/lib/postgresql/17/bin/postgres",
            "/usr/lib/postgresql/18/bin/postgres",
        ],
        without_it: None,
    }
}

/// The requirements of the tests under a booted systemd; every Debian has util-linux.
pub(super) fn systemd() -> [DebianPackage; 4] {
    let without_it = Some("no test runs under a booted systemd");
    let step = |name, package, files| DebianPackage { name, package, programs: &[], files, without_it };
    [
        step("systemd", "systemd", &["/lib/systemd/systemd"]),
        step("D-Bus", "dbus", &["/usr/bin/dbus-daemon"]),
        step("systemd's PAM module", "libpam-systemd", PAM_MODULES),
        step("sudo", "sudo", &["/usr/bin/sudo"]),
    ]
}

/// Paths of the PAM module that makes the runtime folder of a user's systemd.
const PAM_MODULES: &[&str] = &[
    "/usr/lib/x86_64-linux-gnu/security/pam_systemd.so",
    "/usr/lib/aarch64-linux-gnu/security/pam_systemd.so",
    "/usr/lib/security/pam_systemd.so",
    "/usr/lib64/security/pam_systemd.so",
];

impl Step for DebianPackage {
    fn name(&self) -> &str {
        self.name
    }

    fn is_for_demo(&self) -> bool {
        self.package == NIX
    }

    fn takes(&self) -> &'static str {
        "1 minute"
    }

    fn is_there(&self, places: &Places) -> Result<bool> {
        let has_file = self.files.iter().any(|file| Path::new(file).exists());
        Ok(has_file || places.any_program(self.programs)?.is_some())
    }

    fn install(&self, places: &Places, log: &Log) -> Result<()> {
        if places.program("apt-get")?.is_none() {
            bail!("this system has no apt-get, and no other way to install it is known here");
        }
        if self.package == POSTGRES {
            apt::prepare_postgres(places, log)?;
        }
        apt::install(places, log, self.package)
    }

    fn by_hand(&self) -> String {
        let places = self.programs.iter().chain(self.files).copied().collect::<Vec<_>>().join(", ");
        format!(
            "install {} so that one of these is there: {places} (on Debian: apt-get install {})",
            self.name, self.package
        )
    }

    fn without_it(&self) -> Option<&'static str> {
        self.without_it
    }
}
