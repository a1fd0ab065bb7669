//! SQLite under test: a file in a temporary folder.

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor};

use super::{Bench, plans};
use crate::store::Store;
use crate::store::sqlite::SqliteStore;
use crate::test_fleet::Database;

pub(super) struct SqliteBench {
    database: Database,
    store: SqliteStore,
}

#[async_trait]
impl Bench for SqliteBench {
    const BEGIN: &str = "BEGIN IMMEDIATE";
    const MAKE_UNREADABLE: &str = "UPDATE audit_log SET from_gen = 'forty-eight' WHERE seq = 2";
    const PAST_THE_GUARDS: &str = "INSERT OR REPLACE INTO audit_log SELECT seq, at, 'mallory', action, host_name, from_gen, \
        to_gen, reason, detail, op_id, hash FROM audit_log WHERE seq = 3";

    async fn new() -> Self {
        plans::watch();
        let database = Database::new();
        let store = database.open().await;
        Self { database, store }
    }

    fn store(&self) -> Arc<dyn Store> {
        Arc::new(self.store.clone())
    }

    async fn another(&self) -> Arc<dyn Store> {
        Arc::new(self.database.open().await)
    }

    async fn reopen(&mut self) {
        self.store.close().await;
        self.store = self.database.open().await;
    }

    async fn run(&self, sql: &str) -> Result<(), sqlx::Error> {
        // These are not the store's own statements, so their plans do not matter.
        let options = SqliteConnectOptions::new().filename(self.database.file()).disable_statement_logging();
        options.connect().await?.execute(AssertSqlSafe(sql.to_owned())).await?;
        Ok(())
    }

    async fn check_plans(&self) {
        plans::check(&self.database.file()).await;
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
