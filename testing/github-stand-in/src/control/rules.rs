//! Rules, settings, and check results.

use crate::stand_in::StandIn;
use crate::state::{Check, CommitStatus, MergeMethods, Protection};

impl StandIn {
    /// Protects a branch, or removes its protection.
    pub async fn protect(&self, branch: &str, protection: Option<Protection>) {
        let mut state = self.world.state.lock().await;
        match protection {
            Some(protection) => state.protection.insert(branch.to_owned(), protection),
            None => state.protection.remove(branch),
        };
    }

    /// Adds a ruleset that forbids new branches with this prefix, or removes it.
    pub async fn forbid_branches(&self, prefix: Option<&str>) {
        self.world.state.lock().await.no_branches = prefix.map(str::to_owned);
    }

    /// Allows these ways of merging.
    pub async fn allow(&self, methods: MergeMethods) {
        self.world.state.lock().await.methods = methods;
    }

    /// Adds check runs to a commit.
    pub async fn set_checks(&self, commit: &str, checks: Vec<Check>) {
        self.world.state.lock().await.checks.insert(commit.to_owned(), checks);
    }

    /// Adds commit statuses to a commit, as older services do.
    pub async fn set_statuses(&self, commit: &str, statuses: Vec<CommitStatus>) {
        self.world.state.lock().await.statuses.insert(commit.to_owned(), statuses);
    }
}
