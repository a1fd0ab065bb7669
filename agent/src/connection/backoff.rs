//! How long to wait before connecting again.

use std::time::Duration;

use rand::Rng as _;

/// The upper bound of the first pause.
const FIRST: Duration = Duration::from_millis(500);
/// The upper bound of every pause.
const LONGEST: Duration = Duration::from_mins(1);

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

    /// Starts over: it has worked.
    pub(super) fn reset(&mut self) {
        self.attempts = 0;
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
        backoff.reset();
        assert_eq!(backoff.bound(), FIRST);
    }
}
