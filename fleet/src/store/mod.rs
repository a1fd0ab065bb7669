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
use backstay_protocol::deployment::{Decision, Deployment, Heard, PullRequestRef};
use backstay_protocol::message::Outcome;
use backstay_protocol::view::{AuditEntry, Role};
use backstay_protocol::{
    Commit, DeploymentId, Facts, Generation, HostId, OpAction, OpId, OpKind, OpStatus, OpView, OutputLine,
    Phase, Platform, TestRun,
};
use chrono::{DateTime, Utc};

#[cfg(test)]
mod contract;
pub mod sqlite;

/// SHA-256 of a secret, in lower-case hexadecimal: all that the store ever holds of a token.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TokenHash(pub String);

/// What can go wrong with the database itself. What a person can do something about has its own type.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database did not do what it was asked.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// The database could not be brought to this version.
    #[error("the database could not be brought up to date: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// A row holds what this version does not understand.
    #[error("the database holds what this version does not understand: {0}")]
    Corrupt(String),
}

/// A host as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct HostRecord {
    /// Its identifier.
    pub id: HostId,
    /// Its name, unique whatever the case of its letters.
    pub name: String,
    /// What kind of system it is.
    pub platform: Platform,
    /// Whether tests run by themselves after a switch or rollback.
    pub auto_test: bool,
    /// The version of its agent; none before it first connected.
    pub agent_version: Option<String>,
    /// The protocol version of its agent; none before it first connected.
    pub agent_protocol: Option<u32>,
    /// When its agent was last heard of.
    pub last_seen: Option<DateTime<Utc>>,
    /// The latest facts.
    pub facts: Option<Facts>,
    /// When it was enrolled.
    pub created_at: DateTime<Utc>,
}

/// A host that is to be enrolled.
#[derive(Debug, Clone)]
pub struct NewHost {
    /// Its identifier.
    pub id: HostId,
    /// The name that its agent gave.
    pub name: String,
    /// What kind of system it is.
    pub platform: Platform,
    /// The hash of the token that its agent will show from now on.
    pub token: TokenHash,
    /// Whether tests run by themselves after a switch or rollback.
    pub auto_test: bool,
    /// When.
    pub at: DateTime<Utc>,
}

impl NewHost {
    /// What the audit log says of the enrolment.
    pub fn audit_entry(&self) -> NewAuditEntry {
        NewAuditEntry {
            at: self.at,
            actor: self.name.clone(),
            action: "host.enrolled".to_owned(),
            host_name: Some(self.name.clone()),
            from_gen: None,
            to_gen: None,
            reason: None,
            detail: format!("Joined the fleet as a {} host.", self.platform.title()),
            op: None,
        }
    }
}

/// A join token: the right to enrol one host, once, for a while.
#[derive(Debug, Clone)]
pub struct NewJoinToken {
    /// The hash of the token.
    pub token: TokenHash,
    /// The only name that may be enrolled with it, where it was made for one.
    pub host_name: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// From when on it is worth nothing.
    pub expires_at: DateTime<Utc>,
}

/// Why a host is not enrolled. A stranger hears only that the token is not valid.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// There is no such token, or it has expired, was used, or is for a host of another name.
    #[error("the join token is not valid: it is unknown, used, expired, or made for another host")]
    InvalidToken,
    /// There is a host of that name.
    #[error("there is a host named {0} already: remove it first, or give this one another name")]
    NameTaken(String),
    /// See [`StoreError`].
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An op that is to be recorded.
#[derive(Debug, Clone)]
pub struct NewOp {
    /// Its identifier.
    pub id: OpId,
    /// The host that it is for.
    pub host: HostId,
    /// What to do.
    pub action: OpAction,
    /// [`OpStatus::Queued`], or [`OpStatus::Blocked`] for the record of a refusal.
    pub status: OpStatus,
    /// Who asked.
    pub requested_by: String,
    /// Why.
    pub reason: Option<String>,
    /// When.
    pub created_at: DateTime<Utc>,
    /// Until when the server waits for it; none for a blocked op.
    pub due_at: Option<DateTime<Utc>>,
    /// The op that it tries again.
    pub retry_of: Option<OpId>,
    /// For a blocked op, why.
    pub message: Option<String>,
}

/// Why an op is not recorded.
#[derive(Debug, thiserror::Error)]
pub enum InsertOpError {
    /// Another op holds the host.
    #[error("another op holds the host: {}", .0.title())]
    HostBusy(Box<OpView>),
    /// See [`StoreError`].
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A step in an op's life. Fields that are none leave what is stored.
#[derive(Debug, Clone)]
pub struct OpStep {
    /// The status to go to.
    pub to: OpStatus,
    /// The only status to come from, where not every one from which [`OpStatus::to`] may lead there will do.
    pub only_from: Option<OpStatus>,
    /// When the agent began, by the host's clock.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// How it ended on the host.
    pub outcome: Option<Outcome>,
    /// The exit code of the command that decided.
    pub exit_code: Option<i32>,
    /// What became of it, in a sentence.
    pub message: Option<String>,
    /// The audit entry that goes with the step.
    pub audit: Option<NewAuditEntry>,
    /// The row in `rollbacks` that goes with the step; it takes the place of an earlier one of the same op.
    pub rollback: Option<RollbackRecord>,
    /// Until when the server waits from here on. A closed op is not waited for.
    pub due_at: Option<DateTime<Utc>>,
    /// The op that follows on this one, with its audit entry: recorded with the step or, where another op holds the
    /// host, not at all.
    pub then: Option<Box<(NewOp, NewAuditEntry)>>,
}

impl OpStep {
    /// A step to `to`, with nothing else to tell.
    pub fn to(to: OpStatus) -> Self {
        Self {
            to,
            only_from: None,
            started_at: None,
            finished_at: None,
            outcome: None,
            exit_code: None,
            message: None,
            audit: None,
            rollback: None,
            due_at: None,
            then: None,
        }
    }
}

/// A deployment that is to be recorded.
#[derive(Debug, Clone)]
pub struct NewDeployment {
    /// Its identifier.
    pub id: DeploymentId,
    /// What was merged.
    pub pull_request: PullRequestRef,
    /// What it became on the branch.
    pub commit: Commit,
    /// Who merged it.
    pub merged_by: String,
    /// When.
    pub merged_at: DateTime<Utc>,
}

/// A rollback that took place or was tried on a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollbackRecord {
    /// The op that did it.
    pub op: OpId,
    /// The host.
    pub host: HostId,
    /// The generation it was on.
    pub from_gen: u32,
    /// The generation it was to reach.
    pub to_gen: u32,
    /// Why, in the person's words.
    pub reason: Option<String>,
    /// Who.
    pub initiated_by: String,
    /// When it ended.
    pub rolled_back_at: DateTime<Utc>,
    /// Whether the host reached it.
    pub success: bool,
}

/// An audit entry that is to be appended; its number and hash come from the log.
#[derive(Debug, Clone)]
pub struct NewAuditEntry {
    /// When it happened.
    pub at: DateTime<Utc>,
    /// Who did it.
    pub actor: String,
    /// What was done, such as `rollback.requested`.
    pub action: String,
    /// The host that it was done to.
    pub host_name: Option<String>,
    /// The generation that the host left.
    pub from_gen: Option<u32>,
    /// The generation that it was to reach.
    pub to_gen: Option<u32>,
    /// Why.
    pub reason: Option<String>,
    /// What became of it.
    pub detail: String,
    /// The op that it belongs to.
    pub op: Option<OpId>,
}

/// Which ops are asked for.
#[derive(Debug, Clone, Default)]
pub struct OpFilter {
    /// Of this host alone.
    pub host: Option<HostId>,
    /// Of this kind alone.
    pub kind: Option<OpKind>,
    /// In one of these statuses; in any, where there is none.
    pub statuses: Vec<OpStatus>,
    /// Asked for by this person alone.
    pub by: Option<String>,
    /// Only those older than this one.
    pub before: Option<OpId>,
    /// At most so many.
    pub limit: u32,
}

/// A generation as history remembers it, also after it has left the profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenerationRecord {
    /// The generation as last reported.
    pub generation: Generation,
    /// Whether the profile still lists it.
    pub in_profile: bool,
}

/// A person as stored.
#[derive(Debug, Clone)]
pub struct UserRecord {
    /// The name.
    pub name: String,
    /// The password's argon2id hash, in PHC string format.
    pub password_hash: String,
    /// What the person may do.
    pub role: Role,
}

/// What Backstay needs of a database.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    // Hosts.

    /// Records a join token.
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
    /// Remembers facts: the latest as they are, generations and test runs also in their histories. What comes last
    /// counts, whatever the host's clock says: it may have been set back.
    async fn record_facts(&self, id: HostId, facts: &Facts) -> Result<(), StoreError>;
    /// Says whether tests run by themselves after a switch or rollback.
    async fn set_auto_test(&self, id: HostId, on: bool, audit: &NewAuditEntry) -> Result<(), StoreError>;
    /// Every generation ever reported of a host, newest first.
    async fn generations(&self, host: HostId) -> Result<Vec<GenerationRecord>, StoreError>;
    /// The latest test runs of a host, newest first, at most `limit`.
    async fn test_runs(&self, host: HostId, limit: u32) -> Result<Vec<TestRun>, StoreError>;

    // Ops.

    /// Records an op, with its audit entry. A second open op of a host is refused by the database itself.
    async fn insert_op(&self, op: &NewOp, audit: &NewAuditEntry) -> Result<OpView, InsertOpError>;
    /// Takes an op one step further, if its status allows: the statement itself names the statuses from which
    /// [`OpStatus::to`] may lead there. None where it does not, and then nothing was written, not even the audit entry.
    async fn step_op(&self, id: OpId, step: &OpStep) -> Result<Option<OpView>, StoreError>;
    /// Remembers that a person wants an op to stop that is with its host, with the audit entry; the first to ask is
    /// remembered. None, and nothing written, where the op is not with its host.
    async fn request_cancel(&self, id: OpId, audit: &NewAuditEntry) -> Result<Option<OpView>, StoreError>;
    /// The open ops for which the server has waited as long as it may, oldest first.
    async fn due_ops(&self, now: DateTime<Utc>) -> Result<Vec<OpView>, StoreError>;
    /// Remembers what an open op is doing; nothing for a closed one.
    async fn set_phase(&self, id: OpId, phase: Phase) -> Result<Option<OpView>, StoreError>;
    /// The op with this identifier.
    async fn op(&self, id: OpId) -> Result<Option<OpView>, StoreError>;
    /// The op that holds the host.
    async fn open_op(&self, host: HostId) -> Result<Option<OpView>, StoreError>;
    /// The latest closed op that [changes the system](OpKind::changes_system) and reached the host (blocked and
    /// cancelled-while-queued ones did not).
    async fn last_system_op(&self, host: HostId) -> Result<Option<OpView>, StoreError>;
    /// Ops, newest first.
    async fn ops(&self, filter: &OpFilter) -> Result<Vec<OpView>, StoreError>;
    /// Stores lines that are not stored yet, and answers the number up to which there is no gap. An op's lines may come
    /// after it was closed.
    async fn append_output(&self, op: OpId, lines: &[OutputLine]) -> Result<u64, StoreError>;
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
    /// Takes in what an op on a host did for a deployment that is going on, by [`HostOutcome::hear`]. None where that
    /// changed nothing.
    ///
    /// [`HostOutcome::hear`]: backstay_protocol::deployment::HostOutcome::hear
    async fn deployment_heard(
        &self,
        id: DeploymentId,
        host: HostId,
        host_name: &str,
        op: OpId,
        heard: &Heard,
    ) -> Result<Option<Deployment>, StoreError>;
    /// Records a decision on a deployment, with its audit entry, if it may follow on the one before: the statement
    /// itself names the [predecessors](Decision::predecessors). None where it may not, and then nothing was written.
    async fn decide(
        &self,
        id: DeploymentId,
        decision: &Decision,
        audit: &NewAuditEntry,
    ) -> Result<Option<Deployment>, StoreError>;
    /// The commits that may have become the revert of a deployment.
    async fn revert_candidates(&self, id: DeploymentId) -> Result<Vec<Commit>, StoreError>;
    /// Remembers one more of them.
    async fn remember_revert(&self, id: DeploymentId, candidate: &Commit) -> Result<(), StoreError>;

    // Audit.

    /// Appends an entry to the audit log.
    async fn append_audit(&self, entry: &NewAuditEntry) -> Result<(), StoreError>;
    /// Entries, newest first, older than `before` where given, at most `limit`.
    async fn audit(&self, before: Option<u64>, limit: u32) -> Result<Vec<AuditEntry>, StoreError>;
    /// Recomputes the chain of hashes; the number of the first entry that does not fit, if there is one.
    async fn verify_audit(&self) -> Result<Option<u64>, StoreError>;

    // People.

    /// How many people there are.
    async fn count_users(&self) -> Result<u64, StoreError>;
    /// Records a person, or a new password and role for one, and ends that person's sessions.
    async fn put_user(&self, user: &UserRecord, audit: &NewAuditEntry) -> Result<(), StoreError>;
    /// The person of this name.
    async fn user(&self, name: &str) -> Result<Option<UserRecord>, StoreError>;
    /// Records a session.
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
