//! The systemd unit that the agent runs in.

use std::fs;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::command::{self, Invocation};
use crate::config::Commands;
use crate::systemd;

/// Time limit for an answer of systemd.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long to keep starting a unit that is down: systemd may be re-executing itself.
const PATIENCE: Duration = Duration::from_secs(30);
/// Pause between two attempts.
const PAUSE: Duration = Duration::from_millis(500);

/// A service of systemd.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Unit {
    /// Its name, such as `backstay-agent.service`.
    pub(crate) name: String,
    /// The systemd that it belongs to.
    pub(crate) manager: Manager,
}

/// Which systemd a unit belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
pub(crate) enum Manager {
    /// The host's.
    System,
    /// A user's own.
    User,
}

impl Manager {
    /// The arguments that select it for `systemctl` and `systemd-run`.
    pub(crate) fn words(self) -> &'static [&'static str] {
        match self {
            Self::System => &[],
            Self::User => &["--user"],
        }
    }
}

impl Unit {
    /// Returns the service that started this process, or `None` if a person started it or there is no
    /// systemd.
    pub(crate) fn of_this_process() -> Option<Self> {
        // systemd sets it for whatever a service starts, and for nothing else.
        let by_systemd = systemd::is_running() && std::env::var_os("INVOCATION_ID").is_some();
        Self::in_control_groups(&fs::read_to_string("/proc/self/cgroup").ok().filter(|_| by_systemd)?)
    }

    /// Parses `/proc/self/cgroup` (cgroups(7)): one line per hierarchy, `ID:CONTROLLERS:PATH`.
    fn in_control_groups(text: &str) -> Option<Self> {
        let mut paths = text.lines().filter_map(|line| {
            let (_, rest) = line.split_once(':')?;
            let (controllers, path) = rest.split_once(':')?;
            matches!(controllers, "" | "name=systemd").then_some(path)
        });
        paths.find_map(Self::in_path)
    }

    /// Returns the innermost unit of a path, if it is a service. A user's systemd is itself a service of the
    /// host.
    fn in_path(path: &str) -> Option<Self> {
        let units: Vec<&str> =
            path.split('/').filter(|part| matches!(kind(part), Some("service" | "scope"))).collect();
        let (name, around) = units.split_last()?;
        let in_users = around.iter().any(|part| part.starts_with("user@"));
        let manager = if in_users { Manager::User } else { Manager::System };
        let is_service = kind(name) == Some("service") && !name.starts_with("user@");
        is_service.then(|| Self { name: (*name).to_owned(), manager })
    }

    /// Returns the unit's `KillMode=` (systemd.kill(5)): what happens to its other processes when it is
    /// stopped.
    pub(crate) fn kill_mode(&self, commands: &Commands) -> Result<String, String> {
        let output = command::read(&self.ask(commands, &["show", "--property=KillMode"]), TIMEOUT)?;
        let mode = output.lines().find_map(|line| line.strip_prefix("KillMode="));
        mode.map(str::to_owned)
            .ok_or_else(|| format!("systemctl does not report the KillMode of {}", self.name))
    }

    /// Whether the unit's systemd is shutting down, with everything under it.
    pub(crate) fn is_going_down(&self, commands: &Commands) -> bool {
        let words = [self.manager.words(), &["show", "--property=SystemState"]].concat();
        let output = command::read(&Invocation::new(&commands.systemctl, words), TIMEOUT);
        output.is_ok_and(|output| output.trim() == "SystemState=stopping")
    }

    /// Starts the unit, unless it is active or about to be.
    pub(crate) fn start_if_down(&self, commands: &Commands) {
        let end = Instant::now() + PATIENCE;
        while !self.is_up(commands) {
            tracing::warn!(unit = %self.name, "the agent's unit is down after the op; starting it");
            let start = self.ask(commands, &["start", "--no-block"]).through(self.sudo(commands));
            match command::read(&start, TIMEOUT) {
                Ok(_) => return,
                Err(error) => tracing::warn!(unit = %self.name, %error, "the agent's unit cannot be started"),
            }
            if Instant::now() > end {
                return;
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn is_up(&self, commands: &Commands) -> bool {
        let output = command::read(&self.ask(commands, &["show", "--property=ActiveState"]), TIMEOUT);
        let state = output.unwrap_or_default();
        ["active", "activating", "reloading"].iter().any(|up| state.trim() == format!("ActiveState={up}"))
    }

    /// `systemctl` with these arguments, about this unit.
    fn ask(&self, commands: &Commands, words: &[&str]) -> Invocation {
        Invocation::new(&commands.systemctl, [self.manager.words(), words, &["--", &self.name]].concat())
    }

    /// The command that goes before one that changes the unit.
    fn sudo<'a>(&self, commands: &'a Commands) -> Option<&'a [String]> {
        let is_root = rustix::process::geteuid().is_root();
        (self.manager == Manager::System && !is_root).then_some(commands.sudo.as_slice())
    }
}

/// The kind of a unit, such as `service`.
fn kind(name: &str) -> Option<&str> {
    name.rsplit_once('.').map(|(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(name: &str, manager: Manager) -> Unit {
        Unit { name: name.to_owned(), manager }
    }

    #[test]
    fn a_service_of_the_host() {
        let text = "0::/system.slice/backstay-agent.service\n";
        let found = Unit::in_control_groups(text);
        assert_eq!(found, Some(unit("backstay-agent.service", Manager::System)));
    }

    #[test]
    fn a_service_of_a_user() {
        let text = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/backstay-agent.service\n";
        let found = Unit::in_control_groups(text);
        assert_eq!(found, Some(unit("backstay-agent.service", Manager::User)));
    }

    #[test]
    fn control_groups_of_the_first_version_are_passed_over() {
        let text = "9:name=systemd:/\n4:memory:/x.service\n0::/system.slice/agent.service/below\n";
        assert_eq!(Unit::in_control_groups(text), Some(unit("agent.service", Manager::System)));
    }

    #[test]
    fn what_a_person_started_is_in_no_service() {
        for path in [
            "/",
            "/user.slice/user-1000.slice/session-3.scope",
            "/user.slice/user-1000.slice/user@1000.service/app.slice/app-terminal-7.scope",
            "/user.slice/user-1000.slice/user@1000.service/init.scope",
            "/system.slice/docker-0123.scope",
            "/docker/0123",
        ] {
            assert_eq!(Unit::in_control_groups(&format!("0::{path}\n")), None, "{path}");
        }
    }
}
