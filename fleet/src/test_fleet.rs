//! What the tests share: a database in a temporary folder, a fleet on it, and the hosts and people of that fleet.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use backstay_model::wire::message::Hello;
use backstay_model::{FixedClock, HostId, PROTOCOL_VERSION, Platform, Role, sample};
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use tempfile::TempDir;

use crate::accounts::{Actor, SessionPolicy, WaysIn};
use crate::store::sqlite::SqliteStore;
use crate::store::{HostRecord, NewHost, NewJoinToken, Store, TokenHash};
use crate::{FleetConfig, Retention};

pub(crate) const QUEUE_TIME: Duration = Duration::from_hours(2);

/// A database file in a folder of its own, which is deleted with this value.
pub(crate) struct Database(TempDir);

impl Database {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.0.path().join("backstay.db")
    }

    pub(crate) async fn open(&self) -> SqliteStore {
        SqliteStore::open(self.file().to_str().unwrap()).await.unwrap()
    }

    /// The number of transactions in the write-ahead log: <https://www.sqlite.org/fileformat2.html#walformat>.
    pub(crate) fn commits(&self) -> usize {
        const HEADER: usize = 32;
        const FRAME_HEADER: usize = 24;
        let log = std::fs::read(self.0.path().join("backstay.db-wal")).unwrap();
        let number = |at: usize| u32::from_be_bytes(log[at..at + 4].try_into().unwrap());
        let frame = FRAME_HEADER + usize::try_from(number(8)).unwrap();
        // Only the last page of a transaction says how large the database is.
        let ends_transaction = |at: &usize| number(at + 4) > 0;
        (HEADER..log.len()).step_by(frame).filter(ends_transaction).count()
    }

    /// Connects behind the server's back.
    pub(crate) async fn connect(&self) -> SqlitePool {
        SqlitePool::connect_with(SqliteConnectOptions::new().filename(self.file())).await.unwrap()
    }
}

/// A clock that stands at the present moment of all samples.
pub(crate) fn clock() -> Arc<FixedClock> {
    Arc::new(FixedClock::at(sample::now()))
}

/// A fleet on this store, without a repository at GitHub.
pub(crate) fn config(store: Arc<dyn Store>, clock: &Arc<FixedClock>) -> FleetConfig {
    FleetConfig {
        retention: Retention::default(),
        sessions: SessionPolicy::default(),
        ways_in: WaysIn::default(),
        master_key: None,
        server_version: "0.1.0".into(),
        store,
        clock: Arc::<FixedClock>::clone(clock),
        queue_time: QUEUE_TIME,
        github: None,
    }
}

/// An operator.
pub(crate) fn maria() -> Actor {
    Actor::unchecked("maria", Role::Operator)
}

/// A join token for any host, valid for an hour.
pub(crate) fn join_token(text: &str, at: DateTime<Utc>) -> NewJoinToken {
    NewJoinToken {
        token: TokenHash::of(text),
        host_name: None,
        made_by: "maria".into(),
        created_at: at,
        expires_at: at + TimeDelta::hours(1),
    }
}

pub(crate) fn new_host(name: &str, at: DateTime<Utc>) -> NewHost {
    NewHost {
        id: HostId::new(),
        name: name.into(),
        platform: Platform::Nixos,
        token: TokenHash::of(&format!("token of {name}")),
        auto_test: true,
        at,
    }
}

/// Enrols a host with a join token of its own.
pub(crate) async fn enrolled(store: &dyn Store, name: &str, at: DateTime<Utc>) -> HostRecord {
    let token = join_token(&format!("join {name}"), at);
    store.insert_join_token(&token).await.unwrap();
    store.enrol(&new_host(name, at), &token.token).await.unwrap()
}

/// The first message of the host's agent.
pub(crate) fn hello(name: &str) -> Hello {
    Hello {
        protocol: PROTOCOL_VERSION,
        agent_version: "0.1.0".into(),
        name: name.into(),
        platform: Platform::Nixos,
        instance: None,
    }
}
