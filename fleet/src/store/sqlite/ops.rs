//! Ops and their life.

use backstay_protocol::{CancelRequest, HostId, OpId, OpKind, OpStatus, OpView, Phase};
use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite, SqliteExecutor};

use super::row::{Columns, stored_json, stored_time, stored_time_opt};
use super::{
    InsertOpError, NewAuditEntry, NewOp, OpFilter, OpStep, RollbackRecord, SqliteStore, StoreError, Tx, audit,
};

/// An op with its host's name, followed by what narrows it down.
macro_rules! select_ops {
    ($tail:literal) => {
        concat!("SELECT ops.*, hosts.name AS host_name FROM ops JOIN hosts ON hosts.id = ops.host_id ", $tail)
    };
}

fn from_row(row: &SqliteRow) -> Result<OpView, StoreError> {
    Ok(OpView {
        id: row.parsed("id")?,
        host: row.parsed("host_id")?,
        host_name: row.text("host_name")?,
        action: row.json("action")?,
        status: row.parsed("status")?,
        phase: row.json_opt("phase")?,
        requested_by: row.text("requested_by")?,
        reason: row.text_opt("reason")?,
        created_at: row.time("created_at")?,
        due_at: row.time_opt("due_at")?,
        cancel: cancel_request(row)?,
        retry_of: row.parsed_opt("retry_of")?,
        started_at: row.time_opt("started_at")?,
        finished_at: row.time_opt("finished_at")?,
        outcome: row.json_opt("outcome")?,
        exit_code: row.number_opt("exit_code")?,
        message: row.text_opt("message")?,
    })
}

fn cancel_request(row: &SqliteRow) -> Result<Option<CancelRequest>, StoreError> {
    let (by, at) = (row.text_opt("cancel_by")?, row.time_opt("cancel_at")?);
    Ok(by.zip(at).map(|(by, at)| CancelRequest { by, at }))
}

pub(super) async fn by_id(executor: impl SqliteExecutor<'_>, id: OpId) -> Result<Option<OpView>, StoreError> {
    let row =
        sqlx::query(select_ops!("WHERE ops.id = $1")).bind(id.to_string()).fetch_optional(executor).await?;
    row.as_ref().map(from_row).transpose()
}

pub(super) async fn open_of(
    executor: impl SqliteExecutor<'_>,
    host: HostId,
) -> Result<Option<OpView>, StoreError> {
    let row =
        sqlx::query(select_ops!("WHERE ops.host_id = $1 AND ops.status IN ('queued', 'sent', 'running')"))
            .bind(host.to_string())
            .fetch_optional(executor)
            .await?;
    row.as_ref().map(from_row).transpose()
}

pub(super) async fn last_system(store: &SqliteStore, host: HostId) -> Result<Option<OpView>, StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new(select_ops!("WHERE ops.was_sent = 1"));
    query.push(" AND ops.host_id = ").push_bind(host.to_string());
    query.push(" AND ops.status NOT IN ('queued', 'sent', 'running') AND ops.kind IN (");
    let mut kinds = query.separated(", ");
    for kind in OpKind::ALL.into_iter().filter(|k| k.changes_system()) {
        kinds.push_bind(kind.as_str());
    }
    query.push(") ORDER BY ops.id DESC LIMIT 1");
    let row = query.build().fetch_optional(&store.reader).await?;
    row.as_ref().map(from_row).transpose()
}

pub(super) async fn filtered(store: &SqliteStore, filter: &OpFilter) -> Result<Vec<OpView>, StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new(select_ops!("WHERE 1 = 1"));
    if let Some(host) = filter.host {
        query.push(" AND ops.host_id = ").push_bind(host.to_string());
    }
    if let Some(kind) = filter.kind {
        query.push(" AND ops.kind = ").push_bind(kind.as_str());
    }
    if !filter.statuses.is_empty() {
        query.push(" AND ops.status IN (");
        let mut names = query.separated(", ");
        for status in &filter.statuses {
            names.push_bind(status.as_str());
        }
        query.push(")");
    }
    if let Some(by) = &filter.by {
        query.push(" AND ops.requested_by = ").push_bind(by);
    }
    if let Some(before) = filter.before {
        query.push(" AND ops.id < ").push_bind(before.to_string());
    }
    query.push(" ORDER BY ops.id DESC LIMIT ").push_bind(i64::from(filter.limit));
    let rows = query.build().fetch_all(&store.reader).await?;
    rows.iter().map(from_row).collect()
}

pub(super) async fn insert(
    store: &SqliteStore,
    op: &NewOp,
    audit: &NewAuditEntry,
) -> Result<OpView, InsertOpError> {
    let mut tx = store.begin().await?;
    insert_in(&mut tx, op, audit).await?;
    let view = by_id(&mut *tx, op.id).await?;
    tx.commit().await.map_err(StoreError::from)?;
    view.ok_or_else(|| StoreError::Corrupt("ops: the new row is missing".to_owned()).into())
}

/// Records an op with its audit entry, in a transaction that is not to be committed where another op holds the host.
pub(super) async fn insert_in(tx: &mut Tx, op: &NewOp, entry: &NewAuditEntry) -> Result<(), InsertOpError> {
    if !insert_row(tx, op, None).await? {
        let first = open_of(&mut **tx, op.host).await?;
        let first = first.ok_or_else(|| StoreError::Corrupt("ops: the open op is missing".to_owned()))?;
        return Err(InsertOpError::HostBusy(Box::new(first)));
    }
    Ok(audit::append(tx, entry).await?)
}

/// Whether the op is in: not where another one is open. The index says so, and not a look before.
async fn insert_row(tx: &mut Tx, op: &NewOp, follows: Option<OpId>) -> Result<bool, StoreError> {
    let inserted = sqlx::query(
        "INSERT INTO ops (id, host_id, kind, action, status, requested_by, reason, created_at, message, due_at, retry_of,
                          follows)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         ON CONFLICT (host_id) WHERE status IN ('queued','sent','running') DO NOTHING",
    )
    .bind(op.id.to_string())
    .bind(op.host.to_string())
    .bind(op.action.kind().as_str())
    .bind(stored_json(&op.action)?)
    .bind(op.status.as_str())
    .bind(&op.requested_by)
    .bind(&op.reason)
    .bind(stored_time(op.created_at))
    .bind(&op.message)
    .bind(stored_time_opt(op.due_at))
    .bind(op.retry_of.map(|id| id.to_string()))
    .bind(follows.map(|id| id.to_string()))
    .execute(&mut **tx)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

pub(super) async fn step(store: &SqliteStore, id: OpId, step: &OpStep) -> Result<Option<OpView>, StoreError> {
    let mut tx = store.begin().await?;
    if !update_status(&mut tx, id, step).await? {
        return Ok(None);
    }
    if let Some(rollback) = &step.rollback {
        insert_rollback(&mut tx, rollback).await?;
    }
    if let Some(entry) = &step.audit {
        audit::append(&mut tx, entry).await?;
    }
    if let Some((next, entry)) = step.then.as_deref()
        && insert_row(&mut tx, next, Some(id)).await?
    {
        audit::append(&mut tx, entry).await?;
    }
    let view = by_id(&mut *tx, id).await?;
    tx.commit().await?;
    Ok(view)
}

pub(super) async fn following(store: &SqliteStore, id: OpId) -> Result<Option<OpView>, StoreError> {
    let row = sqlx::query(select_ops!("WHERE ops.follows = $1"))
        .bind(id.to_string())
        .fetch_optional(&store.reader)
        .await?;
    row.as_ref().map(from_row).transpose()
}

pub(super) async fn request_cancel(
    store: &SqliteStore,
    id: OpId,
    entry: &NewAuditEntry,
) -> Result<Option<OpView>, StoreError> {
    let mut tx = store.begin().await?;
    let asked = sqlx::query(
        "UPDATE ops SET cancel_by = COALESCE(cancel_by, $2), cancel_at = COALESCE(cancel_at, $3)
         WHERE id = $1 AND status IN ('sent', 'running')",
    )
    .bind(id.to_string())
    .bind(&entry.actor)
    .bind(stored_time(entry.at))
    .execute(&mut *tx)
    .await?;
    if asked.rows_affected() == 0 {
        return Ok(None);
    }
    audit::append(&mut tx, entry).await?;
    let view = by_id(&mut *tx, id).await?;
    tx.commit().await?;
    Ok(view)
}

pub(super) async fn due(store: &SqliteStore, now: DateTime<Utc>) -> Result<Vec<OpView>, StoreError> {
    let rows = sqlx::query(select_ops!(
        "WHERE ops.due_at <= $1 AND ops.status IN ('queued', 'sent', 'running') ORDER BY ops.id"
    ))
    .bind(stored_time(now))
    .fetch_all(&store.reader)
    .await?;
    rows.iter().map(from_row).collect()
}

/// Whether the op's status allowed the step.
async fn update_status(tx: &mut Tx, id: OpId, step: &OpStep) -> Result<bool, StoreError> {
    let outcome = step.outcome.as_ref().map(stored_json).transpose()?;
    let mut query = QueryBuilder::<Sqlite>::new("UPDATE ops SET status = ");
    query.push_bind(step.to.as_str());
    if step.to == OpStatus::Sent {
        query.push(", was_sent = 1");
    }
    if !step.to.is_open() {
        query.push(", phase = NULL, due_at = NULL");
    }
    let due_at = step.due_at.filter(|_| step.to.is_open());
    let times = [("started_at", step.started_at), ("finished_at", step.finished_at), ("due_at", due_at)];
    for (column, time) in times {
        set_where_given(&mut query, column, stored_time_opt(time));
    }
    set_where_given(&mut query, "outcome", outcome);
    set_where_given(&mut query, "message", step.message.clone());
    if let Some(code) = step.exit_code {
        query.push(", exit_code = ").push_bind(i64::from(code));
    }
    query.push(" WHERE id = ").push_bind(id.to_string());
    // A status that follows on none leaves `IN (NULL)`, which nothing is.
    query.push(" AND status IN (NULL");
    for from in step.to.predecessors().filter(|from| step.only_from.is_none_or(|only| only == *from)) {
        query.push(", ").push_bind(from.as_str());
    }
    query.push(")");
    Ok(query.build().execute(&mut **tx).await?.rows_affected() == 1)
}

fn set_where_given(query: &mut QueryBuilder<Sqlite>, column: &str, value: Option<String>) {
    if let Some(value) = value {
        query.push(", ").push(column).push(" = ").push_bind(value);
    }
}

pub(super) async fn set_phase(
    store: &SqliteStore,
    id: OpId,
    phase: Phase,
) -> Result<Option<OpView>, StoreError> {
    let mut tx = store.begin().await?;
    let changed =
        sqlx::query("UPDATE ops SET phase = $2 WHERE id = $1 AND status IN ('queued', 'sent', 'running')")
            .bind(id.to_string())
            .bind(stored_json(&phase)?)
            .execute(&mut *tx)
            .await?;
    if changed.rows_affected() == 0 {
        return Ok(None);
    }
    let view = by_id(&mut *tx, id).await?;
    tx.commit().await?;
    Ok(view)
}

async fn insert_rollback(tx: &mut Tx, rollback: &RollbackRecord) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO rollbacks (id, host_id, from_gen, to_gen, reason, initiated_by, rolled_back_at, success)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (id) DO UPDATE SET rolled_back_at = excluded.rolled_back_at, success = excluded.success",
    )
    .bind(rollback.op.to_string())
    .bind(rollback.host.to_string())
    .bind(i64::from(rollback.from_gen))
    .bind(i64::from(rollback.to_gen))
    .bind(&rollback.reason)
    .bind(&rollback.initiated_by)
    .bind(stored_time(rollback.rolled_back_at))
    .bind(i64::from(rollback.success))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(super) async fn rollbacks(store: &SqliteStore, host: HostId) -> Result<Vec<RollbackRecord>, StoreError> {
    let rows =
        sqlx::query("SELECT * FROM rollbacks WHERE host_id = $1 ORDER BY rolled_back_at DESC, id DESC")
            .bind(host.to_string())
            .fetch_all(&store.reader)
            .await?;
    let from_row = |row: &SqliteRow| {
        Ok(RollbackRecord {
            op: row.parsed("id")?,
            host: row.parsed("host_id")?,
            from_gen: row.number("from_gen")?,
            to_gen: row.number("to_gen")?,
            reason: row.text_opt("reason")?,
            initiated_by: row.text("initiated_by")?,
            rolled_back_at: row.time("rolled_back_at")?,
            success: row.flag("success")?,
        })
    };
    rows.iter().map(from_row).collect()
}
