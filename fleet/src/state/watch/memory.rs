//! What one reading of GitHub remembers for the next.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};

use crate::github::{BranchState, Memo, Settings};

/// How long settings without faults stay valid.
const SETTINGS_LAST: TimeDelta = TimeDelta::hours(1);
/// How many readings in a row may come early because GitHub is still computing an answer.
const EARLY_READINGS: u32 = 5;

/// What one reading remembers for the next.
#[derive(Default)]
pub(crate) struct Memory {
    /// The last completed reading, whatever it found.
    pub(crate) completed: u64,
    /// Cached answers from GitHub.
    pub(crate) memo: Memo,
    /// The last known state of the branch.
    pub(crate) branch: Option<BranchState>,
    /// The known merged pull requests, or `None` before the first look.
    pub(crate) merged: Option<HashSet<u64>>,
    /// How far the closed pull requests were read.
    pub(crate) looked: Option<Looked>,
    /// Why checks cannot be read, if the token may not read them.
    pub(crate) no_checks: Option<String>,
    /// Which pull requests are too many to read them all.
    pub(crate) too_many: Option<String>,
    settings: Settings,
    /// When they were read, or `None` if they have to be read again.
    settings_read: Option<DateTime<Utc>>,
    early: u32,
}

/// How far the closed pull requests were read, in GitHub's own time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Looked {
    /// The newest change at the first look.
    pub(crate) first: DateTime<Utc>,
    /// The newest change at the latest look.
    pub(crate) latest: DateTime<Utc>,
}

impl Memory {
    /// Returns whether the settings have to be read again.
    pub(crate) fn settings_are_due(&self, now: DateTime<Utc>) -> bool {
        self.settings_read.is_none_or(|at| self.settings.is_broken || now - at >= SETTINGS_LAST)
    }

    /// A reading failed, perhaps because the settings changed.
    pub(crate) fn settings_are_doubtful(&mut self) {
        self.settings_read = None;
    }

    /// Remembers the settings as read now.
    pub(crate) fn keep_settings(&mut self, settings: Settings, now: DateTime<Utc>) {
        self.settings = settings;
        self.settings_read = Some(now);
    }

    /// The problems to show to people.
    pub(crate) fn problems(&self) -> Vec<String> {
        self.settings.problems.iter().chain(&self.no_checks).chain(&self.too_many).cloned().collect()
    }

    /// Counts the readings in a row during which GitHub was still computing an answer.
    pub(crate) fn note_early(&mut self, is_computing: bool) {
        self.early = if is_computing { self.early.saturating_add(1) } else { 0 };
    }

    /// Returns whether the next reading should come early.
    pub(crate) fn wants_early(&self) -> bool {
        (1..=EARLY_READINGS).contains(&self.early)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minute)
    }

    #[test]
    fn broken_settings_are_read_each_time_and_good_ones_once_an_hour() {
        let mut memory = Memory::default();
        let broken = Settings { problems: vec!["x".into()], is_broken: true };
        memory.keep_settings(broken, at(0));
        assert!(memory.settings_are_due(at(1)));
        memory.keep_settings(Settings::default(), at(1));
        assert!(!memory.settings_are_due(at(60)));
        assert!(memory.settings_are_due(at(61)));
        memory.settings_are_doubtful();
        assert!(memory.settings_are_due(at(2)));
    }

    #[test]
    fn early_readings_come_to_an_end() {
        let mut memory = Memory::default();
        assert!(!memory.wants_early());
        for _ in 0..EARLY_READINGS {
            memory.note_early(true);
            assert!(memory.wants_early());
        }
        memory.note_early(true);
        assert!(!memory.wants_early());
        memory.note_early(false);
        memory.note_early(true);
        assert!(memory.wants_early());
    }
}
