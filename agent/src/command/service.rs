//! Services that PID 1 runs on behalf of a program.

use std::time::Duration;

use super::{Invocation, read};
use crate::systemd;

/// Time limit for systemd to list its units.
const LOOK: Duration = Duration::from_secs(10);
/// Time limit for systemd to stop them: after 90 s it kills what does not end.
const STOP: Duration = Duration::from_mins(2);

/// Units that systemd runs on behalf of a program. They are children of PID 1, which neither a signal to the
/// program's process group nor an inherited lock reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Services {
    /// Prefix of the units' names.
    prefix: &'static str,
    systemctl: Vec<String>,
    /// `systemctl` as root.
    root_systemctl: Invocation,
}

impl Services {
    /// The services whose names begin with `prefix`.
    pub(crate) fn named(prefix: &'static str, systemctl: &[String], sudo: Option<&[String]>) -> Self {
        let root_systemctl = Invocation::new::<String>(systemctl, []).through(sudo);
        Self { prefix, systemctl: systemctl.to_vec(), root_systemctl }
    }

    /// Returns the names of those that are still active. There are none without systemd.
    ///
    /// # Errors
    /// The reason that systemd could not be asked.
    pub(crate) fn at_work(&self) -> Result<Vec<String>, String> {
        let words = [
            "list-units",
            "--plain",
            "--no-legend",
            "--no-pager",
            "--state=activating,active,reloading,deactivating",
            &format!("{}*.service", self.prefix),
        ];
        match read(&Invocation::new(&self.systemctl, words), LOOK) {
            Ok(listed) => Ok(self.names(&listed)),
            Err(_) if !systemd::is_running() => Ok(vec![]),
            Err(why) => Err(why),
        }
    }

    /// Has systemd stop these units, and waits for that.
    ///
    /// # Errors
    /// The reason that they were not stopped.
    pub(super) fn stop(&self, units: &[String]) -> Result<(), String> {
        let stop = self.root_systemctl.clone().and(["stop", "--"]).and(units);
        read(&stop, STOP).map(drop)
    }

    fn names(&self, listed: &str) -> Vec<String> {
        let names = listed.lines().filter_map(|line| line.split_whitespace().next());
        names
            .filter(|name| name.starts_with(self.prefix) && name.ends_with(".service"))
            .map(str::to_owned)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn services(systemctl: &[&str]) -> Services {
        let argv: Vec<_> = systemctl.iter().map(|&word| word.to_owned()).collect();
        Services::named("rebuild-switch", &argv, None)
    }

    #[test]
    fn only_units_of_that_name_count() {
        let listed = "rebuild-switch.service loaded active running a\n\
                      rebuild-switch-9767bc07.service loaded deactivating stop-sigterm a\n\
                      gpu.service loaded failed failed b\nrebuild-switch.slice loaded active active c\n";
        assert_eq!(
            services(&["systemctl"]).names(listed),
            ["rebuild-switch.service", "rebuild-switch-9767bc07.service"]
        );
    }

    #[test]
    fn systemd_lists_the_units_and_stops_them() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let script =
            format!("echo \"$*\" >>'{}'; echo rebuild-switch.service loaded active running x", log.display());
        let services = services(&["sh", "-c", &script, "systemctl"]);
        let units = services.at_work().unwrap();
        assert_eq!(units, ["rebuild-switch.service"]);
        services.stop(&units).unwrap();
        let calls = std::fs::read_to_string(log).unwrap();
        let calls: Vec<_> = calls.lines().collect();
        assert!(
            calls[0].starts_with("list-units ") && calls[0].ends_with(" rebuild-switch*.service"),
            "{calls:?}"
        );
        assert_eq!(calls[1], "stop -- rebuild-switch.service");
    }
}
