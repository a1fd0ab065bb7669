//! People who log in through an OpenID Connect provider.

use async_trait::async_trait;
use backstay_model::{Grant, Role};
use chrono::{DateTime, Utc};

use super::{NewAuditEntry, StoreError, UserRecord};

/// People who log in through an OpenID Connect provider. Each is known by the provider's identifier, never by a name.
#[async_trait]
pub trait ExternalIdentityStore: Send + Sync + 'static {
    /// Returns the person of this identity.
    async fn external_person(
        &self,
        identity: &ExternalIdentity,
    ) -> Result<Option<ExternalPerson>, StoreError>;
    /// Records the person of a new identity. Returns false, and changes nothing, if the identity is known, or if somebody else has
    /// this name, or an open invitation to it, in whatever case.
    async fn insert_external_person(
        &self,
        identity: &ExternalIdentity,
        name: &str,
        roles: &ProviderRoles,
        audit: &NewAuditEntry,
    ) -> Result<bool, StoreError>;
    /// Replaces the roles of a known identity's person. The provider decides: unlike all else, this also leaves no administrator if
    /// it says so.
    async fn set_external_roles(
        &self,
        identity: &ExternalIdentity,
        roles: &ProviderRoles,
        audit: &NewAuditEntry,
    ) -> Result<(), StoreError>;
    /// Ends the sessions of this identity, or only those of one session at the provider. Returns their number; records nothing if
    /// there are none.
    async fn end_external_sessions(
        &self,
        identity: &ExternalIdentity,
        provider_session: Option<&str>,
        at: DateTime<Utc>,
    ) -> Result<u64, StoreError>;
}

/// A person at a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalIdentity {
    /// The provider's address, as its tokens name it (`iss`).
    pub issuer: String,
    /// The provider's identifier of the person (`sub`).
    pub subject: String,
}

/// The roles of a person that the provider's groups decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderRoles {
    /// On the whole fleet.
    pub role: Role,
    /// On some hosts, by scope.
    pub grants: Vec<Grant>,
}

/// A person with an identity at a provider, as stored.
#[derive(Debug, Clone)]
pub struct ExternalPerson {
    /// The person, whose password hash is empty.
    pub user: UserRecord,
    /// The person's roles.
    pub roles: ProviderRoles,
    /// Whether the person cannot log in.
    pub is_disabled: bool,
}
