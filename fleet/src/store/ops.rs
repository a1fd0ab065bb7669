//! Ops, their output, and the rollbacks among them.

use async_trait::async_trait;
use backstay_model::view::Search;
use backstay_model::{HostId, OpAction, OpId, OpKind, OpStatus, OpView, Outcome, OutputLine, Phase};
use chrono::{DateTime, Utc};

use super::{NewAuditEntry, StoreError};

/// Ops: at most one open op holds a host, each step is taken once, each output line is stored once.
#[async_trait]
pub trait OpStore: Send + Sync + 'static {
    /// Records an op, with its audit entry. The database itself refuses a second open op of a host, unless
    /// the host's tests hold it and the op [stops](NewOp::stop_tests) them. In that case:
    ///
    /// * tests that were not sent are cancelled at once;
    /// * tests that are with their host get a cancel request, and the op [waits](OpView::waits) for their
    ///   end, however they end: the step that closes them releases it. Only one op at a time may wait.
    async fn insert_op(&self, op: &NewOp, audit: &NewAuditEntry) -> Result<OpView, InsertOpError>;
    /// Moves an op one step on, if its status allows that: the statement itself names the statuses from which
    /// [`OpStatus::to`] may lead there. Returns `None`, and writes nothing, not even the audit entry, if it
    /// does not.
    async fn step_op(&self, id: OpId, step: &OpStep) -> Result<Option<OpView>, StoreError>;
    /// Records a person's request to cancel an op that is with its host, with the audit entry; the first
    /// request is kept. Returns `None`, and writes nothing, if the op is not with its host.
    async fn request_cancel(&self, id: OpId, audit: &NewAuditEntry) -> Result<Option<OpView>, StoreError>;
    /// Returns the queued ops that are not the turn of a host in a roll-out, each with its host, oldest
    /// first.
    async fn waiting_ops(&self) -> Result<Vec<(OpId, HostId)>, StoreError>;
    /// Returns the open ops whose time is up, oldest first.
    async fn due_ops(&self, now: DateTime<Utc>) -> Result<Vec<OpView>, StoreError>;
    /// Records the phase of an open op. Returns `None`, and writes nothing, for a closed one.
    async fn set_phase(&self, id: OpId, phase: Phase) -> Result<Option<OpView>, StoreError>;
    /// Returns the op with this identifier.
    async fn op(&self, id: OpId) -> Result<Option<OpView>, StoreError>;
    /// Returns the op that holds the host. An op that waits for tests to end does not hold it yet.
    async fn open_op(&self, host: HostId) -> Result<Option<OpView>, StoreError>;
    /// Returns the op that last changed the system of a host. An op did so if, and only if:
    ///
    /// * it is closed, and its kind [changes the system](OpKind::changes_system);
    /// * it reached the host, or may have: it was neither blocked nor cancelled on its way;
    /// * the host did not [refuse](Outcome::Refused) it.
    async fn last_system_op(&self, host: HostId) -> Result<Option<OpView>, StoreError>;
    /// Returns the matching ops, newest first.
    async fn ops(&self, filter: &OpFilter) -> Result<Vec<OpView>, StoreError>;
    /// Returns the op that was recorded [with the end](OpStep::then) of this one.
    async fn following_op(&self, op: OpId) -> Result<Option<OpView>, StoreError>;
    /// Returns the rollbacks of a host, newest first.
    async fn rollbacks(&self, host: HostId) -> Result<Vec<RollbackRecord>, StoreError>;
    /// Stores the lines that are not stored yet. An op's lines may arrive after it was closed.
    async fn append_output(&self, op: OpId, lines: &[OutputLine]) -> Result<Appended, StoreError>;
    /// Returns the first lines after `after`, in order, at most `limit`.
    async fn output(&self, op: OpId, after: u64, limit: u32) -> Result<Vec<OutputLine>, StoreError>;
    /// Returns the last lines before `before`, or the last of all, in order, at most `limit`.
    async fn output_before(
        &self,
        op: OpId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<OutputLine>, StoreError>;
    /// Returns the number of the last line before the first gap in an op's output.
    async fn output_through(&self, op: OpId) -> Result<u64, StoreError>;
}

/// The result of storing output lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// The number of the last line before the first gap.
    pub through: u64,
    /// The numbers of the lines that were not stored before.
    pub new: Vec<u64>,
}

/// An op to record.
#[derive(Debug, Clone)]
pub struct NewOp {
    /// Its identifier.
    pub id: OpId,
    /// The host that it is for.
    pub host: HostId,
    /// The action.
    pub action: OpAction,
    /// [`OpStatus::Queued`], or [`OpStatus::Blocked`] to record a refusal.
    pub status: OpStatus,
    /// Who requested it.
    pub requested_by: String,
    /// The person's reason.
    pub reason: Option<String>,
    /// When it was requested.
    pub created_at: DateTime<Utc>,
    /// When the server stops waiting for it; `None` for a blocked op.
    pub due_at: Option<DateTime<Utc>>,
    /// The op that it retries.
    pub retry_of: Option<OpId>,
    /// True if the host's tests, should they hold it, must stop and let this op begin as soon as they have
    /// ended.
    pub stop_tests: bool,
    /// Why a blocked op was refused.
    pub message: Option<String>,
}

impl NewOp {
    /// The message of the tests that this op cancels before the server has sent them.
    pub fn tests_cancelled_message(&self) -> String {
        format!(
            "Cancelled by {} before the tests reached the host, for a rollback. No test ran.",
            self.requested_by
        )
    }

    /// The audit entry for `tests`, which this op stops.
    pub fn stop_entry(&self, tests: &OpView) -> NewAuditEntry {
        let (what, detail) = if tests.status == OpStatus::Queued {
            ("cancelled", self.tests_cancelled_message())
        } else {
            ("cancel-requested", "Stopping the tests so that the rollback can begin.".to_owned())
        };
        let action = format!("{}.{what}", tests.action.kind());
        NewAuditEntry::new(self.created_at, &self.requested_by, action, detail)
            .host(&tests.host_name)
            .op(tests.id)
            .reason(self.reason.as_deref())
    }
}

/// Why the store did not record an op.
#[derive(Debug, thiserror::Error)]
pub enum InsertOpError {
    /// Another op holds the host.
    #[error("another op holds the host: {}", .0.title())]
    HostBusy(Box<OpView>),
    /// See [`StoreError`].
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A step in an op's life. An empty field leaves the stored value.
#[derive(Debug, Clone)]
pub struct OpStep {
    /// The next status.
    pub to: OpStatus,
    /// The only status to come from, if some of those from which [`OpStatus::to`] may lead to the next one
    /// must not count.
    pub only_from: Option<OpStatus>,
    /// When the agent began, by the host's clock.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// The outcome on the host.
    pub outcome: Option<Outcome>,
    /// The exit code of the command that decided.
    pub exit_code: Option<i32>,
    /// The names of the tests that failed.
    pub failed_tests: Vec<String>,
    /// The result, in a sentence.
    pub message: Option<String>,
    /// The audit entry for the step.
    pub audit: Option<NewAuditEntry>,
    /// The rollback to record with the step; it replaces an earlier record of the same op. A step that closes
    /// the op without one deletes the earlier record: the host of a lost rollback turned out never to have
    /// moved.
    pub rollback: Option<RollbackRecord>,
    /// When the server stops waiting for the op. It never waits for a closed one.
    pub due_at: Option<DateTime<Utc>>,
    /// The op that follows this one, with its audit entry. It is recorded with the step, or not at all if
    /// another op holds the host.
    pub then: Option<Box<(NewOp, NewAuditEntry)>>,
}

impl OpStep {
    /// A step to `to` that changes nothing else.
    pub fn to(to: OpStatus) -> Self {
        Self {
            to,
            only_from: None,
            started_at: None,
            finished_at: None,
            outcome: None,
            exit_code: None,
            failed_tests: vec![],
            message: None,
            audit: None,
            rollback: None,
            due_at: None,
            then: None,
        }
    }
}

/// Which ops to return.
#[derive(Debug, Clone, Default)]
pub struct OpFilter {
    /// Only those of this host.
    pub host: Option<HostId>,
    /// Only those of this kind.
    pub kind: Option<OpKind>,
    /// Only those in one of these statuses; any status if empty.
    pub statuses: Vec<OpStatus>,
    /// Only those that this person requested.
    pub by: Option<String>,
    /// Only those of these days and with this text.
    pub search: Search,
    /// Only those older than this one.
    pub before: Option<OpId>,
    /// At most this many.
    pub limit: u32,
}

/// A rollback that a host made or attempted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollbackRecord {
    /// The op that did it.
    pub op: OpId,
    /// The host.
    pub host: HostId,
    /// The generation it was on.
    pub from_gen: u32,
    /// The target.
    pub to_gen: u32,
    /// The person's reason.
    pub reason: Option<String>,
    /// Who requested it.
    pub initiated_by: String,
    /// When it ended.
    pub rolled_back_at: DateTime<Utc>,
    /// True if the host reached the target.
    pub success: bool,
}
