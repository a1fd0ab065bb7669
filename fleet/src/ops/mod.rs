//! The op engine: from a person's request to its end, read back from the host.
//!
//! ```text
//! request ─▶ validate ─▶ record (queued) ─▶ dispatch ─▶ agent
//!                └─▶ record (blocked)                     │
//! pages ◀─ close ◀─ verify ◀─ facts ◀─────────────────────┘
//! ```
//!
//! [`policy`] defines each kind of op, [`request`] is the way in, and `report` the way back. `record` builds what is stored,
//! `ended` reads the result for roll-outs and deployments, and `foreign` has what others changed tested.

pub(crate) mod ended;
mod foreign;
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

/// The name in the audit log for what the server does without a request.
pub(crate) const SERVER: &str = "server";

impl Fleet {
    /// Publishes an op and its host, and records it in the current deployment.
    pub(crate) async fn publish_op(&self, op: &OpView) {
        self.publish_op_without_host(op).await;
        self.publish_host(op.host).await;
    }

    /// Like [`Fleet::publish_op`], for a caller that publishes the host itself.
    async fn publish_op_without_host(&self, op: &OpView) {
        if let Err(error) = self.fill_deployment(op).await {
            tracing::error!(%error, op = %op.id, "an op could not be recorded in the deployment; retrying");
        }
        self.publish(Update::Op(op.id)).await;
    }

    /// Shows a notice with the result of an op.
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
