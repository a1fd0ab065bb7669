//! Comparisons of two generations: answers that requests wait for, and answers that are cached because builds never change.

use parking_lot::{Mutex, MutexGuard};
use std::collections::{HashMap, VecDeque};

use backstay_model::HostId;
use backstay_model::comparison::{Comparison, Pair};
use tokio::sync::watch;

/// Number of cached comparisons. The oldest is dropped first.
const MOST_ENTRIES: usize = 200;
/// Total size of the cached comparisons, as JSON.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// Cached and awaited comparisons.
#[derive(Default)]
pub(crate) struct Comparisons(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    entries: VecDeque<Entry>,
    bytes: usize,
    /// The requests that wait for an answer.
    awaited: HashMap<(HostId, Pair), watch::Sender<Option<Comparison>>>,
}

struct Entry {
    host: HostId,
    pair: Pair,
    comparison: Comparison,
    bytes: usize,
}

impl Comparisons {
    /// Returns the cached comparison of two builds of a host that was booted with `booted`.
    pub(crate) fn recall(&self, host: HostId, pair: &Pair, booted: Option<&str>) -> Option<Comparison> {
        let inner = self.inner();
        let mut of_host = inner.entries.iter().filter(|entry| entry.host == host);
        let entry =
            of_host.find(|entry| is_same(&entry.pair, pair) && booted_with(&entry.comparison) == booted);
        entry.map(|entry| entry.comparison.clone())
    }

    /// Waits for an answer until the receiver is dropped.
    pub(crate) fn subscribe(&self, host: HostId, pair: &Pair) -> watch::Receiver<Option<Comparison>> {
        let mut inner = self.inner();
        inner.awaited.retain(|_, answer| answer.receiver_count() > 0);
        inner.awaited.entry((host, pair.clone())).or_insert_with(|| watch::channel(None).0).subscribe()
    }

    /// Accepts a host's answer if a request waits for it. Other answers are dropped, so that a host cannot fill the memory.
    /// An answer is cached for this host only, because another host may have been taken over. An incomplete answer is not
    /// cached: the missing part may be known later.
    pub(crate) fn receive(&self, host: HostId, pair: Pair, comparison: Comparison) {
        let mut inner = self.inner();
        let Some((_, answer)) = inner.awaited.remove_entry(&(host, pair.clone())) else { return };
        if answer.receiver_count() == 0 {
            return;
        }
        if comparison.is_whole() {
            inner.cache(host, pair, comparison.clone());
        }
        answer.send_replace(Some(comparison));
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock()
    }
}

impl Inner {
    fn cache(&mut self, host: HostId, pair: Pair, comparison: Comparison) {
        let bytes = serde_json::to_vec(&comparison).map_or(0, |json| json.len());
        self.entries.push_back(Entry { host, pair, comparison, bytes });
        self.bytes += bytes;
        while self.entries.len() > MOST_ENTRIES || self.bytes > MOST_BYTES {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.bytes -= oldest.bytes;
        }
    }
}

/// The system that the host had booted when it answered. Whether a reboot is needed depends on it and on the builds only.
fn booted_with(comparison: &Comparison) -> Option<&str> {
    comparison.reboot.as_ref().ok().and_then(|reboot| reboot.booted.as_deref())
}

/// Returns whether both compare the same builds, whatever their generation numbers.
fn is_same(one: &Pair, other: &Pair) -> bool {
    one.from.store_path == other.from.store_path && one.to.store_path == other.to.store_path
}

#[cfg(test)]
mod tests {
    use backstay_model::GenerationRef;
    use backstay_model::closure_diff::ClosureDiff;
    use backstay_model::comparison::{CommitsBetween, Reboot, UnitChanges};

    use super::*;

    fn pair(from: u32, to: u32) -> Pair {
        let of = |number| GenerationRef { number, store_path: format!("/nix/store/{number}") };
        Pair { from: of(from), to: of(to) }
    }

    fn comparison() -> Comparison {
        Comparison {
            packages: Ok(ClosureDiff::default()),
            commits: Ok(CommitsBetween::default()),
            reboot: Ok(Reboot::default()),
            units: Ok(UnitChanges::default()),
        }
    }

    /// Asks and receives the answer.
    fn exchange(comparisons: &Comparisons, host: HostId, pair: &Pair, comparison: Comparison) {
        let answer = comparisons.subscribe(host, pair);
        comparisons.receive(host, pair.clone(), comparison.clone());
        assert_eq!(*answer.borrow(), Some(comparison));
    }

    #[test]
    fn what_is_whole_is_remembered_whatever_the_builds_are_numbered() {
        let (comparisons, host) = (Comparisons::default(), HostId::new());
        exchange(&comparisons, host, &pair(48, 47), comparison());
        let mut renumbered = pair(48, 47);
        renumbered.from.number = 12;
        assert_eq!(comparisons.recall(host, &renumbered, None), Some(comparison()));
        assert_eq!(comparisons.recall(host, &pair(47, 48), None), None, "the way back is another one");
        let part = Comparison { commits: Err("later".into()), ..comparison() };
        exchange(&comparisons, host, &pair(48, 46), part);
        assert_eq!(comparisons.recall(host, &pair(48, 46), None), None);
    }

    #[test]
    fn what_a_host_tells_is_never_shown_for_another() {
        let (comparisons, victim) = (Comparisons::default(), HostId::new());
        exchange(&comparisons, HostId::new(), &pair(48, 47), comparison());
        assert_eq!(comparisons.recall(victim, &pair(48, 47), None), None);
        let waiting = comparisons.subscribe(victim, &pair(48, 47));
        comparisons.receive(HostId::new(), pair(48, 47), comparison());
        assert_eq!(*waiting.borrow(), None);
    }

    #[test]
    fn what_nobody_asked_for_is_dropped() {
        let (comparisons, host) = (Comparisons::default(), HostId::new());
        comparisons.receive(host, pair(48, 47), comparison());
        drop(comparisons.subscribe(host, &pair(48, 46)));
        comparisons.receive(host, pair(48, 46), comparison());
        let inner = comparisons.inner();
        assert_eq!((inner.entries.len(), inner.awaited.len()), (0, 0));
    }

    #[test]
    fn whether_a_reboot_is_needed_depends_on_what_was_booted() {
        let (comparisons, host) = (Comparisons::default(), HostId::new());
        let booted = |build: &str| Comparison {
            reboot: Ok(Reboot { booted: Some(build.to_owned()), parts: vec![] }),
            ..comparison()
        };
        exchange(&comparisons, host, &pair(48, 47), booted("/nix/store/a"));
        assert_eq!(comparisons.recall(host, &pair(48, 47), Some("/nix/store/b")), None);
        exchange(&comparisons, host, &pair(48, 47), booted("/nix/store/b"));
        for build in ["/nix/store/a", "/nix/store/b"] {
            assert_eq!(comparisons.recall(host, &pair(48, 47), Some(build)), Some(booted(build)));
        }
    }

    #[test]
    fn no_more_is_remembered_than_fits() {
        let (comparisons, host) = (Comparisons::default(), HostId::new());
        for number in 0..500 {
            exchange(&comparisons, host, &pair(1000, number), comparison());
        }
        assert_eq!(comparisons.inner().entries.len(), MOST_ENTRIES);
        assert_eq!(comparisons.recall(host, &pair(1000, 0), None), None);
        assert!(comparisons.recall(host, &pair(1000, 499), None).is_some());
    }
}
