//! Hosts and what is known of them.

use backstay_model::{Facts, Generation, GenerationRef, HostId, Labels, Platform, TestRun, TestTimeout};
use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite, SqliteExecutor};
use tokio_stream::StreamExt as _;

use super::row::{Columns, stored_json, stored_number, stored_time};
use super::{GenerationRecord, HostRecord, NewAuditEntry, SqliteStore, StoreError, TokenHash, Tx, audit};
use crate::store::{GENERATIONS_KEPT, TEST_BYTES_KEPT, TEST_BYTES_READ, TEST_RUNS_KEPT};

/// Rows in one statement: far below what a statement may bind.
const ROWS_PER_STATEMENT: usize = 500;

fn from_row(row: &SqliteRow) -> Result<HostRecord, StoreError> {
    let name = row.text("name")?;
    // Facts are read again at the next connection: ones that another version wrote need not stop this one.
    let facts = row.json_opt("facts").unwrap_or_else(|error| {
        tracing::warn!(host = %name, %error, "the stored facts are passed over");
        None
    });
    Ok(HostRecord {
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

pub(super) async fn all(store: &SqliteStore) -> Result<Vec<HostRecord>, StoreError> {
    let rows = sqlx::query("SELECT * FROM hosts WHERE removed_at IS NULL ORDER BY lower(name)")
        .fetch_all(&store.reader)
        .await?;
    rows.iter().map(from_row).collect()
}

pub(super) async fn by_id(
    executor: impl SqliteExecutor<'_>,
    id: HostId,
) -> Result<Option<HostRecord>, StoreError> {
    let row = sqlx::query("SELECT * FROM hosts WHERE id = $1 AND removed_at IS NULL")
        .bind(id.to_string())
        .fetch_optional(executor)
        .await?;
    row.as_ref().map(from_row).transpose()
}

pub(super) async fn by_name(store: &SqliteStore, name: &str) -> Result<Option<HostRecord>, StoreError> {
    let row = sqlx::query("SELECT * FROM hosts WHERE lower(name) = lower($1) AND removed_at IS NULL")
        .bind(name)
        .fetch_optional(&store.reader)
        .await?;
    row.as_ref().map(from_row).transpose()
}

pub(super) async fn by_token(
    store: &SqliteStore,
    token: &TokenHash,
) -> Result<Option<HostRecord>, StoreError> {
    let row = sqlx::query("SELECT * FROM hosts WHERE token_hash = $1 AND removed_at IS NULL")
        .bind(&token.0)
        .fetch_optional(&store.reader)
        .await?;
    row.as_ref().map(from_row).transpose()
}

pub(super) async fn record_agent(
    store: &SqliteStore,
    id: HostId,
    version: &str,
    protocol: u32,
    platform: Platform,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE hosts SET agent_version = $2, agent_protocol = $3, platform = $4,
             last_seen = CASE WHEN last_seen > $5 THEN last_seen ELSE $5 END
         WHERE id = $1",
    )
    .bind(id.to_string())
    .bind(version)
    .bind(i64::from(protocol))
    .bind(platform.as_str())
    .bind(stored_time(at))
    .execute(&store.writer)
    .await?;
    Ok(())
}

pub(super) async fn record_seen(
    store: &SqliteStore,
    id: HostId,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE hosts SET last_seen = $2 WHERE id = $1 AND (last_seen IS NULL OR last_seen < $2)")
        .bind(id.to_string())
        .bind(stored_time(at))
        .execute(&store.writer)
        .await?;
    Ok(())
}

pub(super) async fn set_auto_test(
    store: &SqliteStore,
    id: HostId,
    on: bool,
    audit: &NewAuditEntry,
) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    let changed = sqlx::query("UPDATE hosts SET auto_test = $2 WHERE id = $1")
        .bind(id.to_string())
        .bind(i64::from(on))
        .execute(&mut *tx)
        .await?;
    if changed.rows_affected() == 1 {
        audit::append(&mut tx, audit).await?;
    }
    Ok(tx.commit().await?)
}

pub(super) async fn set_test_timeout(
    store: &SqliteStore,
    id: HostId,
    timeout: Option<TestTimeout>,
    audit: &NewAuditEntry,
) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    let changed = sqlx::query("UPDATE hosts SET test_timeout = $2 WHERE id = $1")
        .bind(id.to_string())
        .bind(timeout.map(|timeout| i64::from(timeout.as_secs())))
        .execute(&mut *tx)
        .await?;
    if changed.rows_affected() == 1 {
        audit::append(&mut tx, audit).await?;
    }
    Ok(tx.commit().await?)
}

pub(super) async fn remove(
    store: &SqliteStore,
    id: HostId,
    at: DateTime<Utc>,
    audit: &NewAuditEntry,
) -> Result<bool, StoreError> {
    let mut tx = store.begin().await?;
    // The token is overwritten: what it opened is shut, whatever else is asked of this table.
    let removed = sqlx::query(
        "UPDATE hosts SET removed_at = $2, token_hash = 'removed ' || id, facts = NULL
         WHERE id = $1 AND removed_at IS NULL AND NOT EXISTS
             (SELECT 1 FROM ops WHERE ops.host_id = $1 AND ops.status IN ('queued', 'sent', 'running'))",
    )
    .bind(id.to_string())
    .bind(stored_time(at))
    .execute(&mut *tx)
    .await?;
    if removed.rows_affected() == 0 {
        return Ok(false);
    }
    for history in ["DELETE FROM generations WHERE host_id = $1", "DELETE FROM test_runs WHERE host_id = $1"]
    {
        sqlx::query(history).bind(id.to_string()).execute(&mut *tx).await?;
    }
    audit::append(&mut tx, audit).await?;
    tx.commit().await?;
    Ok(true)
}

pub(super) async fn set_labels(
    store: &SqliteStore,
    id: HostId,
    labels: &Labels,
    audit: &NewAuditEntry,
) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    let changed = sqlx::query("UPDATE hosts SET tags = $2, notes = $3 WHERE id = $1")
        .bind(id.to_string())
        .bind(stored_json(&labels.tags)?)
        .bind(&labels.notes)
        .execute(&mut *tx)
        .await?;
    if changed.rows_affected() == 1 {
        audit::append(&mut tx, audit).await?;
    }
    Ok(tx.commit().await?)
}

pub(super) async fn record_facts(store: &SqliteStore, id: HostId, facts: &Facts) -> Result<(), StoreError> {
    let json = stored_json(facts)?;
    let mut tx = store.begin().await?;
    let taken = sqlx::query("UPDATE hosts SET facts = $2, facts_read_at = $3 WHERE id = $1")
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
    forget_old_generations(&mut tx, id).await?;
    if new_runs > 0 {
        forget_old_runs(&mut tx, id).await?;
    }
    Ok(tx.commit().await?)
}

/// A host that was taken over may report other generations each time.
async fn forget_old_generations(tx: &mut Tx, host: HostId) -> Result<(), StoreError> {
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

/// So it may with test runs, which are larger.
async fn forget_old_runs(tx: &mut Tx, host: HostId) -> Result<(), StoreError> {
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
    let mut query = QueryBuilder::<Sqlite>::new("UPDATE generations SET in_profile = 0 WHERE in_profile = 1");
    query.push(" AND host_id = ").push_bind(host.to_string());
    if !listed.is_empty() {
        query.push(" AND number NOT IN (");
        let mut numbers = query.separated(", ");
        for generation in listed {
            // A number is written as it is: it needs no binding, and there may be many.
            numbers.push(generation.number);
        }
        query.push(")");
    }
    query.build().execute(&mut **tx).await?;
    Ok(())
}

async fn record_generations(tx: &mut Tx, host: HostId, some: &[Generation]) -> Result<(), StoreError> {
    let json = some.iter().map(stored_json).collect::<Result<Vec<_>, _>>()?;
    let mut query =
        QueryBuilder::<Sqlite>::new("INSERT INTO generations (host_id, number, in_profile, generation) ");
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

/// Records test runs; how many were new.
async fn record_test_runs(tx: &mut Tx, host: HostId, some: &[TestRun]) -> Result<u64, StoreError> {
    let json = some.iter().map(|run| stored_json(&run.results)).collect::<Result<Vec<_>, _>>()?;
    let mut query = QueryBuilder::<Sqlite>::new(
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

pub(super) async fn generations(
    store: &SqliteStore,
    host: HostId,
) -> Result<Vec<GenerationRecord>, StoreError> {
    let rows =
        sqlx::query("SELECT generation, in_profile FROM generations WHERE host_id = $1 ORDER BY number DESC")
            .bind(host.to_string())
            .fetch_all(&store.reader)
            .await?;
    let from_row = |row: &SqliteRow| {
        Ok(GenerationRecord { generation: row.json("generation")?, in_profile: row.flag("in_profile")? })
    };
    rows.iter().map(from_row).collect()
}

pub(super) async fn test_runs(
    store: &SqliteStore,
    host: HostId,
    limit: u32,
) -> Result<Vec<TestRun>, StoreError> {
    let mut rows = sqlx::query(
        "SELECT generation, store_path, started_at, finished_at, results FROM test_runs
         WHERE host_id = $1 ORDER BY finished_at DESC, started_at DESC LIMIT $2",
    )
    .bind(host.to_string())
    .bind(stored_number(limit.into()))
    .fetch(&store.reader);
    let (mut runs, mut bytes) = (vec![], 0);
    while let Some(row) = rows.next().await {
        let row = row?;
        bytes += row.text("results")?.len();
        if bytes > TEST_BYTES_READ && !runs.is_empty() {
            break;
        }
        runs.push(run_from_row(&row)?);
    }
    Ok(runs)
}

pub(super) async fn latest_test_runs(
    store: &SqliteStore,
    host: HostId,
    builds: &[&str],
) -> Result<Vec<TestRun>, StoreError> {
    if builds.is_empty() {
        return Ok(vec![]);
    }
    let mut query = QueryBuilder::<Sqlite>::new(
        "SELECT generation, store_path, started_at, finished_at, results FROM test_runs AS run WHERE host_id = ",
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
    let rows = query.build().fetch_all(&store.reader).await?;
    rows.iter().map(run_from_row).collect()
}

fn run_from_row(row: &SqliteRow) -> Result<TestRun, StoreError> {
    Ok(TestRun {
        generation: GenerationRef { number: row.number("generation")?, store_path: row.text("store_path")? },
        started_at: row.time("started_at")?,
        finished_at: row.time("finished_at")?,
        results: row.json("results")?,
    })
}
