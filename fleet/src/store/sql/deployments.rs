//! Deployments and the outcome of each host.

use super::{Db, DbRow};
use async_trait::async_trait;
use backstay_model::deployment::{Decision, Deployment, HostEvent, HostOutcome, PullRequestRef};
use backstay_model::{Commit, DeploymentId, HostId, OpId, cmp_host_names};
use sqlx::QueryBuilder;

use super::row::{Columns, FromRow, all, stored_json, stored_number, stored_time};
use super::{SqlStore, Tx, audit};
use crate::store::{DeploymentStore, NewAuditEntry, NewDeployment, REVERTED_COMMITS, StoreError};

impl FromRow for Commit {
    fn from_row(row: &DbRow) -> Result<Self, StoreError> {
        Ok(Self(row.text("commit_sha")?))
    }
}

#[async_trait]
impl DeploymentStore for SqlStore {
    async fn open_deployment(
        &self,
        new: &NewDeployment,
        audit: &NewAuditEntry,
    ) -> Result<Option<Deployment>, StoreError> {
        let mut tx = self.begin().await?;
        if !insert(&mut tx, new).await? {
            return Ok(None);
        }
        supersede_others(&mut tx, new.id).await?;
        insert_hosts(&mut tx, new.id).await?;
        audit::append(&mut tx, audit).await?;
        let deployment = by_id(&mut tx, new.id).await?;
        tx.commit().await?;
        Ok(deployment)
    }

    async fn deployment(&self, id: DeploymentId) -> Result<Option<Deployment>, StoreError> {
        by_id(&mut self.snapshot().await?, id).await
    }

    async fn deployment_on(
        &self,
        host: HostId,
        id: Option<DeploymentId>,
    ) -> Result<Option<Deployment>, StoreError> {
        on_host(&mut self.snapshot().await?, host, id).await
    }

    async fn deployments(
        &self,
        before: Option<DeploymentId>,
        limit: u32,
    ) -> Result<Vec<Deployment>, StoreError> {
        let mut query = QueryBuilder::<Db>::new("SELECT * FROM deployments");
        if let Some(before) = before {
            query.push(" WHERE id < ").push_bind(before.to_string());
        }
        query.push(" ORDER BY id DESC LIMIT ").push_bind(i64::from(limit));
        let mut tx = self.snapshot().await?;
        let rows = query.build().fetch_all(&mut *tx).await?;
        let mut deployments = Vec::with_capacity(rows.len());
        for row in &rows {
            let hosts = outcomes(&mut tx, row.parsed("id")?).await?;
            deployments.push(from_row(row, hosts)?);
        }
        Ok(deployments)
    }

    async fn merges(&self, limit: u32) -> Result<Vec<Deployment>, StoreError> {
        let rows = sqlx::query("SELECT * FROM deployments ORDER BY id DESC LIMIT $1").bind(i64::from(limit));
        rows.fetch_all(&self.reader).await?.iter().map(|row| from_row(row, vec![])).collect()
    }

    async fn apply_host_event(
        &self,
        id: DeploymentId,
        host: HostId,
        host_name: &str,
        op: OpId,
        event: &HostEvent,
    ) -> Result<Option<HostOutcome>, StoreError> {
        let mut tx = self.begin().await?;
        let deployment = on_host(&mut tx, host, Some(id)).await?;
        let Some(mut deployment) = deployment.filter(|it| it.decision.is_active()) else { return Ok(None) };
        let known = deployment.hosts.pop();
        // A host that joined after the merge takes part too.
        let mut outcome = known.unwrap_or_else(|| HostOutcome::new(host, host_name.to_owned()));
        if !outcome.apply(op, event.clone()) {
            return Ok(None);
        }
        put_outcome(&mut tx, id, &outcome).await?;
        tx.commit().await?;
        Ok(Some(outcome))
    }

    async fn decide(
        &self,
        id: DeploymentId,
        decision: &Decision,
        audit: &NewAuditEntry,
    ) -> Result<Option<Deployment>, StoreError> {
        let mut tx = self.begin().await?;
        let mut decision = decision.clone();
        if let Decision::Reverting { before, .. } = &mut decision {
            let Some(deployment) = by_id(&mut tx, id).await? else { return Ok(None) };
            **before = deployment.decision;
        }
        let mut query = QueryBuilder::<Db>::new("UPDATE deployments SET decision = ");
        query.push_bind(decision.as_str()).push(", decided = ").push_bind(stored_json(&decision)?);
        query.push(" WHERE id = ").push_bind(id.to_string());
        push_predecessors(&mut query, &decision);
        if query.build().execute(&mut *tx).await?.rows_affected() == 0 {
            return Ok(None);
        }
        audit::append(&mut tx, audit).await?;
        let deployment = by_id(&mut tx, id).await?;
        tx.commit().await?;
        Ok(deployment)
    }

    async fn reverted_commits(&self) -> Result<Vec<Commit>, StoreError> {
        let commits = sqlx::query(
            "SELECT commit_sha FROM deployments WHERE decision IN ('reverting', 'reverted', 'proposed')
             ORDER BY id DESC LIMIT $1",
        )
        .bind(i64::from(REVERTED_COMMITS));
        all(commits.fetch_all(&self.reader).await?)
    }

    async fn revert_failed(
        &self,
        id: DeploymentId,
        entry: &NewAuditEntry,
    ) -> Result<Option<Deployment>, StoreError> {
        let mut tx = self.begin().await?;
        let Some(deployment) = by_id(&mut tx, id).await? else { return Ok(None) };
        let later: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM deployments WHERE id > $1")
            .bind(id.to_string())
            .fetch_one(&mut *tx)
            .await?;
        let Some(next) = deployment.decision.after_failed_revert(later == 0) else { return Ok(None) };
        sqlx::query("UPDATE deployments SET decision = $1, decided = $2 WHERE id = $3")
            .bind(next.as_str())
            .bind(stored_json(&next)?)
            .bind(id.to_string())
            .execute(&mut *tx)
            .await?;
        audit::append(&mut tx, entry).await?;
        let deployment = by_id(&mut tx, id).await?;
        tx.commit().await?;
        Ok(deployment)
    }

    async fn revert_candidates(&self, id: DeploymentId) -> Result<Vec<Commit>, StoreError> {
        let commits = sqlx::query(
            "SELECT commit_sha FROM revert_candidates WHERE deployment_id = $1 ORDER BY commit_sha",
        )
        .bind(id.to_string());
        all(commits.fetch_all(&self.reader).await?)
    }

    async fn remember_revert(&self, id: DeploymentId, candidate: &Commit) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO revert_candidates (deployment_id, commit_sha) VALUES ($1, $2)
             ON CONFLICT DO NOTHING",
        )
        .bind(id.to_string())
        .bind(&candidate.0)
        .execute(&self.writer)
        .await?;
        Ok(())
    }
}

/// Returns whether the deployment was inserted: false if its commit has one already.
async fn insert(tx: &mut Tx, new: &NewDeployment) -> Result<bool, StoreError> {
    let inserted = sqlx::query(
        "INSERT INTO deployments
             (id, pr_number, pr_title, pr_url, commit_sha, merged_by, merged_at, decision, decided, inputs)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (commit_sha) DO NOTHING",
    )
    .bind(new.id.to_string())
    .bind(stored_number(new.pull_request.number))
    .bind(&new.pull_request.title)
    .bind(&new.pull_request.url)
    .bind(&new.commit.0)
    .bind(&new.merged_by)
    .bind(stored_time(new.merged_at))
    .bind(Decision::Open.as_str())
    .bind(stored_json(&Decision::Open)?)
    .bind(new.inputs.as_ref().map(stored_json).transpose()?)
    .execute(&mut **tx)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

async fn supersede_others(tx: &mut Tx, id: DeploymentId) -> Result<(), StoreError> {
    let decision = Decision::Superseded;
    let mut query = QueryBuilder::<Db>::new("UPDATE deployments SET decision = ");
    query.push_bind(decision.as_str()).push(", decided = ").push_bind(stored_json(&decision)?);
    query.push(" WHERE id <> ").push_bind(id.to_string());
    push_predecessors(&mut query, &decision);
    query.build().execute(&mut **tx).await?;
    Ok(())
}

/// Appends ` AND decision IN (…)`: the decisions that this one may follow.
fn push_predecessors(query: &mut QueryBuilder<Db>, decision: &Decision) {
    query.push(" AND decision IN (");
    let mut names = query.separated(", ");
    for name in decision.predecessors() {
        names.push_bind(*name);
    }
    query.push(")");
}

async fn insert_hosts(tx: &mut Tx, id: DeploymentId) -> Result<(), StoreError> {
    let hosts =
        sqlx::query("SELECT id, name FROM hosts WHERE removed_at IS NULL").fetch_all(&mut **tx).await?;
    for row in &hosts {
        let outcome = HostOutcome::new(row.parsed("id")?, row.text("name")?);
        put_outcome(tx, id, &outcome).await?;
    }
    Ok(())
}

async fn put_outcome(tx: &mut Tx, id: DeploymentId, outcome: &HostOutcome) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO deployment_hosts (deployment_id, host_id, outcome) VALUES ($1, $2, $3)
         ON CONFLICT (deployment_id, host_id) DO UPDATE SET outcome = excluded.outcome",
    )
    .bind(id.to_string())
    .bind(outcome.host.to_string())
    .bind(stored_json(outcome)?)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn by_id(tx: &mut Tx, id: DeploymentId) -> Result<Option<Deployment>, StoreError> {
    let row = sqlx::query("SELECT * FROM deployments WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(&mut **tx)
        .await?;
    match row {
        None => Ok(None),
        Some(row) => Ok(Some(from_row(&row, outcomes(tx, id).await?)?)),
    }
}

/// The deployment, or the newest one, with the outcome of this host alone.
async fn on_host(
    tx: &mut Tx,
    host: HostId,
    id: Option<DeploymentId>,
) -> Result<Option<Deployment>, StoreError> {
    let row = match id {
        Some(id) => sqlx::query("SELECT * FROM deployments WHERE id = $1").bind(id.to_string()),
        None => sqlx::query("SELECT * FROM deployments ORDER BY id DESC LIMIT 1"),
    };
    let Some(row) = row.fetch_optional(&mut **tx).await? else { return Ok(None) };
    let outcome =
        sqlx::query("SELECT outcome FROM deployment_hosts WHERE deployment_id = $1 AND host_id = $2")
            .bind(row.text("id")?)
            .bind(host.to_string())
            .fetch_optional(&mut **tx)
            .await?;
    let outcome = outcome.map(|row| row.json("outcome")).transpose()?;
    from_row(&row, outcome.into_iter().collect()).map(Some)
}

async fn outcomes(tx: &mut Tx, id: DeploymentId) -> Result<Vec<HostOutcome>, StoreError> {
    let rows = sqlx::query("SELECT outcome FROM deployment_hosts WHERE deployment_id = $1")
        .bind(id.to_string())
        .fetch_all(&mut **tx)
        .await?;
    let mut outcomes = rows.iter().map(|row| row.json("outcome")).collect::<Result<Vec<HostOutcome>, _>>()?;
    outcomes.sort_by(|one, other| cmp_host_names(&one.name, &other.name));
    Ok(outcomes)
}

fn from_row(row: &DbRow, hosts: Vec<HostOutcome>) -> Result<Deployment, StoreError> {
    Ok(Deployment {
        id: row.parsed("id")?,
        pull_request: PullRequestRef {
            number: row.number("pr_number")?,
            title: row.text("pr_title")?,
            url: row.text("pr_url")?,
        },
        commit: Commit(row.text("commit_sha")?),
        merged_by: row.text("merged_by")?,
        merged_at: row.time("merged_at")?,
        inputs: row.json_opt("inputs")?,
        decision: row.json("decided")?,
        hosts,
    })
}
