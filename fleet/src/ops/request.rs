//! The way in: a person asks for an op, or takes one back.

use std::time::Duration;

use backstay_model::wire::limits::REASON_CHARS;
use backstay_model::wire::message::ServerMessage;
use backstay_model::{GenerationRef, HostId, OpAction, OpId, OpKind, OpStatus, OpView, Person};
use chrono::{DateTime, Utc};

use crate::fleet::Fleet;
use crate::ops::SERVER;
use crate::ops::policy::{self, Blocked};
use crate::ops::record::{self, audit_entry};
use crate::state::unpublished::Update;
use crate::store::{HostRecord, InsertOpError, NewOp, OpStep, StoreError};

/// How long after its own time an op may take to come home. A host enforces the time itself, and says so; this is for
/// hosts that are away.
const PATIENCE: Duration = Duration::from_mins(10);

/// Why a request comes to nothing. Each sentence can be shown to the person as it is.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The person may not do this.
    #[error("You may not do this: it takes the role “{needed}”. Nothing was changed.")]
    NotAllowed {
        /// The role that it takes.
        needed: backstay_model::Role,
    },
    /// There is no such host.
    #[error("There is no host named {0}. Nothing was changed.")]
    NoSuchHost(String),
    /// There is no such op.
    #[error("There is no such op. Nothing was changed.")]
    NoSuchOp,
    /// The reason is too long.
    #[error("A reason has at most {REASON_CHARS} characters. Nothing was changed.")]
    ReasonTooLong,
    /// See [`Blocked`].
    #[error(transparent)]
    Blocked(#[from] Blocked),
    /// Another op holds the host.
    #[error("{host} is busy: {title}, asked for by {by}. Nothing was changed. Wait for it, or cancel it.")]
    HostBusy {
        /// The host's name.
        host: String,
        /// What the op does.
        title: String,
        /// Who asked for it.
        by: String,
        /// Which one it is.
        op: OpId,
    },
    /// The op has ended.
    #[error("This op is over already ({0}). Nothing was changed.")]
    AlreadyClosed(OpStatus),
    /// The op cannot be tried again yet.
    #[error("This op is not over yet ({0}). Nothing was changed. Wait for it, or cancel it.")]
    StillOpen(OpStatus),
    /// The op went well.
    #[error("This op went well: there is nothing to try again. Nothing was changed.")]
    Succeeded,
    /// The op is never tried again as it was.
    #[error(
        "{0} is not tried again as it was: the host may be on another generation by now. Nothing was changed. Choose a generation anew."
    )]
    NotRetriable(String),
    /// See [`StoreError`].
    #[error("The database failed, and nothing was changed. The server's log says why.")]
    Store(#[from] StoreError),
}

impl Fleet {
    /// Asks for an op on the host of this name. It is recorded, and sent as soon as the host's agent is connected.
    ///
    /// # Errors
    /// [`RequestError`]; nothing was sent then.
    pub async fn request_op(
        &self,
        person: &Person,
        host_name: &str,
        action: OpAction,
        reason: Option<String>,
    ) -> Result<OpView, RequestError> {
        may(person, &action)?;
        let reason = checked_reason(reason).ok_or(RequestError::ReasonTooLong)?;
        let host = self.store.host_by_name(host_name).await?;
        let host = host.ok_or_else(|| RequestError::NoSuchHost(host_name.to_owned()))?;
        self.open(&host, NewRequest { by: person.name.clone(), reason, ..NewRequest::of(action) }).await
    }

    /// Asks for a rollback of the host of this name. If tests hold the host and the person wants them
    /// [stopped](RequestedRollback::stop_tests), this is one request: the tests are cancelled, and the rollback begins as
    /// soon as they have ended.
    ///
    /// Both are recorded in one transaction, so neither a restart of the server nor an agent that is away comes between
    /// them. Tests that were not sent yet are taken back at once. Tests that end by themselves before the cancel reaches
    /// them end as they did, and the rollback begins all the same. While the agent is away the tests stay open, at most until
    /// they count as lost; the agent hears of the cancel when it connects. Until it is sent, the rollback can be cancelled
    /// like any other op.
    ///
    /// # Errors
    /// [`RequestError`]; nothing was sent then, and the tests go on.
    pub async fn request_rollback(
        &self,
        person: &Person,
        host_name: &str,
        asked: RequestedRollback,
    ) -> Result<OpView, RequestError> {
        let RequestedRollback { target, seen_current, reason, stop_tests } = asked;
        let action = OpAction::Rollback { target, seen_current };
        may(person, &action)?;
        let reason = checked_reason(reason).ok_or(RequestError::ReasonTooLong)?;
        let host = self.store.host_by_name(host_name).await?;
        let host = host.ok_or_else(|| RequestError::NoSuchHost(host_name.to_owned()))?;
        self.open(&host, NewRequest { by: person.name.clone(), reason, stop_tests, ..NewRequest::of(action) })
            .await
    }

    /// Tries an op again that did not succeed, where the [policy](policy::OpPolicy::retry) allows it. It is an op of
    /// its own, and the one before stays as it is.
    ///
    /// # Errors
    /// [`RequestError`]; nothing was sent then.
    pub async fn retry_op(&self, person: &Person, id: OpId) -> Result<OpView, RequestError> {
        let op = self.store.op(id).await?.ok_or(RequestError::NoSuchOp)?;
        may(person, &op.action)?;
        if op.status.is_open() {
            return Err(RequestError::StillOpen(op.status));
        }
        if op.status == OpStatus::Succeeded {
            return Err(RequestError::Succeeded);
        }
        if !policy::of(op.action.kind()).retry {
            return Err(RequestError::NotRetriable(op.title()));
        }
        let host = self.store.host(op.host).await?;
        let host = host.ok_or_else(|| RequestError::NoSuchHost(op.host_name.clone()))?;
        let asked = NewRequest {
            by: person.name.clone(),
            reason: op.reason,
            retry_of: Some(id),
            ..NewRequest::of(op.action)
        };
        self.open(&host, asked).await
    }

    /// Validates and records an op, and sends it where that is possible now.
    async fn open(&self, host: &HostRecord, asked: NewRequest) -> Result<OpView, RequestError> {
        let (op, verdict) = self.validated(host, asked);
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

    /// Tells of an op that was recorded, and sends it where that is possible now. It is a task of its own and does not fail:
    /// the op is recorded and is carried out, whoever goes away meanwhile and whatever fails. What was not sent is sent with
    /// the next [look](Fleet::tick).
    async fn publish_and_dispatch(&self, op: OpView) -> OpView {
        let (fleet, recorded) = (self.clone(), op.clone());
        let task = tokio::spawn(async move {
            fleet.recorded(&recorded).await;
            match fleet.dispatch(&recorded).await {
                Ok(sent) => sent,
                Err(error) => {
                    tracing::error!(%error, op = %recorded.id, "an op could not be sent, which is tried again");
                    None
                }
            }
        });
        task.await.ok().flatten().unwrap_or(op)
    }

    /// Tells the pages of an op that was recorded, and the host of the tests that it stops.
    pub(crate) async fn recorded(&self, op: &OpView) {
        if let Some(tests) = op.stops {
            if op.waits {
                self.hub.send(op.host, ServerMessage::Cancel { op: tests });
            }
            self.publish(Update::Op(tests)).await;
            self.advance_rollouts().await;
        }
        self.publish_op(op).await;
    }

    /// An op that is to wait for its host or, where it is refused, the record of that.
    pub(crate) fn validated(&self, host: &HostRecord, asked: NewRequest) -> (NewOp, Result<(), Blocked>) {
        let verdict = policy::validate(&asked.action, host.facts.as_ref());
        let mut op = self.new_op(host.id, asked);
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

    /// An op that is to wait for its host.
    pub(crate) fn new_op(&self, host: HostId, asked: NewRequest) -> NewOp {
        let now = self.clock.now();
        NewOp {
            id: OpId::new(),
            host,
            action: asked.action,
            status: OpStatus::Queued,
            requested_by: asked.by,
            reason: asked.reason,
            created_at: now,
            due_at: Some(now + self.queue_time),
            retry_of: asked.retry_of,
            stop_tests: asked.stop_tests,
            message: None,
        }
    }

    /// Sends an op that waits, or that was sent and never arrived, if its agent is connected. The op as it is then,
    /// where it changed. One that is a host's turn in a roll-out is sent by that, when a slot is free.
    pub(super) async fn dispatch(&self, op: &OpView) -> Result<Option<OpView>, StoreError> {
        if op.status == OpStatus::Queued && self.waits_for_slot(op.id).await? {
            self.advance_rollouts().await;
            return Ok(None);
        }
        self.send(op).await
    }

    /// [`Fleet::dispatch`], whoever has a say in when.
    pub(crate) async fn send(&self, op: &OpView) -> Result<Option<OpView>, StoreError> {
        let stepped = {
            let lock = self.hub.dispatch_lock(op.host);
            let _lock = lock.lock().await;
            self.send_locked(op).await?
        };
        if let Some(op) = &stepped {
            self.publish_op(op).await;
        }
        Ok(stepped)
    }

    /// [`Fleet::send`], by who has the host's [turn](crate::state::hub::Hub::dispatch_lock).
    pub(super) async fn send_locked(&self, op: &OpView) -> Result<Option<OpView>, StoreError> {
        if !self.hub.is_ready(op.host) || self.is_shared(op.host) {
            return Ok(None);
        }
        let test_timeout_secs = self.test_timeout_secs(op).await?;
        // Recorded before it is sent: an op that an agent may have seen is never taken for one that waits.
        let stepped = match op.status {
            OpStatus::Queued => match self.store.step_op(op.id, &self.sending_step(&op.action)).await? {
                Some(sent) => Some(sent),
                None => return Ok(None),
            },
            OpStatus::Sent => None,
            _ => return Ok(None),
        };
        // Where the host has connected anew since, what it says of its journal decides.
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

    /// How long each test of a test op may take, where that is set for its host.
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

    /// Takes an op back: at once where it still waits, else by telling the host, as soon as it is connected.
    ///
    /// # Errors
    /// [`RequestError`]; the op goes on then.
    pub async fn cancel_op(&self, person: &Person, id: OpId) -> Result<(), RequestError> {
        let op = self.store.op(id).await?.ok_or(RequestError::NoSuchOp)?;
        may(person, &op.action)?;
        if op.status == OpStatus::Queued && self.take_back(&op, &person.name).await? {
            return Ok(());
        }
        let asked = audit_entry(
            &op,
            &person.name,
            "cancel-requested",
            self.clock.now(),
            "The host is to be told to stop.",
        );
        // Recorded before it is sent, so that it is sent again should this server or the host be gone meanwhile.
        let Some(op) = self.store.request_cancel(id, &asked).await? else {
            let status = self.store.op(id).await?.ok_or(RequestError::NoSuchOp)?.status;
            return Err(RequestError::AlreadyClosed(status));
        };
        self.hub.send(op.host, ServerMessage::Cancel { op: id });
        self.publish_op(&op).await;
        Ok(())
    }

    /// Closes an op that certainly never reached its host; whether it was still so.
    pub(crate) async fn take_back(&self, op: &OpView, by: &str) -> Result<bool, StoreError> {
        let step = self.taking_back(op, by);
        let Some(op) = self.store.step_op(op.id, &step).await? else { return Ok(false) };
        self.publish_op(&op).await;
        self.advance_rollouts().await;
        Ok(true)
    }

    /// The step that takes an op back which certainly never reached its host, if it is still as it was looked at.
    pub(super) fn taking_back(&self, op: &OpView, by: &str) -> OpStep {
        let now = self.clock.now();
        let message = format!("Taken back by {by} before it reached the host. Nothing was changed.");
        OpStep {
            only_from: Some(op.status),
            finished_at: Some(now),
            audit: Some(audit_entry(op, by, "cancelled", now, &message)),
            message: Some(message),
            ..OpStep::to(OpStatus::Cancelled)
        }
    }
}

impl RequestError {
    /// Another op holds the host.
    pub(crate) fn busy(host: &str, first: OpView) -> Self {
        Self::HostBusy { host: host.to_owned(), title: first.title(), by: first.requested_by, op: first.id }
    }
}

/// What was asked for, and by whom.
pub(crate) struct NewRequest {
    pub(crate) action: OpAction,
    pub(crate) by: String,
    pub(crate) reason: Option<String>,
    pub(crate) retry_of: Option<OpId>,
    pub(crate) stop_tests: bool,
}

impl NewRequest {
    /// Asked for by the server itself, for no other reason.
    pub(crate) fn of(action: OpAction) -> Self {
        Self { action, by: SERVER.to_owned(), reason: None, retry_of: None, stop_tests: false }
    }
}

/// A rollback as a person confirmed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestedRollback {
    /// The generation to go to.
    pub target: GenerationRef,
    /// The current generation that the person saw.
    pub seen_current: GenerationRef,
    /// Why, in the person's words.
    pub reason: Option<String>,
    /// If the host's tests hold the host: stop them and roll back, instead of refusing because the host is busy.
    pub stop_tests: bool,
}

/// Until when an op is waited for that is sent, or begun, now.
pub(super) fn due_with_host(now: DateTime<Utc>, action: &OpAction) -> DateTime<Utc> {
    now + policy::of(action.kind()).timeout + PATIENCE
}

/// A reason as it is kept, trimmed and none where it is empty; none at all where it is too long.
#[expect(clippy::option_option, reason = "that there is no reason is no refusal")]
pub(crate) fn checked_reason(reason: Option<String>) -> Option<Option<String>> {
    let reason = reason.map(|r| r.trim().to_owned()).filter(|r| !r.is_empty());
    let is_too_long = reason.as_ref().is_some_and(|r| r.chars().count() > REASON_CHARS);
    (!is_too_long).then_some(reason)
}

fn may(person: &Person, action: &OpAction) -> Result<(), RequestError> {
    let needed = policy::of(action.kind()).role;
    if person.role < needed { Err(RequestError::NotAllowed { needed }) } else { Ok(()) }
}
