//! SQLite's own rules: which files it accepts, and who may read them.

use std::sync::Arc;

use backstay_model::sample;
use backstay_model::view::AuditQuery;
use sqlx::ConnectOptions as _;

use super::*;
use crate::store::{AuditStore as _, HostStore as _, NewAuditEntry, RetentionStore as _};
use crate::test_fleet::{Database, join_token};

#[tokio::test]
async fn a_url_and_a_path_mean_the_same_file() {
    let database = Database::new();
    let path = database.file();
    let path = path.to_str().unwrap();
    let store = SqliteStore::open(&format!("sqlite://{path}")).await.unwrap();
    let token = join_token("t", sample::now());
    store.insert_join_token(&token).await.unwrap();
    store.close().await;
    let again = database.open().await;
    assert!(again.insert_join_token(&token).await.is_err(), "it exists already");
}

#[tokio::test]
async fn a_database_that_is_not_a_file_is_rejected() {
    for url in ["sqlite::memory:", "sqlite://", "", "postgres://localhost/backstay", "/no/such/folder/db"] {
        assert!(SqliteStore::open(url).await.is_err(), "{url}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn only_this_user_can_read_a_new_file() {
    use std::os::unix::fs::PermissionsExt;

    let database = Database::new();
    let _store = database.open().await;
    for file in std::fs::read_dir(database.file().parent().unwrap()).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", file.path());
    }
}

#[tokio::test]
async fn readers_cannot_write() {
    let database = Database::new();
    let store = database.open().await;
    assert!(sqlx::query("DELETE FROM hosts").execute(&store.reader).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_processes_can_open_a_new_file_at_once() {
    let database = Arc::new(Database::new());
    let openings: Vec<_> = (0..6)
        .map(|_| {
            let database = Arc::clone(&database);
            tokio::spawn(async move { drop(database.open().await) })
        })
        .collect();
    for opening in openings {
        opening.await.unwrap();
    }
}

/// On a full disk SQLite rolls a commit back itself, and the driver does not notice.
#[tokio::test]
async fn a_transaction_that_sqlite_rolled_back_stops_no_other() {
    let database = Database::new();
    let store = database.open().await;
    let entry = NewAuditEntry::new(sample::now(), "maria", "test.requested", "Requested.");
    for _ in 0..2 {
        let mut tx = store.begin().await.unwrap();
        sqlx::query("ROLLBACK").execute(&mut *tx).await.unwrap();
        assert!(tx.commit().await.is_err());
        store.append_audit(&entry).await.unwrap();
    }
    assert_eq!(store.audit(&AuditQuery::default(), 10).await.unwrap().len(), 2);
}

/// Older versions made their files so that they never shrink.
#[tokio::test]
async fn an_older_file_gives_free_space_back_once_it_was_compacted() {
    // A table that is empty keeps its first page.
    const BYTES: u64 = 2_000_000 - 10_000;
    const STEP: u32 = 500_000;
    let database = Database::new();
    let older = SqliteConnectOptions::new().filename(database.file()).create_if_missing(true);
    let mut older = older.journal_mode(SqliteJournalMode::Wal).connect().await.unwrap();
    sqlx::query("CREATE TABLE waste (it BLOB)").execute(&mut older).await.unwrap();
    older.close().await.unwrap();
    let store = database.open().await;
    let waste = async || {
        for statement in ["INSERT INTO waste SELECT randomblob(2000000)", "DELETE FROM waste"] {
            sqlx::query(statement).execute(&store.writer).await.unwrap();
        }
        store.disk_use().await.unwrap()
    };
    assert!(waste().await.free >= BYTES);
    assert!(!store.give_back(STEP).await.unwrap());

    store.compact().await.unwrap();
    let compact = store.disk_use().await.unwrap();
    assert_eq!(compact.free, 0);
    assert!(waste().await.free >= BYTES);
    let mut steps = 0;
    while store.give_back(STEP).await.unwrap() {
        steps += 1;
    }
    assert!(steps >= 3, "{steps}: a little at a time");
    let space = store.disk_use().await.unwrap();
    assert!(space.free * 10 <= space.total && space.total < compact.total + BYTES / 4, "{space:?}");
}
