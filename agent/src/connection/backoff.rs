//! How long to wait before connecting again.

use std::time::Duration;

use rand::Rng as _;

/// The upper bound of the first pause.
const FIRST: Duration = Duration::from_millis(500);
/// The upper bound of every pause.
const LONGEST: Duration = Duration::from_mins(1);
/// A connection that lasted so long has worked, however it ended.
const STEADY: Duration = Duration::from_mins(1);
/// After one that was cut before that, the bound has doubled this often at most.
const CUT: u32 = 2;

/// Exponential backoff with full jitter: each pause is anything between nothing and a bound that doubles, so that a
/// fleet whose server comes back does not come back all at once.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// The next pause.
    pub(super) fn next(&mut self) -> Duration {
        let bound = self.bound();
        self.attempts = self.attempts.saturating_add(1);
        rand::rng().random_range(Duration::ZERO..=bound)
    }

    /// Takes note of a connection that was welcome and has `lasted` so long. One that the server ended with a reason is
    /// no reason to come back soon: it would end the next one too.
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
