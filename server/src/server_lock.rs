//! One server for one database: the live state is in the memory of one process.

use anyhow::{Context as _, bail};
use backstay_fleet::store::postgres::{ServerLock, is_postgres};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Takes the lock of a PostgreSQL database, or refuses to start beside another server. SQLite has no such lock.
pub(crate) async fn take(url: &str) -> anyhow::Result<Option<ServerLock>> {
    if !is_postgres(url) {
        return Ok(None);
    }
    let lock = ServerLock::wait_and_take(url).await;
    let lock = lock.with_context(|| format!("the database {url} cannot be opened"))?;
    if lock.is_none() {
        bail!(
            "another server serves the database {url}; stop it first, because one process must know every connected host"
        );
    }
    Ok(lock)
}

/// Stops the server if its lock is lost: another one may start at any moment. The task returns the lock at any other stop.
pub(crate) fn watch(mut lock: ServerLock, stop: CancellationToken) -> JoinHandle<anyhow::Result<ServerLock>> {
    tokio::spawn(async move {
        let error = tokio::select! {
            error = lock.lost() => error,
            () = stop.cancelled() => return Ok(lock),
        };
        tracing::error!(%error, "stopping: the connection that keeps other servers off the database ended");
        stop.cancel();
        Err(error)
            .context("the connection that keeps other servers off the database ended, so the server stopped")
    })
}
