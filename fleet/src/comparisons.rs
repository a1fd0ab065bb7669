//! What going from one generation of a host to another changes: asked of the host on demand, and remembered, for two
//! builds never change.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use backstay_protocol::comparison::{Comparison, Pair};
use backstay_protocol::message::ServerMessage;
use backstay_protocol::{GenerationRef, HostId};
use tokio::sync::broadcast;

use crate::fleet::Fleet;
use crate::store::StoreError;

/// How many comparisons are remembered; the oldest is forgotten first.
const REMEMBERED: usize = 200;
/// How many answers may wait for somebody who asked.
const ANSWERS: usize = 64;
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

/// What hosts have told.
pub(crate) struct Comparisons {
    remembered: Mutex<VecDeque<(Pair, Comparison)>>,
    told: broadcast::Sender<(HostId, Pair, Comparison)>,
}

impl Default for Comparisons {
    fn default() -> Self {
        Self { remembered: Mutex::default(), told: broadcast::channel(ANSWERS).0 }
    }
}

impl Comparisons {
    /// What is remembered of two builds for a host that was booted with `booted`.
    fn known(&self, pair: &Pair, booted: Option<&str>) -> Option<Comparison> {
        self.remembered()
            .iter()
            .find(|(known, comparison)| is_same(known, pair) && booted_with(comparison) == booted)
            .map(|(_, comparison)| comparison.clone())
    }

    /// Takes in what a host has told. What a part could not tell may be known later: that is not remembered.
    fn take(&self, host: HostId, pair: Pair, comparison: Comparison) {
        if comparison.is_whole() {
            let mut remembered = self.remembered();
            remembered.retain(|(known, other)| {
                !is_same(known, &pair) || booted_with(other) != booted_with(&comparison)
            });
            remembered.push_back((pair.clone(), comparison.clone()));
            if remembered.len() > REMEMBERED {
                remembered.pop_front();
            }
        }
        // Nobody waits for it any more: then it is only remembered.
        let _ = self.told.send((host, pair, comparison));
    }

    fn remembered(&self) -> MutexGuard<'_, VecDeque<(Pair, Comparison)>> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
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
        if let Some(known) = self.comparisons.known(&pair, booted) {
            return Ok(known);
        }
        // Listened to before it is asked, so that no answer is too quick.
        let mut told = self.comparisons.told.subscribe();
        if !self.hub.is_ready(host.id)
            || !self.hub.send(host.id, ServerMessage::Compare { pair: pair.clone() })
        {
            return Err(CompareError::Offline(host.name));
        }
        let answer = async {
            loop {
                match told.recv().await {
                    Ok((from, answered, comparison)) if from == host.id && answered == pair => {
                        return Some(comparison);
                    }
                    // Answers that came too fast to be read: the one waited for may be remembered.
                    Err(broadcast::error::RecvError::Lagged(_)) => {
                        if let Some(known) = self.comparisons.known(&pair, booted) {
                            return Some(known);
                        }
                    }
                    Ok(_) => {}
                    Err(broadcast::error::RecvError::Closed) => return None,
                }
            }
        };
        let answer = tokio::time::timeout(PATIENCE, answer).await.ok().flatten();
        answer.ok_or(CompareError::Silent(host.name))
    }

    /// A host has told what going from one generation to another changes.
    pub(crate) fn compared(&self, host: HostId, pair: Pair, comparison: Comparison) {
        self.comparisons.take(host, pair, comparison);
    }
}

#[cfg(test)]
mod tests {
    use backstay_protocol::closure_diff::ClosureDiff;
    use backstay_protocol::comparison::{CommitsBetween, Reboot, UnitChanges};

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

    #[test]
    fn what_is_whole_is_remembered_for_every_host_with_these_builds() {
        let comparisons = Comparisons::default();
        comparisons.take(HostId::new(), pair(48, 47), told());
        let mut elsewhere = pair(48, 47);
        elsewhere.from.number = 12;
        assert_eq!(comparisons.known(&elsewhere, None), Some(told()));
        assert_eq!(comparisons.known(&pair(47, 48), None), None, "the way back is another one");
        comparisons.take(HostId::new(), pair(48, 46), Comparison { commits: Err("later".into()), ..told() });
        assert_eq!(comparisons.known(&pair(48, 46), None), None);
    }

    #[test]
    fn whether_a_reboot_is_needed_is_not_taken_from_a_host_that_was_booted_with_something_else() {
        let comparisons = Comparisons::default();
        let booted = |build: &str| Comparison {
            reboot: Ok(Reboot { booted: Some(build.to_owned()), parts: vec![] }),
            ..told()
        };
        comparisons.take(HostId::new(), pair(48, 47), booted("/nix/store/a"));
        assert_eq!(comparisons.known(&pair(48, 47), Some("/nix/store/b")), None);
        comparisons.take(HostId::new(), pair(48, 47), booted("/nix/store/b"));
        for build in ["/nix/store/a", "/nix/store/b"] {
            assert_eq!(comparisons.known(&pair(48, 47), Some(build)), Some(booted(build)));
        }
    }

    #[test]
    fn no_more_is_remembered_than_fits() {
        let comparisons = Comparisons::default();
        for number in 0..500 {
            comparisons.take(HostId::new(), pair(1000, number), told());
        }
        assert_eq!(comparisons.remembered().len(), REMEMBERED);
        assert_eq!(comparisons.known(&pair(1000, 0), None), None);
        assert!(comparisons.known(&pair(1000, 499), None).is_some());
    }
}
