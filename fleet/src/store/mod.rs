//! The store: everything durable, behind one contract.
//!
//! [`Store`] says what Backstay needs of a database; [`sqlite`] keeps it in one file. Each method is one transaction:
//! it happens whole or not at all, and callers never hold one open. Where a change belongs with its audit entry, both
//! go in through the same method, so that neither can be there without the other.
//!
//! The contract is written so that any SQL database fits: identifiers are text, times are UTC, JSON is text, and every
//! rule that must hold under concurrency (one open op for a host, each output line once, no step out of a closed op)
//! is a constraint of the database or a condition of the statement, not a look before it.
//!
//! `contract.rs` is the suite that every implementation must pass.

use async_trait::async_trait;
use backstay_model::deployment::{Decision, Deployment, HostEvent};
use backstay_model::rollout::{Rollout, RolloutState, RolloutStep};
use backstay_model::view::{AuditEntry, AuditQuery};
use backstay_model::{
    Commit, DeploymentId, Facts, HostId, Labels, OpId, OpView, OutputLine, PersonView, Phase, Platform,
    RolloutId, TestRun, TestTimeout,
};
use chrono::{DateTime, Utc};

#[cfg(test)]
mod contract;
mod records;
pub mod sqlite;

pub use records::{
    Appended, EnrolError, GenerationRecord, HostRecord, InsertOpError, InsertRolloutError, NewAuditEntry,
    NewDeployment, NewHost, NewJoinToken, NewOp, OpFilter, OpStep, REVERTED_COMMITS, RollbackRecord,
    StoreError, TokenHash, UserRecord,
};

/// How many generations are kept of a host, beside those that its profile lists.
pub const GENERATIONS_KEPT: u32 = 1_000;
/// How many test runs are kept of a host.
pub const TEST_RUNS_KEPT: u32 = 1_000;
/// How large they may be together, in bytes.
pub const TEST_BYTES_KEPT: u32 = 32 * 1024 * 1024;
/// How much of them is read at once, in bytes.
pub const TEST_BYTES_READ: usize = 2 * 1024 * 1024;

/// What Backstay needs of a database.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    // Hosts.

    /// Records a join token, with its [audit entry](NewJoinToken::audit_entry).
    async fn insert_join_token(&self, token: &NewJoinToken) -> Result<(), StoreError>;
    /// Enrols a host, with its [audit entry](NewHost::audit_entry), and uses up its join token. With the same token and the same [`NewHost::token`] again, nothing
    /// changes and the host of the first time is answered: the first answer may have been lost on its way.
    async fn enrol(&self, host: &NewHost, join: &TokenHash) -> Result<HostRecord, EnrolError>;
    /// Every host, by name.
    async fn hosts(&self) -> Result<Vec<HostRecord>, StoreError>;
    /// The host with this identifier.
    async fn host(&self, id: HostId) -> Result<Option<HostRecord>, StoreError>;
    /// The host with this name, whatever the case of its letters.
    async fn host_by_name(&self, name: &str) -> Result<Option<HostRecord>, StoreError>;
    /// The host whose agent shows this token.
    async fn host_by_token(&self, token: &TokenHash) -> Result<Option<HostRecord>, StoreError>;
    /// Remembers what an agent said of itself on connecting.
    async fn record_agent(
        &self,
        id: HostId,
        version: &str,
        protocol: u32,
        platform: Platform,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError>;
    /// Remembers when an agent was last heard of. Never goes back in time.
    async fn record_seen(&self, id: HostId, at: DateTime<Utc>) -> Result<(), StoreError>;
    /// Remembers facts: the latest as they are, generations and test runs also in their histories, of which the newest
    /// [`GENERATIONS_KEPT`], [`TEST_RUNS_KEPT`] and [`TEST_BYTES_KEPT`] stay. What comes last counts, whatever the host's
    /// clock says: it may have been set back.
    async fn record_facts(&self, id: HostId, facts: &Facts) -> Result<(), StoreError>;
    /// Says whether tests run by themselves after a switch or rollback.
    async fn set_auto_test(&self, id: HostId, on: bool, audit: &NewAuditEntry) -> Result<(), StoreError>;
    /// Says how long each test of a host may take; none leaves that to its agent's configuration.
    async fn set_test_timeout(
        &self,
        id: HostId,
        timeout: Option<TestTimeout>,
        audit: &NewAuditEntry,
    ) -> Result<(), StoreError>;
    /// Remembers what people say of a host.
    async fn set_labels(&self, id: HostId, labels: &Labels, audit: &NewAuditEntry) -> Result<(), StoreError>;
    /// Removes a host from the fleet, with the audit entry: it is not found any more, its token opens nothing, its name is
    /// free. Ops, rollbacks and deployments that name it stay. Whether it did: not where the host is not in the fleet, or
    /// an op holds it, and then nothing was written. Its histories of generations and test runs go.
    async fn remove_host(
        &self,
        id: HostId,
        at: DateTime<Utc>,
        audit: &NewAuditEntry,
    ) -> Result<bool, StoreError>;
    /// Every generation ever reported of a host, newest first.
    async fn generations(&self, host: HostId) -> Result<Vec<GenerationRecord>, StoreError>;
    /// The latest test runs of a host, newest first, at most `limit`, and at most [`TEST_BYTES_READ`] of them.
    async fn test_runs(&self, host: HostId, limit: u32) -> Result<Vec<TestRun>, StoreError>;
    /// The latest test run of each of these builds that the host ever reported one of, newest first.
    async fn latest_test_runs(&self, host: HostId, builds: &[&str]) -> Result<Vec<TestRun>, StoreError>;

    // Ops.

    /// Records an op, with its audit entry. A second open op of a host is refused by the database itself, unless the host's
    /// tests hold it and the op [stops](NewOp::stop_tests) them. Tests that were not sent are taken back. Of tests that are
    /// with their host a cancel is asked, and the op [waits](OpView::waits) for their end, whatever that is: the step that
    /// closes them lets it go. One op at a time may wait.
    async fn insert_op(&self, op: &NewOp, audit: &NewAuditEntry) -> Result<OpView, InsertOpError>;
    /// Takes an op one step further, if its status allows: the statement itself names the statuses from which
    /// [`OpStatus::to`](backstay_model::OpStatus::to) may lead there. None where it does not, and then nothing was written, not even the audit entry.
    async fn step_op(&self, id: OpId, step: &OpStep) -> Result<Option<OpView>, StoreError>;
    /// Remembers that a person wants an op to stop that is with its host, with the audit entry; the first to ask is
    /// remembered. None, and nothing written, where the op is not with its host.
    async fn request_cancel(&self, id: OpId, audit: &NewAuditEntry) -> Result<Option<OpView>, StoreError>;
    /// The ops that wait to be sent and are no host's turn in a roll-out, each with its host, oldest first.
    async fn waiting_ops(&self) -> Result<Vec<(OpId, HostId)>, StoreError>;
    /// The open ops for which the server has waited as long as it may, oldest first.
    async fn due_ops(&self, now: DateTime<Utc>) -> Result<Vec<OpView>, StoreError>;
    /// Remembers what an open op is doing; nothing for a closed one.
    async fn set_phase(&self, id: OpId, phase: Phase) -> Result<Option<OpView>, StoreError>;
    /// The op with this identifier.
    async fn op(&self, id: OpId) -> Result<Option<OpView>, StoreError>;
    /// The op that holds the host. One that waits for tests to end does not hold it yet.
    async fn open_op(&self, host: HostId) -> Result<Option<OpView>, StoreError>;
    /// The latest closed op that [changes the system](backstay_model::OpKind::changes_system) and took place on the host, or
    /// may have. Ops that were blocked, taken back before they arrived, or refused by the host did not.
    async fn last_system_op(&self, host: HostId) -> Result<Option<OpView>, StoreError>;
    /// Ops, newest first.
    async fn ops(&self, filter: &OpFilter) -> Result<Vec<OpView>, StoreError>;
    /// Stores lines that are not stored yet. An op's lines may come after it was closed.
    async fn append_output(&self, op: OpId, lines: &[OutputLine]) -> Result<Appended, StoreError>;
    /// The lines after `after`, in order, at most `limit`.
    async fn output(&self, op: OpId, after: u64, limit: u32) -> Result<Vec<OutputLine>, StoreError>;
    /// The last lines before `before`, or of all where there is none, in order, at most `limit`.
    async fn output_before(
        &self,
        op: OpId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<OutputLine>, StoreError>;
    /// The number of the line up to which an op's output is stored without a gap.
    async fn output_through(&self, op: OpId) -> Result<u64, StoreError>;
    /// The rollbacks of a host, newest first.
    async fn rollbacks(&self, host: HostId) -> Result<Vec<RollbackRecord>, StoreError>;

    // Deployments.

    /// Records that a pull request was merged, with every host as not attempted, and supersedes the deployments before
    /// it. None, and nothing written, where there is one of this commit already: a merge is heard of more than once.
    async fn open_deployment(
        &self,
        new: &NewDeployment,
        audit: &NewAuditEntry,
    ) -> Result<Option<Deployment>, StoreError>;
    /// The deployment with this identifier.
    async fn deployment(&self, id: DeploymentId) -> Result<Option<Deployment>, StoreError>;
    /// Deployments, newest first, older than `before` where given, at most `limit`.
    async fn deployments(
        &self,
        before: Option<DeploymentId>,
        limit: u32,
    ) -> Result<Vec<Deployment>, StoreError>;
    /// Takes in what an op on a host did for a deployment that is going on, by [`HostOutcome::apply`]. None where that
    /// changed nothing.
    ///
    /// [`HostOutcome::apply`]: backstay_model::deployment::HostOutcome::apply
    async fn deployment_heard(
        &self,
        id: DeploymentId,
        host: HostId,
        host_name: &str,
        op: OpId,
        heard: &HostEvent,
    ) -> Result<Option<Deployment>, StoreError>;
    /// Records a decision on a deployment, with its audit entry, if it may follow on the one before: the statement
    /// itself names the [predecessors](Decision::predecessors). None where it may not, and then nothing was written.
    async fn decide(
        &self,
        id: DeploymentId,
        decision: &Decision,
        audit: &NewAuditEntry,
    ) -> Result<Option<Deployment>, StoreError>;
    /// The commits of the deployments whose revert was decided on, newest first, at most
    /// [`REVERTED_COMMITS`].
    async fn reverted_commits(&self) -> Result<Vec<Commit>, StoreError>;
    /// Brings back what was decided before a revert that could not be made, or that a later pull request was merged
    /// meanwhile; `None` if no revert is being made.
    async fn revert_failed(
        &self,
        id: DeploymentId,
        entry: &NewAuditEntry,
    ) -> Result<Option<Deployment>, StoreError>;
    /// The commits that may have become the revert of a deployment.
    async fn revert_candidates(&self, id: DeploymentId) -> Result<Vec<Commit>, StoreError>;
    /// Remembers one more of them.
    async fn remember_revert(&self, id: DeploymentId, candidate: &Commit) -> Result<(), StoreError>;

    // Roll-outs.

    /// Records a roll-out, with its audit entry, unless another one goes on: the database itself holds that no two are
    /// [running](RolloutState::Running). A [rollback](backstay_model::OpKind::Rollback) need not wait for one that is
    /// [stopping](RolloutState::Stopping).
    async fn insert_rollout(
        &self,
        rollout: &Rollout,
        audit: &NewAuditEntry,
    ) -> Result<(), InsertRolloutError>;
    /// Records a roll-out as [`Self::insert_rollout`] does, and with it the op of each of its hosts, which hold their hosts
    /// from then on: all of them, or nothing at all. A rollback is held against the host's latest facts once more, so that
    /// no host has moved between the look and the record.
    async fn begin_rollout(
        &self,
        rollout: &Rollout,
        audit: &NewAuditEntry,
        ops: &[(NewOp, NewAuditEntry)],
    ) -> Result<(), InsertRolloutError>;
    /// Begins the host that an op is for: records the op with its audit entry and the host's step, in one. None, and
    /// nothing written, where the roll-out is not running or the host's turn was taken already, so that no host is begun
    /// twice or after a stop.
    async fn begin_in_rollout(
        &self,
        id: RolloutId,
        step: &RolloutStep,
        op: &NewOp,
        audit: &NewAuditEntry,
    ) -> Result<Option<OpView>, InsertOpError>;
    /// Takes a host of a roll-out one step further, if it is still where it was when it was looked at.
    async fn step_rollout(
        &self,
        id: RolloutId,
        host: HostId,
        from: &RolloutStep,
        to: &RolloutStep,
    ) -> Result<Option<Rollout>, StoreError>;
    /// Takes a roll-out itself further, with its audit entry, where that may follow: the statement itself names the
    /// [predecessors](RolloutState::predecessors). None where it may not, and then nothing was written.
    async fn set_rollout_state(
        &self,
        id: RolloutId,
        to: &RolloutState,
        audit: &NewAuditEntry,
    ) -> Result<Option<Rollout>, StoreError>;
    /// The roll-out with this identifier.
    async fn rollout(&self, id: RolloutId) -> Result<Option<Rollout>, StoreError>;
    /// Roll-outs, newest first, older than `before` where given, at most `limit`.
    async fn rollouts(&self, before: Option<RolloutId>, limit: u32) -> Result<Vec<Rollout>, StoreError>;
    /// Those to which something is still to come, oldest first.
    async fn open_rollouts(&self) -> Result<Vec<Rollout>, StoreError>;
    /// The roll-out in which this op is a host's latest step.
    async fn rollout_of(&self, op: OpId) -> Result<Option<Rollout>, StoreError>;
    /// The op that was recorded [with the end](OpStep::then) of this one.
    async fn following_op(&self, op: OpId) -> Result<Option<OpView>, StoreError>;

    // Audit.

    /// Appends an entry to the audit log.
    async fn append_audit(&self, entry: &NewAuditEntry) -> Result<(), StoreError>;
    /// The entries that are wanted, newest first, at most `limit`.
    async fn audit(&self, query: &AuditQuery, limit: u32) -> Result<Vec<AuditEntry>, StoreError>;
    /// Recomputes the chain of hashes; the number of the first entry that does not fit, if there is one.
    async fn verify_audit(&self) -> Result<Option<u64>, StoreError>;

    // People.

    /// How many people there are.
    async fn count_users(&self) -> Result<u64, StoreError>;
    /// Records a person, or a new password and role for one, and ends that person's sessions.
    async fn put_user(&self, user: &UserRecord, audit: &NewAuditEntry) -> Result<(), StoreError>;
    /// The person of this name.
    async fn user(&self, name: &str) -> Result<Option<UserRecord>, StoreError>;
    /// How a person wants the fleet page to look; as everybody begins, where there is no such person.
    async fn person_view(&self, name: &str) -> Result<PersonView, StoreError>;
    /// Remembers how a person wants the fleet page to look; nothing where there is no such person.
    async fn set_person_view(&self, name: &str, view: &PersonView) -> Result<(), StoreError>;
    /// Records a session, with the audit entry of the log-in.
    async fn insert_session(
        &self,
        token: &TokenHash,
        user: &str,
        created_at: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> Result<(), StoreError>;
    /// Whose session this is, if it has not expired.
    async fn session_user(
        &self,
        token: &TokenHash,
        now: DateTime<Utc>,
    ) -> Result<Option<UserRecord>, StoreError>;
    /// Ends a session.
    async fn delete_session(&self, token: &TokenHash) -> Result<(), StoreError>;
    /// Forgets sessions and join tokens that have expired.
    async fn delete_expired(&self, now: DateTime<Utc>) -> Result<(), StoreError>;
}
