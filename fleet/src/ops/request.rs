//! The way in: a person asks for an op, or takes one back.

use backstay_protocol::limits::REASON_CHARS;
use backstay_protocol::message::ServerMessage;
use backstay_protocol::view::Person;
use backstay_protocol::{OpAction, OpId, OpStatus, OpView};

use crate::fleet::Fleet;
use crate::ops::record::{self, audit_entry};
use crate::ops::registry::{self, Blocked};
use crate::store::{HostRecord, InsertOpError, NewOp, OpStep, StoreError};

/// Why a request comes to nothing. Each sentence can be shown to the person as it is.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The person may not do this.
    #[error("You may not do this: it takes the role “{needed}”. Nothing was changed.")]
    NotAllowed {
        /// The role that it takes.
        needed: backstay_protocol::view::Role,
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
    },
    /// The op has ended.
    #[error("This op has ended already: it {0}. Nothing was changed.")]
    AlreadyClosed(OpStatus),
    /// The op is with a host that cannot be told.
    #[error(
        "{0} is offline and may be working on this op: it cannot be told to stop now. Nothing was changed."
    )]
    HostOffline(String),
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
        let needed = registry::spec(action.kind()).role;
        if person.role < needed {
            return Err(RequestError::NotAllowed { needed });
        }
        let reason = reason.map(|r| r.trim().to_owned()).filter(|r| !r.is_empty());
        if reason.as_ref().is_some_and(|r| r.chars().count() > REASON_CHARS) {
            return Err(RequestError::ReasonTooLong);
        }
        let host = self.store.host_by_name(host_name).await?;
        let host = host.ok_or_else(|| RequestError::NoSuchHost(host_name.to_owned()))?;
        self.open(&host, action, person.name.clone(), reason).await
    }

    /// Validates and records an op, and sends it where that is possible now.
    pub(super) async fn open(
        &self,
        host: &HostRecord,
        action: OpAction,
        requested_by: String,
        reason: Option<String>,
    ) -> Result<OpView, RequestError> {
        let verdict = registry::validate(&action, host.facts.as_ref());
        let op = NewOp {
            id: OpId::new(),
            host: host.id,
            action,
            status: if verdict.is_ok() { OpStatus::Queued } else { OpStatus::Blocked },
            requested_by,
            reason,
            created_at: self.clock.now(),
            message: verdict.as_ref().err().map(ToString::to_string),
        };
        let audit = record::request_entry(&op, &host.name);
        let op = match self.store.insert_op(&op, &audit).await {
            Ok(op) => op,
            Err(InsertOpError::HostBusy(first)) => {
                return Err(RequestError::HostBusy {
                    host: host.name.clone(),
                    title: first.title(),
                    by: first.requested_by,
                });
            }
            Err(InsertOpError::Store(error)) => return Err(error.into()),
        };
        self.publish_op(&op).await?;
        verdict?;
        Ok(self.dispatch(&op).await?.unwrap_or(op))
    }

    /// Sends an op that waits, or that was sent and never arrived, if its agent is connected. The op as it is then,
    /// where it changed.
    pub(super) async fn dispatch(&self, op: &OpView) -> Result<Option<OpView>, StoreError> {
        if !self.hub.is_online(op.host) {
            return Ok(None);
        }
        // Recorded before it is sent: an op that an agent may have seen is never taken for one that waits.
        let stepped = match op.status {
            OpStatus::Queued => self.store.step_op(op.id, &OpStep::to(OpStatus::Sent)).await?,
            _ => None,
        };
        if op.status == OpStatus::Queued && stepped.is_none() {
            return Ok(None);
        }
        self.hub.send(
            op.host,
            ServerMessage::Run {
                op: op.id,
                action: op.action.clone(),
                timeout_secs: registry::spec(op.action.kind()).timeout.as_secs(),
            },
        );
        if let Some(op) = &stepped {
            self.publish_op(op).await?;
        }
        Ok(stepped)
    }

    /// Takes an op back: at once where it still waits, else by telling the host.
    ///
    /// # Errors
    /// [`RequestError`]; the op goes on then.
    pub async fn cancel_op(&self, person: &Person, id: OpId) -> Result<(), RequestError> {
        let op = self.store.op(id).await?.ok_or(RequestError::NoSuchOp)?;
        let needed = registry::spec(op.action.kind()).role;
        if person.role < needed {
            return Err(RequestError::NotAllowed { needed });
        }
        let now = self.clock.now();
        if op.status == OpStatus::Queued {
            let step = OpStep {
                finished_at: Some(now),
                message: Some(format!(
                    "Taken back by {} before it was sent. Nothing was changed.",
                    person.name
                )),
                audit: Some(audit_entry(
                    &op,
                    &person.name,
                    "cancelled",
                    now,
                    "Taken back before it was sent.",
                )),
                ..OpStep::to(OpStatus::Cancelled)
            };
            if let Some(op) = self.store.step_op(id, &step).await? {
                self.publish_op(&op).await?;
                return Ok(());
            }
        }
        let op = self.store.op(id).await?.ok_or(RequestError::NoSuchOp)?;
        if !op.status.is_open() {
            return Err(RequestError::AlreadyClosed(op.status));
        }
        let entry = audit_entry(&op, &person.name, "cancel-requested", now, "The host was told to stop.");
        if !self.hub.send(op.host, ServerMessage::Cancel { op: id }) {
            return Err(RequestError::HostOffline(op.host_name));
        }
        self.store.append_audit(&entry).await?;
        Ok(())
    }
}
