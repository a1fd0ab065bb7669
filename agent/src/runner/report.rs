//! What the output of a command tells, beside its status.

use backstay_protocol::limits::cut;

use crate::command::Ended;

/// How `switch-to-configuration` names units that failed.
const FAILED_UNITS: &str = "the following units failed: ";
/// How activations begin, on the platforms that there are. Before one of these, a rebuild builds.
const ACTIVATING: [&str; 7] = [
    "stopping the following units",
    "would stop the following units",
    "activating the configuration",
    "updating GRUB",
    "setting up /etc",
    "Starting Home Manager activation",
    "Activating ",
];
/// How many units are named.
const MOST_UNITS: usize = 50;

/// How a command ended and what it told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    /// How it ended.
    pub(crate) ended: Ended,
    /// The units that it named as failed.
    pub(crate) failed_units: Vec<String>,
    /// Its last line that looks like an error, or its last line.
    pub(crate) complaint: Option<String>,
    /// Whether it told how it is to be called, which it does when it does not know what it was asked.
    pub(crate) explained_itself: bool,
    /// Whether it told of an activation.
    pub(crate) activates: bool,
}

impl Report {
    /// Of a command that has only started.
    pub(crate) fn new() -> Self {
        Self {
            ended: Ended::Exited(0),
            failed_units: vec![],
            complaint: None,
            explained_itself: false,
            activates: false,
        }
    }

    /// Looks at a line of output.
    pub(crate) fn read(&mut self, line: &str) {
        if let Some((_, units)) = line.split_once(FAILED_UNITS) {
            let units = units.split(',').map(str::trim).filter(|unit| !unit.is_empty());
            self.failed_units = units.take(MOST_UNITS).map(str::to_owned).collect();
        }
        self.explained_itself |= line.trim_start().starts_with("Usage:");
        self.activates |= ACTIVATING.iter().any(|start| line.starts_with(start));
        let line = line.trim();
        let is_error = |text: &str| text.starts_with("error") || text.starts_with("fatal");
        if !line.is_empty() && (is_error(line) || !self.complaint.as_deref().is_some_and(is_error)) {
            self.complaint = Some(cut(line, 300));
        }
    }

    /// The complaint, to be put behind a sentence.
    pub(crate) fn last_words(&self) -> String {
        self.complaint.as_ref().map(|words| format!(" It said: {words}")).unwrap_or_default()
    }
}

/// How a command ended, as the end of “nix-env …”.
pub(crate) fn how(ended: &Ended) -> String {
    match ended {
        Ended::Exited(code) => format!("ended with {code}"),
        Ended::Killed(signal) => format!("was ended by signal {signal}"),
        Ended::TimedOut => "took too long and was stopped".to_owned(),
        Ended::Cancelled => "was cancelled".to_owned(),
        Ended::NotStarted(reason) => format!("could not be started: {reason}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(lines: &[&str]) -> Report {
        let mut report = Report::new();
        for line in lines {
            report.read(line);
        }
        report
    }

    #[test]
    fn units_that_failed_are_named() {
        let report =
            report(&["activating…", "warning: the following units failed: a.service, b.mount", "bye"]);
        assert_eq!(report.failed_units, ["a.service", "b.mount"]);
    }

    #[test]
    fn an_error_is_remembered_over_what_follows_it() {
        let report = report(&["building", "error: no such attribute", "       at flake.nix:3", ""]);
        assert_eq!(report.last_words(), " It said: error: no such attribute");
        assert_eq!(Report::new().last_words(), "");
    }

    #[test]
    fn where_building_ends_and_activating_begins() {
        assert!(!report(&["building the system configuration..."]).activates);
        assert!(report(&["stopping the following units: a.service"]).activates);
        assert!(report(&["Starting Home Manager activation"]).activates);
    }

    #[test]
    fn a_program_that_does_not_know_the_question() {
        assert!(report(&["Usage: switch-to-configuration [switch|boot|test|dry-activate]"]).explained_itself);
    }
}
