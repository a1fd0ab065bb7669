//! Ops and their life.

use backstay_model::{CancelRequest, HostId, OpId, OpKind, OpStatus, OpView, Outcome, Phase};
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
        stops: row.parsed_opt("stops")?,
        waits: row.flag("waits")?,
        started_at: row.time_opt("started_at")?,
        finished_at: row.time_opt("finished_at")?,
        outcome: row.json_opt("outcome")?,
        exit_code: row.number_opt("exit_code")?,
        failed_tests: row.json("failed_tests")?,
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
    let row = sqlx::query(select_ops!(
        "WHERE ops.host_id = $1 AND ops.status IN ('queued', 'sent', 'running') AND ops.waits = 0"
    ))
    .bind(host.to_string())
    .fetch_optional(executor)
    .await?;
    row.as_ref().map(from_row).transpose()
}

/// The op for whose sake another one is refused: the one that waits for the host's tests to end, or the open one.
async fn holder(tx: &mut Tx, host: HostId) -> Result<OpView, StoreError> {
    let row = sqlx::query(select_ops!(
        "WHERE ops.host_id = $1 AND ops.status IN ('queued', 'sent', 'running') ORDER BY ops.waits DESC LIMIT 1"
    ))
    .bind(host.to_string())
    .fetch_optional(&mut **tx)
    .await?;
    row.as_ref()
        .map(from_row)
        .transpose()?
        .ok_or_else(|| StoreError::Corrupt("ops: the open op is missing".to_owned()))
}

pub(super) async fn last_system(store: &SqliteStore, host: HostId) -> Result<Option<OpView>, StoreError> {
    // Without an outcome, a host never said that it had an op which ended so: it was taken back on its way.
    let mut query = QueryBuilder::<Sqlite>::new(select_ops!(
        "WHERE ops.was_sent = 1 AND NOT (ops.status IN ('cancelled', 'timed-out') AND ops.outcome IS NULL)"
    ));
    query.push(" AND (ops.outcome IS NULL OR ops.outcome <> ").push_bind(stored_json(&Outcome::Refused)?);
    query.push(") AND ops.host_id = ").push_bind(host.to_string());
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
/// Tests that hold it give way if the op [stops](NewOp::stop_tests) them.
pub(super) async fn insert_in(tx: &mut Tx, op: &NewOp, entry: &NewAuditEntry) -> Result<(), InsertOpError> {
    let links = if op.stop_tests { stop_tests(tx, op).await? } else { Links::default() };
    if !insert_row(tx, op, links).await? {
        return Err(InsertOpError::HostBusy(Box::new(holder(tx, op.host).await?)));
    }
    Ok(audit::append(tx, entry).await?)
}

/// What an op has to do with others.
#[derive(Default)]
struct Links {
    /// The op with whose end it is recorded.
    follows: Option<OpId>,
    /// The tests that it stops.
    stops: Option<OpId>,
    /// Whether it waits for their end.
    waits: bool,
}

/// Stops the tests that hold the host of an op, if there are any: takes them back if they were not sent, else has them
/// cancelled.
async fn stop_tests(tx: &mut Tx, op: &NewOp) -> Result<Links, StoreError> {
    let open = open_of(&mut **tx, op.host).await?;
    let Some(tests) = open.filter(|open| open.action.kind() == OpKind::Test) else {
        return Ok(Links::default());
    };
    let waits = tests.status != OpStatus::Queued;
    if waits {
        mark_cancelled(tx, tests.id, &op.requested_by, op.created_at).await?;
    } else {
        let step = OpStep {
            finished_at: Some(op.created_at),
            message: Some(op.tests_taken_back()),
            ..OpStep::to(OpStatus::Cancelled)
        };
        update_status(tx, tests.id, &step).await?;
    }
    audit::append(tx, &op.stop_entry(&tests)).await?;
    Ok(Links { stops: Some(tests.id), waits, ..Links::default() })
}

/// Whether the op is in: not where another one is in its way. The indexes say so, and not a look before.
async fn insert_row(tx: &mut Tx, op: &NewOp, links: Links) -> Result<bool, StoreError> {
    let inserted = sqlx::query(
        "INSERT INTO ops (id, host_id, kind, action, status, requested_by, reason, created_at, message, due_at, retry_of,
                          follows, stops, waits)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
         ON CONFLICT DO NOTHING",
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
    .bind(links.follows.map(|id| id.to_string()))
    .bind(links.stops.map(|id| id.to_string()))
    .bind(i64::from(links.waits))
    .execute(&mut **tx)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

pub(super) async fn step(store: &SqliteStore, id: OpId, step: &OpStep) -> Result<Option<OpView>, StoreError> {
    let mut tx = store.begin().await?;
    if !update_status(&mut tx, id, step).await? {
        return Ok(None);
    }
    match &step.rollback {
        Some(rollback) => insert_rollback(&mut tx, rollback).await?,
        // A lost rollback that is found never to have moved the host was none.
        None if !step.to.is_open() => forget_rollback(&mut tx, id).await?,
        None => {}
    }
    if let Some(entry) = &step.audit {
        audit::append(&mut tx, entry).await?;
    }
    if !step.to.is_open() {
        release(&mut tx, id).await?;
    }
    if let Some((next, entry)) = step.then.as_deref()
        && insert_row(&mut tx, next, Links { follows: Some(id), ..Links::default() }).await?
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
    if !mark_cancelled(&mut tx, id, &entry.actor, entry.at).await? {
        return Ok(None);
    }
    audit::append(&mut tx, entry).await?;
    let view = by_id(&mut *tx, id).await?;
    tx.commit().await?;
    Ok(view)
}

/// Remembers who wants an op to stop that is with its host; false where it is not with its host.
async fn mark_cancelled(tx: &mut Tx, id: OpId, by: &str, at: DateTime<Utc>) -> Result<bool, StoreError> {
    let asked = sqlx::query(
        "UPDATE ops SET cancel_by = COALESCE(cancel_by, $2), cancel_at = COALESCE(cancel_at, $3)
         WHERE id = $1 AND status IN ('sent', 'running')",
    )
    .bind(id.to_string())
    .bind(by)
    .bind(stored_time(at))
    .execute(&mut **tx)
    .await?;
    Ok(asked.rows_affected() == 1)
}

/// The op that waited for these tests to end holds the host from now on.
async fn release(tx: &mut Tx, tests: OpId) -> Result<(), StoreError> {
    sqlx::query("UPDATE ops SET waits = 0 WHERE stops = $1 AND waits = 1")
        .bind(tests.to_string())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

pub(super) async fn waiting(store: &SqliteStore) -> Result<Vec<(OpId, HostId)>, StoreError> {
    let rows = sqlx::query(
        "SELECT id, host_id FROM ops WHERE status = 'queued' AND waits = 0
         AND NOT EXISTS (SELECT 1 FROM rollout_hosts WHERE op_id = ops.id AND step = 'running') ORDER BY id",
    )
    .fetch_all(&store.reader)
    .await?;
    rows.iter().map(|row| Ok((row.parsed("id")?, row.parsed("host_id")?))).collect()
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
        query.push(", phase = NULL, due_at = NULL, waits = 0");
    }
    let due_at = step.due_at.filter(|_| step.to.is_open());
    let times = [("started_at", step.started_at), ("finished_at", step.finished_at), ("due_at", due_at)];
    for (column, time) in times {
        set_where_given(&mut query, column, stored_time_opt(time));
    }
    set_where_given(&mut query, "outcome", outcome);
    set_where_given(&mut query, "message", step.message.clone());
    if !step.failed_tests.is_empty() {
        query.push(", failed_tests = ").push_bind(stored_json(&step.failed_tests)?);
    }
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
    if step.to == OpStatus::Sent {
        query.push(" AND waits = 0");
    }
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

async fn forget_rollback(tx: &mut Tx, op: OpId) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM rollbacks WHERE id = $1").bind(op.to_string()).execute(&mut **tx).await?;
    Ok(())
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
