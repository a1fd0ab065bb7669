//! One server for one database.

use std::time::Duration;

use sqlx::postgres::PgConnection;
use sqlx::{ConnectOptions as _, Row as _};

use super::{StoreError, options};

/// How long the server waits for a database that starts later than itself.
const START_TIME: Duration = Duration::from_mins(1);
/// The pause between two attempts.
const RETRY: Duration = Duration::from_secs(1);
/// The longest answer to a check.
const ANSWER: Duration = Duration::from_secs(30);

/// The advisory lock of the server: “serve” in ASCII.
const SERVER_KEY: i64 = 0x0073_6572_7665;
/// The pause between two checks that the connection is still there.
const CHECK: Duration = Duration::from_secs(5);

/// Keeps other servers off a database while it lives. PostgreSQL holds it for a connection of its own.
#[derive(Debug)]
pub struct ServerLock(PgConnection);

impl ServerLock {
    /// Takes the lock as [`Self::take`] does. Waits a minute for a database that is not there yet, as when a machine starts.
    ///
    /// # Errors
    /// [`StoreError`] if the database cannot be reached.
    pub async fn wait_and_take(url: &str) -> Result<Option<Self>, StoreError> {
        let give_up = tokio::time::Instant::now() + START_TIME;
        let mut is_first = true;
        loop {
            match Self::take(url).await {
                Err(error) if is_starting(&error) && tokio::time::Instant::now() < give_up => {
                    if is_first {
                        tracing::warn!(%error, "waiting up to {} s for the database to start", START_TIME.as_secs());
                    }
                    is_first = false;
                    tokio::time::sleep(RETRY).await;
                }
                taken => return taken,
            }
        }
    }

    /// Takes the lock, or returns `None` if another server has it.
    ///
    /// # Errors
    /// [`StoreError`] if the database cannot be reached.
    pub async fn take(url: &str) -> Result<Option<Self>, StoreError> {
        let mut connection = options::parse(url)?.application_name("backstay serve").connect().await?;
        let taken = sqlx::query("SELECT pg_try_advisory_lock($1) AS taken").bind(SERVER_KEY);
        let is_taken: bool = taken.fetch_one(&mut connection).await?.try_get("taken")?;
        Ok(is_taken.then_some(Self(connection)))
    }

    /// Waits for the end of the connection, which is the end of the lock, and returns its error.
    pub async fn lost(&mut self) -> StoreError {
        loop {
            tokio::time::sleep(CHECK).await;
            let answer = tokio::time::timeout(ANSWER, sqlx::query("SELECT 1").execute(&mut self.0)).await;
            match answer {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return error.into(),
                Err(_) => return sqlx::Error::PoolTimedOut.into(),
            }
        }
    }
}

/// Returns whether the database may be there soon: nothing listens yet, or it refuses connections while it starts.
fn is_starting(error: &StoreError) -> bool {
    const CANNOT_CONNECT_NOW: &str = "57P03";
    match error {
        StoreError::Database(sqlx::Error::Io(_)) => true,
        StoreError::Database(sqlx::Error::Database(error)) => {
            error.code().as_deref() == Some(CANNOT_CONNECT_NOW)
        }
        _ => false,
    }
}
