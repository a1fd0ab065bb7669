//! What one reading remembers for the next.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};

use crate::github::{BranchState, Memo, Settings};

/// How long settings in which nothing is broken are taken for granted.
const SETTINGS_LAST: TimeDelta = TimeDelta::hours(1);
/// How often in a row a reading comes early because GitHub is finding something out.
const EARLY_READINGS: u32 = 5;

/// What is remembered.
#[derive(Default)]
pub(super) struct Memory {
    /// The last reading that was carried out, whatever it found.
    pub(super) completed: u64,
    /// What GitHub said before.
    pub(super) memo: Memo,
    /// What the branch was at.
    pub(super) branch: Option<BranchState>,
    /// The merged pull requests that are known of; none before the first look at them.
    pub(super) merged: Option<HashSet<u64>>,
    /// How far the closed pull requests were looked through.
    pub(super) looked: Option<Looked>,
    /// Why checks cannot be read, where the token may not.
    pub(super) no_checks: Option<String>,
    /// Of which pull requests there are more than are looked through.
    pub(super) too_many: Option<String>,
    settings: Settings,
    /// When they were looked at; none where that has to be done again.
    settings_read: Option<DateTime<Utc>>,
    early: u32,
}

/// How far the closed pull requests were looked through, in GitHub's own time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Looked {
    /// When one had changed last at the first look.
    pub(super) first: DateTime<Utc>,
    /// And at the latest look.
    pub(super) latest: DateTime<Utc>,
}

impl Memory {
    pub(super) fn settings_are_due(&self, now: DateTime<Utc>) -> bool {
        self.settings_read.is_none_or(|at| self.settings.is_broken || now - at >= SETTINGS_LAST)
    }

    /// A reading failed: perhaps for what the settings are now.
    pub(super) fn settings_are_doubtful(&mut self) {
        self.settings_read = None;
    }

    pub(super) fn keep_settings(&mut self, settings: Settings, now: DateTime<Utc>) {
        self.settings = settings;
        self.settings_read = Some(now);
    }

    /// What is wrong with the settings.
    pub(super) fn problems(&self) -> Vec<String> {
        self.settings.problems.iter().chain(&self.no_checks).chain(&self.too_many).cloned().collect()
    }

    /// Takes in whether GitHub is finding something out.
    pub(super) fn note_early(&mut self, is_finding_out: bool) {
        self.early = if is_finding_out { self.early.saturating_add(1) } else { 0 };
    }

    /// Whether the next reading is to come early.
    pub(super) fn wants_early(&self) -> bool {
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
    fn broken_settings_are_looked_at_each_time_and_good_ones_now_and_then() {
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
