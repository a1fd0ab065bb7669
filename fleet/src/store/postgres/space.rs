//! The space that the database takes.

use std::future::{Ready, ready};

use super::PostgresStore;
use super::sql::Columns as _;
use crate::store::{DiskUse, StoreError};

/// PostgreSQL's autovacuum finds the space of removed rows and uses it again.
pub(super) fn give_back(_: &PostgresStore, _: u32) -> Ready<Result<bool, StoreError>> {
    ready(Ok(false))
}

pub(super) fn compact(_: &PostgresStore) -> Ready<Result<(), StoreError>> {
    let words = "PostgreSQL uses free space again on its own. To give it back to the file system, run `VACUUM FULL` with psql";
    ready(Err(StoreError::NotAFile(words)))
}

pub(super) async fn disk_use(store: &PostgresStore) -> Result<DiskUse, StoreError> {
    let mut tx = store.snapshot().await?;
    let whole = sqlx::query(
        "SELECT pg_database_size(current_database()) AS bytes, (SELECT seq FROM audit_head WHERE id = 1) AS entries",
    )
    .fetch_one(&mut *tx)
    .await?;
    let mut space = DiskUse {
        total: whole.number("bytes")?,
        audit_entries: whole.number("entries")?,
        ..DiskUse::default()
    };
    let parts = sqlx::query(
        "SELECT relname::text AS owner, pg_total_relation_size(oid) AS bytes FROM pg_class
         WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace",
    );
    for part in parts.fetch_all(&mut *tx).await? {
        space.add(&part.text("owner")?, part.number("bytes")?);
    }
    Ok(space)
}
