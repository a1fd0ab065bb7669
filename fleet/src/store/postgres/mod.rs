//! The store in a PostgreSQL database.
//!
//! The statements are those of SQLite, from `sql`, and so is the promise that they rely on: **one transaction
//! writes at a time**. Each takes an advisory lock first, which ends with it, so two transactions cannot deadlock,
//! and nothing is retried. Writes of a single statement read nothing before, and take no such lock. Readers take
//! none either: each reads one moment (`REPEATABLE READ`).
//!
//! Only a server that holds the [`ServerLock`] serves the database, because it keeps live state in memory.

/// The commit of a host's checkout, of a query on `hosts`. A constraint keeps the facts readable.
macro_rules! checkout_commit {
    () => {
        "facts::json #>> '{checkout,commit}'"
    };
}

mod dialect;
mod lock;
mod options;
mod space;
#[path = "../sql/mod.rs"]
#[expect(clippy::duplicate_mod, reason = "compiled once for each database")]
mod sql;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::postgres::{PgArguments, PgPool, PgPoolOptions, PgRow};
use sqlx::{Postgres, SqlSafeStr, Transaction};

pub use self::lock::ServerLock;
pub use self::options::is_postgres;
use super::StoreError;

/// Connections that read.
const READERS: u32 = 8;
/// The advisory lock of the transaction that writes: “backstay” in ASCII.
const WRITER_KEY: i64 = 0x6261_636b_7374_6179;

/// What the shared statements call this database and its parts.
type Db = Postgres;
type DbRow = PgRow;
type DbArguments = PgArguments;
type SqlStore = PostgresStore;
/// A transaction.
type Tx = Transaction<'static, Postgres>;

/// The store in a PostgreSQL database.
#[derive(Debug, Clone)]
pub struct PostgresStore {
    writer: PgPool,
    reader: PgPool,
}

impl PostgresStore {
    /// Opens the database at `postgres://HOST/DATABASE` and migrates it.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be opened, or is newer than this version.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let options = options::parse(url)?;
        let writer = PgPoolOptions::new().max_connections(1).connect_with(options.clone()).await?;
        migrations().run(&writer).await?;
        let reader = readers().max_connections(READERS).connect_with(options).await?;
        Ok(Self { writer, reader })
    }

    /// Opens an existing database read-only and leaves it as it is.
    ///
    /// # Errors
    /// [`StoreError`] if it does not exist or cannot be opened.
    pub async fn open_to_read(url: &str) -> Result<Self, StoreError> {
        let reader = readers().max_connections(1).connect_with(options::parse(url)?).await?;
        Ok(Self { writer: reader.clone(), reader })
    }

    /// Waits for running statements and closes the connections.
    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }

    /// Begins a read transaction: all its reads see one moment.
    async fn snapshot(&self) -> Result<Tx, StoreError> {
        Ok(self.reader.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?)
    }

    /// Begins a write transaction, which waits for the one that writes. Dropping it without a commit undoes it.
    async fn begin(&self) -> Result<Tx, StoreError> {
        let mut tx = self.writer.begin().await?;
        sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(WRITER_KEY).execute(&mut *tx).await?;
        Ok(tx)
    }
}

/// A pool of connections that cannot write.
fn readers() -> PgPoolOptions {
    PgPoolOptions::new().after_connect(|connection, _| {
        Box::pin(async move {
            sqlx::query("SET default_transaction_read_only = on").execute(connection).await?;
            Ok(())
        })
    })
}

/// Every migration, from an empty database to the current schema. A released migration is never edited.
fn migrations() -> Migrator {
    let start = include_str!("../../../../migrations/postgres/0001_start.sql");
    let start = Migration::new(1, "start".into(), MigrationType::Simple, start.into_sql_str(), false);
    Migrator::with_migrations(vec![start])
}

#[cfg(test)]
mod tests;
