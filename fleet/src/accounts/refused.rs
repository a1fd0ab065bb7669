//! Refused log-ins: counted in memory, and summed up in the audit log.
//!
//! Anybody can have a log-in refused, as often as they like and with any name. So the log gets a few entries for each
//! [`SPAN`], whatever strangers do, and the server is their actor: the name is only a claim.

use std::collections::HashMap;

use backstay_model::wire::limits::cut_line;
use chrono::{DateTime, TimeDelta, Utc};
use parking_lot::Mutex;

use super::MAX_NAME_CHARS;
use super::origin::Network;
use crate::ops::SERVER;
use crate::store::NewAuditEntry;

/// The time that one summary covers.
pub(super) const SPAN: TimeDelta = TimeDelta::minutes(10);
/// Entries for one span; the remaining refusals share one more.
const ENTRIES: usize = 8;
/// Pairs of network and name that are counted separately.
const MAX_PAIRS: usize = 1_000;

/// The refused log-ins that the audit log does not have yet.
#[derive(Debug, Default)]
pub(super) struct Refused(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    since: Option<DateTime<Utc>>,
    pairs: HashMap<(Option<Network>, String), u64>,
    /// Refusals of further pairs.
    others: u64,
}

impl Refused {
    /// Counts a refused log-in.
    pub(super) fn count(&self, network: Option<Network>, claimed: &str, now: DateTime<Utc>) {
        let claimed = cut_line(claimed, MAX_NAME_CHARS);
        let mut counts = self.0.lock();
        counts.since.get_or_insert(now);
        let is_full = counts.pairs.len() >= MAX_PAIRS;
        match counts.pairs.get_mut(&(network, claimed.clone())) {
            Some(count) => *count += 1,
            None if is_full => counts.others += 1,
            None => drop(counts.pairs.insert((network, claimed), 1)),
        }
    }

    /// Takes the entries of a span that is over at this time.
    pub(super) fn take_over(&self, now: DateTime<Utc>) -> Vec<NewAuditEntry> {
        let mut counts = self.0.lock();
        // A time in the future means that the clock was set back.
        let is_over = counts.since.is_some_and(|since| since + SPAN <= now || since > now);
        if is_over { std::mem::take(&mut *counts).entries(now) } else { vec![] }
    }

    /// Takes the entries of all refusals.
    pub(super) fn take_all(&self, now: DateTime<Utc>) -> Vec<NewAuditEntry> {
        std::mem::take(&mut *self.0.lock()).entries(now)
    }
}

impl Counts {
    fn entries(self, now: DateTime<Utc>) -> Vec<NewAuditEntry> {
        let Some(since) = self.since else { return vec![] };
        let since = since.format("%H:%M:%S UTC");
        let mut pairs: Vec<_> = self.pairs.into_iter().collect();
        pairs.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        let rest = pairs.split_off(pairs.len().min(ENTRIES));
        let others = self.others + rest.iter().map(|(_, count)| count).sum::<u64>();
        let named = pairs.into_iter().map(|((network, claimed), count)| {
            format!("{}, claiming to be “{claimed}”, since {since}.", refused(count, network))
        });
        let others =
            (others > 0).then(|| format!("{} under many other names, since {since}.", times(others)));
        let entry = |detail| NewAuditEntry::new(now, SERVER, "login.refused", detail);
        named.chain(others).map(entry).collect()
    }
}

fn refused(count: u64, network: Option<Network>) -> String {
    match network {
        Some(network) => format!("{} from {network}", times(count)),
        None => times(count),
    }
}

fn times(count: u64) -> String {
    if count == 1 { "One log-in was refused".to_owned() } else { format!("{count} log-ins were refused") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> DateTime<Utc> {
        "2025-12-28T14:40:00Z".parse().unwrap()
    }

    fn details(entries: &[NewAuditEntry]) -> Vec<&str> {
        entries.iter().map(|entry| entry.detail.as_str()).collect()
    }

    #[test]
    fn a_span_is_summed_up_by_network_and_claimed_name() {
        let refused = Refused::default();
        let network = Some(Network::of([192, 0, 2, 7].into()));
        for _ in 0..12 {
            refused.count(network, "admin", start());
        }
        refused.count(None, "a\u{202e}b\n", start());
        assert!(refused.take_over(start() + SPAN - TimeDelta::seconds(1)).is_empty());
        let entries = refused.take_over(start() + SPAN);
        let expected = [
            "12 log-ins were refused from 192.0.2.7, claiming to be “admin”, since 14:40:00 UTC.",
            "One log-in was refused, claiming to be “a\u{fffd}b\u{fffd}”, since 14:40:00 UTC.",
        ];
        assert_eq!(details(&entries), expected);
        assert!(entries.iter().all(|entry| entry.actor == SERVER && entry.action == "login.refused"));
        assert!(refused.take_all(start() + SPAN).is_empty());
    }

    #[test]
    fn a_flood_of_names_makes_few_entries_and_takes_little_memory() {
        let refused = Refused::default();
        for number in 0..5_000 {
            refused.count(None, &format!("n{number}"), start());
        }
        assert_eq!(refused.0.lock().pairs.len(), MAX_PAIRS);
        let entries = refused.take_all(start());
        assert_eq!(entries.len(), ENTRIES + 1);
        let last = entries.last().unwrap();
        assert_eq!(last.detail, "4992 log-ins were refused under many other names, since 14:40:00 UTC.");
    }
}
