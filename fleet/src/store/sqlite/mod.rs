//! The store in one SQLite file.
//!
//! SQLite has one writer at a time. So there are two pools: one connection that writes, behind which writers queue up in
//! this process, and a few that read and never wait for it (write-ahead log). Every writing transaction is `BEGIN
//! IMMEDIATE`: one that begins by reading and wants to write later fails when another process wrote in between,
//! whatever the busy timeout.
//!
//! The statements are such as PostgreSQL takes too, and so is the form of what they hold: see the migration.

mod audit;
mod deployments;
mod hosts;
mod join;
mod ops;
mod output;
mod people;
mod rollouts;
mod row;

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use backstay_model::deployment::{Decision, Deployment, HostEvent};
use backstay_model::rollout::{Rollout, RolloutState, RolloutStep};
use backstay_model::view::{AuditEntry, AuditQuery};
use backstay_model::{
    Commit, DeploymentId, Facts, HostId, Labels, OpId, OpView, OutputLine, PersonView, Phase, Platform,
    RolloutId, TestRun, TestTimeout,
};
use chrono::{DateTime, Utc};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Connection as _, SqlSafeStr, Sqlite, Transaction};

use super::{
    Appended, EnrolError, GenerationRecord, HostRecord, InsertOpError, InsertRolloutError, NewAuditEntry,
    NewDeployment, NewHost, NewJoinToken, NewOp, OpFilter, OpStep, RollbackRecord, Store, StoreError,
    TokenHash, UserRecord,
};

/// How long a statement waits for another process, such as `backstay-server join-token`, to finish its own.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long to wait before asking again for what SQLite does not wait for itself.
const BUSY_PAUSE: Duration = Duration::from_millis(20);
/// Connections that read.
const READERS: u32 = 4;

/// A transaction.
type Tx = Transaction<'static, Sqlite>;

/// The store in one SQLite file.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    writer: SqlitePool,
    reader: SqlitePool,
}

impl SqliteStore {
    /// Opens the database at `sqlite://FILE`, or at a plain path, and brings it up to date. A file that is not there is
    /// made, for this user's eyes alone.
    ///
    /// # Errors
    /// [`StoreError`] where it is no file, cannot be opened, or is newer than this version.
    pub async fn open(url_or_path: &str) -> Result<Self, StoreError> {
        let options = options(url_or_path)?;
        make_private(options.get_filename())?;
        let writer = open_writer(&options).await?;
        migrate(&writer).await?;
        let reader = SqlitePoolOptions::new()
            .max_connections(READERS)
            .connect_with(options.pragma("query_only", "ON"))
            .await?;
        Ok(Self { writer, reader })
    }

    /// Opens a database that is there, to read it and nothing else: the file stays as it is.
    ///
    /// # Errors
    /// [`StoreError`] where there is none, or it cannot be opened.
    pub async fn open_to_read(url_or_path: &str) -> Result<Self, StoreError> {
        let options = options(url_or_path)?.create_if_missing(false).read_only(true);
        let reader = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
        Ok(Self { writer: reader.clone(), reader })
    }

    /// Waits for what is under way and closes the file.
    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }

    /// Begins a transaction that reads: all that is read in it is of one moment.
    async fn snapshot(&self) -> Result<Tx, StoreError> {
        Ok(self.reader.begin().await?)
    }

    /// Begins a transaction that writes. Dropped without a commit, it has not been.
    async fn begin(&self) -> Result<Tx, StoreError> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }
}

/// The one connection that writes. Of several processes that make the same new file a write-ahead log at once, SQLite
/// turns all but one away without waiting, whatever the busy timeout: the others ask again.
async fn open_writer(options: &SqliteConnectOptions) -> Result<SqlitePool, StoreError> {
    let options = options
        .clone()
        .journal_mode(SqliteJournalMode::Wal)
        // What an agent is told is stored, and so forgets, must outlive a power cut.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true);
    let give_up = tokio::time::Instant::now() + BUSY_TIMEOUT;
    loop {
        match writers().connect_with(options.clone()).await {
            Err(error) if is_busy(&error) && tokio::time::Instant::now() < give_up => {
                tokio::time::sleep(BUSY_PAUSE).await;
            }
            opened => return Ok(opened?),
        }
    }
}

/// A pool of one connection. After a failure that made SQLite roll back by itself, as on a full disk, the driver believes
/// to be in a transaction still and takes no other: such a connection is given up for a new one.
fn writers() -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(1)
        .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
}

/// Whether another process holds the file: `SQLITE_BUSY`, or one of its extended codes.
fn is_busy(error: &sqlx::Error) -> bool {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .and_then(|code| code.parse::<u32>().ok());
    code.is_some_and(|code| code & 0xff == 5)
}

/// Takes every missing step, in one transaction: another process that opens the file waits and finds it done.
async fn migrate(writer: &SqlitePool) -> Result<(), StoreError> {
    let mut tx = writer.begin_with("BEGIN IMMEDIATE").await?;
    // `Migrator::run` on a connection that is in a transaction does not compile where the future has to be `Send`.
    migrations().run_direct(None, &mut *tx, false).await?;
    Ok(tx.commit().await?)
}

/// Every step from an empty file to what this version works with. A step that was released is never edited.
fn migrations() -> Migrator {
    let steps = [
        ("start", include_str!("../../../../migrations/sqlite/0001_start.sql")),
        ("op delivery", include_str!("../../../../migrations/sqlite/0002_op_delivery.sql")),
        ("deployments", include_str!("../../../../migrations/sqlite/0003_deployments.sql")),
        ("rollouts", include_str!("../../../../migrations/sqlite/0004_rollouts.sql")),
        ("host labels", include_str!("../../../../migrations/sqlite/0005_host_labels.sql")),
        ("person view", include_str!("../../../../migrations/sqlite/0006_person_view.sql")),
        ("test timeout", include_str!("../../../../migrations/sqlite/0007_test_timeout.sql")),
        ("removed hosts", include_str!("../../../../migrations/sqlite/0008_removed_hosts.sql")),
        ("stopped tests", include_str!("../../../../migrations/sqlite/0009_stopped_tests.sql")),
    ];
    let numbered = (1..).zip(steps).map(|(number, (name, sql))| {
        Migration::new(number, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    Migrator::with_migrations(numbered.collect())
}

fn options(url_or_path: &str) -> Result<SqliteConnectOptions, StoreError> {
    let configuration = |why: String| sqlx::Error::Configuration(why.into());
    let options = if url_or_path.starts_with("sqlite:") {
        SqliteConnectOptions::from_str(url_or_path)?
    } else if url_or_path.contains("://") {
        let scheme = url_or_path.split(':').next().unwrap_or_default();
        return Err(configuration(format!("{scheme}: is not a database that this version knows")).into());
    } else {
        SqliteConnectOptions::new().filename(url_or_path)
    };
    let file = options.get_filename();
    if file.as_os_str().is_empty() || url_or_path.contains(":memory:") || url_or_path.contains("mode=memory")
    {
        return Err(configuration("the database has to be a file".to_owned()).into());
    }
    Ok(options.busy_timeout(BUSY_TIMEOUT))
}

/// Makes the file where it is missing: it holds hashes of passwords, and SQLite would make it as the umask says. The
/// files beside it take its permissions.
fn make_private(file: &Path) -> Result<(), StoreError> {
    let mut open = std::fs::OpenOptions::new();
    open.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut open, 0o600);
    match open.open(file) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(sqlx::Error::Io(error).into()),
        _ => Ok(()),
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn insert_join_token(&self, token: &NewJoinToken) -> Result<(), StoreError> {
        join::insert_token(self, token).await
    }

    async fn enrol(&self, host: &NewHost, join: &TokenHash) -> Result<HostRecord, EnrolError> {
        join::enrol(self, host, join).await
    }

    async fn hosts(&self) -> Result<Vec<HostRecord>, StoreError> {
        hosts::all(self).await
    }

    async fn host(&self, id: HostId) -> Result<Option<HostRecord>, StoreError> {
        hosts::by_id(&self.reader, id).await
    }

    async fn host_by_name(&self, name: &str) -> Result<Option<HostRecord>, StoreError> {
        hosts::by_name(self, name).await
    }

    async fn host_by_token(&self, token: &TokenHash) -> Result<Option<HostRecord>, StoreError> {
        hosts::by_token(self, token).await
    }

    async fn record_agent(
        &self,
        id: HostId,
        version: &str,
        protocol: u32,
        platform: Platform,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        hosts::record_agent(self, id, version, protocol, platform, at).await
    }

    async fn record_seen(&self, id: HostId, at: DateTime<Utc>) -> Result<(), StoreError> {
        hosts::record_seen(self, id, at).await
    }

    async fn record_facts(&self, id: HostId, facts: &Facts) -> Result<(), StoreError> {
        hosts::record_facts(self, id, facts).await
    }

    async fn set_auto_test(&self, id: HostId, on: bool, audit: &NewAuditEntry) -> Result<(), StoreError> {
        hosts::set_auto_test(self, id, on, audit).await
    }

    async fn set_test_timeout(
        &self,
        id: HostId,
        timeout: Option<TestTimeout>,
        audit: &NewAuditEntry,
    ) -> Result<(), StoreError> {
        hosts::set_test_timeout(self, id, timeout, audit).await
    }

    async fn set_labels(&self, id: HostId, labels: &Labels, audit: &NewAuditEntry) -> Result<(), StoreError> {
        hosts::set_labels(self, id, labels, audit).await
    }

    async fn remove_host(
        &self,
        id: HostId,
        at: DateTime<Utc>,
        audit: &NewAuditEntry,
    ) -> Result<bool, StoreError> {
        hosts::remove(self, id, at, audit).await
    }

    async fn generations(&self, host: HostId) -> Result<Vec<GenerationRecord>, StoreError> {
        hosts::generations(self, host).await
    }

    async fn test_runs(&self, host: HostId, limit: u32) -> Result<Vec<TestRun>, StoreError> {
        hosts::test_runs(self, host, limit).await
    }

    async fn latest_test_runs(&self, host: HostId, builds: &[&str]) -> Result<Vec<TestRun>, StoreError> {
        hosts::latest_test_runs(self, host, builds).await
    }

    async fn insert_op(&self, op: &NewOp, audit: &NewAuditEntry) -> Result<OpView, InsertOpError> {
        ops::insert(self, op, audit).await
    }

    async fn step_op(&self, id: OpId, step: &OpStep) -> Result<Option<OpView>, StoreError> {
        ops::step(self, id, step).await
    }

    async fn request_cancel(&self, id: OpId, audit: &NewAuditEntry) -> Result<Option<OpView>, StoreError> {
        ops::request_cancel(self, id, audit).await
    }

    async fn waiting_ops(&self) -> Result<Vec<(OpId, HostId)>, StoreError> {
        ops::waiting(self).await
    }

    async fn due_ops(&self, now: DateTime<Utc>) -> Result<Vec<OpView>, StoreError> {
        ops::due(self, now).await
    }

    async fn set_phase(&self, id: OpId, phase: Phase) -> Result<Option<OpView>, StoreError> {
        ops::set_phase(self, id, phase).await
    }

    async fn op(&self, id: OpId) -> Result<Option<OpView>, StoreError> {
        ops::by_id(&self.reader, id).await
    }

    async fn open_op(&self, host: HostId) -> Result<Option<OpView>, StoreError> {
        ops::open_of(&self.reader, host).await
    }

    async fn last_system_op(&self, host: HostId) -> Result<Option<OpView>, StoreError> {
        ops::last_system(self, host).await
    }

    async fn ops(&self, filter: &OpFilter) -> Result<Vec<OpView>, StoreError> {
        ops::filtered(self, filter).await
    }

    async fn append_output(&self, op: OpId, lines: &[OutputLine]) -> Result<Appended, StoreError> {
        output::append(self, op, lines).await
    }

    async fn output(&self, op: OpId, after: u64, limit: u32) -> Result<Vec<OutputLine>, StoreError> {
        output::after(self, op, after, limit).await
    }

    async fn output_before(
        &self,
        op: OpId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<OutputLine>, StoreError> {
        output::before(self, op, before, limit).await
    }

    async fn output_through(&self, op: OpId) -> Result<u64, StoreError> {
        output::through(self, op).await
    }

    async fn rollbacks(&self, host: HostId) -> Result<Vec<RollbackRecord>, StoreError> {
        ops::rollbacks(self, host).await
    }

    async fn open_deployment(
        &self,
        new: &NewDeployment,
        audit: &NewAuditEntry,
    ) -> Result<Option<Deployment>, StoreError> {
        deployments::open(self, new, audit).await
    }

    async fn deployment(&self, id: DeploymentId) -> Result<Option<Deployment>, StoreError> {
        deployments::by_id(self, id).await
    }

    async fn deployments(
        &self,
        before: Option<DeploymentId>,
        limit: u32,
    ) -> Result<Vec<Deployment>, StoreError> {
        deployments::page(self, before, limit).await
    }

    async fn deployment_heard(
        &self,
        id: DeploymentId,
        host: HostId,
        host_name: &str,
        op: OpId,
        heard: &HostEvent,
    ) -> Result<Option<Deployment>, StoreError> {
        deployments::heard(self, id, host, host_name, op, heard).await
    }

    async fn decide(
        &self,
        id: DeploymentId,
        decision: &Decision,
        audit: &NewAuditEntry,
    ) -> Result<Option<Deployment>, StoreError> {
        deployments::decide(self, id, decision, audit).await
    }

    async fn revert_failed(
        &self,
        id: DeploymentId,
        entry: &NewAuditEntry,
    ) -> Result<Option<Deployment>, StoreError> {
        deployments::revert_failed(self, id, entry).await
    }

    async fn revert_candidates(&self, id: DeploymentId) -> Result<Vec<Commit>, StoreError> {
        deployments::candidates(self, id).await
    }

    async fn reverted_commits(&self) -> Result<Vec<Commit>, StoreError> {
        deployments::reverted_commits(self).await
    }

    async fn remember_revert(&self, id: DeploymentId, candidate: &Commit) -> Result<(), StoreError> {
        deployments::remember(self, id, candidate).await
    }

    async fn insert_rollout(
        &self,
        rollout: &Rollout,
        audit: &NewAuditEntry,
    ) -> Result<(), InsertRolloutError> {
        rollouts::insert(self, rollout, audit, &[]).await
    }

    async fn begin_rollout(
        &self,
        rollout: &Rollout,
        audit: &NewAuditEntry,
        ops: &[(NewOp, NewAuditEntry)],
    ) -> Result<(), InsertRolloutError> {
        rollouts::insert(self, rollout, audit, ops).await
    }

    async fn begin_in_rollout(
        &self,
        id: RolloutId,
        step: &RolloutStep,
        op: &NewOp,
        audit: &NewAuditEntry,
    ) -> Result<Option<OpView>, InsertOpError> {
        rollouts::begin(self, id, step, op, audit).await
    }

    async fn step_rollout(
        &self,
        id: RolloutId,
        host: HostId,
        from: &RolloutStep,
        to: &RolloutStep,
    ) -> Result<Option<Rollout>, StoreError> {
        rollouts::step(self, id, host, from, to).await
    }

    async fn set_rollout_state(
        &self,
        id: RolloutId,
        to: &RolloutState,
        audit: &NewAuditEntry,
    ) -> Result<Option<Rollout>, StoreError> {
        rollouts::set_state(self, id, to, audit).await
    }

    async fn rollout(&self, id: RolloutId) -> Result<Option<Rollout>, StoreError> {
        rollouts::by_id(self, id).await
    }

    async fn rollouts(&self, before: Option<RolloutId>, limit: u32) -> Result<Vec<Rollout>, StoreError> {
        rollouts::page(self, before, limit).await
    }

    async fn open_rollouts(&self) -> Result<Vec<Rollout>, StoreError> {
        rollouts::open(self).await
    }

    async fn rollout_of(&self, op: OpId) -> Result<Option<Rollout>, StoreError> {
        rollouts::of_op(self, op).await
    }

    async fn following_op(&self, op: OpId) -> Result<Option<OpView>, StoreError> {
        ops::following(self, op).await
    }

    async fn append_audit(&self, entry: &NewAuditEntry) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        audit::append(&mut tx, entry).await?;
        Ok(tx.commit().await?)
    }

    async fn audit(&self, query: &AuditQuery, limit: u32) -> Result<Vec<AuditEntry>, StoreError> {
        audit::page(self, query, limit).await
    }

    async fn verify_audit(&self) -> Result<Option<u64>, StoreError> {
        audit::verify(self).await
    }

    async fn count_users(&self) -> Result<u64, StoreError> {
        people::count(self).await
    }

    async fn put_user(&self, user: &UserRecord, audit: &NewAuditEntry) -> Result<(), StoreError> {
        people::put(self, user, audit).await
    }

    async fn user(&self, name: &str) -> Result<Option<UserRecord>, StoreError> {
        people::by_name(self, name).await
    }

    async fn person_view(&self, name: &str) -> Result<PersonView, StoreError> {
        people::view(self, name).await
    }
    async fn set_person_view(&self, name: &str, view: &PersonView) -> Result<(), StoreError> {
        people::set_view(self, name, view).await
    }
    async fn insert_session(
        &self,
        token: &TokenHash,
        user: &str,
        created_at: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        people::insert_session(self, token, user, created_at, expires_at).await
    }

    async fn session_user(
        &self,
        token: &TokenHash,
        now: DateTime<Utc>,
    ) -> Result<Option<UserRecord>, StoreError> {
        people::of_session(self, token, now).await
    }

    async fn delete_session(&self, token: &TokenHash) -> Result<(), StoreError> {
        people::delete_session(self, token).await
    }

    async fn delete_expired(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        people::delete_expired(self, now).await
    }
}

#[cfg(test)]
mod tests;
