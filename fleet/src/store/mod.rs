//! The store: everything durable, behind one contract.
//!
//! [`Store`] is what Backstay needs of a database: one trait for each aggregate, beside the records that it
//! takes and returns. [`sqlite`] keeps them in one file, [`postgres`] in a database server. Each method is one transaction, which happens whole
//! or not at all, and callers never hold one open. If a change belongs with an audit entry, one method writes
//! both, so that neither exists without the other.
//!
//! The contract fits any SQL database: identifiers are text, times are UTC, JSON is text. Every rule that
//! must hold under concurrency (one open op for a host, each output line once, no step out of a closed op) is
//! a constraint of the database or a condition of the statement, never a check before it.
//!
//! Every implementation must pass the suite in `contract/`.

use std::path::PathBuf;
use std::sync::Arc;

mod audit;
#[cfg(test)]
mod contract;
mod deployments;
mod devices;
mod external_identities;
mod hosts;
mod ops;
mod people;
mod pins;
pub mod postgres;
mod retention;
mod rollouts;
mod saved_views;
mod second_factors;
mod sessions;
pub mod sqlite;

pub use audit::{
    AUDIT_BATCH, AuditCheck, AuditCheckpoint, AuditMark, AuditStore, HashedEntry, NewAuditEntry, NotAMark,
};
pub use deployments::{DeploymentStore, NewDeployment, REVERTED_COMMITS};
pub use devices::{DEVICES_KEPT, DeviceStore};
pub use external_identities::{ExternalIdentity, ExternalIdentityStore, ExternalPerson, ProviderRoles};
pub use hosts::{
    EnrolError, GENERATIONS_KEPT, GenerationRecord, HostRecord, HostStore, JoinTokenRecord, NewHost,
    NewJoinToken, TEST_BYTES_KEPT, TEST_BYTES_READ, TEST_RUNS_KEPT,
};
pub use ops::{Appended, InsertOpError, NewOp, OpFilter, OpStep, OpStore, RollbackRecord};
pub use people::{
    ChangePersonError, Invitation, InviteError, NewInvitation, PeopleStore, PersonChange, PersonRecord,
    UserRecord,
};
pub use pins::PinStore;
pub use retention::{DiskUse, MERGES_OF_PAST, OPS_OF_PAST, RUNS_OF_PAST, Removal, Removed, RetentionStore};
pub use rollouts::{InsertRolloutError, RolloutStore};
pub use saved_views::{SAVED_VIEWS, SavedView, SavedViewStore, VIEW_NAME_CHARS};
pub use second_factors::{SecondFactor, SecondFactorStore};
pub use sessions::{Client, NewSession, SESSIONS_KEPT, SessionRecord, SessionStore};

/// What Backstay needs of a database.
pub trait Store:
    HostStore
    + PinStore
    + OpStore
    + DeploymentStore
    + RolloutStore
    + AuditStore
    + PeopleStore
    + SavedViewStore
    + SessionStore
    + DeviceStore
    + SecondFactorStore
    + ExternalIdentityStore
    + RetentionStore
{
}

impl<T> Store for T where
    T: HostStore
        + PinStore
        + OpStore
        + DeploymentStore
        + RolloutStore
        + AuditStore
        + PeopleStore
        + SavedViewStore
        + SessionStore
        + DeviceStore
        + SecondFactorStore
        + ExternalIdentityStore
        + RetentionStore
{
}

/// Opens the database at this URL or path and migrates it. This and [`open_to_read`] are the one place that
/// chooses the implementation.
///
/// # Errors
/// [`StoreError`] if it cannot be opened or is newer than this version.
pub async fn open(url_or_path: &str) -> Result<Arc<dyn Store>, StoreError> {
    if postgres::is_postgres(url_or_path) {
        return Ok(Arc::new(postgres::PostgresStore::open(url_or_path).await?));
    }
    Ok(Arc::new(sqlite::SqliteStore::open(url_or_path).await?))
}

/// Opens an existing database read-only and leaves it as it is.
///
/// # Errors
/// [`StoreError`] if it does not exist or cannot be opened.
pub async fn open_to_read(url_or_path: &str) -> Result<Arc<dyn Store>, StoreError> {
    if postgres::is_postgres(url_or_path) {
        return Ok(Arc::new(postgres::PostgresStore::open_to_read(url_or_path).await?));
    }
    Ok(Arc::new(sqlite::SqliteStore::open_to_read(url_or_path).await?))
}

/// The file of the database at this URL or path.
///
/// # Errors
/// [`StoreError`] if it is not a file.
pub fn file(url_or_path: &str) -> Result<PathBuf, StoreError> {
    if postgres::is_postgres(url_or_path) {
        return Err(StoreError::NotAFile("a PostgreSQL database has no file"));
    }
    sqlite::file(url_or_path)
}

/// SHA-256 of a secret, in lower-case hexadecimal: the store never holds the token itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TokenHash(pub String);

/// An error of the database itself. An error that a person can do something about has a type of its own.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A statement failed.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// The schema could not be migrated to this version.
    #[error("the database could not be brought up to date: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// The command is for a database that is one file.
    #[error("{0}")]
    NotAFile(&'static str),
    /// A row holds a value that this version cannot read.
    #[error("the database holds a value that this version does not understand: {0}")]
    Corrupt(String),
}
