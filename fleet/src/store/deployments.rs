//! Deployments and the decisions on them.

use async_trait::async_trait;
use backstay_model::deployment::{Decision, Deployment, HostEvent, HostOutcome, PullRequestRef};
use backstay_model::pull_request::Inputs;
use backstay_model::{Commit, DeploymentId, HostId, OpId};
use chrono::{DateTime, Utc};

use super::{NewAuditEntry, StoreError};

/// The number of reverted commits that the server knows: the newest. Older ones have long left every profile.
pub const REVERTED_COMMITS: u32 = 1_000;

/// Deployments: one for each merge, filled by ops, decided once.
#[async_trait]
pub trait DeploymentStore: Send + Sync + 'static {
    /// Records a merged pull request, with every host as not attempted, and supersedes the deployments before
    /// it. Returns `None`, and writes nothing, if this commit has a deployment already: the server may hear
    /// of a merge more than once.
    async fn open_deployment(
        &self,
        new: &NewDeployment,
        audit: &NewAuditEntry,
    ) -> Result<Option<Deployment>, StoreError>;
    /// Returns the deployment with this identifier.
    async fn deployment(&self, id: DeploymentId) -> Result<Option<Deployment>, StoreError>;
    /// Returns the deployment, or the newest one, with the outcome of this host alone.
    async fn deployment_on(
        &self,
        host: HostId,
        id: Option<DeploymentId>,
    ) -> Result<Option<Deployment>, StoreError>;
    /// Returns the newest deployments, or the newest before `before`, newest first, at most `limit`.
    async fn deployments(
        &self,
        before: Option<DeploymentId>,
        limit: u32,
    ) -> Result<Vec<Deployment>, StoreError>;
    /// Applies the progress of an op on a host to an active deployment, by [`HostOutcome::apply`]. Returns
    /// the host's outcome, or `None` if that changed nothing.
    ///
    /// [`HostOutcome::apply`]: backstay_model::deployment::HostOutcome::apply
    async fn apply_host_event(
        &self,
        id: DeploymentId,
        host: HostId,
        host_name: &str,
        op: OpId,
        event: &HostEvent,
    ) -> Result<Option<HostOutcome>, StoreError>;
    /// Records a decision on a deployment, with its audit entry, if it may follow the current one: the
    /// statement itself names the [predecessors](Decision::predecessors). Returns `None`, and writes nothing,
    /// if it may not.
    async fn decide(
        &self,
        id: DeploymentId,
        decision: &Decision,
        audit: &NewAuditEntry,
    ) -> Result<Option<Deployment>, StoreError>;
    /// Returns the commits of the deployments that a person decided to revert, newest first, at most
    /// [`REVERTED_COMMITS`].
    async fn reverted_commits(&self) -> Result<Vec<Commit>, StoreError>;
    /// Restores the decision before a revert that could not be made, or supersedes the deployment if a later
    /// pull request was merged since. Returns `None` if no revert is being made.
    async fn revert_failed(
        &self,
        id: DeploymentId,
        entry: &NewAuditEntry,
    ) -> Result<Option<Deployment>, StoreError>;
    /// Returns the commits that may have become the revert of a deployment.
    async fn revert_candidates(&self, id: DeploymentId) -> Result<Vec<Commit>, StoreError>;
    /// Records one more of them.
    async fn remember_revert(&self, id: DeploymentId, candidate: &Commit) -> Result<(), StoreError>;
}

/// A deployment to record.
#[derive(Debug, Clone)]
pub struct NewDeployment {
    /// Its identifier.
    pub id: DeploymentId,
    /// The pull request that was merged.
    pub pull_request: PullRequestRef,
    /// The commit that it became on the branch.
    pub commit: Commit,
    /// Who merged it.
    pub merged_by: String,
    /// When it was merged.
    pub merged_at: DateTime<Utc>,
    /// The flake inputs that it changed, if known.
    pub inputs: Option<Inputs>,
}
