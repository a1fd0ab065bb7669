//! Roll-outs and the step of each host.

use async_trait::async_trait;
use backstay_model::rollback::Refusal;
use backstay_model::rollout::{Rollout, RolloutState, RolloutStep};
use backstay_model::{HostId, OpId, OpView, RolloutId};

use super::{InsertOpError, NewAuditEntry, NewOp, StoreError};

/// Roll-outs: at most one is running, each host begins once, each step is taken once.
#[async_trait]
pub trait RolloutStore: Send + Sync + 'static {
    /// Records a roll-out, with its audit entry, unless another one is active: the database itself ensures
    /// that no two are [running](RolloutState::Running). A [rollback](backstay_model::OpKind::Rollback) need
    /// not wait for one that is [stopping](RolloutState::Stopping).
    async fn insert_rollout(
        &self,
        rollout: &Rollout,
        audit: &NewAuditEntry,
    ) -> Result<(), InsertRolloutError> {
        self.begin_rollout(rollout, audit, &[]).await
    }
    /// Records a roll-out like [`Self::insert_rollout`], together with the op of each of its hosts, which
    /// then hold their hosts: all of them or nothing. The transaction checks each rollback against the host's
    /// latest facts once more, so that no host can move between the check and the record.
    async fn begin_rollout(
        &self,
        rollout: &Rollout,
        audit: &NewAuditEntry,
        ops: &[(NewOp, NewAuditEntry)],
    ) -> Result<(), InsertRolloutError>;
    /// Begins the op's host: records the op with its audit entry and the host's step in one transaction.
    /// Returns `None`, and writes nothing, if the roll-out is not running, is paused, or the host no
    /// longer waits, so that no host begins twice, or after a stop.
    async fn begin_in_rollout(
        &self,
        id: RolloutId,
        step: &RolloutStep,
        op: &NewOp,
        audit: &NewAuditEntry,
    ) -> Result<Option<OpView>, InsertOpError>;
    /// Moves a host of a roll-out one step on. Returns false, and writes nothing, if the host is no longer at
    /// `from`.
    async fn step_rollout(
        &self,
        id: RolloutId,
        host: HostId,
        from: &RolloutStep,
        to: &RolloutStep,
    ) -> Result<bool, StoreError>;
    /// Moves the roll-out itself to a state, with its audit entry, if that may follow the current one: the
    /// statement itself names the [predecessors](RolloutState::predecessors). Returns `None`, and writes
    /// nothing, if it may not.
    async fn set_rollout_state(
        &self,
        id: RolloutId,
        to: &RolloutState,
        audit: &NewAuditEntry,
    ) -> Result<Option<Rollout>, StoreError>;
    /// Pauses or resumes the roll-out: records when and by whom it is paused in `to`, and after how many hosts
    /// it pauses, with the audit entry. Returns `None`, and writes nothing, if it is not running, or is so
    /// already.
    async fn pause_rollout(&self, to: &Rollout, audit: &NewAuditEntry)
    -> Result<Option<Rollout>, StoreError>;
    /// Returns the roll-out with this identifier.
    async fn rollout(&self, id: RolloutId) -> Result<Option<Rollout>, StoreError>;
    /// Returns the roll-out with this one of its hosts, or with none.
    async fn rollout_part(&self, id: RolloutId, host: Option<HostId>) -> Result<Option<Rollout>, StoreError>;
    /// Returns the newest roll-outs, or the newest before `before`, newest first, at most `limit`.
    async fn rollouts(&self, before: Option<RolloutId>, limit: u32) -> Result<Vec<Rollout>, StoreError>;
    /// Returns the roll-outs that are running or stopping, oldest first.
    async fn open_rollouts(&self) -> Result<Vec<RolloutId>, StoreError>;
    /// Returns the ops that hosts of the roll-out wait for: those of its hosts that are running or testing.
    async fn rollout_ops(&self, id: RolloutId) -> Result<Vec<OpView>, StoreError>;
    /// Returns whether a roll-out that is running or stopping decides when this op is sent.
    async fn is_sent_by_rollout(&self, op: OpId) -> Result<bool, StoreError>;
}

/// Why the store did not record a roll-out.
#[derive(Debug, thiserror::Error)]
pub enum InsertRolloutError {
    /// Another op holds a host that was to begin with the roll-out.
    #[error("another op holds {}: {}", .0.host_name, .0.title())]
    HostBusy(Box<OpView>),
    /// A host of the rollback has changed since the person saw it.
    #[error("{host} has changed since it was shown")]
    NotAsSeen {
        /// The host's name.
        host: String,
        /// The difference, or `None` if the host has left the fleet or has not reported its generations.
        refusal: Option<Refusal>,
    },
    /// Another roll-out is active.
    #[error("another roll-out is active")]
    Another(Box<Rollout>),
    /// See [`StoreError`].
    #[error(transparent)]
    Store(#[from] StoreError),
}
