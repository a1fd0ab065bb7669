//! Units of systemd.

use std::collections::HashSet;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::Found;
use crate::command::{self, Invocation};

/// Time limit for an answer of systemd.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The words that list failed units, one to a line, the name first.
pub(crate) const LIST_FAILED: [&str; 5] =
    ["list-units", "--state=failed", "--plain", "--no-legend", "--no-pager"];

fn ask(systemctl: &[String], words: &[&str]) -> Result<String, String> {
    command::read(&Invocation::new(systemctl, words.iter().copied()), TIMEOUT)
}

fn unknown(why: &str) -> Found {
    Found::Well(format!("systemd cannot be asked, so nothing is known: {why}."))
}

/// A unit, as `systemctl show` describes it (org.freedesktop.systemd1(5)).
#[derive(Debug, Default, PartialEq, Eq)]
struct Shown {
    active_state: String,
    sub_state: String,
    load_state: String,
    changed_at: Option<u64>,
}

impl Shown {
    fn read(systemctl: &[String], unit: &str) -> Result<Self, String> {
        let properties = "--property=ActiveState,SubState,LoadState,StateChangeTimestamp";
        Ok(Self::parse(&ask(systemctl, &["show", "--timestamp=unix", properties, "--", unit])?))
    }

    fn parse(text: &str) -> Self {
        let mut shown = Self::default();
        for (name, value) in text.lines().filter_map(|line| line.split_once('=')) {
            match name {
                "ActiveState" => value.clone_into(&mut shown.active_state),
                "SubState" => value.clone_into(&mut shown.sub_state),
                "LoadState" => value.clone_into(&mut shown.load_state),
                "StateChangeTimestamp" => {
                    shown.changed_at = value.strip_prefix('@').and_then(|secs| secs.parse().ok());
                }
                _ => {}
            }
        }
        shown
    }

    fn found(&self, unit: &str) -> Found {
        let said = format!("{unit} is {} ({}).", self.active_state, self.sub_state);
        match self.active_state.as_str() {
            _ if self.load_state == "not-found" => Found::Unwell(format!("There is no unit {unit}.")),
            "active" | "reloading" => Found::Well(said),
            "failed" => Found::Unwell(format!("{said} `systemctl status {unit}` says why.")),
            _ => Found::NotYet(said),
        }
    }
}

/// A unit is active.
pub(super) fn active(systemctl: &[String], unit: &str) -> Found {
    match Shown::read(systemctl, unit) {
        Ok(shown) => shown.found(unit),
        Err(why) => Found::NotYet(format!("systemd cannot be asked about {unit}: {why}.")),
    }
}

/// Those of these units that the boot starts are active.
pub(super) fn of_boot(systemctl: &[String], units: &[String]) -> Found {
    let words = ["list-dependencies", "--plain", "--no-pager", "default.target"];
    let started = match ask(systemctl, &words) {
        Ok(listed) => listed.lines().map(|line| line.trim().to_owned()).collect::<HashSet<_>>(),
        Err(why) => return unknown(&why),
    };
    let due: Vec<_> = units.iter().filter(|unit| started.contains(*unit)).collect();
    let mut said = vec![];
    for unit in due {
        match active(systemctl, unit) {
            Found::Well(what) => said.push(what),
            other => return other,
        }
    }
    if said.is_empty() {
        return Found::Well(format!("This system starts none of {}.", units.join(", ")));
    }
    Found::Well(said.join("\n"))
}

/// No unit has failed since the running system was activated.
///
/// A unit that failed before does not count: a rollback need not start it again, and did not break it.
pub(super) fn failed_since(systemctl: &[String], running_system: &Path) -> Found {
    let since = match running_system.symlink_metadata().and_then(|found| found.modified()) {
        Ok(time) => time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs(),
        Err(error) => {
            return Found::Well(format!(
                "{} cannot be read, so nothing is known: {error}.",
                running_system.display()
            ));
        }
    };
    let listed = match ask(systemctl, &LIST_FAILED) {
        Ok(listed) => listed,
        Err(why) => return unknown(&why),
    };
    let (mut new, mut old) = (vec![], vec![]);
    for unit in listed.lines().filter_map(|line| line.split_whitespace().next()) {
        // One that was reset in the meantime has not failed any more.
        let Ok(shown) = Shown::read(systemctl, unit) else { continue };
        if shown.changed_at.is_none_or(|at| at >= since) { new.push(unit) } else { old.push(unit) }
    }
    let before = if old.is_empty() {
        String::new()
    } else {
        format!("\nFailed before that, so not counted: {}.", old.join(", "))
    };
    if new.is_empty() {
        return Found::Well(format!("No unit has failed since this system was activated.{before}"));
    }
    Found::Unwell(format!("Failed since this system was activated: {}.{before}", new.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As systemd 257 of Debian 13 prints it.
    const FAILED: &str =
        "LoadState=loaded\nActiveState=failed\nSubState=failed\nStateChangeTimestamp=@1764532800\n";

    #[test]
    fn a_unit_is_read_from_what_systemctl_shows() {
        let shown = Shown::parse(FAILED);
        assert_eq!(shown.changed_at, Some(1_764_532_800));
        assert!(
            matches!(shown.found("x.service"), Found::Unwell(what) if what.contains("is failed (failed)"))
        );
    }

    #[test]
    fn a_unit_that_starts_is_waited_for() {
        let shown = |active: &str| Shown { active_state: active.into(), ..Shown::default() };
        for (state, well) in
            [("active", true), ("reloading", true), ("activating", false), ("inactive", false)]
        {
            let found = shown(state).found("x.service");
            assert_eq!(matches!(found, Found::Well(_)), well, "{state}");
            assert_eq!(matches!(found, Found::NotYet(_)), !well, "{state}");
        }
        let missing = Shown { load_state: "not-found".into(), ..shown("inactive") };
        assert_eq!(missing.found("x.service"), Found::Unwell("There is no unit x.service.".into()));
    }

    #[test]
    fn without_systemd_nothing_is_known_and_nothing_fails() {
        let none = ["/does/not/exist".to_owned()];
        let link = tempfile::NamedTempFile::new().unwrap();
        assert!(matches!(failed_since(&none, link.path()), Found::Well(_)));
        assert!(matches!(of_boot(&none, &["sshd.service".into()]), Found::Well(_)));
        assert!(matches!(active(&none, "x.service"), Found::NotYet(_)), "somebody asked for this unit");
    }
}
