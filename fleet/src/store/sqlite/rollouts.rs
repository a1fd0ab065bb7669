//! Roll-outs and how far each host is.

use backstay_model::rollout::{Rollout, RolloutHost, RolloutState, RolloutStep};
use backstay_model::{HostId, OpAction, OpId, OpKind, RolloutId, rollback};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite};

use super::row::{Columns, stored_json, stored_time};
use super::{
    InsertOpError, InsertRolloutError, NewAuditEntry, NewOp, OpView, SqliteStore, StoreError, Tx, audit,
    hosts, ops,
};

pub(super) async fn insert(
    store: &SqliteStore,
    rollout: &Rollout,
    entry: &NewAuditEntry,
    ops: &[(NewOp, NewAuditEntry)],
) -> Result<(), InsertRolloutError> {
    let mut tx = store.begin().await?;
    if !insert_row(&mut tx, rollout).await? {
        let another = open_in(&mut tx).await?.into_iter().next();
        let another =
            another.ok_or_else(|| StoreError::Corrupt("rollouts: the open one is missing".to_owned()))?;
        return Err(InsertRolloutError::Another(Box::new(another)));
    }
    for (position, host) in (0_i64..).zip(&rollout.hosts) {
        insert_host(&mut tx, rollout.id, position, host).await?;
    }
    audit::append(&mut tx, entry).await?;
    for (op, entry) in ops {
        is_as_seen(&mut tx, rollout, op).await?;
        ops::insert_in(&mut tx, op, entry).await.map_err(|error| match error {
            InsertOpError::HostBusy(first) => InsertRolloutError::HostBusy(first),
            InsertOpError::Store(error) => error.into(),
        })?;
    }
    Ok(tx.commit().await.map_err(StoreError::from)?)
}

/// Holds a rollback against what the host is, as far as the latest facts tell.
async fn is_as_seen(tx: &mut Tx, rollout: &Rollout, op: &NewOp) -> Result<(), InsertRolloutError> {
    let OpAction::Rollback { target, seen_current } = &op.action else { return Ok(()) };
    let facts = hosts::by_id(&mut **tx, op.host).await?.and_then(|host| host.facts);
    let refusal = match facts.as_ref().map(|facts| rollback::check(facts, target, seen_current)) {
        Some(Ok(())) => return Ok(()),
        Some(Err(refusal)) => Some(refusal),
        None => None,
    };
    let name = rollout.hosts.iter().find(|host| host.host == op.host).map(|host| host.name.clone());
    Err(InsertRolloutError::NotAsSeen { host: name.unwrap_or_default(), refusal })
}

/// Whether the roll-out is in: not where another one goes on.
async fn insert_row(tx: &mut Tx, rollout: &Rollout) -> Result<bool, StoreError> {
    let waits_for_stopping = rollout.kind != OpKind::Rollback;
    let inserted = sqlx::query(
        "INSERT INTO rollouts
             (id, kind, deployment_id, requested_by, reason, created_at, parallel, stop_on_failure, state, stated)
         SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10
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

pub(super) async fn begin(
    store: &SqliteStore,
    id: RolloutId,
    step: &RolloutStep,
    op: &NewOp,
    entry: &NewAuditEntry,
) -> Result<Option<OpView>, InsertOpError> {
    let mut tx = store.begin().await?;
    if !is_running(&mut tx, id).await? || !step_row(&mut tx, id, op.host, &RolloutStep::Waiting, step).await?
    {
        return Ok(None);
    }
    ops::insert_in(&mut tx, op, entry).await?;
    let view = ops::by_id(&mut *tx, op.id).await?;
    tx.commit().await.map_err(StoreError::from)?;
    Ok(view)
}

/// Whether hosts may be begun. Asked in the transaction that begins one.
async fn is_running(tx: &mut Tx, id: RolloutId) -> Result<bool, StoreError> {
    let row = sqlx::query("SELECT id FROM rollouts WHERE id = $1 AND state = 'running'")
        .bind(id.to_string())
        .fetch_optional(&mut **tx)
        .await?;
    Ok(row.is_some())
}

/// Whether the host was where it was thought to be, and so took the step.
async fn step_row(
    tx: &mut Tx,
    id: RolloutId,
    host: HostId,
    from: &RolloutStep,
    to: &RolloutStep,
) -> Result<bool, StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new("UPDATE rollout_hosts SET step = ");
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

pub(super) async fn step(
    store: &SqliteStore,
    id: RolloutId,
    host: HostId,
    from: &RolloutStep,
    to: &RolloutStep,
) -> Result<Option<Rollout>, StoreError> {
    let mut tx = store.begin().await?;
    if !step_row(&mut tx, id, host, from, to).await? {
        return Ok(None);
    }
    let rollout = one(&mut tx, id).await?;
    tx.commit().await?;
    Ok(rollout)
}

pub(super) async fn set_state(
    store: &SqliteStore,
    id: RolloutId,
    to: &RolloutState,
    entry: &NewAuditEntry,
) -> Result<Option<Rollout>, StoreError> {
    let mut tx = store.begin().await?;
    let mut query = QueryBuilder::<Sqlite>::new("UPDATE rollouts SET state = ");
    query.push_bind(to.as_str()).push(", stated = ").push_bind(stored_json(to)?);
    query.push(" WHERE id = ").push_bind(id.to_string()).push(" AND state IN (NULL");
    for from in to.predecessors() {
        query.push(", ").push_bind(*from);
    }
    query.push(")");
    if query.build().execute(&mut *tx).await?.rows_affected() == 0 {
        return Ok(None);
    }
    audit::append(&mut tx, entry).await?;
    let rollout = one(&mut tx, id).await?;
    tx.commit().await?;
    Ok(rollout)
}

async fn one(tx: &mut Tx, id: RolloutId) -> Result<Option<Rollout>, StoreError> {
    let row = sqlx::query("SELECT * FROM rollouts WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(&mut **tx)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let hosts = sqlx::query(HOSTS).bind(id.to_string()).fetch_all(&mut **tx).await?;
    from_rows(&row, &hosts).map(Some)
}

const HOSTS: &str = "SELECT * FROM rollout_hosts WHERE rollout_id = $1 ORDER BY position";
const OPEN: &str = "SELECT * FROM rollouts WHERE state IN ('running', 'stopping') ORDER BY id";

async fn open_in(tx: &mut Tx) -> Result<Vec<Rollout>, StoreError> {
    let rows = sqlx::query(OPEN).fetch_all(&mut **tx).await?;
    read(tx, &rows).await
}

fn from_rows(row: &SqliteRow, hosts: &[SqliteRow]) -> Result<Rollout, StoreError> {
    let host = |row: &SqliteRow| {
        Ok(RolloutHost {
            host: row.parsed("host_id")?,
            name: row.text("name")?,
            action: row.json("action")?,
            step: row.json("stepped")?,
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
        state: row.json("stated")?,
        hosts: hosts.iter().map(host).collect::<Result<_, StoreError>>()?,
    })
}

/// The roll-outs in these rows, in their order.
async fn read(tx: &mut Tx, rows: &[SqliteRow]) -> Result<Vec<Rollout>, StoreError> {
    let mut rollouts = Vec::with_capacity(rows.len());
    for row in rows {
        let hosts = sqlx::query(HOSTS).bind(row.text("id")?).fetch_all(&mut **tx).await?;
        rollouts.push(from_rows(row, &hosts)?);
    }
    Ok(rollouts)
}

pub(super) async fn by_id(store: &SqliteStore, id: RolloutId) -> Result<Option<Rollout>, StoreError> {
    one(&mut store.snapshot().await?, id).await
}

pub(super) async fn page(
    store: &SqliteStore,
    before: Option<RolloutId>,
    limit: u32,
) -> Result<Vec<Rollout>, StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM rollouts");
    if let Some(before) = before {
        query.push(" WHERE id < ").push_bind(before.to_string());
    }
    query.push(" ORDER BY id DESC LIMIT ").push_bind(i64::from(limit));
    let mut tx = store.snapshot().await?;
    let rows = query.build().fetch_all(&mut *tx).await?;
    read(&mut tx, &rows).await
}

pub(super) async fn open(store: &SqliteStore) -> Result<Vec<Rollout>, StoreError> {
    open_in(&mut store.snapshot().await?).await
}

pub(super) async fn of_op(store: &SqliteStore, op: OpId) -> Result<Option<Rollout>, StoreError> {
    let mut tx = store.snapshot().await?;
    let rows = sqlx::query(
        "SELECT rollouts.* FROM rollouts JOIN rollout_hosts ON rollout_hosts.rollout_id = rollouts.id
         WHERE rollout_hosts.op_id = $1",
    )
    .bind(op.to_string())
    .fetch_all(&mut *tx)
    .await?;
    Ok(read(&mut tx, &rows).await?.pop())
}
