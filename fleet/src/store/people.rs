//! People and their sessions.

use async_trait::async_trait;
use backstay_model::{PersonView, Role};
use chrono::{DateTime, Utc};

use super::{NewAuditEntry, StoreError, TokenHash};

/// People, their sessions, and the look that each chose for the fleet page.
#[async_trait]
pub trait PeopleStore: Send + Sync + 'static {
    /// Returns the number of people.
    async fn count_users(&self) -> Result<u64, StoreError>;
    /// Records a person, or a new password and role for one, and ends that person's sessions.
    async fn put_user(&self, user: &UserRecord, audit: &NewAuditEntry) -> Result<(), StoreError>;
    /// Returns the person of this name.
    async fn user(&self, name: &str) -> Result<Option<UserRecord>, StoreError>;
    /// Returns a person's settings for the fleet page; the default ones for an unknown person.
    async fn person_view(&self, name: &str) -> Result<PersonView, StoreError>;
    /// Records a person's settings for the fleet page; does nothing for an unknown person.
    async fn set_person_view(&self, name: &str, view: &PersonView) -> Result<(), StoreError>;
    /// Records a session, with the audit entry of the log-in.
    async fn insert_session(
        &self,
        token: &TokenHash,
        user: &str,
        created_at: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> Result<(), StoreError>;
    /// Returns the person of a session that has not expired.
    async fn session_user(
        &self,
        token: &TokenHash,
        now: DateTime<Utc>,
    ) -> Result<Option<UserRecord>, StoreError>;
    /// Ends a session.
    async fn delete_session(&self, token: &TokenHash) -> Result<(), StoreError>;
    /// Deletes sessions and join tokens that have expired.
    async fn delete_expired(&self, now: DateTime<Utc>) -> Result<(), StoreError>;
}

/// A person as stored.
#[derive(Debug, Clone)]
pub struct UserRecord {
    /// The name.
    pub name: String,
    /// The password's argon2id hash, in PHC string format.
    pub password_hash: String,
    /// The person's role.
    pub role: Role,
}
