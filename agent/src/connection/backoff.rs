//! The pause before the next connection attempt.

use std::time::Duration;

use rand::Rng as _;

/// Upper bound on the first pause.
const FIRST: Duration = Duration::from_millis(500);
/// Upper bound on every pause.
const LONGEST: Duration = Duration::from_mins(1);
/// A connection that lasted this long has worked, however it ended.
const STEADY: Duration = Duration::from_mins(1);
/// After a shorter one that was cut, the bound has doubled at most this many times.
const CUT: u32 = 2;

/// Exponential backoff with full jitter: each pause is random between zero and a bound that doubles, so that
/// a fleet does not come back all at once when its server does.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// Returns the next pause.
    pub(super) fn next(&mut self) -> Duration {
        let bound = self.bound();
        self.attempts = self.attempts.saturating_add(1);
        rand::rng().random_range(Duration::ZERO..=bound)
    }

    /// Records a connection that the server welcomed and that `lasted` this long. If the server ended it with
    /// a reason, an early return is pointless: the server would end the next one too.
    pub(super) fn after(&mut self, lasted: Duration, dismissed: bool) {
        if lasted >= STEADY {
            self.attempts = 0;
        } else if !dismissed {
            self.attempts = self.attempts.min(CUT);
        }
    }

    fn bound(&self) -> Duration {
        FIRST.saturating_mul(2_u32.saturating_pow(self.attempts)).min(LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_double_up_to_the_longest() {
        let mut backoff = Backoff::default();
        let mut bounds = vec![];
        for _ in 0..40 {
            bounds.push(backoff.bound());
            assert!(backoff.next() <= *bounds.last().unwrap());
        }
        assert_eq!(bounds[..3], [FIRST, FIRST * 2, FIRST * 4]);
        assert_eq!(*bounds.last().unwrap(), LONGEST);
        backoff.after(STEADY, true);
        assert_eq!(backoff.bound(), FIRST);
    }

    #[test]
    fn a_connection_that_ends_at_once_is_no_reason_to_hurry() {
        let mut backoff = Backoff::default();
        let short = STEADY.checked_sub(Duration::from_secs(1)).unwrap();
        for dismissed in [false, true] {
            for _ in 0..40 {
                backoff.next();
                backoff.after(short, dismissed);
            }
            assert_eq!(backoff.bound(), if dismissed { LONGEST } else { FIRST * 4 });
        }
    }
}
