//! The space that the file takes, and how it becomes smaller.

use super::SqliteStore;
use super::sql::Columns as _;
use crate::store::{DiskUse, StoreError};

/// Free pages go back to the file system only if they are more than this part of the file: the next day's rows would need
/// them again.
const FREE_SHARE: i64 = 10;

pub(super) async fn give_back(store: &SqliteStore, bytes: u32) -> Result<bool, StoreError> {
    const INCREMENTAL: i64 = 2;
    let mut connection = store.writer.acquire().await?;
    let mode: i64 = sqlx::query_scalar("PRAGMA auto_vacuum").fetch_one(&mut *connection).await?;
    let size: i64 = sqlx::query_scalar("PRAGMA page_size").fetch_one(&mut *connection).await?;
    let pages: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(&mut *connection).await?;
    let free: i64 = sqlx::query_scalar("PRAGMA freelist_count").fetch_one(&mut *connection).await?;
    if mode != INCREMENTAL || free * FREE_SHARE <= pages {
        return Ok(false);
    }
    let some = (i64::from(bytes) / size).max(1);
    // Each row that is read gives back one page.
    let vacuum = format!("PRAGMA incremental_vacuum({some})");
    sqlx::query(sqlx::AssertSqlSafe(vacuum)).fetch_all(&mut *connection).await?;
    Ok(true)
}

pub(super) async fn compact(store: &SqliteStore) -> Result<(), StoreError> {
    sqlx::query("VACUUM").execute(&store.writer).await?;
    Ok(())
}

pub(super) async fn disk_use(store: &SqliteStore) -> Result<DiskUse, StoreError> {
    let mut tx = store.snapshot().await?;
    let size: i64 = sqlx::query_scalar("PRAGMA page_size").fetch_one(&mut *tx).await?;
    let pages: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(&mut *tx).await?;
    let free: i64 = sqlx::query_scalar("PRAGMA freelist_count").fetch_one(&mut *tx).await?;
    let entries: i64 =
        sqlx::query_scalar("SELECT seq FROM audit_head WHERE id = 1").fetch_one(&mut *tx).await?;
    let bytes = |count: i64| u64::try_from(count).unwrap_or_default();
    let mut space = DiskUse {
        total: bytes(pages * size),
        free: bytes(free * size),
        audit_entries: bytes(entries),
        ..DiskUse::default()
    };
    let parts = sqlx::query(
        "SELECT sqlite_schema.tbl_name AS owner, dbstat.pgsize AS bytes FROM dbstat
         JOIN sqlite_schema ON sqlite_schema.name = dbstat.name WHERE dbstat.aggregate = TRUE",
    );
    for part in parts.fetch_all(&mut *tx).await? {
        space.add(&part.text("owner")?, part.number("bytes")?);
    }
    Ok(space)
}
