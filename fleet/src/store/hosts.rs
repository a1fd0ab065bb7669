//! Hosts, their join tokens, and the history of what they report.

use async_trait::async_trait;
use backstay_model::{Facts, Generation, HostId, HostTraits, Labels, Platform, TestRun, TestTimeout};
use chrono::{DateTime, Utc};

use super::{NewAuditEntry, StoreError, TokenHash};

/// The number of generations of a host that the store keeps, besides those that its profile lists.
pub const GENERATIONS_KEPT: u32 = 1_000;
/// The number of test runs of a host that the store keeps.
pub const TEST_RUNS_KEPT: u32 = 1_000;
/// The size of all stored test runs of a host, in bytes, at most.
pub const TEST_BYTES_KEPT: u32 = 32 * 1024 * 1024;
/// The size of the test runs that one read returns, in bytes, at most.
pub const TEST_BYTES_READ: usize = 2 * 1024 * 1024;

/// Hosts, their join tokens, and the history of what they report.
#[async_trait]
pub trait HostStore: Send + Sync + 'static {
    /// Records a join token, with its [audit entry](NewJoinToken::audit_entry).
    async fn insert_join_token(&self, token: &NewJoinToken) -> Result<(), StoreError>;
    /// Returns whether there is such a join token, used or not.
    async fn is_join_token(&self, join: &TokenHash) -> Result<bool, StoreError>;
    /// Returns the join tokens that are valid at this time and unused, oldest first.
    async fn join_tokens(&self, now: DateTime<Utc>) -> Result<Vec<JoinTokenRecord>, StoreError>;
    /// Deletes an unused join token, with the audit entry. Returns false, and writes nothing, if there is none.
    async fn revoke_join_token(&self, id: &str, audit: &NewAuditEntry) -> Result<bool, StoreError>;
    /// Enrols a host, with its [audit entry](NewHost::audit_entry), and uses up its join token. With the same
    /// join token and the same [`NewHost::token`] again, it changes nothing and returns the host of the first
    /// call: the agent may have lost the first answer.
    async fn enrol(&self, host: &NewHost, join: &TokenHash) -> Result<HostRecord, EnrolError>;
    /// Returns every host, by name.
    async fn hosts(&self) -> Result<Vec<HostRecord>, StoreError>;
    /// Returns the host with this identifier.
    async fn host(&self, id: HostId) -> Result<Option<HostRecord>, StoreError>;
    /// Returns the host with this identifier, without its facts, which take long to read.
    async fn host_without_facts(&self, id: HostId) -> Result<Option<HostRecord>, StoreError>;
    /// Returns the host with this name, ignoring case.
    async fn host_by_name(&self, name: &str) -> Result<Option<HostRecord>, StoreError>;
    /// Returns the host whose agent presents this token.
    async fn host_by_token(&self, token: &TokenHash) -> Result<Option<HostRecord>, StoreError>;
    /// Records what an agent reported about itself when it connected. Writes nothing if it is known.
    async fn record_agent(
        &self,
        id: HostId,
        version: &str,
        protocol: u32,
        platform: Platform,
    ) -> Result<(), StoreError>;
    /// Records when the server last heard from these agents. No time goes back.
    async fn record_seen(&self, seen: &[(HostId, DateTime<Utc>)]) -> Result<(), StoreError>;
    /// Records facts: the latest as they are, generations and test runs also in their histories, which keep
    /// the newest [`GENERATIONS_KEPT`], [`TEST_RUNS_KEPT`] and [`TEST_BYTES_KEPT`]. The last call wins,
    /// whatever the host's clock says: somebody may have set it back.
    async fn record_facts(&self, id: HostId, facts: &Facts) -> Result<(), StoreError>;
    /// Sets whether tests run automatically after a switch or rollback.
    async fn set_auto_test(&self, id: HostId, on: bool, audit: &NewAuditEntry) -> Result<(), StoreError>;
    /// Sets the time limit of each test of a host; `None` leaves it to the agent's configuration.
    async fn set_test_timeout(
        &self,
        id: HostId,
        timeout: Option<TestTimeout>,
        audit: &NewAuditEntry,
    ) -> Result<(), StoreError>;
    /// Sets a host's tags and notes.
    async fn set_labels(&self, id: HostId, labels: &Labels, audit: &NewAuditEntry) -> Result<(), StoreError>;
    /// Removes a host from the fleet, with the audit entry: no query finds it, its token is void, its name is
    /// free, and its histories of generations and test runs are deleted. Ops, rollbacks and deployments that
    /// name it stay. Returns false, and writes nothing, if the host is not in the fleet or an op holds it.
    async fn remove_host(
        &self,
        id: HostId,
        at: DateTime<Utc>,
        audit: &NewAuditEntry,
    ) -> Result<bool, StoreError>;
    /// Returns every generation that a host ever reported, newest first.
    async fn generations(&self, host: HostId) -> Result<Vec<GenerationRecord>, StoreError>;
    /// Returns the latest test runs of a host, newest first, at most `limit`, and at most [`TEST_BYTES_READ`]
    /// of them.
    async fn test_runs(&self, host: HostId, limit: u32) -> Result<Vec<TestRun>, StoreError>;
    /// Returns the latest test run of each of these builds, if the host reported one, newest first.
    async fn latest_test_runs(&self, host: HostId, builds: &[&str]) -> Result<Vec<TestRun>, StoreError>;
}

/// A host as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct HostRecord {
    /// Its identifier.
    pub id: HostId,
    /// Its name, unique ignoring case.
    pub name: String,
    /// Its platform.
    pub platform: Platform,
    /// True if tests run automatically after a switch or rollback.
    pub auto_test: bool,
    /// The time limit of each of its tests, if a person set one.
    pub test_timeout: Option<TestTimeout>,
    /// Its tags and notes.
    pub labels: Labels,
    /// The version of its agent; `None` before the first connection.
    pub agent_version: Option<String>,
    /// The protocol version of its agent; `None` before the first connection.
    pub agent_protocol: Option<u32>,
    /// When the server last heard from its agent.
    pub last_seen: Option<DateTime<Utc>>,
    /// The latest facts.
    pub facts: Option<Facts>,
    /// When it was enrolled.
    pub created_at: DateTime<Utc>,
}

impl HostRecord {
    /// What decides whose grants cover it.
    pub fn traits(&self) -> HostTraits<'_> {
        HostTraits { name: &self.name, platform: self.platform, tags: &self.labels.tags }
    }
}

/// A generation in a host's history, also after it has left the profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenerationRecord {
    /// The generation as last reported.
    pub generation: Generation,
    /// True if the profile still lists it.
    pub in_profile: bool,
}

/// A host to enrol.
#[derive(Debug, Clone)]
pub struct NewHost {
    /// Its identifier.
    pub id: HostId,
    /// The name that its agent gave.
    pub name: String,
    /// Its platform.
    pub platform: Platform,
    /// The hash of the token that its agent will present from now on.
    pub token: TokenHash,
    /// True if tests run automatically after a switch or rollback.
    pub auto_test: bool,
    /// When it is enrolled.
    pub at: DateTime<Utc>,
}

impl NewHost {
    /// The audit entry for the enrolment.
    pub fn audit_entry(&self) -> NewAuditEntry {
        let detail = format!("Joined the fleet as a {} host.", self.platform.title());
        NewAuditEntry::new(self.at, &self.name, "host.enrolled", detail).host(&self.name)
    }
}

/// A join token: the right to enrol one host, once, until it expires.
#[derive(Debug, Clone)]
pub struct NewJoinToken {
    /// The hash of the token.
    pub token: TokenHash,
    /// The only name that it admits, or `None` for any.
    pub host_name: Option<String>,
    /// Who made it.
    pub made_by: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it expires.
    pub expires_at: DateTime<Utc>,
}

impl NewJoinToken {
    /// The audit entry for the token.
    pub fn audit_entry(&self) -> NewAuditEntry {
        let whom = self.host_name.as_deref().unwrap_or("any host");
        let detail = format!("For {whom}, valid for {} h.", (self.expires_at - self.created_at).num_hours());
        let entry = NewAuditEntry::new(self.created_at, &self.made_by, "join-token.created", detail);
        NewAuditEntry { host_name: self.host_name.clone(), ..entry }
    }
}

/// An unused join token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinTokenRecord {
    /// The beginning of the token's hash, which names it and opens nothing.
    pub id: String,
    /// The only name that it admits, or `None` for any.
    pub host_name: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it expires.
    pub expires_at: DateTime<Utc>,
}

/// Why the store did not enrol a host. The caller hears only that the token is not valid.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// The token is unknown, expired, used, or for a host of another name.
    #[error("the join token is not valid: it is unknown, used, expired, or made for another host")]
    InvalidToken,
    /// Another host has this name.
    #[error("a host named {0} already exists: remove it first, or give this one another name")]
    NameTaken(String),
    /// See [`StoreError`].
    #[error(transparent)]
    Store(#[from] StoreError),
}
