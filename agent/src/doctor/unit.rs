//! The service that the agent runs in.

use std::path::PathBuf;
use std::time::Duration;

use backstay_model::Platform;

use super::Finding;
use crate::command::{Invocation, read};
use crate::config::Config;
use crate::systemd;
use crate::unit::Manager;

const UNIT: &str = "Service";
const TIMEOUT: Duration = Duration::from_secs(10);
/// The PATH of a unit that sets none (systemd.exec(5), “Environment variables in spawned processes”).
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What systemd says of the agent's service.
pub(super) struct Service {
    name: String,
    state: State,
}

enum State {
    /// No systemd runs here.
    NoSystemd,
    /// systemd could not be asked, or has no such unit.
    Unknown(String),
    Loaded {
        kill_mode: String,
        path: String,
    },
}

impl Service {
    pub(super) fn read(config: &Config, name: &str) -> Self {
        let name = if name.contains('.') { name.to_owned() } else { format!("{name}.service") };
        let manager = if config.platform == Platform::HomeManager { Manager::User } else { Manager::System };
        let properties = ["show", "--property=LoadState,KillMode,Environment", "--"];
        let words = [manager.words(), &properties, &[name.as_str()]].concat();
        let state = if systemd::is_running() {
            read(&Invocation::new(&config.commands.systemctl, words), TIMEOUT)
                .map_or_else(State::Unknown, |told| State::of(&told))
        } else {
            State::NoSystemd
        };
        Self { name, state }
    }

    /// The folders in which the agent finds programs, and whose PATH that is. Without a service it is this process's.
    pub(super) fn path(&self) -> (String, String) {
        match &self.state {
            State::Loaded { path, .. } => (path.clone(), format!("the PATH of {}", self.name)),
            _ => (std::env::var("PATH").unwrap_or_default(), "this shell's PATH".to_owned()),
        }
    }

    pub(super) fn findings(&self) -> Vec<Finding> {
        let name = &self.name;
        vec![match &self.state {
            State::NoSystemd => {
                Finding::fine(UNIT, "no systemd here; programs are looked for in this shell's PATH")
            }
            State::Unknown(why) => Finding::warning(
                UNIT,
                format!("{name}: {why}. Programs are looked for in this shell's PATH"),
                "Install the unit file that ships with Backstay, or name yours with --unit.",
            ),
            State::Loaded { kill_mode, .. } if kill_mode == "process" => {
                Finding::fine(UNIT, format!("{name} is loaded, with KillMode=process"))
            }
            State::Loaded { kill_mode, .. } => Finding::warning(
                UNIT,
                format!("{name} has KillMode={kill_mode}: an op that gets no scope of its own is refused"),
                "Set KillMode=process.",
            ),
        }]
    }
}

impl State {
    /// Parses `systemctl show`: a property a line.
    fn of(told: &str) -> Self {
        let property = |name: &str| told.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        if property("LoadState") != Some("loaded") {
            return Self::Unknown("there is no such unit".to_owned());
        }
        let path = property("Environment").and_then(path_in).unwrap_or_else(|| DEFAULT_PATH.to_owned());
        Self::Loaded { kill_mode: property("KillMode").unwrap_or_default().to_owned(), path }
    }
}

/// The PATH in a unit's environment. systemd puts values with spaces or other special characters in quotes; a PATH that
/// NixOS writes has none.
fn path_in(environment: &str) -> Option<String> {
    let words = environment.split_ascii_whitespace().map(|word| word.trim_matches('"'));
    words.filter_map(|word| word.strip_prefix("PATH=")).next_back().map(str::to_owned)
}

/// The first program of this name in these folders.
pub(super) fn find(program: &str, path: &str) -> Option<PathBuf> {
    which::which_in(program, Some(path), "/").ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(told: &str) -> Service {
        Service { name: "backstay-agent.service".to_owned(), state: State::of(told) }
    }

    #[test]
    fn the_path_of_the_unit_counts() {
        // Seen: systemctl 252 about a unit of NixOS.
        let nixos = service(
            "LoadState=loaded\nKillMode=process\nEnvironment=LOCALE_ARCHIVE=/nix/store/l PATH=/nix/store/a/bin:/nix/store/b/bin TZDIR=/etc/zoneinfo\n",
        );
        assert_eq!(nixos.path().0, "/nix/store/a/bin:/nix/store/b/bin");
        assert_eq!(nixos.path().1, "the PATH of backstay-agent.service");
        let debian = service("LoadState=loaded\nKillMode=process\nEnvironment=\n");
        assert_eq!(debian.path().0, DEFAULT_PATH);
    }

    #[test]
    fn a_unit_that_is_not_there_and_one_that_stops_its_ops_are_found() {
        let said = |told: &str| service(told).findings().remove(0).to_string();
        assert!(
            said("LoadState=not-found\nKillMode=control-group\nEnvironment=\n")
                .contains("there is no such unit")
        );
        assert!(
            said("LoadState=loaded\nKillMode=control-group\nEnvironment=\n").contains("Set KillMode=process")
        );
        assert!(said("LoadState=loaded\nKillMode=process\nEnvironment=\n").starts_with("ok"));
    }
}
