//! People, and the invitations with which new ones join.

use async_trait::async_trait;
use backstay_model::people::{GRANTS, Scope};
use backstay_model::{Grant, InvitationId, PersonView, Role, SessionId};
use chrono::{DateTime, Utc};

use super::{NewAuditEntry, StoreError, TokenHash};

/// People, their invitations, and the look that each chose for the fleet page.
///
/// No method takes away the last enabled administrator: [`ChangePersonError::LastAdmin`].
#[async_trait]
pub trait PeopleStore: Send + Sync + 'static {
    /// Returns the number of people.
    async fn count_users(&self) -> Result<u64, StoreError>;
    /// Records a person, or a new password and role for one, and ends that person's sessions. An invitation
    /// of the same name is void. A person who logs in through a provider gets none: [`ChangePersonError::External`].
    async fn put_user(&self, user: &UserRecord, audit: &NewAuditEntry) -> Result<(), ChangePersonError>;
    /// Returns the person of this name.
    async fn user(&self, name: &str) -> Result<Option<UserRecord>, StoreError>;
    /// Returns everybody, by name.
    async fn people(&self, now: DateTime<Utc>) -> Result<Vec<PersonRecord>, StoreError>;
    /// Changes a person. One who is disabled or deleted has no session any more; the invitations of one who
    /// is no longer an enabled administrator are void. The roles of one who logs in through a provider stay:
    /// [`ChangePersonError::External`].
    async fn change_person(
        &self,
        name: &str,
        change: PersonChange,
        audit: &NewAuditEntry,
    ) -> Result<(), ChangePersonError>;
    /// Replaces the password with this hash, and ends the person's other sessions. Returns false, and changes
    /// nothing, if that is not the person's password any more.
    async fn change_password(
        &self,
        old: &UserRecord,
        password_hash: &str,
        keep: Option<SessionId>,
        audit: &NewAuditEntry,
    ) -> Result<bool, StoreError>;
    /// Records an invitation. It replaces an earlier one of the same name.
    async fn insert_invitation(
        &self,
        invitation: &NewInvitation,
        audit: &NewAuditEntry,
    ) -> Result<(), InviteError>;
    /// Returns the invitations that have not expired, by name.
    async fn invitations(&self, now: DateTime<Utc>) -> Result<Vec<Invitation>, StoreError>;
    /// Returns the invitation with this token, if it has not expired.
    async fn invitation(
        &self,
        token: &TokenHash,
        now: DateTime<Utc>,
    ) -> Result<Option<Invitation>, StoreError>;
    /// Deletes an invitation. Returns false if there is none.
    async fn delete_invitation(&self, id: InvitationId, audit: &NewAuditEntry) -> Result<bool, StoreError>;
    /// Makes the invited person and deletes the invitation. Returns `None` if it has expired or is gone.
    async fn accept_invitation(
        &self,
        token: &TokenHash,
        password_hash: &str,
        audit: &NewAuditEntry,
    ) -> Result<Option<UserRecord>, StoreError>;
    /// Returns a person's settings for the fleet page; the default ones for an unknown person.
    async fn person_view(&self, name: &str) -> Result<PersonView, StoreError>;
    /// Records a person's settings for the fleet page; does nothing for an unknown person.
    async fn set_person_view(&self, name: &str, view: &PersonView) -> Result<(), StoreError>;
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

/// A person in the list of people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonRecord {
    /// The name.
    pub name: String,
    /// The person's role on the whole fleet.
    pub role: Role,
    /// The person's roles on some hosts, by scope.
    pub grants: Vec<Grant>,
    /// Whether the person's log-ins take a code.
    pub has_second_factor: bool,
    /// Whether the person logs in through a provider, which also decides the roles.
    pub is_external: bool,
    /// Since when the person cannot log in; `None` for a person who can.
    pub disabled_at: Option<DateTime<Utc>>,
    /// When a session of the person was last used.
    pub last_seen: Option<DateTime<Utc>>,
    /// The number of sessions that have not expired.
    pub sessions: u64,
}

/// A change of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PersonChange {
    /// Another role on the whole fleet.
    Role(Role),
    /// A role on some hosts. It replaces the role that the person has on this scope.
    Grant(Grant),
    /// No role of its own on this scope any more. Does nothing if there is none.
    Revoke(Scope),
    /// The person cannot log in from this moment on.
    Disable(DateTime<Utc>),
    /// The person can log in again.
    Enable,
    /// The person is removed. The audit log keeps the name.
    Delete,
}

/// Why a person is not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangePersonError {
    /// There is nobody of this name.
    #[error("there is no such person")]
    Unknown,
    /// Nobody could manage people any more.
    #[error("no enabled administrator would be left")]
    LastAdmin,
    /// The person logs in through a provider, which decides the roles, and has no password.
    #[error("the person logs in through a provider")]
    External,
    /// The person has [`GRANTS`] grants.
    #[error("a person has at most {GRANTS} grants")]
    TooManyGrants,
    /// See [`StoreError`].
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for ChangePersonError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// An invitation to record.
#[derive(Debug, Clone)]
pub struct NewInvitation {
    /// The hash of the secret in its link.
    pub token: TokenHash,
    /// The invitation itself.
    pub invitation: Invitation,
}

/// An invitation as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Its identifier.
    pub id: InvitationId,
    /// The name of the person who joins with it.
    pub name: String,
    /// That person's role.
    pub role: Role,
    /// Who made it.
    pub invited_by: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it expires.
    pub expires_at: DateTime<Utc>,
}

/// Why an invitation is not recorded.
#[derive(Debug, thiserror::Error)]
pub enum InviteError {
    /// Somebody has this name, in whatever case.
    #[error("the name is taken")]
    NameTaken,
    /// See [`StoreError`].
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for InviteError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}
