//! A PostgreSQL database of its own for a test.

use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::{Arc, Weak};

use backstay_model::HostId;
use backstay_postgres::{Server, VARIABLE};
use parking_lot::Mutex;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _};

use crate::store::postgres::PostgresStore;

/// The server of this process, if there is none for all tests. It ends with the last database.
static OWN: Mutex<Weak<Server>> = Mutex::new(Weak::new());

/// An empty database.
pub(crate) struct PostgresDatabase {
    pub(crate) url: String,
    /// Keeps the server.
    _server: Option<Arc<Server>>,
}

impl PostgresDatabase {
    pub(crate) async fn new() -> Self {
        let (folder, server) = server();
        // Any name that no other test has.
        let name = format!("test_{}", HostId::new().to_string().replace('-', "_"));
        run(&backstay_postgres::url(&folder, "postgres"), &format!("CREATE DATABASE {name}")).await.unwrap();
        Self { url: backstay_postgres::url(&folder, &name), _server: server }
    }

    pub(crate) async fn open(&self) -> PostgresStore {
        PostgresStore::open(&self.url).await.unwrap()
    }

    /// Runs statements behind the store's back.
    pub(crate) async fn run(&self, sql: &str) -> Result<(), sqlx::Error> {
        run(&self.url, sql).await
    }
}

async fn run(url: &str, sql: &str) -> Result<(), sqlx::Error> {
    let options = PgConnectOptions::from_str(url)?.disable_statement_logging();
    options.connect().await?.execute(AssertSqlSafe(sql.to_owned())).await?;
    Ok(())
}

fn server() -> (PathBuf, Option<Arc<Server>>) {
    if let Some(folder) = std::env::var_os(VARIABLE) {
        return (PathBuf::from(folder), None);
    }
    let mut own = OWN.lock();
    let server = own.upgrade().unwrap_or_else(|| Arc::new(Server::start().unwrap()));
    *own = Arc::downgrade(&server);
    (Path::to_owned(server.folder()), Some(server))
}
