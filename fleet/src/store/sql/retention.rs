//! Removes what is old.

use std::collections::HashSet;

use super::{Db, DbRow};
use async_trait::async_trait;
use backstay_model::deployment::HostOutcome;
use backstay_model::{HostId, OpId, OpKind};
use chrono::{DateTime, Utc};
use sqlx::QueryBuilder;

use super::super::space;
use super::row::{Columns, FromRow, all, stored_number, stored_time};
use super::{SqlStore, Tx, audit};
use crate::store::retention::removals_entry;
use crate::store::{
    DiskUse, HostStore as _, MERGES_OF_PAST, OPS_OF_PAST, OpStore as _, RUNS_OF_PAST, Removal, Removed,
    RetentionStore, StoreError,
};

/// The condition that an op has ended for good. A lost one may come back, unless its host left the fleet.
macro_rules! has_ended {
    () => {
        "ops.status NOT IN ('queued', 'sent', 'running')
         AND (ops.status <> 'lost'
              OR EXISTS (SELECT 1 FROM hosts WHERE hosts.id = ops.host_id AND hosts.removed_at IS NOT NULL))"
    };
}

impl FromRow for Removal {
    fn from_row(row: &DbRow) -> Result<Self, StoreError> {
        Ok(Self { kind: row.parsed("kind")?, count: row.number("count")? })
    }
}

#[async_trait]
impl RetentionStore for SqlStore {
    async fn remove_output(
        &self,
        before: DateTime<Utc>,
        now: DateTime<Utc>,
        lines: u32,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let mut removed = 0;
        let mut steps = u64::from(lines);
        while steps > 0 {
            let Some(op) = next_with_output(&mut tx, before).await? else { break };
            let some = remove_lines(&mut tx, &op, steps).await?;
            if some < steps {
                mark_removed(&mut tx, &op, now).await?;
            }
            removed += some;
            // An op without output costs something too.
            steps = steps.saturating_sub(some.max(1));
        }
        count(&mut tx, Removed::Lines, removed).await?;
        tx.commit().await?;
        Ok(steps == 0)
    }

    async fn output_removed(&self, op: OpId) -> Result<Option<(DateTime<Utc>, DateTime<Utc>)>, StoreError> {
        let row = sqlx::query(
            "SELECT finished_at, output_removed_at FROM ops
             WHERE id = $1 AND output_removed_at IS NOT NULL AND output_through > 0",
        )
        .bind(op.to_string())
        .fetch_optional(&self.reader)
        .await?;
        row.map(|row| Ok((row.time("finished_at")?, row.time("output_removed_at")?))).transpose()
    }

    async fn hosts_with_history(&self) -> Result<Vec<HostId>, StoreError> {
        let rows = sqlx::query("SELECT id FROM hosts ORDER BY id").fetch_all(&self.reader).await?;
        rows.iter().map(|row| row.parsed("id")).collect()
    }

    async fn remove_ops(&self, host: HostId, before: DateTime<Utc>, limit: u32) -> Result<bool, StoreError> {
        // Read outside of the write transaction: ops that are recorded in the meantime are new, so they make no other op stay.
        let mut stay = self.named_by_deployments(host, before).await?;
        let past = if self.left_before(host, before).await? {
            Past::empty()
        } else {
            stay.extend(self.last_system_op(host).await?.map(|op| op.id));
            self.past(host).await?
        };
        let mut query = QueryBuilder::<Db>::new(concat!(
            "DELETE FROM ops WHERE id IN (SELECT id FROM ops WHERE ",
            has_ended!(),
            " AND NOT EXISTS (SELECT 1 FROM op_output WHERE op_output.op_id = ops.id)
              AND NOT EXISTS (SELECT 1 FROM ops AS retry WHERE retry.retry_of = ops.id)
              AND NOT EXISTS (SELECT 1 FROM ops AS stopper WHERE stopper.stops = ops.id)
              AND NOT EXISTS (SELECT 1 FROM rollouts WHERE rollouts.id = ops.rollout_id
                              AND rollouts.state IN ('running', 'stopping'))
              AND host_id = "
        ));
        query.push_bind(host.to_string());
        query.push(" AND COALESCE(finished_at, created_at) < ").push_bind(stored_time(before));
        query.push(" AND id < ").push_bind(past.ops);
        query.push(" AND (kind <> 'rollback' OR id < ").push_bind(past.rollbacks);
        query.push(") AND (kind <> 'test' OR id < ").push_bind(past.tests);
        query.push(") AND id NOT IN (''");
        for op in &stay {
            query.push(", ").push_bind(op.to_string());
        }
        query.push(") ORDER BY id LIMIT ").push_bind(i64::from(limit)).push(") RETURNING id");
        let mut tx = self.begin().await?;
        let removed = query.build().fetch_all(&mut *tx).await?;
        for op in &removed {
            let rollback = sqlx::query("DELETE FROM rollbacks WHERE id = $1").bind(op.text("id")?);
            rollback.execute(&mut *tx).await?;
        }
        finish(tx, Removed::Ops, removed.len() as u64, limit).await
    }

    async fn remove_test_runs(
        &self,
        host: HostId,
        before: DateTime<Utc>,
        limit: u32,
    ) -> Result<bool, StoreError> {
        let old = self.old_runs(host, before).await?;
        let mut tx = self.begin().await?;
        let mut removed = 0;
        for (build, started_at) in old.iter().take(limit as usize) {
            let run = sqlx::query(
                "DELETE FROM test_runs WHERE host_id = $1 AND store_path = $2 AND started_at = $3",
            );
            let run = run.bind(host.to_string()).bind(build).bind(started_at);
            removed += run.execute(&mut *tx).await?.rows_affected();
        }
        finish(tx, Removed::TestRuns, removed, limit).await
    }

    async fn remove_rollouts(&self, before: DateTime<Utc>, limit: u32) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let removed = sqlx::query(
            "DELETE FROM rollouts WHERE id IN
                 (SELECT id FROM rollouts WHERE state NOT IN ('running', 'stopping') AND created_at < $1
                  AND id NOT IN (SELECT id FROM rollouts ORDER BY id DESC LIMIT $2)
                  AND NOT EXISTS (SELECT 1 FROM ops WHERE ops.rollout_id = rollouts.id)
                  ORDER BY id LIMIT $3)",
        )
        .bind(stored_time(before))
        .bind(i64::from(MERGES_OF_PAST))
        .bind(i64::from(limit))
        .execute(&mut *tx)
        .await?;
        finish(tx, Removed::Rollouts, removed.rows_affected(), limit).await
    }

    async fn remove_deployments(&self, before: DateTime<Utc>, limit: u32) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let removed = sqlx::query(
            "DELETE FROM deployments WHERE id IN
                 (SELECT id FROM deployments WHERE decision = 'superseded' AND merged_at < $1
                  AND id NOT IN (SELECT id FROM deployments ORDER BY id DESC LIMIT $2)
                  AND NOT EXISTS (SELECT 1 FROM rollouts WHERE rollouts.deployment_id = deployments.id)
                  ORDER BY id LIMIT $3)",
        )
        .bind(stored_time(before))
        .bind(i64::from(MERGES_OF_PAST))
        .bind(i64::from(limit))
        .execute(&mut *tx)
        .await?;
        finish(tx, Removed::Deployments, removed.rows_affected(), limit).await
    }

    async fn remove_hosts(&self, before: DateTime<Utc>, limit: u32) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let removed = sqlx::query(
            "DELETE FROM hosts WHERE id IN
                 (SELECT id FROM hosts WHERE removed_at < $1
                  AND NOT EXISTS (SELECT 1 FROM ops WHERE ops.host_id = hosts.id)
                  AND NOT EXISTS (SELECT 1 FROM rollbacks WHERE rollbacks.host_id = hosts.id) LIMIT $2)",
        )
        .bind(stored_time(before))
        .bind(i64::from(limit))
        .execute(&mut *tx)
        .await?;
        finish(tx, Removed::Hosts, removed.rows_affected(), limit).await
    }

    async fn report_removals(&self, now: DateTime<Utc>) -> Result<Vec<Removal>, StoreError> {
        let mut tx = self.begin().await?;
        let counts = sqlx::query("DELETE FROM removals RETURNING kind, count").fetch_all(&mut *tx).await?;
        let mut removals: Vec<Removal> = all(counts)?;
        if removals.is_empty() {
            return Ok(removals);
        }
        removals.sort_by_key(|removal| removal.kind);
        audit::append(&mut tx, &removals_entry(now, &removals)).await?;
        tx.commit().await?;
        Ok(removals)
    }

    async fn give_back(&self, bytes: u32) -> Result<bool, StoreError> {
        space::give_back(self, bytes).await
    }

    async fn compact(&self) -> Result<(), StoreError> {
        space::compact(self).await
    }

    async fn disk_use(&self) -> Result<DiskUse, StoreError> {
        space::disk_use(self).await
    }
}

/// The bounds of a host's past: an op can go if its identifier, which sorts by time, is before them.
struct Past {
    ops: String,
    rollbacks: String,
    tests: String,
}

impl Past {
    /// The past of a host that nobody looks at any more: every identifier is before its bounds.
    fn empty() -> Self {
        let end = || "~".to_owned();
        Self { ops: end(), rollbacks: end(), tests: end() }
    }
}

impl SqlStore {
    async fn left_before(&self, host: HostId, before: DateTime<Utc>) -> Result<bool, StoreError> {
        let left = sqlx::query("SELECT 1 FROM hosts WHERE id = $1 AND removed_at < $2");
        let left = left.bind(host.to_string()).bind(stored_time(before));
        Ok(left.fetch_optional(&self.reader).await?.is_some())
    }

    async fn past(&self, host: HostId) -> Result<Past, StoreError> {
        let ops = self.nth_op(host, None, &Past::empty().ops).await?;
        Ok(Past {
            rollbacks: self.nth_op(host, Some(OpKind::Rollback), &ops).await?,
            tests: self.nth_op(host, Some(OpKind::Test), &ops).await?,
            ops,
        })
    }

    /// Returns the oldest of the newest [`OPS_OF_PAST`] ops before this one, or an identifier before all if there are fewer.
    async fn nth_op(&self, host: HostId, kind: Option<OpKind>, before: &str) -> Result<String, StoreError> {
        let mut query = QueryBuilder::<Db>::new("SELECT id FROM ops WHERE host_id = ");
        query.push_bind(host.to_string()).push(" AND id < ").push_bind(before);
        if let Some(kind) = kind {
            query.push(" AND kind = ").push_bind(kind.as_str());
        }
        query.push(" ORDER BY id DESC LIMIT 1 OFFSET ").push_bind(i64::from(OPS_OF_PAST) - 1);
        let row = query.build().fetch_optional(&self.reader).await?;
        row.map_or(Ok(String::new()), |row| row.text("id"))
    }

    /// Returns the ops of a host that old deployments name. Newer deployments name newer ops.
    async fn named_by_deployments(
        &self,
        host: HostId,
        before: DateTime<Utc>,
    ) -> Result<Vec<OpId>, StoreError> {
        let rows = sqlx::query(
            // SQLite keeps the order of a cross join (PostgreSQL finds its own): few deployments are old, and each is found with the host.
            "SELECT deployment_hosts.outcome FROM deployments CROSS JOIN deployment_hosts
             WHERE deployments.merged_at < $2 AND deployment_hosts.deployment_id = deployments.id
             AND deployment_hosts.host_id = $1",
        )
        .bind(host.to_string())
        .bind(stored_time(before))
        .fetch_all(&self.reader)
        .await?;
        let outcomes: Vec<HostOutcome> =
            rows.iter().map(|row| row.json("outcome")).collect::<Result<_, _>>()?;
        Ok(outcomes.iter().flat_map(|outcome| [outcome.switch.op(), outcome.tests.op()]).flatten().collect())
    }

    /// Returns the runs of a host that can go: each with its build and its time. A host has at most
    /// [`TEST_RUNS_KEPT`](crate::store::TEST_RUNS_KEPT).
    async fn old_runs(
        &self,
        host: HostId,
        before: DateTime<Utc>,
    ) -> Result<Vec<(String, String)>, StoreError> {
        let rows = sqlx::query(
            "SELECT store_path, started_at,
                    CAST(CASE WHEN EXISTS (SELECT 1 FROM test_runs AS later
                        WHERE later.host_id = run.host_id AND later.store_path = run.store_path
                        AND (later.finished_at, later.started_at) > (run.finished_at, run.started_at))
                    THEN 0 ELSE 1 END AS BIGINT) AS is_latest
             FROM test_runs AS run
             WHERE host_id = $1 AND finished_at < $2 AND (finished_at, started_at) <
                 (SELECT finished_at, started_at FROM test_runs WHERE host_id = $1
                  ORDER BY finished_at DESC, started_at DESC LIMIT 1 OFFSET $3)
             ORDER BY finished_at",
        )
        .bind(host.to_string())
        .bind(stored_time(before))
        .bind(i64::from(RUNS_OF_PAST) - 1)
        .fetch_all(&self.reader)
        .await?;
        if rows.is_empty() {
            return Ok(vec![]);
        }
        let generations = self.generations(host).await?;
        let present: HashSet<_> = generations
            .iter()
            .filter(|it| it.in_profile)
            .map(|it| it.generation.store_path.as_str())
            .collect();
        let mut old = vec![];
        for row in &rows {
            let build = row.text("store_path")?;
            if !row.flag("is_latest")? || !present.contains(build.as_str()) {
                old.push((build, row.text("started_at")?));
            }
        }
        Ok(old)
    }
}

/// Returns an op that ended before this time and may have output.
async fn next_with_output(tx: &mut Tx, before: DateTime<Utc>) -> Result<Option<String>, StoreError> {
    let next = sqlx::query(concat!(
        "SELECT id FROM ops WHERE output_removed_at IS NULL AND finished_at < $1 AND ",
        has_ended!(),
        " ORDER BY finished_at LIMIT 1"
    ));
    let row = next.bind(stored_time(before)).fetch_optional(&mut **tx).await?;
    row.map(|row| row.text("id")).transpose()
}

/// Removes the first lines of an op, and returns their number.
async fn remove_lines(tx: &mut Tx, op: &str, limit: u64) -> Result<u64, StoreError> {
    let removed = sqlx::query(
        "DELETE FROM op_output WHERE op_id = $1 AND seq IN
             (SELECT seq FROM op_output WHERE op_id = $1 ORDER BY seq LIMIT $2)",
    );
    let removed = removed.bind(op).bind(stored_number(limit)).execute(&mut **tx).await?;
    Ok(removed.rows_affected())
}

async fn mark_removed(tx: &mut Tx, op: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    let mark = sqlx::query("UPDATE ops SET output_removed_at = $2 WHERE id = $1");
    mark.bind(op).bind(stored_time(now)).execute(&mut **tx).await?;
    Ok(())
}

/// Adds to the numbers that the next audit entry tells.
async fn count(tx: &mut Tx, kind: Removed, number: u64) -> Result<(), StoreError> {
    if number == 0 {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO removals (kind, count) VALUES ($1, $2)
         ON CONFLICT (kind) DO UPDATE SET count = removals.count + excluded.count",
    )
    .bind(kind.as_str())
    .bind(stored_number(number))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Counts and commits; returns whether there may be more.
async fn finish(mut tx: Tx, kind: Removed, removed: u64, limit: u32) -> Result<bool, StoreError> {
    count(&mut tx, kind, removed).await?;
    tx.commit().await?;
    Ok(removed >= u64::from(limit))
}
