//! Ops and their life.

use super::{Db, DbRow};
use async_trait::async_trait;
use backstay_model::{CancelRequest, HostId, OpId, OpKind, OpStatus, OpView, Outcome, OutputLine, Phase};
use chrono::{DateTime, Utc};
use sqlx::{Executor, QueryBuilder};

use super::row::{
    Columns, FromRow, all, optional, stored_json, stored_number, stored_text, stored_time, stored_time_opt,
};
use super::{ROWS_PER_STATEMENT, SqlStore, Tx, audit, output, search};
use crate::store::{
    Appended, InsertOpError, NewAuditEntry, NewOp, OpFilter, OpStep, OpStore, RollbackRecord, StoreError,
};

/// Selects ops with the names of their hosts; the arguments are the rest of the statement.
macro_rules! select_ops {
    ($($tail:tt)+) => {
        concat!(
            "SELECT ops.*, hosts.name AS host_name FROM ops JOIN hosts ON hosts.id = ops.host_id ",
            $($tail)+
        )
    };
}

impl FromRow for OpView {
    fn from_row(row: &DbRow) -> Result<Self, StoreError> {
        Ok(Self {
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
            rollout: row.parsed_opt("rollout_id")?,
            started_at: row.time_opt("started_at")?,
            finished_at: row.time_opt("finished_at")?,
            outcome: row.json_opt("outcome")?,
            exit_code: row.number_opt("exit_code")?,
            failed_tests: row.json("failed_tests")?,
            message: row.text_opt("message")?,
        })
    }
}

fn cancel_request(row: &DbRow) -> Result<Option<CancelRequest>, StoreError> {
    let (by, at) = (row.text_opt("cancel_by")?, row.time_opt("cancel_at")?);
    Ok(by.zip(at).map(|(by, at)| CancelRequest { by, at }))
}

impl FromRow for RollbackRecord {
    fn from_row(row: &DbRow) -> Result<Self, StoreError> {
        Ok(Self {
            op: row.parsed("id")?,
            host: row.parsed("host_id")?,
            from_gen: row.number("from_gen")?,
            to_gen: row.number("to_gen")?,
            reason: row.text_opt("reason")?,
            initiated_by: row.text("initiated_by")?,
            rolled_back_at: row.time("rolled_back_at")?,
            success: row.flag("success")?,
        })
    }
}

#[async_trait]
impl OpStore for SqlStore {
    async fn insert_op(&self, op: &NewOp, audit: &NewAuditEntry) -> Result<OpView, InsertOpError> {
        let mut tx = self.begin().await?;
        insert(&mut tx, op, audit).await?;
        let view = by_id(&mut *tx, op.id).await?;
        tx.commit().await.map_err(StoreError::from)?;
        view.ok_or_else(|| StoreError::Corrupt("ops: the new row is missing".to_owned()).into())
    }

    async fn step_op(&self, id: OpId, step: &OpStep) -> Result<Option<OpView>, StoreError> {
        let mut tx = self.begin().await?;
        if !update_status(&mut tx, id, step).await? {
            return Ok(None);
        }
        match &step.rollback {
            Some(rollback) => insert_rollback(&mut tx, rollback).await?,
            None if !step.to.is_open() => delete_rollback(&mut tx, id).await?,
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

    async fn request_cancel(&self, id: OpId, audit: &NewAuditEntry) -> Result<Option<OpView>, StoreError> {
        let mut tx = self.begin().await?;
        if !request_cancel(&mut tx, id, &audit.actor, audit.at).await? {
            return Ok(None);
        }
        audit::append(&mut tx, audit).await?;
        let view = by_id(&mut *tx, id).await?;
        tx.commit().await?;
        Ok(view)
    }

    async fn waiting_ops(&self) -> Result<Vec<(OpId, HostId)>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, host_id FROM ops WHERE status = 'queued' AND waits = 0
             AND NOT EXISTS (SELECT 1 FROM rollout_hosts WHERE op_id = ops.id AND step = 'running')
             ORDER BY id",
        )
        .fetch_all(&self.reader)
        .await?;
        rows.iter().map(|row| Ok((row.parsed("id")?, row.parsed("host_id")?))).collect()
    }

    async fn due_ops(&self, now: DateTime<Utc>) -> Result<Vec<OpView>, StoreError> {
        let due = sqlx::query(select_ops!("WHERE ops.due_at <= $1 AND ", is_open!(), " ORDER BY ops.id"))
            .bind(stored_time(now));
        all(due.fetch_all(&self.reader).await?)
    }

    async fn set_phase(&self, id: OpId, phase: Phase) -> Result<Option<OpView>, StoreError> {
        let mut tx = self.begin().await?;
        let changed = sqlx::query(concat!("UPDATE ops SET phase = $2 WHERE id = $1 AND ", is_open!()))
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

    async fn op(&self, id: OpId) -> Result<Option<OpView>, StoreError> {
        by_id(&self.reader, id).await
    }

    async fn open_op(&self, host: HostId) -> Result<Option<OpView>, StoreError> {
        open_op(&self.reader, host).await
    }

    async fn last_system_op(&self, host: HostId) -> Result<Option<OpView>, StoreError> {
        // An op that was cancelled or timed out without an outcome never reached its host.
        let mut query = QueryBuilder::<Db>::new(select_ops!(
            "WHERE ops.was_sent = 1 AND NOT ",
            is_open!(),
            " AND NOT (ops.status IN ('cancelled', 'timed-out') AND ops.outcome IS NULL)"
        ));
        query.push(" AND (ops.outcome IS NULL OR ops.outcome <> ").push_bind(stored_json(&Outcome::Refused)?);
        query.push(") AND ops.host_id = ").push_bind(host.to_string()).push(" AND ops.kind IN (");
        let mut kinds = query.separated(", ");
        for kind in OpKind::ALL.into_iter().filter(|k| k.changes_system()) {
            kinds.push_bind(kind.as_str());
        }
        query.push(") ORDER BY ops.id DESC LIMIT 1");
        optional(query.build().fetch_optional(&self.reader).await?)
    }

    async fn ops(&self, filter: &OpFilter) -> Result<Vec<OpView>, StoreError> {
        let mut query = QueryBuilder::<Db>::new(select_ops!("WHERE 1 = 1"));
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
        let text = "ops.requested_by || ' ' || ops.kind || ' ' || COALESCE(ops.reason, '') || ' ' || COALESCE(ops.message, '')";
        search::push(&mut query, &filter.search, "ops", "ops.created_at", text);
        query.push(" ORDER BY ops.id DESC LIMIT ").push_bind(i64::from(filter.limit));
        all(query.build().fetch_all(&self.reader).await?)
    }

    async fn following_op(&self, op: OpId) -> Result<Option<OpView>, StoreError> {
        let next = sqlx::query(select_ops!("WHERE ops.follows = $1")).bind(op.to_string());
        optional(next.fetch_optional(&self.reader).await?)
    }

    async fn rollbacks(&self, host: HostId) -> Result<Vec<RollbackRecord>, StoreError> {
        let rollbacks =
            sqlx::query("SELECT * FROM rollbacks WHERE host_id = $1 ORDER BY rolled_back_at DESC, id DESC")
                .bind(host.to_string());
        all(rollbacks.fetch_all(&self.reader).await?)
    }

    async fn append_output(&self, op: OpId, lines: &[OutputLine]) -> Result<Appended, StoreError> {
        let mut tx = self.begin().await?;
        // Lines count from 1, and SQL integers are signed: other numbers are not lines.
        let lines: Vec<_> = lines.iter().filter(|l| l.seq > 0 && i64::try_from(l.seq).is_ok()).collect();
        let mut new = vec![];
        for some in lines.chunks(ROWS_PER_STATEMENT) {
            new.extend(output::insert(&mut tx, op, some).await?);
        }
        let through = output::advance(&mut tx, op).await?;
        tx.commit().await?;
        Ok(Appended { through, new })
    }

    async fn output(&self, op: OpId, after: u64, limit: u32) -> Result<Vec<OutputLine>, StoreError> {
        let lines = sqlx::query(
            "SELECT seq, stream, at, line FROM op_output WHERE op_id = $1 AND seq > $2 ORDER BY seq LIMIT $3",
        )
        .bind(op.to_string())
        .bind(stored_number(after))
        .bind(i64::from(limit));
        all(lines.fetch_all(&self.reader).await?)
    }

    async fn output_before(
        &self,
        op: OpId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<OutputLine>, StoreError> {
        let lines = sqlx::query(
            "SELECT seq, stream, at, line FROM op_output WHERE op_id = $1 AND seq < $2
             ORDER BY seq DESC LIMIT $3",
        )
        .bind(op.to_string())
        .bind(before.map_or(i64::MAX, stored_number))
        .bind(i64::from(limit));
        let mut lines: Vec<OutputLine> = all(lines.fetch_all(&self.reader).await?)?;
        lines.reverse();
        Ok(lines)
    }

    async fn output_through(&self, op: OpId) -> Result<u64, StoreError> {
        let row = sqlx::query("SELECT output_through FROM ops WHERE id = $1")
            .bind(op.to_string())
            .fetch_optional(&self.reader)
            .await?;
        row.map_or(Ok(0), |row| row.number("output_through"))
    }
}

pub(super) async fn by_id(
    executor: impl Executor<'_, Database = Db>,
    id: OpId,
) -> Result<Option<OpView>, StoreError> {
    let op = sqlx::query(select_ops!("WHERE ops.id = $1")).bind(id.to_string());
    optional(op.fetch_optional(executor).await?)
}

async fn open_op(
    executor: impl Executor<'_, Database = Db>,
    host: HostId,
) -> Result<Option<OpView>, StoreError> {
    let open = sqlx::query(select_ops!("WHERE ops.host_id = $1 AND ops.waits = 0 AND ", is_open!()))
        .bind(host.to_string());
    optional(open.fetch_optional(executor).await?)
}

/// Returns the op in whose favour another one is refused: the one that waits for the host's tests to end, or
/// the open one.
async fn holder(tx: &mut Tx, host: HostId) -> Result<OpView, StoreError> {
    let holder = sqlx::query(select_ops!(
        "WHERE ops.host_id = $1 AND ",
        is_open!(),
        " ORDER BY ops.waits DESC LIMIT 1"
    ))
    .bind(host.to_string());
    optional(holder.fetch_optional(&mut **tx).await?)?
        .ok_or_else(|| StoreError::Corrupt("ops: the open op is missing".to_owned()))
}

/// Records an op with its audit entry. If another op holds the host, the caller must not commit the
/// transaction. Tests that hold it give way if the op [stops](NewOp::stop_tests) them.
pub(super) async fn insert(tx: &mut Tx, op: &NewOp, entry: &NewAuditEntry) -> Result<(), InsertOpError> {
    let links = if op.stop_tests { stop_tests(tx, op).await? } else { Links::default() };
    if !insert_row(tx, op, links).await? {
        return Err(InsertOpError::HostBusy(Box::new(holder(tx, op.host).await?)));
    }
    Ok(audit::append(tx, entry).await?)
}

/// The relations of an op to others.
#[derive(Default)]
struct Links {
    /// The op with whose end it is recorded.
    follows: Option<OpId>,
    /// The tests that it stops.
    stops: Option<OpId>,
    /// True if it waits for their end.
    waits: bool,
}

/// Stops the tests that hold the op's host, if any: cancels them if they were not sent, or else requests
/// that.
async fn stop_tests(tx: &mut Tx, op: &NewOp) -> Result<Links, StoreError> {
    let open = open_op(&mut **tx, op.host).await?;
    let Some(tests) = open.filter(|open| open.action.kind() == OpKind::Test) else {
        return Ok(Links::default());
    };
    let waits = tests.status != OpStatus::Queued;
    if waits {
        request_cancel(tx, tests.id, &op.requested_by, op.created_at).await?;
    } else {
        let step = OpStep {
            finished_at: Some(op.created_at),
            message: Some(op.tests_cancelled_message()),
            ..OpStep::to(OpStatus::Cancelled)
        };
        update_status(tx, tests.id, &step).await?;
    }
    audit::append(tx, &op.stop_entry(&tests)).await?;
    Ok(Links { stops: Some(tests.id), waits, ..Links::default() })
}

/// Returns whether the op was inserted. The indexes, not a check before it, decide whether another op is in
/// the way.
async fn insert_row(tx: &mut Tx, op: &NewOp, links: Links) -> Result<bool, StoreError> {
    let inserted = sqlx::query(
        "INSERT INTO ops (id, host_id, kind, action, status, requested_by, reason, created_at, message, due_at,
                          retry_of, follows, stops, waits, rollout_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,
                 (SELECT rollout_id FROM ops WHERE id = $12))
         ON CONFLICT DO NOTHING",
    )
    .bind(op.id.to_string())
    .bind(op.host.to_string())
    .bind(op.action.kind().as_str())
    .bind(stored_json(&op.action)?)
    .bind(op.status.as_str())
    .bind(&op.requested_by)
    .bind(op.reason.as_deref().map(stored_text))
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

/// Records who requested to cancel an op. Returns false if the op is not with its host.
async fn request_cancel(tx: &mut Tx, id: OpId, by: &str, at: DateTime<Utc>) -> Result<bool, StoreError> {
    let requested = sqlx::query(
        "UPDATE ops SET cancel_by = COALESCE(cancel_by, $2), cancel_at = COALESCE(cancel_at, $3)
         WHERE id = $1 AND status IN ('sent', 'running')",
    )
    .bind(id.to_string())
    .bind(by)
    .bind(stored_time(at))
    .execute(&mut **tx)
    .await?;
    Ok(requested.rows_affected() == 1)
}

/// Lets the op that waited for these tests hold the host from now on.
async fn release(tx: &mut Tx, tests: OpId) -> Result<(), StoreError> {
    sqlx::query("UPDATE ops SET waits = 0 WHERE stops = $1 AND waits = 1")
        .bind(tests.to_string())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Returns whether the op's status allowed the step.
async fn update_status(tx: &mut Tx, id: OpId, step: &OpStep) -> Result<bool, StoreError> {
    let outcome = step.outcome.as_ref().map(stored_json).transpose()?;
    let mut query = QueryBuilder::<Db>::new("UPDATE ops SET status = ");
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
        set_if_given(&mut query, column, stored_time_opt(time));
    }
    set_if_given(&mut query, "outcome", outcome);
    set_if_given(&mut query, "message", step.message.clone());
    if !step.failed_tests.is_empty() {
        query.push(", failed_tests = ").push_bind(stored_json(&step.failed_tests)?);
    }
    if let Some(code) = step.exit_code {
        query.push(", exit_code = ").push_bind(i64::from(code));
    }
    query.push(" WHERE id = ").push_bind(id.to_string());
    // A status without predecessors leaves `IN (NULL)`, which matches nothing.
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

fn set_if_given(query: &mut QueryBuilder<Db>, column: &str, value: Option<String>) {
    if let Some(value) = value {
        query.push(", ").push(column).push(" = ").push_bind(value);
    }
}

async fn delete_rollback(tx: &mut Tx, op: OpId) -> Result<(), StoreError> {
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
