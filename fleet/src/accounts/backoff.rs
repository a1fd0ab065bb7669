//! Growing waits after wrong passwords.
//!
//! Each attempt counts for its name from its network, for its network, and for its name from everywhere. The limit of a
//! name from everywhere is high: a single stranger reaches the other two first, and keeps nobody else waiting. On a device
//! that its person has logged in on, only that device's own attempts count.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::origin::Network;
use crate::store::TokenHash;

/// The first wait; each further wrong password doubles it.
const FIRST_WAIT: TimeDelta = TimeDelta::seconds(15);
/// The longest wait, and how long an attempt counts.
const MAX_WAIT: TimeDelta = TimeDelta::minutes(15);
/// The most counts in memory; beyond that, the oldest attempt is dropped.
const MAX_COUNTS: usize = 10_000;

/// What attempts are counted for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Counted {
    /// A name, from one network or from clients whose address is unknown.
    NameFrom(String, Option<Network>),
    /// A network, whatever the name.
    From(Network),
    /// A name, from everywhere.
    Name(String),
    /// A device that the person of the name has logged in on.
    Device(TokenHash),
    /// The person of this name, who is logged in.
    Own(String),
    /// The codes of a person whose password was right, on a known device or from all other places.
    Code(String, Option<TokenHash>),
}

impl Counted {
    /// Wrong passwords without a wait. Many people may share a network.
    fn free_attempts(&self) -> u32 {
        match self {
            Self::NameFrom(..) | Self::Device(_) | Self::Own(_) | Self::Code(..) => 5,
            Self::From(_) => 20,
            Self::Name(_) => 100,
        }
    }
}

/// Why an attempt must wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    /// Too many attempts for the name.
    Name(TimeDelta),
    /// Too many attempts from the network.
    Network(TimeDelta),
}

/// The attempts since the last success.
#[derive(Debug, Clone, Copy)]
struct Attempts {
    count: u32,
    last: DateTime<Utc>,
}

impl Attempts {
    fn counts(self, now: DateTime<Utc>) -> bool {
        self.last + MAX_WAIT > now
    }

    fn wait(self, free: u32, now: DateTime<Utc>) -> TimeDelta {
        let Some(beyond) = self.count.checked_sub(free).filter(|_| self.counts(now)) else {
            return TimeDelta::zero();
        };
        let wait = FIRST_WAIT * 2_i32.pow(beyond.min(16));
        self.last + wait.min(MAX_WAIT) - now
    }
}

/// The recent attempts. In memory only: they slow guessing down, and losing them at a restart does no harm.
#[derive(Debug, Default)]
pub(super) struct Backoff(HashMap<Counted, Attempts>);

impl Backoff {
    /// Counts an attempt for each of these. It counts as wrong until [`Backoff::succeeded`], so that parallel attempts do not
    /// avoid the wait.
    ///
    /// # Errors
    /// The time to wait before the next attempt; in that case, nothing is counted.
    pub(super) fn attempt(&mut self, all: &[Counted], now: DateTime<Utc>) -> Result<(), Wait> {
        for counted in all {
            let Some(attempts) = self.0.get_mut(counted) else { continue };
            // An attempt in the future means that the clock was set back: count it as made now.
            attempts.last = attempts.last.min(now);
            let wait = attempts.wait(counted.free_attempts(), now);
            if wait > TimeDelta::zero() {
                return Err(if matches!(counted, Counted::From(_)) {
                    Wait::Network(wait)
                } else {
                    Wait::Name(wait)
                });
            }
        }
        for counted in all {
            self.count(counted, now);
        }
        Ok(())
    }

    fn count(&mut self, counted: &Counted, now: DateTime<Utc>) {
        if let Some(attempts) = self.0.get_mut(counted) {
            let before = if attempts.counts(now) { attempts.count } else { 0 };
            *attempts = Attempts { count: before.saturating_add(1), last: now };
            return;
        }
        self.make_room(now);
        self.0.insert(counted.clone(), Attempts { count: 1, last: now });
    }

    /// Clears the counts of a name after its right password, and takes the attempt back from its network: others may guess from
    /// there.
    pub(super) fn succeeded(&mut self, all: &[Counted]) {
        for counted in all {
            match self.0.get_mut(counted) {
                Some(attempts) if matches!(counted, Counted::From(_)) => {
                    attempts.count = attempts.count.saturating_sub(1);
                }
                _ => drop(self.0.remove(counted)),
            }
        }
    }

    fn make_room(&mut self, now: DateTime<Utc>) {
        if self.0.len() < MAX_COUNTS {
            return;
        }
        self.0.retain(|_, attempts| attempts.counts(now));
        let oldest = self.0.iter().min_by_key(|(_, a)| a.last).map(|(counted, _)| counted.clone());
        if let Some(oldest) = oldest.filter(|_| self.0.len() >= MAX_COUNTS) {
            self.0.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FREE: u32 = 5;

    fn start() -> DateTime<Utc> {
        "2025-12-28T14:40:00Z".parse().unwrap()
    }

    fn network(last: u8) -> Network {
        Network::of([192, 0, 2, last].into())
    }

    fn name(name: &str) -> [Counted; 1] {
        [Counted::NameFrom(name.to_owned(), None)]
    }

    #[test]
    fn waits_double_up_to_a_quarter_of_an_hour() {
        let (mut backoff, mut now) = (Backoff::default(), start());
        for _ in 0..FREE {
            assert_eq!(backoff.attempt(&name("a"), now), Ok(()));
        }
        for seconds in [15, 30, 60, 120, 240, 480, 900] {
            let wait = TimeDelta::seconds(seconds);
            assert_eq!(backoff.attempt(&name("a"), now), Err(Wait::Name(wait)));
            now += wait;
            // After the longest wait the count starts again with five free attempts.
            assert_eq!(backoff.attempt(&name("a"), now), Ok(()));
        }
        assert_eq!(backoff.attempt(&name("a"), now), Ok(()));
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_lengthen_a_wait() {
        let mut backoff = Backoff::default();
        for _ in 0..FREE {
            assert_eq!(backoff.attempt(&name("a"), start() + TimeDelta::days(365)), Ok(()));
        }
        assert_eq!(backoff.attempt(&name("a"), start()), Err(Wait::Name(FIRST_WAIT)));
        assert_eq!(backoff.attempt(&name("a"), start() + FIRST_WAIT), Ok(()));
    }

    #[test]
    fn names_do_not_wait_for_each_other() {
        let mut backoff = Backoff::default();
        for _ in 0..FREE {
            assert_eq!(backoff.attempt(&name("a"), start()), Ok(()));
        }
        assert!(backoff.attempt(&name("a"), start()).is_err());
        assert_eq!(backoff.attempt(&name("b"), start()), Ok(()));
    }

    #[test]
    fn success_clears_the_count_of_the_name_but_not_of_its_network() {
        let mut backoff = Backoff::default();
        let all = [name("a")[0].clone(), Counted::From(network(1))];
        for _ in 0..FREE {
            assert_eq!(backoff.attempt(&all, start()), Ok(()));
        }
        backoff.succeeded(&all);
        assert_eq!(backoff.0[&all[1]].count, FREE - 1);
        assert_eq!(backoff.attempt(&all, start()), Ok(()));
    }

    #[test]
    fn a_network_waits_whatever_the_names() {
        let mut backoff = Backoff::default();
        let from = |number: u32| [name(&number.to_string())[0].clone(), Counted::From(network(1))];
        for number in 0..20 {
            assert_eq!(backoff.attempt(&from(number), start()), Ok(()));
        }
        assert_eq!(backoff.attempt(&from(20), start()), Err(Wait::Network(FIRST_WAIT)));
        assert_eq!(backoff.attempt(&[Counted::From(network(2))], start()), Ok(()));
    }

    #[test]
    fn memory_is_bounded_and_drops_the_oldest() {
        let mut backoff = Backoff::default();
        for i in 0..MAX_COUNTS + 10 {
            let now = start() + TimeDelta::milliseconds(i64::try_from(i).unwrap());
            assert_eq!(backoff.attempt(&name(&format!("n{i}")), now), Ok(()));
        }
        assert_eq!(backoff.0.len(), MAX_COUNTS);
        assert!(!backoff.0.contains_key(&name("n0")[0]) && backoff.0.contains_key(&name("n10")[0]));
    }
}
