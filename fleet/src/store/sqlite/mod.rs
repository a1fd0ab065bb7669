//! The store in one SQLite file.
//!
//! SQLite has one writer at a time. Hence two pools: one connection that writes, for which the writers of
//! this process queue, and a few that read and never wait for it (write-ahead log). Every writing transaction
//! is `BEGIN IMMEDIATE`: a transaction that reads first and writes later fails if another process writes in
//! between, whatever the busy timeout.

/// The commit of a host's checkout, of a query on `hosts`; NULL if the facts cannot be read.
macro_rules! checkout_commit {
    () => {
        "CASE WHEN json_valid(facts) THEN json_extract(facts, '$.checkout.commit') END"
    };
}

mod dialect;
mod space;
#[path = "../sql/mod.rs"]
#[expect(clippy::duplicate_mod, reason = "compiled once for each database")]
mod sql;

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{
    SqliteArguments, SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePool,
    SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{Connection as _, SqlSafeStr, Sqlite, Transaction};

use super::StoreError;

/// The longest wait of a statement for another process, such as `backstay-server join-token`.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// The pause before a retry of what SQLite itself does not wait for.
const BUSY_PAUSE: Duration = Duration::from_millis(20);
/// Connections that read.
const READERS: u32 = 4;
/// What the shared statements call this database and its parts.
type Db = Sqlite;
type DbRow = SqliteRow;
type DbArguments = SqliteArguments;
type SqlStore = SqliteStore;
/// A transaction.
type Tx = Transaction<'static, Sqlite>;

/// The store in one SQLite file.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    writer: SqlitePool,
    reader: SqlitePool,
}

impl SqliteStore {
    /// Opens the database at `sqlite://FILE`, or at a plain path, and migrates it. Creates a missing file,
    /// readable by this user only.
    ///
    /// # Errors
    /// [`StoreError`] if it is not a file, cannot be opened, or is newer than this version.
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

    /// Opens an existing database read-only and leaves the file as it is.
    ///
    /// # Errors
    /// [`StoreError`] if it does not exist or cannot be opened.
    pub async fn open_to_read(url_or_path: &str) -> Result<Self, StoreError> {
        let options = options(url_or_path)?.create_if_missing(false).read_only(true);
        let reader = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
        Ok(Self { writer: reader.clone(), reader })
    }

    /// Waits for running statements and closes the file.
    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }

    /// Begins a read transaction: all its reads see one moment.
    async fn snapshot(&self) -> Result<Tx, StoreError> {
        Ok(self.reader.begin().await?)
    }

    /// Begins a write transaction. Dropping it without a commit undoes it.
    async fn begin(&self) -> Result<Tx, StoreError> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }
}

/// Opens the one connection that writes. If several processes switch the same new file to a write-ahead log
/// at once, SQLite rejects all but one without waiting, whatever the busy timeout: the others retry here.
async fn open_writer(options: &SqliteConnectOptions) -> Result<SqlitePool, StoreError> {
    let options = options
        .clone()
        .journal_mode(SqliteJournalMode::Wal)
        // An agent forgets what the server acknowledges, so it must survive a power cut.
        .synchronous(SqliteSynchronous::Full)
        // A new file can give pages back to the file system. An older file can after a `VACUUM`.
        .auto_vacuum(SqliteAutoVacuum::Incremental)
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

/// A pool of one connection. After an error at which SQLite itself rolls back, such as a full disk, the
/// driver still believes it is in a transaction and begins no other, so the pool replaces such a connection.
fn writers() -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(1)
        .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
}

/// Returns whether another process holds the file: `SQLITE_BUSY`, or one of its extended codes.
fn is_busy(error: &sqlx::Error) -> bool {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .and_then(|code| code.parse::<u32>().ok());
    code.is_some_and(|code| code & 0xff == 5)
}

/// Runs every missing migration in one transaction: another process that opens the file waits and finds them
/// done.
async fn migrate(writer: &SqlitePool) -> Result<(), StoreError> {
    let mut tx = writer.begin_with("BEGIN IMMEDIATE").await?;
    // With `Migrator::run` on a connection in a transaction, this future would not be `Send`.
    migrations().run_direct(None, &mut *tx, false).await?;
    Ok(tx.commit().await?)
}

/// Every migration, from an empty file to the current schema. A released migration is never edited.
fn migrations() -> Migrator {
    let steps = [
        (1, "start", include_str!("../../../../migrations/sqlite/0001_start.sql")),
        (2, "op delivery", include_str!("../../../../migrations/sqlite/0002_op_delivery.sql")),
        (3, "deployments", include_str!("../../../../migrations/sqlite/0003_deployments.sql")),
        (4, "rollouts", include_str!("../../../../migrations/sqlite/0004_rollouts.sql")),
        (5, "host labels", include_str!("../../../../migrations/sqlite/0005_host_labels.sql")),
        (6, "person view", include_str!("../../../../migrations/sqlite/0006_person_view.sql")),
        (7, "test timeout", include_str!("../../../../migrations/sqlite/0007_test_timeout.sql")),
        (8, "removed hosts", include_str!("../../../../migrations/sqlite/0008_removed_hosts.sql")),
        (9, "stopped tests", include_str!("../../../../migrations/sqlite/0009_stopped_tests.sql")),
        (10, "people", include_str!("../../../../migrations/sqlite/0010_people.sql")),
        (11, "rollout pause", include_str!("../../../../migrations/sqlite/0011_rollout_pause.sql")),
        (12, "known devices", include_str!("../../../../migrations/sqlite/0012_known_devices.sql")),
        (13, "op rollout", include_str!("../../../../migrations/sqlite/0013_op_rollout.sql")),
        (14, "pins, views, inputs", include_str!("../../../../migrations/sqlite/0014_pins_views_inputs.sql")),
        (15, "host seen", include_str!("../../../../migrations/sqlite/0015_host_seen.sql")),
        (16, "growth", include_str!("../../../../migrations/sqlite/0016_growth.sql")),
        (17, "grants", include_str!("../../../../migrations/sqlite/0017_grants.sql")),
        (18, "second factors", include_str!("../../../../migrations/sqlite/0018_second_factors.sql")),
        (19, "retention", include_str!("../../../../migrations/sqlite/0019_retention.sql")),
        (20, "oidc", include_str!("../../../../migrations/sqlite/0020_oidc.sql")),
    ];
    let numbered = steps.map(|(number, name, sql)| {
        Migration::new(number, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    Migrator::with_migrations(numbered.to_vec())
}

/// The file of the database at this URL or path.
pub(super) fn file(url_or_path: &str) -> Result<PathBuf, StoreError> {
    Ok(options(url_or_path)?.get_filename().to_owned())
}

fn options(url_or_path: &str) -> Result<SqliteConnectOptions, StoreError> {
    let configuration = |why: String| sqlx::Error::Configuration(why.into());
    let options = if url_or_path.starts_with("sqlite:") {
        SqliteConnectOptions::from_str(url_or_path)?
    } else if url_or_path.contains("://") {
        let scheme = url_or_path.split(':').next().unwrap_or_default();
        return Err(configuration(format!("this version does not support {scheme} databases")).into());
    } else {
        SqliteConnectOptions::new().filename(url_or_path)
    };
    let file = options.get_filename();
    if file.as_os_str().is_empty() || url_or_path.contains(":memory:") || url_or_path.contains("mode=memory")
    {
        return Err(configuration("the database must be a file".to_owned()).into());
    }
    Ok(options.busy_timeout(BUSY_TIMEOUT))
}

/// Creates the file if it is missing: it will hold password hashes, and SQLite would leave its permissions to
/// the umask. SQLite gives the files beside it the same permissions.
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

#[cfg(test)]
mod tests;
