//! Tests that need no program of their own: `backstay-agent probe` looks at one thing on this host, and passes or fails.
//!
//! A probe is a process like any other test, so time limits, cancelling and output work alike. What cannot be found out is
//! no failure: a host without systemd has no failed units.

mod clock;
mod http;
mod network;
mod space;
mod units;

pub(crate) use http::Http;
pub(crate) use space::{MIB, free_bytes};
pub(crate) use units::LIST_FAILED;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// How long something that is not well has to become so: services and networks are restarted by a switch.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(500);

/// What to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Probe {
    /// A unit of systemd is active.
    Unit {
        /// `systemctl`, with the manager that it asks.
        systemctl: Vec<String>,
        /// Its name.
        unit: String,
    },
    /// Those of these units that the system starts when it boots are active.
    UnitsOfBoot {
        /// `systemctl`, with the manager that it asks.
        systemctl: Vec<String>,
        /// Their names.
        units: Vec<String>,
    },
    /// No unit has failed since the running system was activated.
    FailedUnits {
        /// `systemctl`, with the manager that it asks.
        systemctl: Vec<String>,
        /// The link to the running system; its date is when that was activated.
        running_system: PathBuf,
    },
    /// Something accepts connections at a host and port.
    Tcp(String),
    /// A web service answers as it must.
    Http(Http),
    /// The name of a host has an address.
    Name(String),
    /// There is a way out to other networks.
    DefaultRoute,
    /// The clock is in step, if the host has a service for that.
    Clock,
    /// A file exists.
    File(PathBuf),
    /// Each of these places has as many MiB free.
    Space(Vec<(PathBuf, u64)>),
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Found {
    /// It is as it should be, or nobody can tell.
    Well(String),
    /// It is not, and waiting does not help.
    Unwell(String),
    /// It is not yet.
    NotYet(String),
}

impl Probe {
    /// Looks, for some seconds if need be. Returns whether it passed, and what was found.
    pub(crate) fn look(&self) -> (bool, String) {
        self.look_for(PATIENCE)
    }

    fn look_for(&self, patience: Duration) -> (bool, String) {
        let end = Instant::now() + patience;
        loop {
            match self.look_once() {
                Found::Well(what) => return (true, what),
                Found::Unwell(what) => return (false, what),
                Found::NotYet(what) if Instant::now() >= end => return (false, what),
                Found::NotYet(_) => std::thread::sleep(PAUSE),
            }
        }
    }

    fn look_once(&self) -> Found {
        match self {
            Self::Unit { systemctl, unit } => units::active(systemctl, unit),
            Self::UnitsOfBoot { systemctl, units } => units::of_boot(systemctl, units),
            Self::FailedUnits { systemctl, running_system } => units::failed_since(systemctl, running_system),
            Self::Tcp(address) => network::accepts(address),
            Self::Http(service) => http::answers(service),
            Self::Name(host) => network::resolves(host),
            Self::DefaultRoute => network::has_default_route(),
            Self::Clock => clock::in_step(),
            Self::File(path) if path.exists() => Found::Well(format!("{} exists.", path.display())),
            Self::File(path) => Found::NotYet(format!("{} does not exist.", path.display())),
            Self::Space(places) => space::free(places),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_passes_at_once_and_what_is_missing_fails() {
        let folder = tempfile::tempdir().unwrap();
        let file = Probe::File(folder.path().join("x11.sock"));
        assert_eq!(
            file.look_for(Duration::ZERO),
            (false, format!("{}/x11.sock does not exist.", folder.path().display()))
        );
        std::fs::write(folder.path().join("x11.sock"), "").unwrap();
        assert!(file.look().0);
    }

    #[test]
    fn what_comes_within_the_patience_passes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("late");
        let probe = Probe::File(path.clone());
        let looks = std::thread::spawn(move || probe.look_for(Duration::from_mins(5)));
        std::fs::write(path, "").unwrap();
        assert!(looks.join().unwrap().0);
    }
}
