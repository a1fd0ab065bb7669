//! What the output of a command reveals beyond its exit status.

use backstay_model::wire::limits::cut;

use crate::command::CommandStatus;
use crate::platform::{Adapter, Stage};

/// Lines in which `switch-to-configuration` names failed units, of the system and of users.
const FAILED_UNITS: [&str; 2] = ["the following units failed: ", "the following user units failed: "];
/// Upper bound on the units named.
const MOST_UNITS: usize = 50;
/// Upper bound on the reason shown, in bytes.
const REASON_BYTES: usize = 300;
/// Words with which tools report a failure without calling it an error.
const REASONS: [&str; 14] = [
    "No space left on device",
    "Read-only file system",
    "There are changes to critical components",
    "Pre-switch check",
    "Could not acquire lock",
    "Could not open lock",
    "This is not a NixOS installation",
    "Failed to install bootloader",
    "Activation script snippet",
    "Failed to run activate script",
    "would be clobbered",
    "is in the way of",
    "aborting activation",
    "password is required",
];
/// Words with which sudo and doas refuse.
const NOT_ALLOWED: [&str; 7] = [
    "sudo: a password is required",
    "sudo: a terminal is required",
    "sudo: sorry, ",
    "sudo: interactive authentication is required",
    "Sorry, user ",
    "doas: Authentication required",
    "doas: Operation not permitted",
];

/// How a command ended and what its output revealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    /// How it ended.
    pub(crate) status: CommandStatus,
    /// The units that it reported as failed.
    pub(crate) failed_units: Vec<String>,
    /// The first line that says what went wrong.
    reason: Option<String>,
    /// Its last line.
    last: Option<String>,
    /// Whether it printed its usage, i.e. did not understand the request.
    pub(crate) explained_itself: bool,
    /// The message of sudo if sudo did not start the command.
    pub(crate) not_allowed: Option<String>,
    /// The stage that its activation reported.
    pub(crate) stage: Option<Stage>,
}

impl Report {
    /// The report of a command that has only started.
    pub(crate) fn new() -> Self {
        Self {
            status: CommandStatus::Exited(0),
            failed_units: vec![],
            reason: None,
            last: None,
            explained_itself: false,
            not_allowed: None,
            stage: None,
        }
    }

    /// Takes in a line of output.
    pub(crate) fn read(&mut self, adapter: &dyn Adapter, line: &str) {
        let line = &plain(line);
        self.explained_itself |= line.trim_start().starts_with("Usage:");
        self.stage = self.stage.max(adapter.stage(line));
        let line = line.trim();
        for units in FAILED_UNITS.iter().filter_map(|words| Some(line.split_once(words)?.1)) {
            let units = units.split(',').map(str::trim).filter(|unit| !unit.is_empty());
            let room = MOST_UNITS.saturating_sub(self.failed_units.len());
            self.failed_units.extend(units.take(room).map(str::to_owned));
        }
        if self.not_allowed.is_none() && NOT_ALLOWED.iter().any(|words| line.starts_with(words)) {
            self.not_allowed = Some(cut(line, REASON_BYTES));
        }
        if line.is_empty() || is_wrapper(line) {
            return;
        }
        if self.reason.is_none() && says_why(line) {
            self.reason = Some(cut(line, REASON_BYTES));
        }
        self.last = Some(cut(line, REASON_BYTES));
    }

    /// Returns the reason that the command gave, as a sentence to append to another.
    pub(crate) fn last_words(&self) -> String {
        self.reason
            .as_ref()
            .or(self.last.as_ref())
            .map(|words| format!(" It said: {}", sentence(words)))
            .unwrap_or_default()
    }

    /// Whether it ended during its checks or never began.
    pub(crate) fn only_checked(&self) -> bool {
        self.stage == Some(Stage::Checking) || self.not_allowed.is_some()
    }
}

/// Whether a line only repeats that another program failed.
fn is_wrapper(line: &str) -> bool {
    // nixos-rebuild-ng, and the nixos-rebuild before it.
    line.starts_with("Command '") && line.contains("returned non-zero exit status")
        || line.starts_with("warning: error(s) occurred while switching to the new configuration")
}

/// Whether a line says what went wrong.
fn says_why(line: &str) -> bool {
    let is_error = ["error:", "Error:", "fatal:"].iter().any(|word| {
        // An `error:` with nothing after it only introduces Nix's explanation.
        line.strip_prefix(word).is_some_and(|rest| !rest.trim().is_empty())
    });
    is_error || (!line.starts_with("warning:") && REASONS.iter().any(|words| line.contains(words)))
}

/// Adds a full stop unless the words end like a sentence.
fn sentence(words: &str) -> String {
    let words = words.trim_end_matches([':', ',', ';', ' ']);
    if words.ends_with(['.', '!', '?', '…']) { words.to_owned() } else { format!("{words}.") }
}

/// Strips colours from a line.
fn plain(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        text.push_str(before);
        rest = after.trim_start_matches(|c: char| !c.is_ascii_alphabetic());
        rest = rest.get(1..).unwrap_or_default();
    }
    text.push_str(rest);
    text
}

/// Describes how a command ended, to complete “nix-env …”.
pub(crate) fn how(status: &CommandStatus) -> String {
    match status {
        CommandStatus::Exited(code) => format!("ended with {code}"),
        CommandStatus::Killed(signal) => format!("was ended by signal {signal}"),
        CommandStatus::TimedOut => "took too long and was stopped".to_owned(),
        CommandStatus::Cancelled => "was cancelled".to_owned(),
        CommandStatus::StillAtWork => "could not be stopped and is still running".to_owned(),
        CommandStatus::NotStarted(reason) => format!("could not be started: {reason}"),
    }
}

#[cfg(test)]
mod tests {
    use backstay_model::Platform;

    use super::*;
    use crate::platform::adapter;

    fn report_on(platform: Platform, lines: &[&str]) -> Report {
        let mut report = Report::new();
        for line in lines {
            report.read(adapter(platform), line);
        }
        report
    }

    fn report(lines: &[&str]) -> Report {
        report_on(Platform::Nixos, lines)
    }

    #[test]
    fn units_that_failed_are_named_those_of_users_too() {
        let report = report(&[
            "activating…",
            "warning: the following user units failed: bar.service",
            "warning: the following units failed: a.service, b.mount",
            "bye",
        ]);
        assert_eq!(report.failed_units, ["bar.service", "a.service", "b.mount"]);
    }

    #[test]
    fn the_reason_is_the_first_line_that_says_what_went_wrong() {
        for (lines, reason) in [
            (
                &["building", "error: no such attribute", "       at flake.nix:3", ""][..],
                "error: no such attribute.",
            ),
            (
                &[
                    "error:",
                    "       … while evaluating x",
                    "       error: attribute 'a' missing",
                    "error: later",
                ],
                "error: attribute 'a' missing.",
            ),
            // Seen: nixos-rebuild-ng of nixpkgs 2026-10.
            (
                &[
                    "OSError: [Errno 28] No space left on device: '/boot/EFI'",
                    "Failed to install bootloader",
                    "Command 'systemd-run -E LOCALE_ARCHIVE … switch' returned non-zero exit status 1.",
                ],
                "OSError: [Errno 28] No space left on device: '/boot/EFI'.",
            ),
            (
                &["Could not acquire lock", "Command 'sudo x' returned non-zero exit status 11."],
                "Could not acquire lock.",
            ),
            (
                &[
                    "There are changes to critical components of the system:",
                    "dbus-implementation : dbus -> broker",
                    "Pre-switch checks failed",
                ],
                "There are changes to critical components of the system.",
            ),
            // Seen: home-manager.
            (
                &[
                    "Existing file '/home/alex/.profile' would be clobbered",
                    "to, for example, 'backup' and rebuild.",
                ],
                "Existing file '/home/alex/.profile' would be clobbered.",
            ),
            (
                &["\u{1b}[1;31merror: Unexpected files in /etc, aborting activation\u{1b}[0m"],
                "error: Unexpected files in /etc, aborting activation.",
            ),
            (&["one", "the last word"], "the last word."),
        ] {
            assert_eq!(report(lines).last_words(), format!(" It said: {reason}"));
        }
        assert_eq!(Report::new().last_words(), "");
        assert_eq!(report(&["Command 'x' returned non-zero exit status 1."]).last_words(), "");
    }

    #[test]
    fn stages_of_an_activation() {
        use Platform::{Darwin, HomeManager, Nixos};
        for (platform, lines, stage) in [
            (Nixos, &["building the system configuration..."][..], None),
            (Nixos, &["Could not acquire lock"], Some(Stage::Checking)),
            (Nixos, &["updating GRUB 2 menu...", "Failed to install bootloader"], Some(Stage::BootLoader)),
            (
                Nixos,
                &["updating GRUB 2 menu...", "stopping the following units: a.service"],
                Some(Stage::Begun),
            ),
            (Nixos, &["activating the configuration...", "Could not acquire lock"], Some(Stage::Begun)),
            (
                HomeManager,
                &["Starting Home Manager activation", "Activating checkLinkTargets"],
                Some(Stage::Checking),
            ),
            (
                HomeManager,
                &["Starting Home Manager activation", "Activating writeBoundary"],
                Some(Stage::Begun),
            ),
            (HomeManager, &["Activating dconfSettings"], Some(Stage::Begun)),
            (HomeManager, &["Aktiviere writeBoundary"], None),
            (Darwin, &["switching profile from version 3 to 1"], None),
            (Darwin, &["error: Unexpected files in /etc, aborting activation"], Some(Stage::Checking)),
            (Darwin, &["setting up /etc..."], Some(Stage::Begun)),
            (Darwin, &["user defaults..."], Some(Stage::Begun)),
        ] {
            assert_eq!(report_on(platform, lines).stage, stage, "{lines:?}");
        }
    }

    #[test]
    fn a_refusal_of_sudo_differs_from_a_failed_command() {
        assert!(report(&["sudo: a password is required"]).not_allowed.is_some());
        assert!(report(&["doas: Operation not permitted"]).not_allowed.is_some());
        assert!(report(&["error: sudo is broken"]).not_allowed.is_none());
    }

    #[test]
    fn a_program_that_prints_its_usage() {
        assert!(report(&["Usage: switch-to-configuration [switch|boot|test|dry-activate]"]).explained_itself);
    }
}
