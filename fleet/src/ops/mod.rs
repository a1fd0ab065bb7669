//! The op engine: from a person's request to its end, read back from the host.
//!
//! ```text
//! request ─▶ validate ─▶ record (queued) ─▶ dispatch ─▶ agent
//!                └─▶ record (blocked)                     │
//! pages ◀─ close ◀─ post-check ◀─ facts ◀─────────────────┘
//! ```
//!
//! [`policy`] says what each op is, [`request`] is the way in, `report` the way back, `record` what is kept of
//! it, `ended` what its end says to what follows on it.

pub(crate) mod ended;
pub mod policy;
pub(crate) mod record;
mod report;
pub mod request;
#[cfg(test)]
mod tests;

use backstay_model::wire::event::Tone;
use backstay_model::{OpKind, OpStatus, OpView};

use crate::fleet::Fleet;
use crate::state::unpublished::Update;

/// Whom the audit log names for what the server does by itself.
pub(crate) const SERVER: &str = "server";

impl Fleet {
    /// Tells every open page how an op, and with it its host, is now, and the deployment that is going on.
    pub(crate) async fn publish_op(&self, op: &OpView) {
        if let Err(error) = self.fill_deployment(op).await {
            tracing::error!(%error, op = %op.id, "the deployment could not be told of an op, which is tried again");
        }
        self.publish(Update::Op(op.id)).await;
        self.publish_host(op.host).await;
    }

    /// Tells everybody what became of an op.
    fn notify_result(&self, op: &OpView, tone: Tone) {
        if op.action.kind() == OpKind::Refresh && tone == Tone::Good {
            return;
        }
        let message = op.message.clone().unwrap_or_default();
        let text = match op.status {
            OpStatus::Succeeded => message,
            status => format!("{} {status}: {message}", op.title()),
        };
        self.notify_about_op(op, tone, text);
    }
}
