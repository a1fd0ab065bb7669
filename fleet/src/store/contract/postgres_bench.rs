//! PostgreSQL under test: a database of its own on the server of this run.

use std::sync::Arc;

use async_trait::async_trait;

use super::Bench;
use crate::store::Store;
use crate::store::postgres::PostgresStore;
use crate::test_postgres::PostgresDatabase;

pub(super) struct PostgresBench {
    store: PostgresStore,
    database: PostgresDatabase,
}

#[async_trait]
impl Bench for PostgresBench {
    const BEGIN: &str = "BEGIN";
    const MAKE_UNREADABLE: &str = "ALTER TABLE audit_log ALTER COLUMN actor DROP NOT NULL;
        UPDATE audit_log SET actor = NULL WHERE seq = 2";
    const PAST_THE_GUARDS: &str = "TRUNCATE audit_log";

    async fn new() -> Self {
        let database = PostgresDatabase::new().await;
        Self { store: database.open().await, database }
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
        self.database.run(sql).await
    }

    /// The statements and the indexes are SQLite's, whose plans are checked there. On the few rows of a test,
    /// PostgreSQL would read whole tables whatever the indexes.
    async fn check_plans(&self) {}

    async fn drop_guards(&self) {
        self.run(
            "DROP TRIGGER audit_log_is_never_changed ON audit_log; DROP TRIGGER audit_log_is_never_cut ON audit_log;
             DROP TRIGGER audit_log_only_goes_on ON audit_log;",
        )
        .await
        .unwrap();
    }
}
