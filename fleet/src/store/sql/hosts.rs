//! Hosts and the history of what they report.

use std::collections::BTreeMap;

use super::{Db, DbArguments, DbRow};
use async_trait::async_trait;
use backstay_model::{
    Commit, Facts, Generation, GenerationRef, HostId, Labels, Platform, TestRun, TestTimeout,
};
use chrono::{DateTime, Utc};
use sqlx::query::Query;
use sqlx::{Executor, QueryBuilder};
use tokio_stream::StreamExt as _;

use super::row::{Columns, FromRow, all, optional, stored_json, stored_number, stored_time};
use super::{ROWS_PER_STATEMENT, SqlStore, Tx, audit, join};
use crate::store::{
    EnrolError, GENERATIONS_KEPT, GenerationRecord, HostRecord, HostStore, JoinTokenRecord, NewAuditEntry,
    NewHost, NewJoinToken, StoreError, TEST_BYTES_KEPT, TEST_BYTES_READ, TEST_RUNS_KEPT, TokenHash,
};

/// Selects hosts; the argument is the rest of the statement.
macro_rules! select_host {
    ($rest:literal) => {
        concat!(
            "SELECT hosts.*, host_seen.last_seen
             FROM hosts LEFT JOIN host_seen ON host_seen.host_id = hosts.id ",
            $rest
        )
    };
}

impl FromRow for HostRecord {
    fn from_row(row: &DbRow) -> Result<Self, StoreError> {
        let name = row.text("name")?;
        // The agent sends facts again when it next connects: facts of another version need not stop this one.
        let facts = row.json_opt("facts").unwrap_or_else(|error| {
            tracing::warn!(host = %name, %error, "ignoring unreadable stored facts");
            None
        });
        Ok(Self {
            id: row.parsed("id")?,
            name,
            platform: row.parsed("platform")?,
            auto_test: row.flag("auto_test")?,
            test_timeout: row.number_opt::<u32>("test_timeout")?.and_then(|secs| secs.try_into().ok()),
            labels: Labels { tags: row.json("tags")?, notes: row.text("notes")? },
            agent_version: row.text_opt("agent_version")?,
            agent_protocol: row.number_opt("agent_protocol")?,
            last_seen: row.time_opt("last_seen")?,
            facts,
            created_at: row.time("created_at")?,
        })
    }
}

impl FromRow for GenerationRecord {
    fn from_row(row: &DbRow) -> Result<Self, StoreError> {
        Ok(Self { generation: row.json("generation")?, in_profile: row.flag("in_profile")? })
    }
}

impl FromRow for TestRun {
    fn from_row(row: &DbRow) -> Result<Self, StoreError> {
        let generation =
            GenerationRef { number: row.number("generation")?, store_path: row.text("store_path")? };
        Ok(Self {
            generation,
            started_at: row.time("started_at")?,
            finished_at: row.time("finished_at")?,
            results: row.json("results")?,
        })
    }
}

#[async_trait]
impl HostStore for SqlStore {
    async fn insert_join_token(&self, token: &NewJoinToken) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        join::insert_token(&mut tx, token).await?;
        audit::append(&mut tx, &token.audit_entry()).await?;
        Ok(tx.commit().await?)
    }

    async fn is_join_token(&self, join: &TokenHash) -> Result<bool, StoreError> {
        let found = sqlx::query("SELECT 1 FROM join_tokens WHERE token_hash = $1").bind(&join.0);
        Ok(found.fetch_optional(&self.reader).await?.is_some())
    }

    async fn join_tokens(&self, now: DateTime<Utc>) -> Result<Vec<JoinTokenRecord>, StoreError> {
        all(join::unused(now).fetch_all(&self.reader).await?)
    }

    async fn revoke_join_token(&self, id: &str, audit: &NewAuditEntry) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        if !join::revoke(&mut tx, id).await? {
            return Ok(false);
        }
        audit::append(&mut tx, audit).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn enrol(&self, host: &NewHost, join: &TokenHash) -> Result<HostRecord, EnrolError> {
        let mut tx = self.begin().await?;
        let token = join::token(&mut tx, join).await?.ok_or(EnrolError::InvalidToken)?;
        if token.is_used() {
            return join::enrolled_before(&mut tx, host, join).await?.ok_or(EnrolError::InvalidToken);
        }
        if !token.admits(host) {
            return Err(EnrolError::InvalidToken);
        }
        if !join::insert_host(&mut tx, host).await? {
            return Err(EnrolError::NameTaken(host.name.clone()));
        }
        join::use_up(&mut tx, join, host).await?;
        audit::append(&mut tx, &host.audit_entry()).await?;
        let record = by_id(&mut *tx, host.id).await?;
        tx.commit().await.map_err(StoreError::from)?;
        record.ok_or_else(|| StoreError::Corrupt("hosts: the new row is missing".to_owned()).into())
    }

    async fn hosts(&self) -> Result<Vec<HostRecord>, StoreError> {
        let hosts = sqlx::query(select_host!("WHERE removed_at IS NULL ORDER BY lower(name)"));
        all(hosts.fetch_all(&self.reader).await?)
    }

    async fn checkouts(&self) -> Result<Vec<(String, Option<Commit>)>, StoreError> {
        let hosts = sqlx::query(concat!(
            "SELECT name, ",
            checkout_commit!(),
            " AS checkout FROM hosts WHERE removed_at IS NULL ORDER BY lower(name)"
        ));
        let checkout = |row: &DbRow| Ok((row.text("name")?, row.text_opt("checkout")?.map(Commit)));
        hosts.fetch_all(&self.reader).await?.iter().map(checkout).collect()
    }

    async fn host(&self, id: HostId) -> Result<Option<HostRecord>, StoreError> {
        by_id(&self.reader, id).await
    }

    async fn host_without_facts(&self, id: HostId) -> Result<Option<HostRecord>, StoreError> {
        let host = sqlx::query(
            "SELECT id, name, platform, auto_test, test_timeout, tags, notes, agent_version, agent_protocol,
                 last_seen, NULL AS facts, created_at
             FROM hosts LEFT JOIN host_seen ON host_seen.host_id = hosts.id
             WHERE id = $1 AND removed_at IS NULL",
        )
        .bind(id.to_string());
        optional(host.fetch_optional(&self.reader).await?)
    }

    async fn host_by_name(&self, name: &str) -> Result<Option<HostRecord>, StoreError> {
        let host = sqlx::query(select_host!("WHERE lower(name) = $1 AND removed_at IS NULL"))
            .bind(name.to_ascii_lowercase());
        optional(host.fetch_optional(&self.reader).await?)
    }

    async fn host_by_token(&self, token: &TokenHash) -> Result<Option<HostRecord>, StoreError> {
        let host = sqlx::query(select_host!("WHERE token_hash = $1 AND removed_at IS NULL")).bind(&token.0);
        optional(host.fetch_optional(&self.reader).await?)
    }

    async fn record_agent(
        &self,
        id: HostId,
        version: &str,
        protocol: u32,
        platform: Platform,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE hosts SET agent_version = $2, agent_protocol = $3, platform = $4
             WHERE id = $1 AND (agent_version IS DISTINCT FROM $2 OR agent_protocol IS DISTINCT FROM $3 OR platform <> $4)",
        )
        .bind(id.to_string())
        .bind(version)
        .bind(i64::from(protocol))
        .bind(platform.as_str())
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    async fn record_seen(&self, seen: &[(HostId, DateTime<Utc>)]) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        for (id, at) in seen {
            sqlx::query(
                "INSERT INTO host_seen (host_id, last_seen) SELECT id, $2 FROM hosts WHERE id = $1
                 ON CONFLICT (host_id) DO UPDATE SET last_seen = excluded.last_seen
                 WHERE host_seen.last_seen < excluded.last_seen",
            )
            .bind(id.to_string())
            .bind(stored_time(*at))
            .execute(&mut *tx)
            .await?;
        }
        Ok(tx.commit().await?)
    }

    async fn record_facts(&self, id: HostId, facts: &Facts) -> Result<(), StoreError> {
        let json = stored_json(facts)?;
        let mut tx = self.begin().await?;
        let taken = sqlx::query(
            "UPDATE hosts SET facts = $2, facts_read_at = $3 WHERE id = $1 AND removed_at IS NULL",
        )
        .bind(id.to_string())
        .bind(json)
        .bind(stored_time(facts.read_at))
        .execute(&mut *tx)
        .await?;
        if taken.rows_affected() == 0 {
            return Ok(());
        }
        retire_generations(&mut tx, id, &facts.generations).await?;
        for some in facts.generations.chunks(ROWS_PER_STATEMENT) {
            record_generations(&mut tx, id, some).await?;
        }
        let mut new_runs = 0;
        for some in facts.test_runs.chunks(ROWS_PER_STATEMENT) {
            new_runs += record_test_runs(&mut tx, id, some).await?;
        }
        delete_old_generations(&mut tx, id).await?;
        if new_runs > 0 {
            delete_old_runs(&mut tx, id).await?;
        }
        Ok(tx.commit().await?)
    }

    async fn set_auto_test(&self, id: HostId, on: bool, audit: &NewAuditEntry) -> Result<(), StoreError> {
        let update = sqlx::query("UPDATE hosts SET auto_test = $2 WHERE id = $1");
        self.update_host(update.bind(id.to_string()).bind(i64::from(on)), audit).await
    }

    async fn set_test_timeout(
        &self,
        id: HostId,
        timeout: Option<TestTimeout>,
        audit: &NewAuditEntry,
    ) -> Result<(), StoreError> {
        let update = sqlx::query("UPDATE hosts SET test_timeout = $2 WHERE id = $1")
            .bind(id.to_string())
            .bind(timeout.map(|timeout| i64::from(timeout.as_secs())));
        self.update_host(update, audit).await
    }

    async fn set_labels(&self, id: HostId, labels: &Labels, audit: &NewAuditEntry) -> Result<(), StoreError> {
        let update = sqlx::query("UPDATE hosts SET tags = $2, notes = $3 WHERE id = $1")
            .bind(id.to_string())
            .bind(stored_json(&labels.tags)?)
            .bind(labels.notes.clone());
        self.update_host(update, audit).await
    }

    async fn remove_host(
        &self,
        id: HostId,
        at: DateTime<Utc>,
        audit: &NewAuditEntry,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        // Overwriting the token voids it for every query, also for one that forgets to check `removed_at`.
        let removed = sqlx::query(concat!(
            "UPDATE hosts SET removed_at = $2, token_hash = 'removed ' || id, facts = NULL
             WHERE id = $1 AND removed_at IS NULL
             AND NOT EXISTS (SELECT 1 FROM ops WHERE ops.host_id = $1 AND ",
            is_open!(),
            ")"
        ))
        .bind(id.to_string())
        .bind(stored_time(at))
        .execute(&mut *tx)
        .await?;
        if removed.rows_affected() == 0 {
            return Ok(false);
        }
        for history in [
            "DELETE FROM generations WHERE host_id = $1",
            "DELETE FROM test_runs WHERE host_id = $1",
            "DELETE FROM pins WHERE host_id = $1",
        ] {
            sqlx::query(history).bind(id.to_string()).execute(&mut *tx).await?;
        }
        audit::append(&mut tx, audit).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn generations(&self, host: HostId) -> Result<Vec<GenerationRecord>, StoreError> {
        let generations = sqlx::query(
            "SELECT generation, in_profile FROM generations WHERE host_id = $1 ORDER BY number DESC",
        )
        .bind(host.to_string());
        all(generations.fetch_all(&self.reader).await?)
    }

    async fn test_runs(&self, host: HostId, limit: u32) -> Result<Vec<TestRun>, StoreError> {
        let mut rows = sqlx::query(
            "SELECT generation, store_path, started_at, finished_at, results FROM test_runs
             WHERE host_id = $1 ORDER BY finished_at DESC, started_at DESC LIMIT $2",
        )
        .bind(host.to_string())
        .bind(stored_number(limit.into()))
        .fetch(&self.reader);
        let (mut runs, mut bytes) = (vec![], 0);
        while let Some(row) = rows.next().await {
            let row = row?;
            bytes += row.text("results")?.len();
            if bytes > TEST_BYTES_READ && !runs.is_empty() {
                break;
            }
            runs.push(TestRun::from_row(&row)?);
        }
        Ok(runs)
    }

    async fn latest_test_runs(&self, host: HostId, builds: &[&str]) -> Result<Vec<TestRun>, StoreError> {
        if builds.is_empty() {
            return Ok(vec![]);
        }
        let mut query = QueryBuilder::<Db>::new(
            "SELECT generation, store_path, started_at, finished_at, results FROM test_runs AS run
             WHERE host_id = ",
        );
        query.push_bind(host.to_string()).push(" AND store_path IN (");
        let mut paths = query.separated(", ");
        for build in builds {
            paths.push_bind(*build);
        }
        query.push(
            ") AND NOT EXISTS (SELECT 1 FROM test_runs AS later
                 WHERE later.host_id = run.host_id AND later.store_path = run.store_path
                 AND (later.finished_at, later.started_at) > (run.finished_at, run.started_at))
             ORDER BY finished_at DESC, started_at DESC",
        );
        all(query.build().fetch_all(&self.reader).await?)
    }
}

impl SqlStore {
    /// Runs an update of one host, with its audit entry. Writes nothing if the host is unknown.
    async fn update_host(
        &self,
        update: Query<'_, Db, DbArguments>,
        entry: &NewAuditEntry,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        if update.execute(&mut *tx).await?.rows_affected() == 1 {
            audit::append(&mut tx, entry).await?;
        }
        Ok(tx.commit().await?)
    }
}

pub(super) async fn by_id(
    executor: impl Executor<'_, Database = Db>,
    id: HostId,
) -> Result<Option<HostRecord>, StoreError> {
    let host = sqlx::query(select_host!("WHERE id = $1 AND removed_at IS NULL")).bind(id.to_string());
    optional(host.fetch_optional(executor).await?)
}

/// Bounds the history: a compromised host may report other generations each time.
async fn delete_old_generations(tx: &mut Tx, host: HostId) -> Result<(), StoreError> {
    sqlx::query(
        "DELETE FROM generations WHERE host_id = $1 AND in_profile = 0 AND number <=
             (SELECT number FROM generations WHERE host_id = $1 AND in_profile = 0
              ORDER BY number DESC LIMIT 1 OFFSET $2)",
    )
    .bind(host.to_string())
    .bind(i64::from(GENERATIONS_KEPT))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Bounds the history of test runs, which are larger, also by size.
async fn delete_old_runs(tx: &mut Tx, host: HostId) -> Result<(), StoreError> {
    sqlx::query(
        "DELETE FROM test_runs WHERE (host_id, store_path, started_at) IN
             (SELECT host_id, store_path, started_at FROM
                  (SELECT host_id, store_path, started_at, ROW_NUMBER() OVER newest AS place,
                          SUM(octet_length(results)) OVER newest AS bytes
                   FROM test_runs WHERE host_id = $1
                   WINDOW newest AS (ORDER BY finished_at DESC, started_at DESC
                                     ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)) AS kept
              WHERE place > $2 OR bytes > $3)",
    )
    .bind(host.to_string())
    .bind(i64::from(TEST_RUNS_KEPT))
    .bind(i64::from(TEST_BYTES_KEPT))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Marks the generations that the profile no longer lists.
async fn retire_generations(tx: &mut Tx, host: HostId, listed: &[Generation]) -> Result<(), StoreError> {
    let mut query = QueryBuilder::<Db>::new("UPDATE generations SET in_profile = 0 WHERE in_profile = 1");
    query.push(" AND host_id = ").push_bind(host.to_string());
    if !listed.is_empty() {
        query.push(" AND number NOT IN (");
        let mut numbers = query.separated(", ");
        for generation in listed {
            // A number needs no binding, and there may be more than a statement can bind.
            numbers.push(generation.number);
        }
        query.push(")");
    }
    query.build().execute(&mut **tx).await?;
    Ok(())
}

async fn record_generations(tx: &mut Tx, host: HostId, some: &[Generation]) -> Result<(), StoreError> {
    // Of two with one number, the last counts: PostgreSQL refuses to update a row twice in one statement.
    let some: BTreeMap<_, _> = some.iter().map(|generation| (generation.number, generation)).collect();
    let some: Vec<_> = some.into_values().collect();
    let json = some.iter().map(stored_json).collect::<Result<Vec<_>, _>>()?;
    let mut query =
        QueryBuilder::<Db>::new("INSERT INTO generations (host_id, number, in_profile, generation) ");
    query.push_values(some.iter().zip(json), |mut row, (generation, json)| {
        row.push_bind(host.to_string())
            .push_bind(i64::from(generation.number))
            .push_bind(1_i64)
            .push_bind(json);
    });
    query.push(
        " ON CONFLICT (host_id, number) DO UPDATE SET in_profile = 1, generation = excluded.generation
          WHERE generations.in_profile = 0 OR generations.generation <> excluded.generation",
    );
    query.build().execute(&mut **tx).await?;
    Ok(())
}

/// Records test runs and returns how many were new.
async fn record_test_runs(tx: &mut Tx, host: HostId, some: &[TestRun]) -> Result<u64, StoreError> {
    let json = some.iter().map(|run| stored_json(&run.results)).collect::<Result<Vec<_>, _>>()?;
    let mut query = QueryBuilder::<Db>::new(
        "INSERT INTO test_runs (host_id, store_path, started_at, finished_at, generation, results) ",
    );
    query.push_values(some.iter().zip(json), |mut row, (run, json)| {
        row.push_bind(host.to_string())
            .push_bind(&run.generation.store_path)
            .push_bind(stored_time(run.started_at))
            .push_bind(stored_time(run.finished_at))
            .push_bind(i64::from(run.generation.number))
            .push_bind(json);
    });
    query.push(" ON CONFLICT (host_id, store_path, started_at) DO NOTHING");
    Ok(query.build().execute(&mut **tx).await?.rows_affected())
}
