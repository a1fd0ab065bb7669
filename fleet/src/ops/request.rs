//! The way in: a person requests an op, or cancels one.

use std::time::Duration;

use backstay_model::rollback::Specialisation;
use backstay_model::wire::limits::{REASON_CHARS, plain_lines};
use backstay_model::wire::message::ServerMessage;
use backstay_model::{
    Action, GenerationRef, HostId, NotAllowed, OpAction, OpId, OpKind, OpStatus, OpView, PIN_NOTE_CHARS,
};
use chrono::{DateTime, Utc};

use crate::accounts::Actor;
use crate::fleet::Fleet;
use crate::ops::SERVER;
use crate::ops::policy::{self, Blocked};
use crate::ops::record::{self, audit_entry};
use crate::state::unpublished::Update;
use crate::store::{HostRecord, InsertOpError, NewOp, OpStep, StoreError};

/// How long the server waits for a result after the op's own time limit. The host enforces that limit; this is for hosts that
/// are away.
const RESULT_GRACE: Duration = Duration::from_mins(10);

/// Why a request was refused. Each text can be shown to the person.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// See [`NotAllowed`].
    #[error("{0} Nothing was changed.")]
    NotAllowed(#[from] NotAllowed),
    /// There is no such host.
    #[error("There is no host named {0}. Nothing was changed.")]
    NoSuchHost(String),
    /// There is no such op.
    #[error("There is no such op. Nothing was changed.")]
    NoSuchOp,
    /// The reason is too long.
    #[error("A reason has at most {REASON_CHARS} characters. Nothing was changed.")]
    ReasonTooLong,
    /// The note of a pin is too long.
    #[error("A note has at most {PIN_NOTE_CHARS} characters. Nothing was changed.")]
    NoteTooLong,
    /// The generation is not in the host's profile.
    #[error("{0} is no longer in the host's profile. Nothing was changed.")]
    GenerationGone(GenerationRef),
    /// See [`Blocked`].
    #[error(transparent)]
    Blocked(#[from] Blocked),
    /// Another op holds the host.
    #[error("{host} is busy ({title}, requested by {by}). Nothing was changed. Wait for it, or cancel it.")]
    HostBusy {
        /// The host's name.
        host: String,
        /// The title of the op.
        title: String,
        /// Who requested it.
        by: String,
        /// The op that holds the host.
        op: OpId,
    },
    /// The op is over.
    #[error("This op is already over ({0}). Nothing was changed.")]
    AlreadyClosed(OpStatus),
    /// The op cannot be retried yet.
    #[error("This op is not over yet ({0}). Nothing was changed. Wait for it, or cancel it.")]
    StillOpen(OpStatus),
    /// The op succeeded.
    #[error("This op succeeded; there is nothing to retry.")]
    Succeeded,
    /// The op cannot be retried.
    #[error(
        "{0} cannot be retried: the host may be on another generation now. Nothing was changed. Choose a generation again."
    )]
    NotRetriable(String),
    /// See [`StoreError`].
    #[error("The database failed, and nothing was changed. The server's log says why.")]
    Store(#[from] StoreError),
}

impl Fleet {
    /// Requests an op on the host of this name. The op is recorded, and sent as soon as the host's agent is connected.
    ///
    /// # Errors
    /// [`RequestError`]; in that case nothing was sent.
    pub async fn request_op(
        &self,
        actor: &Actor,
        host_name: &str,
        action: OpAction,
        reason: Option<String>,
    ) -> Result<OpView, RequestError> {
        let host = self.host_for(actor, Action::request(action.kind()), host_name).await?;
        let reason = checked_reason(reason).ok_or(RequestError::ReasonTooLong)?;
        self.open(&host, NewRequest { by: actor.name().to_owned(), reason, ..NewRequest::of(action) }).await
    }

    /// Requests a rollback of the host of this name. If tests hold the host and the person wants them
    /// [stopped](RequestedRollback::stop_tests), the same request cancels the tests and rolls back as soon as they have ended.
    ///
    /// One transaction records both, so neither a restart of the server nor an absent agent separates them. Tests that were
    /// not sent yet are cancelled at once. Tests that end before the cancel reaches them keep their result, and the rollback
    /// begins all the same. While the agent is away the tests stay open, at most until they count as lost; the agent receives
    /// the cancel when it connects. Until the rollback is sent, it can be cancelled like any other op.
    ///
    /// # Errors
    /// [`RequestError`]; in that case nothing was sent, and the tests continue.
    pub async fn request_rollback(
        &self,
        actor: &Actor,
        host_name: &str,
        rollback: RequestedRollback,
    ) -> Result<OpView, RequestError> {
        let RequestedRollback { target, seen_current, specialisation, reason, stop_tests, give_up_after } =
            rollback;
        let host = self.host_for(actor, Action::RollBack, host_name).await?;
        let specialisation = host.facts.as_ref().and_then(|facts| specialisation.of(&target, facts));
        let action = OpAction::Rollback { target, seen_current, specialisation };
        let reason = checked_reason(reason).ok_or(RequestError::ReasonTooLong)?;
        let by = actor.name().to_owned();
        let request = NewRequest { by, reason, stop_tests, give_up_after, ..NewRequest::of(action) };
        self.open(&host, request).await
    }

    /// Retries an op that did not succeed, if its [kind](OpKind::may_be_retried) allows it. The retry is a new op; the old one
    /// stays as it is.
    ///
    /// # Errors
    /// [`RequestError`]; in that case nothing was sent.
    pub async fn retry_op(&self, actor: &Actor, id: OpId) -> Result<OpView, RequestError> {
        let op = self.store.op(id).await?.ok_or(RequestError::NoSuchOp)?;
        let host = self.store.host(op.host).await?;
        let host = host.ok_or_else(|| RequestError::NoSuchHost(op.host_name.clone()))?;
        actor.require_on(Action::request(op.action.kind()), &host)?;
        if op.status.is_open() {
            return Err(RequestError::StillOpen(op.status));
        }
        if op.status == OpStatus::Succeeded {
            return Err(RequestError::Succeeded);
        }
        if !op.action.kind().may_be_retried() {
            return Err(RequestError::NotRetriable(op.title()));
        }
        let request = NewRequest {
            by: actor.name().to_owned(),
            reason: op.reason,
            retry_of: Some(id),
            ..NewRequest::of(op.action)
        };
        self.open(&host, request).await
    }

    /// Returns the host of this name, if the person may do this on it.
    ///
    /// # Errors
    /// [`RequestError`]
    pub(crate) async fn host_for(
        &self,
        actor: &Actor,
        action: Action,
        host_name: &str,
    ) -> Result<HostRecord, RequestError> {
        actor.require_somewhere(action)?;
        let host = self.store.host_by_name(host_name).await?;
        let host = host.ok_or_else(|| RequestError::NoSuchHost(host_name.to_owned()))?;
        actor.require_on(action, &host)?;
        Ok(host)
    }

    /// Validates and records an op, and sends it if that is possible now.
    async fn open(&self, host: &HostRecord, request: NewRequest) -> Result<OpView, RequestError> {
        let (op, verdict) = self.validated(host, request);
        let audit = record::request_entry(&op, &host.name);
        let op = match self.store.insert_op(&op, &audit).await {
            Ok(op) => op,
            Err(InsertOpError::HostBusy(first)) => return Err(RequestError::busy(&host.name, *first)),
            Err(InsertOpError::Store(error)) => return Err(error.into()),
        };
        let op = self.publish_and_dispatch(op).await;
        verdict?;
        Ok(op)
    }

    /// Publishes a recorded op, and sends it if that is possible now. Runs as its own task and does not fail: the op is recorded
    /// and will run, even if the caller drops the future. The next [tick](Fleet::tick) sends what was not sent.
    pub(super) async fn publish_and_dispatch(&self, op: OpView) -> OpView {
        let (fleet, recorded) = (self.clone(), op.clone());
        let task = tokio::spawn(async move {
            fleet.recorded(&recorded).await;
            match fleet.dispatch(&recorded).await {
                Ok(Some(sent)) => {
                    fleet.publish_op(&sent).await;
                    Some(sent)
                }
                Ok(None) => None,
                Err(error) => {
                    tracing::error!(%error, op = %recorded.id, "an op could not be sent; retrying");
                    None
                }
            }
        });
        task.await.ok().flatten().unwrap_or(op)
    }

    /// Publishes a recorded op, and tells the host to stop the tests that it replaces.
    pub(crate) async fn recorded(&self, op: &OpView) {
        if let Some(tests) = op.stops {
            if op.waits {
                self.hub.send(op.host, ServerMessage::Cancel { op: tests });
            }
            self.publish(Update::Op(tests)).await;
            self.advance_rollouts_soon();
        }
        self.publish_op(op).await;
    }

    /// A new op that waits for its host or, if it is refused, the record of the refusal.
    pub(crate) fn validated(&self, host: &HostRecord, request: NewRequest) -> (NewOp, Result<(), Blocked>) {
        let verdict = policy::validate(&request.action, host.facts.as_ref());
        let mut op = self.new_op(host.id, request);
        if let Err(blocked) = &verdict {
            op = NewOp {
                status: OpStatus::Blocked,
                due_at: None,
                stop_tests: false,
                message: Some(blocked.to_string()),
                ..op
            };
        }
        (op, verdict)
    }

    /// A new op that waits for its host.
    pub(crate) fn new_op(&self, host: HostId, request: NewRequest) -> NewOp {
        let now = self.clock.now();
        let waits = request.give_up_after.unwrap_or(self.queue_time).min(self.queue_time);
        NewOp {
            id: OpId::new(),
            host,
            action: request.action,
            status: OpStatus::Queued,
            requested_by: request.by,
            reason: request.reason,
            created_at: now,
            due_at: Some(now + waits),
            retry_of: request.retry_of,
            stop_tests: request.stop_tests,
            message: None,
        }
    }

    /// Sends an op that waits, or that was sent and never arrived, if its agent is connected. Returns the op if it changed; the
    /// caller publishes it. The roll-outs send their own ops when a slot is free.
    pub(super) async fn dispatch(&self, op: &OpView) -> Result<Option<OpView>, StoreError> {
        if op.status == OpStatus::Queued && self.store.is_sent_by_rollout(op.id).await? {
            self.advance_rollouts_soon();
            return Ok(None);
        }
        self.send_unpublished(op).await
    }

    /// Like [`Fleet::dispatch`], but ignores the slots of roll-outs, and publishes the op.
    pub(crate) async fn send(&self, op: &OpView) -> Result<Option<OpView>, StoreError> {
        let stepped = self.send_unpublished(op).await?;
        if let Some(op) = &stepped {
            self.publish_op(op).await;
        }
        Ok(stepped)
    }

    async fn send_unpublished(&self, op: &OpView) -> Result<Option<OpView>, StoreError> {
        let lock = self.hub.dispatch_lock(op.host);
        let _lock = lock.lock().await;
        self.send_locked(op).await
    }

    /// Like [`Fleet::send_unpublished`]. The caller holds the host's [lock](crate::state::hub::Hub::dispatch_lock).
    pub(super) async fn send_locked(&self, op: &OpView) -> Result<Option<OpView>, StoreError> {
        if !self.hub.is_ready(op.host) || self.is_shared(op.host) {
            return Ok(None);
        }
        let test_timeout_secs = self.test_timeout_secs(op).await?;
        // Recorded before it is sent: an op that an agent may have seen never counts as waiting.
        let stepped = match op.status {
            OpStatus::Queued => match self.store.step_op(op.id, &self.sending_step(&op.action)).await? {
                Some(sent) => Some(sent),
                None => return Ok(None),
            },
            OpStatus::Sent => None,
            _ => return Ok(None),
        };
        // If the host has reconnected in between, its journal decides.
        self.hub.send_if_ready(
            op.host,
            ServerMessage::Run {
                op: op.id,
                action: op.action.clone(),
                timeout_secs: policy::of(op.action.kind()).timeout.as_secs(),
                test_timeout_secs,
            },
        );
        Ok(stepped)
    }

    /// The time limit for each test of a test op, if one is set for its host.
    async fn test_timeout_secs(&self, op: &OpView) -> Result<Option<u64>, StoreError> {
        if op.action.kind() != OpKind::Test {
            return Ok(None);
        }
        let host = self.store.host(op.host).await?;
        Ok(host.and_then(|host| host.test_timeout).map(|timeout| timeout.as_secs().into()))
    }

    fn sending_step(&self, action: &OpAction) -> OpStep {
        OpStep { due_at: Some(due_with_host(self.clock.now(), action)), ..OpStep::to(OpStatus::Sent) }
    }

    /// Cancels an op: at once if it still waits, otherwise through the host as soon as it is connected.
    ///
    /// # Errors
    /// [`RequestError`]; in that case the op continues.
    pub async fn cancel_op(&self, actor: &Actor, id: OpId) -> Result<(), RequestError> {
        let op = self.store.op(id).await?.ok_or(RequestError::NoSuchOp)?;
        // A person who may cancel everywhere can do so even if the host cannot be read.
        if actor.person().require(Action::Cancel).is_err() {
            let host = self.store.host_without_facts(op.host).await?;
            let host = host.ok_or(RequestError::AlreadyClosed(op.status))?;
            actor.require_on(Action::Cancel, &host)?;
        }
        if op.status == OpStatus::Queued && self.take_back(&op, actor.name()).await? {
            return Ok(());
        }
        let entry =
            audit_entry(&op, actor.name(), "cancel-requested", self.clock.now(), "Asking the host to stop.");
        // Recorded before it is sent, so that it is sent again if the server or the host goes away.
        let Some(op) = self.store.request_cancel(id, &entry).await? else {
            let status = self.store.op(id).await?.ok_or(RequestError::NoSuchOp)?.status;
            return Err(RequestError::AlreadyClosed(status));
        };
        self.hub.send(op.host, ServerMessage::Cancel { op: id });
        self.publish_op(&op).await;
        Ok(())
    }

    /// Closes an op that certainly never reached its host. Returns whether that was still true.
    pub(crate) async fn take_back(&self, op: &OpView, by: &str) -> Result<bool, StoreError> {
        let step = self.taking_back(op, by);
        let Some(op) = self.store.step_op(op.id, &step).await? else { return Ok(false) };
        self.publish_op(&op).await;
        self.advance_rollouts_soon();
        Ok(true)
    }

    /// The step that cancels an op that certainly never reached its host, if the op has not changed since.
    pub(super) fn taking_back(&self, op: &OpView, by: &str) -> OpStep {
        let now = self.clock.now();
        let message = format!("Cancelled by {by} before it reached the host. Nothing was changed.");
        OpStep {
            only_from: Some(op.status),
            finished_at: Some(now),
            audit: Some(audit_entry(op, by, "cancelled", now, &message)),
            message: Some(message),
            ..OpStep::to(OpStatus::Cancelled)
        }
    }
}

/// Why a host is left out while another op holds it.
pub(crate) fn busy_with(first: &OpView) -> String {
    format!("It is busy ({}, requested by {}).", first.title(), first.requested_by)
}

impl RequestError {
    /// Another op holds the host.
    pub(crate) fn busy(host: &str, first: OpView) -> Self {
        Self::HostBusy { host: host.to_owned(), title: first.title(), by: first.requested_by, op: first.id }
    }
}

/// A requested op, and who requested it.
pub(crate) struct NewRequest {
    pub(crate) action: OpAction,
    pub(crate) by: String,
    pub(crate) reason: Option<String>,
    pub(crate) retry_of: Option<OpId>,
    pub(crate) stop_tests: bool,
    /// How long the op waits for its host. The server's configured time is the upper bound and the default.
    pub(crate) give_up_after: Option<Duration>,
}

impl NewRequest {
    /// A request by the server itself.
    pub(crate) fn of(action: OpAction) -> Self {
        let by = SERVER.to_owned();
        Self { action, by, reason: None, retry_of: None, stop_tests: false, give_up_after: None }
    }
}

/// A rollback as a person confirmed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestedRollback {
    /// The generation to roll back to.
    pub target: GenerationRef,
    /// The current generation that the person saw.
    pub seen_current: GenerationRef,
    /// Which variant of the target to activate.
    pub specialisation: Specialisation,
    /// The reason, in the person's words.
    pub reason: Option<String>,
    /// Whether to stop the host's tests if they hold the host, instead of refusing because the host is busy.
    pub stop_tests: bool,
    /// How long the rollback waits for an offline host. The server's own limit is the upper bound and the default.
    pub give_up_after: Option<Duration>,
}

/// Until when the server waits for an op that is sent, or begins, now.
pub(super) fn due_with_host(now: DateTime<Utc>, action: &OpAction) -> DateTime<Utc> {
    now + policy::of(action.kind()).timeout + RESULT_GRACE
}

/// Returns the reason to record: trimmed, and `Some(None)` if it is empty. Returns `None` if it is too long.
#[expect(clippy::option_option, reason = "a missing reason is not a refusal")]
pub(crate) fn checked_reason(reason: Option<String>) -> Option<Option<String>> {
    let reason = reason.map(|r| plain_lines(&r)).filter(|r| !r.is_empty());
    let is_too_long = reason.as_ref().is_some_and(|r| r.chars().count() > REASON_CHARS);
    (!is_too_long).then_some(reason)
}
