//! What the server knows about the repository at GitHub, and which readings, merges and reverts are under way.

mod memory;

use parking_lot::{Mutex, MutexGuard, RwLock};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use backstay_model::DeploymentId;
use backstay_model::pull_request::{PullRequests, Reading};
use tokio::sync::Notify;

use crate::github::GitHub;
pub(crate) use memory::{Looked, Memory};

/// The state of the repository at GitHub, and the work under way there.
pub(crate) struct Watch {
    /// Number of readings that have started.
    pub(crate) begun: AtomicU64,
    /// What one reading remembers for the next. Locked by the reading that is under way.
    pub(crate) memory: tokio::sync::Mutex<Memory>,
    /// What pages show.
    pub(crate) published: RwLock<PullRequests>,
    /// Notified when a reading is wanted soon.
    pub(crate) wanted: Notify,
    /// How often this server moved the branch.
    pub(crate) moves: AtomicU64,
    /// The deployments whose revert this server is making.
    reverting: Mutex<HashSet<DeploymentId>>,
    /// The pull requests that this server is merging, until their deployment is recorded.
    merging: Mutex<HashMap<u64, Merging>>,
}

/// A merge that this server requested.
#[derive(Debug, Clone)]
pub(crate) struct Merging {
    /// Who requested it.
    pub(crate) by: String,
    /// Whether the answer is still awaited. Otherwise it was lost, and a reading has to find out the result.
    pub(crate) is_under_way: bool,
}

impl Watch {
    /// Returns a watch that knows nothing yet.
    pub(crate) fn new(github: Option<&GitHub>) -> Self {
        let published = github.map_or_else(PullRequests::default, |github| PullRequests {
            reading: Reading::NotYet,
            repository: github.name().to_owned(),
            branch: github.branch().to_owned(),
            ..PullRequests::default()
        });
        Self {
            begun: AtomicU64::new(0),
            memory: tokio::sync::Mutex::default(),
            published: RwLock::new(published),
            wanted: Notify::new(),
            moves: AtomicU64::new(0),
            reverting: Mutex::default(),
            merging: Mutex::default(),
        }
    }

    /// Remembers who merges a pull request until the merge [ends](Self::merge_ends).
    pub(crate) fn merge_begins(&self, number: u64, by: &str) {
        let merging = Merging { by: by.to_owned(), is_under_way: true };
        self.merging().insert(number, merging);
    }

    /// The answer to the merge was lost: the next reading finds out the result.
    pub(crate) fn merge_unclear(&self, number: u64) {
        if let Some(merging) = self.merging().get_mut(&number) {
            merging.is_under_way = false;
        }
    }

    /// The merge is recorded, or was refused.
    pub(crate) fn merge_ends(&self, number: u64) {
        self.merging().remove(&number);
    }

    /// Claims the revert of a deployment, or returns `None` if it is already under way. Dropping the result releases the
    /// claim.
    pub(crate) fn begin_revert(self: &Arc<Self>, deployment: DeploymentId) -> Option<RevertUnderWay> {
        let is_new = self.reverting().insert(deployment);
        is_new.then(|| RevertUnderWay { watch: Arc::clone(self), deployment })
    }

    fn reverting(&self) -> MutexGuard<'_, HashSet<DeploymentId>> {
        self.reverting.lock()
    }

    /// The pull requests that this server is merging.
    pub(crate) fn merging(&self) -> MutexGuard<'_, HashMap<u64, Merging>> {
        self.merging.lock()
    }

    /// What pages show.
    pub(crate) fn published(&self) -> PullRequests {
        self.published.read().clone()
    }
}

/// The claim on a revert that this server is making.
pub(crate) struct RevertUnderWay {
    watch: Arc<Watch>,
    deployment: DeploymentId,
}

impl Drop for RevertUnderWay {
    fn drop(&mut self) {
        self.watch.reverting().remove(&self.deployment);
    }
}
