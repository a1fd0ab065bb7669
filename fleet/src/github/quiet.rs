//! Pauses all requests while a limit of GitHub lasts.

use parking_lot::{Mutex, MutexGuard};
use std::sync::Arc;

use backstay_model::Clock;
use chrono::{DateTime, TimeDelta, Utc};

use super::error::GitHubError;

/// The pause if GitHub names none. Its documentation asks for at least a minute.
const PAUSE: TimeDelta = TimeDelta::minutes(1);
/// Upper bound on a pause. GitHub resets its limits each hour, and a wrong clock must not silence the server.
const LONGEST_PAUSE: TimeDelta = TimeDelta::minutes(65);

/// The end of the current pause.
pub(super) struct Quiet {
    clock: Arc<dyn Clock>,
    until: Mutex<Option<DateTime<Utc>>>,
}

impl Quiet {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, until: Mutex::default() }
    }

    fn until(&self) -> MutexGuard<'_, Option<DateTime<Utc>>> {
        self.until.lock()
    }

    /// Checks that no pause is in effect.
    ///
    /// # Errors
    /// [`GitHubError::RateLimited`] while a limit lasts.
    pub(super) fn may_ask(&self) -> Result<(), GitHubError> {
        let mut until = self.until();
        match *until {
            Some(at) if at > self.clock.now() => Err(GitHubError::RateLimited(Some(at))),
            _ => {
                *until = None;
                Ok(())
            }
        }
    }

    /// Starts a pause if the error requests one.
    pub(super) fn heed(&self, error: &GitHubError) {
        if let GitHubError::RateLimited(until) = error {
            let now = self.clock.now();
            let until = until.filter(|until| *until > now).unwrap_or(now + PAUSE);
            *self.until() = Some(until.min(now + LONGEST_PAUSE));
        }
    }
}

#[cfg(test)]
mod tests {
    use backstay_model::FixedClock;

    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minute)
    }

    #[test]
    fn github_is_left_alone_until_it_said() {
        let clock = Arc::new(FixedClock::at(at(0)));
        let quiet = Quiet::new(clock.clone());
        quiet.heed(&GitHubError::RateLimited(Some(at(20))));
        clock.advance(TimeDelta::minutes(19));
        assert_eq!(quiet.may_ask(), Err(GitHubError::RateLimited(Some(at(20)))));
        clock.advance(TimeDelta::minutes(1));
        assert_eq!(quiet.may_ask(), Ok(()));
    }

    #[test]
    fn a_pause_is_neither_nothing_nor_for_ever() {
        let clock = Arc::new(FixedClock::at(at(0)));
        let quiet = Quiet::new(clock.clone());
        for (said, until) in [(None, 1), (Some(at(-5)), 1), (Some(at(100_000)), 65)] {
            quiet.heed(&GitHubError::RateLimited(said));
            assert_eq!(quiet.may_ask(), Err(GitHubError::RateLimited(Some(at(until)))));
        }
        clock.advance(TimeDelta::minutes(66));
        quiet.may_ask().unwrap();
        quiet.heed(&GitHubError::BadCredentials);
        assert_eq!(quiet.may_ask(), Ok(()));
    }
}
