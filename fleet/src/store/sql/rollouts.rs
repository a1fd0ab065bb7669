//! Roll-outs and the step of each host.

use super::{Db, DbRow};
use async_trait::async_trait;
use backstay_model::rollout::{Rollout, RolloutHost, RolloutState, RolloutStep};
use backstay_model::{HostId, OpAction, OpId, OpKind, OpView, RolloutId, rollback};
use sqlx::QueryBuilder;

use super::row::{Columns, all, stored_json, stored_time};
use super::{SqlStore, Tx, audit, hosts, ops};
use crate::store::{InsertOpError, InsertRolloutError, NewAuditEntry, NewOp, RolloutStore, StoreError};

/// Selects hosts of the roll-out `$1`; the argument is the rest of the statement.
macro_rules! select_rollout_hosts {
    ($rest:literal) => {
        concat!(
            "SELECT rollout_hosts.*, ops.finished_at FROM rollout_hosts
             LEFT JOIN ops ON ops.id = rollout_hosts.op_id
             WHERE rollout_hosts.rollout_id = $1 ",
            $rest
        )
    };
}

#[async_trait]
impl RolloutStore for SqlStore {
    async fn begin_rollout(
        &self,
        rollout: &Rollout,
        audit: &NewAuditEntry,
        ops: &[(NewOp, NewAuditEntry)],
    ) -> Result<(), InsertRolloutError> {
        let mut tx = self.begin().await?;
        if !insert_row(&mut tx, rollout).await? {
            let another = first_open(&mut tx).await?;
            let another =
                another.ok_or_else(|| StoreError::Corrupt("rollouts: the open one is missing".to_owned()))?;
            return Err(InsertRolloutError::Another(Box::new(another)));
        }
        for (position, host) in (0_i64..).zip(&rollout.hosts) {
            insert_host(&mut tx, rollout.id, position, host).await?;
        }
        audit::append(&mut tx, audit).await?;
        for (op, entry) in ops {
            check_rollback(&mut tx, rollout, op).await?;
            ops::insert(&mut tx, op, entry).await.map_err(|error| match error {
                InsertOpError::HostBusy(first) => InsertRolloutError::HostBusy(first),
                InsertOpError::Store(error) => error.into(),
            })?;
            own(&mut tx, rollout.id, op.id).await?;
        }
        Ok(tx.commit().await.map_err(StoreError::from)?)
    }

    async fn begin_in_rollout(
        &self,
        id: RolloutId,
        step: &RolloutStep,
        op: &NewOp,
        audit: &NewAuditEntry,
    ) -> Result<Option<OpView>, InsertOpError> {
        let mut tx = self.begin().await?;
        if !is_running(&mut tx, id).await?
            || !step_row(&mut tx, id, op.host, &RolloutStep::Waiting, step).await?
        {
            return Ok(None);
        }
        ops::insert(&mut tx, op, audit).await?;
        own(&mut tx, id, op.id).await?;
        let view = ops::by_id(&mut *tx, op.id).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(view)
    }

    async fn step_rollout(
        &self,
        id: RolloutId,
        host: HostId,
        from: &RolloutStep,
        to: &RolloutStep,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let is_taken = step_row(&mut tx, id, host, from, to).await?;
        tx.commit().await?;
        Ok(is_taken)
    }

    async fn set_rollout_state(
        &self,
        id: RolloutId,
        to: &RolloutState,
        audit: &NewAuditEntry,
    ) -> Result<Option<Rollout>, StoreError> {
        let mut tx = self.begin().await?;
        let mut query = QueryBuilder::<Db>::new("UPDATE rollouts SET state = ");
        query.push_bind(to.as_str()).push(", stated = ").push_bind(stored_json(to)?);
        query.push(" WHERE id = ").push_bind(id.to_string()).push(" AND state IN (NULL");
        for from in to.predecessors() {
            query.push(", ").push_bind(*from);
        }
        query.push(")");
        if query.build().execute(&mut *tx).await?.rows_affected() == 0 {
            return Ok(None);
        }
        audit::append(&mut tx, audit).await?;
        let rollout = by_id(&mut tx, id).await?;
        tx.commit().await?;
        Ok(rollout)
    }

    async fn pause_rollout(
        &self,
        to: &Rollout,
        audit: &NewAuditEntry,
    ) -> Result<Option<Rollout>, StoreError> {
        let mut tx = self.begin().await?;
        let changed = sqlx::query(
            "UPDATE rollouts SET paused_at = $2, paused_by = $3, pause_after = $4
             WHERE id = $1 AND state = 'running' AND (paused_at IS NULL) <> ($2 IS NULL)",
        )
        .bind(to.id.to_string())
        .bind(to.paused_at.map(stored_time))
        .bind(&to.paused_by)
        .bind(to.pause_after.map(i64::from))
        .execute(&mut *tx)
        .await?;
        if changed.rows_affected() == 0 {
            return Ok(None);
        }
        audit::append(&mut tx, audit).await?;
        let rollout = by_id(&mut tx, to.id).await?;
        tx.commit().await?;
        Ok(rollout)
    }

    async fn rollout(&self, id: RolloutId) -> Result<Option<Rollout>, StoreError> {
        by_id(&mut self.snapshot().await?, id).await
    }

    async fn rollout_part(&self, id: RolloutId, host: Option<HostId>) -> Result<Option<Rollout>, StoreError> {
        let mut tx = self.snapshot().await?;
        let row = sqlx::query("SELECT * FROM rollouts WHERE id = $1").bind(id.to_string());
        let Some(row) = row.fetch_optional(&mut *tx).await? else { return Ok(None) };
        let hosts = match host {
            Some(host) => {
                let hosts = sqlx::query(select_rollout_hosts!("AND rollout_hosts.host_id = $2"));
                hosts.bind(id.to_string()).bind(host.to_string()).fetch_all(&mut *tx).await?
            }
            None => vec![],
        };
        from_rows(&row, &hosts).map(Some)
    }

    async fn rollouts(&self, before: Option<RolloutId>, limit: u32) -> Result<Vec<Rollout>, StoreError> {
        let mut query = QueryBuilder::<Db>::new("SELECT * FROM rollouts");
        if let Some(before) = before {
            query.push(" WHERE id < ").push_bind(before.to_string());
        }
        query.push(" ORDER BY id DESC LIMIT ").push_bind(i64::from(limit));
        let mut tx = self.snapshot().await?;
        let rows = query.build().fetch_all(&mut *tx).await?;
        read(&mut tx, &rows).await
    }

    async fn open_rollouts(&self) -> Result<Vec<RolloutId>, StoreError> {
        let rows = sqlx::query("SELECT id FROM rollouts WHERE state IN ('running', 'stopping') ORDER BY id");
        rows.fetch_all(&self.reader).await?.iter().map(|row| row.parsed("id")).collect()
    }

    async fn rollout_ops(&self, id: RolloutId) -> Result<Vec<OpView>, StoreError> {
        let under_way = sqlx::query(
            "SELECT ops.*, hosts.name AS host_name FROM rollout_hosts
             JOIN ops ON ops.id = rollout_hosts.op_id JOIN hosts ON hosts.id = ops.host_id
             WHERE rollout_hosts.rollout_id = $1 AND rollout_hosts.step IN ('running', 'testing')",
        );
        all(under_way.bind(id.to_string()).fetch_all(&self.reader).await?)
    }

    async fn is_sent_by_rollout(&self, op: OpId) -> Result<bool, StoreError> {
        let found = sqlx::query(
            "SELECT 1 FROM rollout_hosts JOIN rollouts ON rollouts.id = rollout_hosts.rollout_id
             WHERE rollout_hosts.op_id = $1 AND rollout_hosts.step = 'running'
             AND rollouts.state IN ('running', 'stopping')",
        );
        Ok(found.bind(op.to_string()).fetch_optional(&self.reader).await?.is_some())
    }
}

/// Records that an op belongs to the roll-out.
async fn own(tx: &mut Tx, id: RolloutId, op: OpId) -> Result<(), StoreError> {
    sqlx::query("UPDATE ops SET rollout_id = $1 WHERE id = $2")
        .bind(id.to_string())
        .bind(op.to_string())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Checks a rollback against the host's latest facts.
async fn check_rollback(tx: &mut Tx, rollout: &Rollout, op: &NewOp) -> Result<(), InsertRolloutError> {
    let OpAction::Rollback { target, seen_current, specialisation } = &op.action else { return Ok(()) };
    let facts = hosts::by_id(&mut **tx, op.host).await?.and_then(|host| host.facts);
    let checked = facts.map(|facts| rollback::check(&facts, target, seen_current, specialisation.as_deref()));
    let refusal = match checked {
        Some(Ok(())) => return Ok(()),
        Some(Err(refusal)) => Some(refusal),
        None => None,
    };
    let name = rollout.hosts.iter().find(|host| host.host == op.host).map(|host| host.name.clone());
    Err(InsertRolloutError::NotAsSeen { host: name.unwrap_or_default(), refusal })
}

/// Returns whether the roll-out was inserted: false if another one is active.
async fn insert_row(tx: &mut Tx, rollout: &Rollout) -> Result<bool, StoreError> {
    let waits_for_stopping = rollout.kind != OpKind::Rollback;
    let inserted = sqlx::query(
        "INSERT INTO rollouts
             (id, kind, deployment_id, requested_by, reason, created_at, parallel, stop_on_failure, state,
              stated, pause_after)
         SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $12
         WHERE NOT EXISTS (SELECT 1 FROM rollouts
                           WHERE state = 'running' OR (state = 'stopping' AND $11 = 1))
         ON CONFLICT (state) WHERE state = 'running' DO NOTHING",
    )
    .bind(rollout.id.to_string())
    .bind(rollout.kind.as_str())
    .bind(rollout.deployment.map(|id| id.to_string()))
    .bind(&rollout.requested_by)
    .bind(&rollout.reason)
    .bind(stored_time(rollout.created_at))
    .bind(i64::from(rollout.parallel))
    .bind(i64::from(rollout.stop_on_failure))
    .bind(rollout.state.as_str())
    .bind(stored_json(&rollout.state)?)
    .bind(i64::from(waits_for_stopping))
    .bind(rollout.pause_after.map(i64::from))
    .execute(&mut **tx)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

async fn insert_host(
    tx: &mut Tx,
    id: RolloutId,
    position: i64,
    host: &RolloutHost,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO rollout_hosts (rollout_id, host_id, position, name, action, step, op_id, stepped)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(id.to_string())
    .bind(host.host.to_string())
    .bind(position)
    .bind(&host.name)
    .bind(stored_json(&host.action)?)
    .bind(host.step.as_str())
    .bind(host.step.op().map(|op| op.to_string()))
    .bind(stored_json(&host.step)?)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Returns whether hosts may begin. The transaction that begins one must call this.
async fn is_running(tx: &mut Tx, id: RolloutId) -> Result<bool, StoreError> {
    let row =
        sqlx::query("SELECT id FROM rollouts WHERE id = $1 AND state = 'running' AND paused_at IS NULL")
            .bind(id.to_string())
            .fetch_optional(&mut **tx)
            .await?;
    Ok(row.is_some())
}

/// Returns whether the host was still at `from` and took the step.
async fn step_row(
    tx: &mut Tx,
    id: RolloutId,
    host: HostId,
    from: &RolloutStep,
    to: &RolloutStep,
) -> Result<bool, StoreError> {
    let mut query = QueryBuilder::<Db>::new("UPDATE rollout_hosts SET step = ");
    query.push_bind(to.as_str()).push(", stepped = ").push_bind(stored_json(to)?);
    query.push(", op_id = ").push_bind(to.op().map(|op| op.to_string()));
    query.push(" WHERE rollout_id = ").push_bind(id.to_string());
    query.push(" AND host_id = ").push_bind(host.to_string());
    query.push(" AND step = ").push_bind(from.as_str());
    match from.op() {
        Some(op) => query.push(" AND op_id = ").push_bind(op.to_string()),
        None => query.push(" AND op_id IS NULL"),
    };
    Ok(query.build().execute(&mut **tx).await?.rows_affected() == 1)
}

async fn by_id(tx: &mut Tx, id: RolloutId) -> Result<Option<Rollout>, StoreError> {
    let rows =
        sqlx::query("SELECT * FROM rollouts WHERE id = $1").bind(id.to_string()).fetch_all(&mut **tx).await?;
    Ok(read(tx, &rows).await?.pop())
}

async fn first_open(tx: &mut Tx) -> Result<Option<Rollout>, StoreError> {
    let rows =
        sqlx::query("SELECT * FROM rollouts WHERE state IN ('running', 'stopping') ORDER BY id LIMIT 1")
            .fetch_all(&mut **tx)
            .await?;
    Ok(read(tx, &rows).await?.pop())
}

fn from_rows(row: &DbRow, hosts: &[DbRow]) -> Result<Rollout, StoreError> {
    let host = |row: &DbRow| {
        Ok(RolloutHost {
            host: row.parsed("host_id")?,
            name: row.text("name")?,
            action: row.json("action")?,
            step: row.json("stepped")?,
            ended_at: row.time_opt("finished_at")?,
        })
    };
    Ok(Rollout {
        id: row.parsed("id")?,
        kind: row.parsed("kind")?,
        deployment: row.parsed_opt("deployment_id")?,
        requested_by: row.text("requested_by")?,
        reason: row.text_opt("reason")?,
        created_at: row.time("created_at")?,
        parallel: row.number("parallel")?,
        stop_on_failure: row.flag("stop_on_failure")?,
        pause_after: row.number_opt("pause_after")?,
        paused_at: row.time_opt("paused_at")?,
        paused_by: row.text_opt("paused_by")?,
        state: row.json("stated")?,
        hosts: hosts.iter().map(host).collect::<Result<_, StoreError>>()?,
    })
}

/// Reads the roll-outs in these rows, in their order.
async fn read(tx: &mut Tx, rows: &[DbRow]) -> Result<Vec<Rollout>, StoreError> {
    let mut rollouts = Vec::with_capacity(rows.len());
    for row in rows {
        let hosts = sqlx::query(select_rollout_hosts!("ORDER BY position"))
            .bind(row.text("id")?)
            .fetch_all(&mut **tx)
            .await?;
        rollouts.push(from_rows(row, &hosts)?);
    }
    Ok(rollouts)
}
