//! Reads the server's database beside the server and never writes to it.

use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use anyhow::{Context as _, Result};
use backstay_model::{Facts, OpStatus};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};
use sqlx::{ConnectOptions as _, Row as _};

/// An op as stored.
#[derive(Debug, Clone)]
pub(crate) struct StoredOp {
    pub(crate) id: String,
    pub(crate) status: OpStatus,
    pub(crate) message: String,
    pub(crate) output_through: i64,
}

pub(crate) struct Ledger {
    database: PathBuf,
    pool: SqlitePool,
}

impl Ledger {
    pub(crate) async fn open(database: &Path) -> Result<Self> {
        let options = SqliteConnectOptions::new().filename(database).read_only(true);
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
        Ok(Self { database: database.to_owned(), pool })
    }

    /// Resets the write-ahead log, so that the next write needs disk space: the log never shrinks on its own.
    /// It is no error if the server is writing at the moment.
    pub(crate) async fn shorten_log(&self) {
        let options = SqliteConnectOptions::new().filename(&self.database);
        if let Ok(mut connection) = options.connect().await {
            let _ = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await;
        }
    }

    /// The host's facts according to the server.
    pub(crate) async fn facts(&self) -> Result<Option<Facts>> {
        let row = sqlx::query("SELECT facts FROM hosts").fetch_optional(&self.pool).await?;
        let text = row.and_then(|row| row.get::<Option<String>, _>("facts"));
        text.map(|text| Ok(serde_json::from_str(&text)?)).transpose()
    }

    /// The newest op.
    pub(crate) async fn newest(&self) -> Result<Option<StoredOp>> {
        let row =
            sqlx::query("SELECT * FROM ops ORDER BY id DESC LIMIT 1").fetch_optional(&self.pool).await?;
        row.map(|row| {
            let status: String = row.get("status");
            Ok(StoredOp {
                id: row.get("id"),
                status: OpStatus::from_str(&status).map_err(anyhow::Error::msg)?,
                message: row.get::<Option<String>, _>("message").unwrap_or_default(),
                output_through: row.get("output_through"),
            })
        })
        .transpose()
    }

    /// The numbers and texts of an op's lines.
    pub(crate) async fn lines(&self, op: &str) -> Result<Vec<(i64, String)>> {
        let rows = sqlx::query("SELECT seq, line FROM op_output WHERE op_id = $1 ORDER BY seq")
            .bind(op)
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.iter().map(|row| (row.get("seq"), row.get("line"))).collect())
    }

    /// For each rollback recorded for an op, whether it succeeded.
    pub(crate) async fn rollbacks(&self, op: &str) -> Result<Vec<bool>> {
        let rows =
            sqlx::query("SELECT success FROM rollbacks WHERE id = $1").bind(op).fetch_all(&self.pool).await?;
        Ok(rows.iter().map(|row| row.get::<i64, _>("success") != 0).collect())
    }

    /// The number of open ops.
    pub(crate) async fn open_ops(&self) -> Result<i64> {
        let row = sqlx::query("SELECT COUNT(*) AS n FROM ops WHERE status IN ('queued','sent','running')")
            .fetch_one(&self.pool)
            .await
            .context("the ops cannot be counted")?;
        Ok(row.get("n"))
    }
}
