//! PostgreSQL's own rules: who may serve a database, and who may write to it.

use backstay_model::sample;

use super::*;
use crate::store::HostStore as _;
use crate::test_fleet::join_token;
use crate::test_postgres::PostgresDatabase;

#[tokio::test]
async fn readers_cannot_write() {
    let database = PostgresDatabase::new().await;
    let store = database.open().await;
    assert!(sqlx::query("DELETE FROM hosts").execute(&store.reader).await.is_err());
    let reader = PostgresStore::open_to_read(&database.url).await.unwrap();
    assert!(reader.insert_join_token(&join_token("t", sample::now())).await.is_err());
    assert_eq!(reader.hosts().await.unwrap(), []);
}

#[tokio::test]
async fn one_server_at_a_time_serves_a_database() {
    let database = PostgresDatabase::new().await;
    let mut first = ServerLock::take(&database.url).await.unwrap().unwrap();
    assert!(ServerLock::take(&database.url).await.unwrap().is_none());
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    database.run(cut).await.unwrap();
    first.lost().await;
    let _second = ServerLock::take(&database.url).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn many_processes_can_open_a_new_database_at_once() {
    let database = std::sync::Arc::new(PostgresDatabase::new().await);
    let openings: Vec<_> = (0..6)
        .map(|_| {
            let database = std::sync::Arc::clone(&database);
            tokio::spawn(async move { drop(database.open().await) })
        })
        .collect();
    for opening in openings {
        opening.await.unwrap();
    }
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused() {
    let database = PostgresDatabase::new().await;
    database.open().await.close().await;
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 VALUES (9999, 'newer', true, '', 0)";
    database.run(newer).await.unwrap();
    assert!(matches!(PostgresStore::open(&database.url).await, Err(StoreError::Migrate(_))));
}
