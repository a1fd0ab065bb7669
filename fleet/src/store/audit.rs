//! The audit log.

use async_trait::async_trait;
use backstay_model::OpId;
use backstay_model::view::{AuditEntry, AuditQuery};
use chrono::{DateTime, Utc};

use super::StoreError;

/// The audit log, which shows tampering.
#[async_trait]
pub trait AuditStore: Send + Sync + 'static {
    /// Appends an entry.
    async fn append_audit(&self, entry: &NewAuditEntry) -> Result<(), StoreError>;
    /// Returns the matching entries, newest first, at most `limit`.
    async fn audit(&self, query: &AuditQuery, limit: u32) -> Result<Vec<AuditEntry>, StoreError>;
    /// Recomputes the chain of hashes. Returns the number of the first entry that does not match, or `None`.
    async fn verify_audit(&self) -> Result<Option<u64>, StoreError>;
}

/// An audit entry to append; the log gives it its number and its hash.
#[derive(Debug, Clone)]
pub struct NewAuditEntry {
    /// When it happened.
    pub at: DateTime<Utc>,
    /// Who did it.
    pub actor: String,
    /// The action, such as `rollback.requested`.
    pub action: String,
    /// The host that it was done to.
    pub host_name: Option<String>,
    /// The generation that the host left.
    pub from_gen: Option<u32>,
    /// The generation that it was to reach.
    pub to_gen: Option<u32>,
    /// The person's reason.
    pub reason: Option<String>,
    /// The result or details, in a sentence.
    pub detail: String,
    /// The op that it belongs to.
    pub op: Option<OpId>,
}

impl NewAuditEntry {
    /// An entry that names no host, no op, no generations and no reason.
    pub fn new(
        at: DateTime<Utc>,
        actor: impl Into<String>,
        action: impl Into<String>,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            at,
            actor: actor.into(),
            action: action.into(),
            host_name: None,
            from_gen: None,
            to_gen: None,
            reason: None,
            detail: detail.into(),
            op: None,
        }
    }

    /// Names the host.
    #[must_use]
    pub fn host(self, name: impl Into<String>) -> Self {
        Self { host_name: Some(name.into()), ..self }
    }

    /// Names the op.
    #[must_use]
    pub fn op(self, op: OpId) -> Self {
        Self { op: Some(op), ..self }
    }

    /// Gives the person's reason, if there is one.
    #[must_use]
    pub fn reason(self, reason: Option<&str>) -> Self {
        Self { reason: reason.map(str::to_owned), ..self }
    }

    /// Names the generations that the host leaves and goes to, if it does.
    #[must_use]
    pub fn generations(self, from_to: Option<(u32, u32)>) -> Self {
        let (from_gen, to_gen) = from_to.unzip();
        Self { from_gen, to_gen, ..self }
    }
}
