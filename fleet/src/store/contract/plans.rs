//! How SQLite carries out the statements that the contract runs: none reads the whole of a table that grows for ever.

use std::collections::BTreeSet;
use std::path::Path;

use parking_lot::Mutex;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// The tables that grow for ever.
const GROWING: [&str; 9] = [
    "ops",
    "op_output",
    "audit_log",
    "test_runs",
    "generations",
    "rollbacks",
    "deployment_hosts",
    "rollout_hosts",
    "revert_candidates",
];

/// The beginnings of the statements that walk through a table in its order, and stop at the end of a page or a step.
const PAGES: [&str; 3] = [
    "SELECT * FROM audit_log WHERE seq <",
    "SELECT * FROM audit_log WHERE seq >",
    "SELECT ops.*, hosts.name AS host_name FROM ops JOIN hosts ON hosts.id = ops.host_id WHERE",
];

static STATEMENTS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Keeps the statements that the driver reports.
struct Watcher;

impl Subscriber for Watcher {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut statement = Statement::default();
        event.record(&mut statement);
        STATEMENTS.lock().insert(statement.0);
    }
}

/// A statement: whole in one field, or in another if it is short.
#[derive(Default)]
struct Statement(String);

impl Visit for Statement {
    fn record_str(&mut self, field: &Field, value: &str) {
        let is_first = field.name() == "summary" && self.0.is_empty();
        if is_first || (field.name() == "db.statement" && !value.is_empty()) {
            self.0 = value.split_whitespace().collect::<Vec<_>>().join(" ");
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

/// Watches the statements of this process.
pub(super) fn watch() {
    // Another test of this process may have begun already.
    let _ = tracing::subscriber::set_global_default(Watcher);
}

/// Checks the plan of each statement so far against the schema of this database.
pub(super) async fn check(database: &Path) {
    let statements = STATEMENTS.lock().clone();
    assert!(!statements.is_empty(), "no statement was seen");
    let mut connection = SqliteConnectOptions::new().filename(database).connect().await.unwrap();
    for statement in statements.iter().filter(|statement| reads_rows(statement)) {
        let plan = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}")));
        for step in plan.fetch_all(&mut connection).await.unwrap() {
            let step: String = step.get("detail");
            assert!(is_fine(statement, &step), "{step}: {statement}");
        }
    }
}

fn reads_rows(statement: &str) -> bool {
    let is_ours = ["SELECT", "INSERT", "UPDATE", "DELETE"].iter().any(|word| statement.starts_with(word));
    let others = ["_sqlx_migrations", "sqlite_master", "pg_", "::", "STRPOS", "COALESCE((SELECT id"];
    is_ours && !others.iter().any(|other| statement.contains(other))
}

fn is_fine(statement: &str, step: &str) -> bool {
    let Some(scanned) = step.strip_prefix("SCAN ") else { return true };
    let table = scanned.split(' ').next().unwrap_or_default();
    let is_page = PAGES.iter().any(|page| statement.starts_with(page)) && statement.contains(" LIMIT ");
    !GROWING.contains(&table) || is_page
}
