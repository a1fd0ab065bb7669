//! Growing waits after wrong passwords for one name.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

/// Wrong passwords without a wait.
const FREE_ATTEMPTS: u32 = 5;
/// The first wait; each further wrong password doubles it.
const FIRST_WAIT: TimeDelta = TimeDelta::seconds(15);
/// The longest wait, and how long an attempt counts.
const MAX_WAIT: TimeDelta = TimeDelta::minutes(15);
/// The most names in memory; beyond that, the oldest attempt is dropped.
const MAX_NAMES: usize = 10_000;

/// The attempts for one name since the last success.
#[derive(Debug, Clone, Copy)]
struct Attempts {
    count: u32,
    last: DateTime<Utc>,
}

impl Attempts {
    fn wait_until(self) -> DateTime<Utc> {
        let Some(beyond) = self.count.checked_sub(FREE_ATTEMPTS) else { return self.last };
        let wait = FIRST_WAIT * 2_i32.pow(beyond.min(16));
        self.last + wait.min(MAX_WAIT)
    }
}

/// The recent attempts, by name. In memory only: they slow guessing down, and losing them at a restart does
/// no harm.
#[derive(Debug, Default)]
pub(super) struct Backoff(HashMap<String, Attempts>);

impl Backoff {
    /// Counts an attempt. It counts as wrong until [`Backoff::forget`], so that parallel attempts do not
    /// avoid the wait.
    ///
    /// # Errors
    /// The time to wait before the next attempt.
    pub(super) fn attempt(&mut self, name: &str, now: DateTime<Utc>) -> Result<(), TimeDelta> {
        // An attempt in the future means that the clock was set back: count it as made now.
        if let Some(attempts) = self.0.get_mut(name) {
            attempts.last = attempts.last.min(now);
        }
        let before = self.0.get(name).filter(|a| a.last + MAX_WAIT > now).copied();
        if let Some(wait) = before.map(|a| a.wait_until() - now).filter(|wait| *wait > TimeDelta::zero()) {
            return Err(wait);
        }
        if !self.0.contains_key(name) {
            self.make_room(now);
        }
        let count = before.map_or(1, |a| a.count.saturating_add(1));
        self.0.insert(name.to_owned(), Attempts { count, last: now });
        Ok(())
    }

    /// Clears a name after the right password.
    pub(super) fn forget(&mut self, name: &str) {
        self.0.remove(name);
    }

    fn make_room(&mut self, now: DateTime<Utc>) {
        if self.0.len() < MAX_NAMES {
            return;
        }
        self.0.retain(|_, a| a.last + MAX_WAIT > now);
        let oldest = self.0.iter().min_by_key(|(_, a)| a.last).map(|(name, _)| name.clone());
        if let Some(oldest) = oldest.filter(|_| self.0.len() >= MAX_NAMES) {
            self.0.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> DateTime<Utc> {
        "2025-12-28T14:40:00Z".parse().unwrap()
    }

    #[test]
    fn waits_double_up_to_a_quarter_of_an_hour() {
        let (mut backoff, mut now) = (Backoff::default(), start());
        for _ in 0..FREE_ATTEMPTS {
            assert_eq!(backoff.attempt("a", now), Ok(()));
        }
        for seconds in [15, 30, 60, 120, 240, 480, 900] {
            let wait = TimeDelta::seconds(seconds);
            assert_eq!(backoff.attempt("a", now), Err(wait));
            now += wait;
            // After the longest wait the count starts again with five free attempts.
            assert_eq!(backoff.attempt("a", now), Ok(()));
        }
        assert_eq!(backoff.attempt("a", now), Ok(()));
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_lengthen_a_wait() {
        let mut backoff = Backoff::default();
        for _ in 0..FREE_ATTEMPTS {
            assert_eq!(backoff.attempt("a", start() + TimeDelta::days(365)), Ok(()));
        }
        assert_eq!(backoff.attempt("a", start()), Err(FIRST_WAIT));
        assert_eq!(backoff.attempt("a", start() + FIRST_WAIT), Ok(()));
    }

    #[test]
    fn names_do_not_wait_for_each_other() {
        let mut backoff = Backoff::default();
        for _ in 0..FREE_ATTEMPTS {
            assert_eq!(backoff.attempt("a", start()), Ok(()));
        }
        assert!(backoff.attempt("a", start()).is_err());
        assert_eq!(backoff.attempt("b", start()), Ok(()));
    }

    #[test]
    fn success_clears_the_count() {
        let mut backoff = Backoff::default();
        for _ in 0..FREE_ATTEMPTS {
            assert_eq!(backoff.attempt("a", start()), Ok(()));
        }
        backoff.forget("a");
        assert_eq!(backoff.attempt("a", start()), Ok(()));
    }

    #[test]
    fn memory_is_bounded_and_drops_the_oldest() {
        let mut backoff = Backoff::default();
        for i in 0..MAX_NAMES + 10 {
            let now = start() + TimeDelta::milliseconds(i64::try_from(i).unwrap());
            assert_eq!(backoff.attempt(&format!("n{i}"), now), Ok(()));
        }
        assert_eq!(backoff.0.len(), MAX_NAMES);
        assert!(!backoff.0.contains_key("n0") && backoff.0.contains_key("n10"));
    }
}
