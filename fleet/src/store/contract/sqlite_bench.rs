//! SQLite under test: a file in a temporary folder.

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor};
use tempfile::TempDir;

use super::Bench;
use crate::store::Store;
use crate::store::sqlite::SqliteStore;

pub(super) struct SqliteBench {
    folder: TempDir,
    store: SqliteStore,
}

fn path(folder: &TempDir) -> String {
    folder.path().join("backstay.db").to_str().unwrap().to_owned()
}

#[async_trait]
impl Bench for SqliteBench {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&path(&folder)).await.unwrap();
        Self { folder, store }
    }

    fn store(&self) -> Arc<dyn Store> {
        Arc::new(self.store.clone())
    }

    async fn another(&self) -> Arc<dyn Store> {
        Arc::new(SqliteStore::open(&path(&self.folder)).await.unwrap())
    }

    async fn reopen(&mut self) {
        self.store.close().await;
        self.store = SqliteStore::open(&path(&self.folder)).await.unwrap();
    }

    async fn run(&self, sql: &str) -> Result<(), sqlx::Error> {
        let options = SqliteConnectOptions::new().filename(path(&self.folder));
        options.connect().await?.execute(AssertSqlSafe(sql.to_owned())).await?;
        Ok(())
    }

    async fn drop_guards(&self) {
        self.run(
            "DROP TRIGGER audit_log_is_never_changed; DROP TRIGGER audit_log_is_never_cut;
             DROP TRIGGER audit_log_only_goes_on;",
        )
        .await
        .unwrap();
    }
}
