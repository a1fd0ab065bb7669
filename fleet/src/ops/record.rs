//! What is recorded of an op: its audit entries and its row in `rollbacks`.

use backstay_model::{OpAction, OpStatus, OpView};
use chrono::{DateTime, Utc};

use crate::store::{NewAuditEntry, NewOp, RollbackRecord};

/// The entry for a request.
pub(crate) fn request_entry(op: &NewOp, host_name: &str) -> NewAuditEntry {
    let blocked = op.status == OpStatus::Blocked;
    let (from_gen, to_gen) = generations(&op.action);
    NewAuditEntry {
        at: op.created_at,
        actor: op.requested_by.clone(),
        action: format!("{}.{}", op.action.kind(), if blocked { "blocked" } else { "requested" }),
        host_name: Some(host_name.to_owned()),
        from_gen,
        to_gen,
        reason: op.reason.clone(),
        detail: op.message.clone().unwrap_or_else(|| "Requested.".to_owned()),
        op: Some(op.id),
    }
}

/// The generations that an action leaves and reaches.
fn generations(action: &OpAction) -> (Option<u32>, Option<u32>) {
    match action {
        OpAction::Rollback { target, seen_current } => (Some(seen_current.number), Some(target.number)),
        _ => (None, None),
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
    let (from_gen, to_gen) = generations(&op.action);
    NewAuditEntry {
        at,
        actor: actor.to_owned(),
        action: format!("{}.{what}", op.action.kind()),
        host_name: Some(op.host_name.clone()),
        from_gen,
        to_gen,
        reason: op.reason.clone(),
        detail: detail.to_owned(),
        op: Some(op.id),
    }
}

/// The row for an attempted rollback, or `None` for other ops.
pub(super) fn rollback_record(op: &OpView, at: DateTime<Utc>, success: bool) -> Option<RollbackRecord> {
    let (Some(from_gen), Some(to_gen)) = generations(&op.action) else { return None };
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
