//! What going from one generation of a host to another changes: asked of the host on demand, and remembered, for two
//! builds never change.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use backstay_model::comparison::{Comparison, Pair};
use backstay_model::wire::message::ServerMessage;
use backstay_model::{GenerationRef, HostId};
use tokio::sync::watch;

use crate::fleet::Fleet;
use crate::store::StoreError;

/// How many comparisons are remembered; the oldest is forgotten first.
const REMEMBERED: usize = 200;
/// How large all of them may be, as JSON.
const REMEMBERED_BYTES: usize = 16 * 1024 * 1024;
/// How long a host may take to answer: longer than its own programs may.
pub const PATIENCE: Duration = Duration::from_secs(150);

/// Why two generations are not compared. Each sentence can be shown to the person as it is.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// There is no such host.
    #[error("There is no host named {0}.")]
    NoSuchHost(String),
    /// The host is not connected.
    #[error("{0} is not connected: it cannot be asked now what would change.")]
    Offline(String),
    /// The host did not answer.
    #[error("{0} did not say in time what would change.")]
    Silent(String),
    /// See [`StoreError`].
    #[error("The database failed. The server's log says why.")]
    Store(#[from] StoreError),
}

/// What hosts were asked, and what they told.
#[derive(Default)]
pub(crate) struct Comparisons(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    remembered: VecDeque<Remembered>,
    bytes: usize,
    /// Who waits for which answer.
    asked: HashMap<(HostId, Pair), watch::Sender<Option<Comparison>>>,
}

struct Remembered {
    host: HostId,
    pair: Pair,
    comparison: Comparison,
    bytes: usize,
}

impl Comparisons {
    /// What is remembered of two builds of a host that was booted with `booted`.
    fn known(&self, host: HostId, pair: &Pair, booted: Option<&str>) -> Option<Comparison> {
        let inner = self.inner();
        let mut of_host = inner.remembered.iter().filter(|known| known.host == host);
        let known =
            of_host.find(|known| is_same(&known.pair, pair) && booted_with(&known.comparison) == booted);
        known.map(|known| known.comparison.clone())
    }

    /// Waits for an answer, until the receiver is dropped.
    fn ask(&self, host: HostId, pair: &Pair) -> watch::Receiver<Option<Comparison>> {
        let mut inner = self.inner();
        inner.asked.retain(|_, answer| answer.receiver_count() > 0);
        inner.asked.entry((host, pair.clone())).or_insert_with(|| watch::channel(None).0).subscribe()
    }

    /// Takes in what a host has told, if somebody waits for it: what nobody asked for is dropped, and so a host cannot fill
    /// the memory. Remembered for this host alone, because another may have been taken over. What a part could not tell
    /// may be known later: that is not remembered.
    fn take(&self, host: HostId, pair: Pair, comparison: Comparison) {
        let mut inner = self.inner();
        let Some((_, answer)) = inner.asked.remove_entry(&(host, pair.clone())) else { return };
        if answer.receiver_count() == 0 {
            return;
        }
        if comparison.is_whole() {
            inner.remember(host, pair, comparison.clone());
        }
        answer.send_replace(Some(comparison));
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn remember(&mut self, host: HostId, pair: Pair, comparison: Comparison) {
        let bytes = serde_json::to_vec(&comparison).map_or(0, |json| json.len());
        self.remembered.push_back(Remembered { host, pair, comparison, bytes });
        self.bytes += bytes;
        while self.remembered.len() > REMEMBERED || self.bytes > REMEMBERED_BYTES {
            let Some(oldest) = self.remembered.pop_front() else { break };
            self.bytes -= oldest.bytes;
        }
    }
}

/// What the host was booted with that told a comparison: whether a reboot is needed depends on it, and on nothing else
/// but the builds.
fn booted_with(comparison: &Comparison) -> Option<&str> {
    comparison.reboot.as_ref().ok().and_then(|reboot| reboot.booted.as_deref())
}

/// Whether both compare the same builds, whatever the hosts number them.
fn is_same(one: &Pair, other: &Pair) -> bool {
    one.from.store_path == other.from.store_path && one.to.store_path == other.to.store_path
}

impl Fleet {
    /// What going from one generation of a host to the other changes. It may take as long as the host needs; nothing
    /// is changed by asking.
    ///
    /// # Errors
    /// [`CompareError`]
    pub async fn compare(
        &self,
        host_name: &str,
        from: GenerationRef,
        to: GenerationRef,
    ) -> Result<Comparison, CompareError> {
        let host = self.store.host_by_name(host_name).await?;
        let host = host.ok_or_else(|| CompareError::NoSuchHost(host_name.to_owned()))?;
        let pair = Pair { from, to };
        let booted = host.facts.as_ref().and_then(|facts| facts.booted.as_deref());
        if let Some(known) = self.comparisons.known(host.id, &pair, booted) {
            return Ok(known);
        }
        // Listened to before it is asked, so that no answer is too quick.
        let mut told = self.comparisons.ask(host.id, &pair);
        if !self.hub.is_ready(host.id)
            || !self.hub.send(host.id, ServerMessage::Compare { pair: pair.clone() })
        {
            return Err(CompareError::Offline(host.name));
        }
        let answer = tokio::time::timeout(PATIENCE, told.wait_for(Option::is_some)).await;
        answer.ok().and_then(|told| told.ok()?.clone()).ok_or(CompareError::Silent(host.name))
    }

    /// A host has told what going from one generation to another changes.
    pub(crate) fn compared(&self, host: HostId, pair: Pair, comparison: Comparison) {
        self.comparisons.take(host, pair, comparison);
    }
}

#[cfg(test)]
mod tests {
    use backstay_model::closure_diff::ClosureDiff;
    use backstay_model::comparison::{CommitsBetween, Reboot, UnitChanges};

    use super::*;

    fn pair(from: u32, to: u32) -> Pair {
        let of = |number| GenerationRef { number, store_path: format!("/nix/store/{number}") };
        Pair { from: of(from), to: of(to) }
    }

    fn told() -> Comparison {
        Comparison {
            packages: Ok(ClosureDiff::default()),
            commits: Ok(CommitsBetween::default()),
            reboot: Ok(Reboot::default()),
            units: Ok(UnitChanges::default()),
        }
    }

    /// Asks, and takes the answer.
    fn ask_and_take(comparisons: &Comparisons, host: HostId, pair: &Pair, comparison: Comparison) {
        let told = comparisons.ask(host, pair);
        comparisons.take(host, pair.clone(), comparison.clone());
        assert_eq!(*told.borrow(), Some(comparison));
    }

    #[test]
    fn what_is_whole_is_remembered_whatever_the_builds_are_numbered() {
        let (comparisons, host) = (Comparisons::default(), HostId::new());
        ask_and_take(&comparisons, host, &pair(48, 47), told());
        let mut renumbered = pair(48, 47);
        renumbered.from.number = 12;
        assert_eq!(comparisons.known(host, &renumbered, None), Some(told()));
        assert_eq!(comparisons.known(host, &pair(47, 48), None), None, "the way back is another one");
        let part = Comparison { commits: Err("later".into()), ..told() };
        ask_and_take(&comparisons, host, &pair(48, 46), part);
        assert_eq!(comparisons.known(host, &pair(48, 46), None), None);
    }

    #[test]
    fn what_a_host_tells_is_never_shown_for_another() {
        let (comparisons, victim) = (Comparisons::default(), HostId::new());
        ask_and_take(&comparisons, HostId::new(), &pair(48, 47), told());
        assert_eq!(comparisons.known(victim, &pair(48, 47), None), None);
        let waiting = comparisons.ask(victim, &pair(48, 47));
        comparisons.take(HostId::new(), pair(48, 47), told());
        assert_eq!(*waiting.borrow(), None);
    }

    #[test]
    fn what_nobody_asked_for_is_dropped() {
        let (comparisons, host) = (Comparisons::default(), HostId::new());
        comparisons.take(host, pair(48, 47), told());
        drop(comparisons.ask(host, &pair(48, 46)));
        comparisons.take(host, pair(48, 46), told());
        let inner = comparisons.inner();
        assert_eq!((inner.remembered.len(), inner.asked.len()), (0, 0));
    }

    #[test]
    fn whether_a_reboot_is_needed_depends_on_what_was_booted() {
        let (comparisons, host) = (Comparisons::default(), HostId::new());
        let booted = |build: &str| Comparison {
            reboot: Ok(Reboot { booted: Some(build.to_owned()), parts: vec![] }),
            ..told()
        };
        ask_and_take(&comparisons, host, &pair(48, 47), booted("/nix/store/a"));
        assert_eq!(comparisons.known(host, &pair(48, 47), Some("/nix/store/b")), None);
        ask_and_take(&comparisons, host, &pair(48, 47), booted("/nix/store/b"));
        for build in ["/nix/store/a", "/nix/store/b"] {
            assert_eq!(comparisons.known(host, &pair(48, 47), Some(build)), Some(booted(build)));
        }
    }

    #[test]
    fn no_more_is_remembered_than_fits() {
        let (comparisons, host) = (Comparisons::default(), HostId::new());
        for number in 0..500 {
            ask_and_take(&comparisons, host, &pair(1000, number), told());
        }
        assert_eq!(comparisons.inner().remembered.len(), REMEMBERED);
        assert_eq!(comparisons.known(host, &pair(1000, 0), None), None);
        assert!(comparisons.known(host, &pair(1000, 499), None).is_some());
    }
}
