//! How long somebody has to wait who keeps giving wrong passwords for one name.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

/// Wrong passwords that cost nothing but the time to hash them.
const FREE: u32 = 5;
/// The first wait; each further wrong password doubles it.
const FIRST_WAIT: TimeDelta = TimeDelta::seconds(15);
/// The longest wait, and how long an attempt is remembered.
const MEMORY: TimeDelta = TimeDelta::minutes(15);
/// Names that are remembered at once; then the one that was tried longest ago is forgotten.
const NAMES: usize = 10_000;

/// Attempts for one name since the last that succeeded.
#[derive(Debug, Clone, Copy)]
struct Attempts {
    count: u32,
    last: DateTime<Utc>,
}

impl Attempts {
    fn wait_until(self) -> DateTime<Utc> {
        let Some(beyond) = self.count.checked_sub(FREE) else { return self.last };
        let wait = FIRST_WAIT * 2_i32.pow(beyond.min(16));
        self.last + wait.min(MEMORY)
    }
}

/// What is remembered of wrong passwords, by name. In memory alone: it slows guessing, and a restart harms nobody.
#[derive(Debug, Default)]
pub(super) struct Backoff(HashMap<String, Attempts>);

impl Backoff {
    /// Counts an attempt, or says how long to wait for the next. It counts as wrong until [`Backoff::forget`], so that
    /// many at once are no way around it.
    pub(super) fn attempt(&mut self, name: &str, now: DateTime<Utc>) -> Result<(), TimeDelta> {
        // An attempt after now means that the clock was set back: it counts as made now.
        if let Some(attempts) = self.0.get_mut(name) {
            attempts.last = attempts.last.min(now);
        }
        let before = self.0.get(name).filter(|a| a.last + MEMORY > now).copied();
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

    /// The attempt was right.
    pub(super) fn forget(&mut self, name: &str) {
        self.0.remove(name);
    }

    fn make_room(&mut self, now: DateTime<Utc>) {
        if self.0.len() < NAMES {
            return;
        }
        self.0.retain(|_, a| a.last + MEMORY > now);
        let oldest = self.0.iter().min_by_key(|(_, a)| a.last).map(|(name, _)| name.clone());
        if let Some(oldest) = oldest.filter(|_| self.0.len() >= NAMES) {
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
        for _ in 0..FREE {
            assert_eq!(backoff.attempt("a", now), Ok(()));
        }
        for seconds in [15, 30, 60, 120, 240, 480, 900] {
            let wait = TimeDelta::seconds(seconds);
            assert_eq!(backoff.attempt("a", now), Err(wait));
            now += wait;
            // At the longest wait all is forgotten, and five are free again.
            assert_eq!(backoff.attempt("a", now), Ok(()));
        }
        assert_eq!(backoff.attempt("a", now), Ok(()));
    }

    #[test]
    fn a_clock_that_is_set_back_locks_no_name_for_longer() {
        let mut backoff = Backoff::default();
        for _ in 0..FREE {
            assert_eq!(backoff.attempt("a", start() + TimeDelta::days(365)), Ok(()));
        }
        assert_eq!(backoff.attempt("a", start()), Err(FIRST_WAIT));
        assert_eq!(backoff.attempt("a", start() + FIRST_WAIT), Ok(()));
    }

    #[test]
    fn names_do_not_wait_for_each_other() {
        let mut backoff = Backoff::default();
        for _ in 0..FREE {
            assert_eq!(backoff.attempt("a", start()), Ok(()));
        }
        assert!(backoff.attempt("a", start()).is_err());
        assert_eq!(backoff.attempt("b", start()), Ok(()));
    }

    #[test]
    fn success_wipes_the_slate() {
        let mut backoff = Backoff::default();
        for _ in 0..FREE {
            assert_eq!(backoff.attempt("a", start()), Ok(()));
        }
        backoff.forget("a");
        assert_eq!(backoff.attempt("a", start()), Ok(()));
    }

    #[test]
    fn memory_is_bounded_and_forgets_the_oldest() {
        let mut backoff = Backoff::default();
        for i in 0..NAMES + 10 {
            let now = start() + TimeDelta::milliseconds(i64::try_from(i).unwrap());
            assert_eq!(backoff.attempt(&format!("n{i}"), now), Ok(()));
        }
        assert_eq!(backoff.0.len(), NAMES);
        assert!(!backoff.0.contains_key("n0") && backoff.0.contains_key("n10"));
    }
}
