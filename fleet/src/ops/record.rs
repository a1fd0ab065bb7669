//! What is recorded of an op: its audit entries and its row in `rollbacks`.

use backstay_model::{OpAction, OpStatus, OpView};
use chrono::{DateTime, Utc};

use crate::store::{NewAuditEntry, NewOp, RollbackRecord};

/// The entry for a request.
pub(crate) fn request_entry(op: &NewOp, host_name: &str) -> NewAuditEntry {
    let blocked = op.status == OpStatus::Blocked;
    let action = format!("{}.{}", op.action.kind(), if blocked { "blocked" } else { "requested" });
    let detail = op.message.as_deref().unwrap_or("Requested.");
    NewAuditEntry::new(op.created_at, &op.requested_by, action, detail)
        .host(host_name)
        .op(op.id)
        .reason(op.reason.as_deref())
        .generations(generations(&op.action))
}

/// The generations that a rollback leaves and goes to, or `None` for other actions.
fn generations(action: &OpAction) -> Option<(u32, u32)> {
    match action {
        OpAction::Rollback { target, seen_current, .. } => Some((seen_current.number, target.number)),
        _ => None,
    }
}

/// The entry for a step of an op.
pub(super) fn audit_entry(
    op: &OpView,
    actor: &str,
    what: &str,
    at: DateTime<Utc>,
    detail: &str,
) -> NewAuditEntry {
    NewAuditEntry::new(at, actor, format!("{}.{what}", op.action.kind()), detail)
        .host(&op.host_name)
        .op(op.id)
        .reason(op.reason.as_deref())
        .generations(generations(&op.action))
}

/// The row for an attempted rollback, or `None` for other ops.
pub(super) fn rollback_record(op: &OpView, at: DateTime<Utc>, success: bool) -> Option<RollbackRecord> {
    let (from_gen, to_gen) = generations(&op.action)?;
    Some(RollbackRecord {
        op: op.id,
        host: op.host,
        from_gen,
        to_gen,
        reason: op.reason.clone(),
        initiated_by: op.requested_by.clone(),
        rolled_back_at: at,
        success,
    })
}
