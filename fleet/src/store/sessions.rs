//! Sessions of people.

use async_trait::async_trait;
use backstay_model::{Person, SessionId};
use chrono::{DateTime, Utc};

use super::{NewAuditEntry, StoreError, TokenHash};

/// The most sessions of one person; a further one ends the one that was unused for longest.
pub const SESSIONS_KEPT: u32 = 50;
/// The longest stored address of a browser, in characters.
const ADDRESS_CHARS: usize = 64;
/// The longest stored name of a browser, in characters.
const BROWSER_CHARS: usize = 200;

/// Sessions of people.
#[async_trait]
pub trait SessionStore: Send + Sync + 'static {
    /// Records a session, with the audit entry of the log-in, and ends the one that it replaces. Returns
    /// false, and records nothing, if the person is disabled or has another password by now.
    async fn insert_session(&self, session: &NewSession, audit: &NewAuditEntry) -> Result<bool, StoreError>;
    /// Returns a session that has not expired.
    async fn session(
        &self,
        token: &TokenHash,
        now: DateTime<Utc>,
    ) -> Result<Option<SessionRecord>, StoreError>;
    /// Returns a person's sessions that have not expired, the last used one first.
    async fn sessions(&self, user: &str, now: DateTime<Utc>) -> Result<Vec<SessionRecord>, StoreError>;
    /// Records that a session was used, and its new end. Never goes back in time.
    async fn touch_session(
        &self,
        id: SessionId,
        now: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> Result<(), StoreError>;
    /// Records that the person has just proved again who they are.
    async fn prove_session(&self, id: SessionId, now: DateTime<Utc>) -> Result<(), StoreError>;
    /// Ends a session of this person. Returns false if the person has no such session.
    async fn end_session(&self, user: &str, id: SessionId, audit: &NewAuditEntry)
    -> Result<bool, StoreError>;
    /// Ends all sessions of this person but one. Returns their number; records nothing if there are none.
    async fn end_other_sessions(
        &self,
        user: &str,
        keep: Option<SessionId>,
        audit: &NewAuditEntry,
    ) -> Result<u64, StoreError>;
    /// Deletes sessions, invitations and join tokens that have expired.
    async fn delete_expired(&self, now: DateTime<Utc>) -> Result<(), StoreError>;
}

/// A session to record.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// The hash of the session's token.
    pub token: TokenHash,
    /// Its identifier.
    pub id: SessionId,
    /// The person.
    pub user: String,
    /// The hash of the password that was checked; empty for a person who comes through a provider.
    pub password_hash: String,
    /// The session at the provider, if it named one.
    pub provider_session: Option<String>,
    /// The browser.
    pub client: Client,
    /// The session that this one replaces in the same browser.
    pub replaces: Option<TokenHash>,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When it ends if it is not used.
    pub expires_at: DateTime<Utc>,
}

/// A session as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRecord {
    /// Its identifier.
    pub id: SessionId,
    /// The person, with the role of now.
    pub person: Person,
    /// The browser.
    pub client: Client,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When it was last used, to the minute.
    pub last_seen: DateTime<Utc>,
    /// When the person last proved who they are.
    pub proved_at: DateTime<Utc>,
    /// Whether the person's log-ins take a code.
    pub has_second_factor: bool,
    /// Whether the person logs in through a provider.
    pub is_external: bool,
}

/// The browser of a session, as it said itself at the log-in: short, and on one line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Client {
    /// The network address.
    pub address: String,
    /// The user agent.
    pub browser: String,
}

impl Client {
    /// Cuts what is too long, and replaces control characters.
    pub fn new(address: &str, browser: &str) -> Self {
        let plain = |text: &str, chars| -> String {
            text.chars().take(chars).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
        };
        Self { address: plain(address, ADDRESS_CHARS), browser: plain(browser, BROWSER_CHARS) }
    }
}
