//! Updates that could not be published because the database failed. The next look publishes them, so that no page stays
//! out of date.

use parking_lot::Mutex;
use std::collections::HashSet;

use backstay_model::{DeploymentId, HostId, OpId, RolloutId};

/// Something that pages show and that changed in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Update {
    /// Every host whose row changed.
    Hosts,
    /// One host.
    Host(HostId),
    /// An op.
    Op(OpId),
    /// A roll-out.
    Rollout(RolloutId),
    /// One host of a roll-out.
    RolloutHost(RolloutId, HostId),
    /// A deployment.
    Deployment(DeploymentId),
    /// One host of a deployment.
    DeploymentHost(DeploymentId, HostId),
    /// A new deployment, and the one that it replaced.
    Opened(DeploymentId),
}

/// The updates that are still to be published.
#[derive(Default)]
pub(crate) struct Unpublished(Mutex<HashSet<Update>>);

impl Unpublished {
    /// Keeps an update for later.
    pub(crate) fn put(&self, update: Update) {
        self.0.lock().insert(update);
    }

    /// Takes all updates.
    pub(crate) fn take(&self) -> HashSet<Update> {
        std::mem::take(&mut self.0.lock())
    }
}
