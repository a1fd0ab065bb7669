//! What one reading remembers for the next.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};

use crate::github::{BranchState, GitHubError, Memo, Settings};

/// How long GitHub is left alone where it does not say for how long; its documentation asks for a minute at least.
const PAUSE: TimeDelta = TimeDelta::minutes(1);
/// The longest that it is left alone. Its limits are reset each hour; a clock that is wrong must not silence the server.
const LONGEST_PAUSE: TimeDelta = TimeDelta::minutes(65);
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
    /// Why checks cannot be read, where the token may not.
    pub(super) no_checks: Option<String>,
    /// When GitHub may be asked again, where it wants to be left alone.
    quiet_until: Option<DateTime<Utc>>,
    settings: Settings,
    /// When they were looked at; none where that has to be done again.
    settings_read: Option<DateTime<Utc>>,
    early: u32,
}

impl Memory {
    /// Whether GitHub may be asked something.
    ///
    /// # Errors
    /// [`GitHubError::RateLimited`] where it wants to be left alone still.
    pub(super) fn may_ask(&mut self, now: DateTime<Utc>) -> Result<(), GitHubError> {
        match self.quiet_until {
            Some(until) if until > now => Err(GitHubError::RateLimited(Some(until))),
            _ => {
                self.quiet_until = None;
                Ok(())
            }
        }
    }

    /// Leaves GitHub alone where it wants that.
    pub(super) fn heed(&mut self, error: &GitHubError, now: DateTime<Utc>) {
        if let GitHubError::RateLimited(until) = error {
            let until = until.filter(|until| *until > now).unwrap_or(now + PAUSE);
            self.quiet_until = Some(until.min(now + LONGEST_PAUSE));
        }
    }

    pub(super) fn settings_are_due(&self, now: DateTime<Utc>) -> bool {
        let is_quiet = self.quiet_until.is_some_and(|until| until > now);
        !is_quiet && self.settings_read.is_none_or(|at| self.settings.is_broken || now - at >= SETTINGS_LAST)
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
        self.settings.problems.iter().chain(&self.no_checks).cloned().collect()
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
    fn github_is_left_alone_until_it_said() {
        let mut memory = Memory::default();
        memory.heed(&GitHubError::RateLimited(Some(at(20))), at(0));
        assert_eq!(memory.may_ask(at(19)), Err(GitHubError::RateLimited(Some(at(20)))));
        assert!(!memory.settings_are_due(at(19)));
        assert_eq!(memory.may_ask(at(20)), Ok(()));
        assert!(memory.settings_are_due(at(20)));
    }

    #[test]
    fn a_pause_is_neither_nothing_nor_for_ever() {
        let mut memory = Memory::default();
        for (said, until) in [(None, 1), (Some(at(-5)), 1), (Some(at(100_000)), 65)] {
            memory.heed(&GitHubError::RateLimited(said), at(0));
            assert_eq!(memory.may_ask(at(0)), Err(GitHubError::RateLimited(Some(at(until)))));
        }
        memory.may_ask(at(66)).unwrap();
        memory.heed(&GitHubError::BadCredentials, at(66));
        assert_eq!(memory.may_ask(at(66)), Ok(()));
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
