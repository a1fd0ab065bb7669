//! The audit log.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use backstay_model::OpId;
use backstay_model::view::{AuditEntry, AuditQuery};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::StoreError;

/// The audit log, which shows tampering.
#[async_trait]
pub trait AuditStore: Send + Sync + 'static {
    /// Appends an entry.
    async fn append_audit(&self, entry: &NewAuditEntry) -> Result<(), StoreError>;
    /// Returns the matching entries, newest first, at most `limit`.
    async fn audit(&self, query: &AuditQuery, limit: u32) -> Result<Vec<AuditEntry>, StoreError> {
        Ok(self.hashed_audit(query, limit).await?.into_iter().map(|hashed| hashed.entry).collect())
    }
    /// Returns the matching entries with their hashes, newest first, at most `limit`.
    async fn hashed_audit(&self, query: &AuditQuery, limit: u32) -> Result<Vec<HashedEntry>, StoreError>;
    /// Returns the newest entry's mark, without verifying anything.
    async fn audit_head(&self) -> Result<AuditMark, StoreError>;
    /// Recomputes the chain of hashes after `from`, over at most `limit` entries.
    async fn verify_audit_after(&self, from: &AuditMark, limit: u32) -> Result<AuditCheck, StoreError>;
    /// Returns how far the log was verified, as [`Self::keep_audit_checkpoint`] last recorded it.
    async fn audit_checkpoint(&self) -> Result<Option<AuditCheckpoint>, StoreError>;
    /// Records how far the log is verified, so that a restart continues from there.
    async fn keep_audit_checkpoint(&self, checkpoint: &AuditCheckpoint) -> Result<(), StoreError>;

    /// Recomputes the whole chain of hashes. Returns the number of the first entry that does not match, or
    /// `None`.
    async fn verify_audit(&self) -> Result<Option<u64>, StoreError> {
        let mut from = AuditMark::default();
        loop {
            match self.verify_audit_after(&from, AUDIT_BATCH).await? {
                AuditCheck::Broken(seq) => return Ok(Some(seq)),
                AuditCheck::Intact { end: true, .. } => return Ok(None),
                AuditCheck::Intact { to, end: false } => from = to,
            }
        }
    }
}

/// An entry with its hash, as exports hold it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HashedEntry {
    /// The entry.
    #[serde(flatten)]
    pub entry: AuditEntry,
    /// Its hash, which covers every entry up to this one. With the number, it is an [`AuditMark`].
    pub hash: String,
}

/// Entries that one step of a verification reads: some 30 ms of work, and a short read transaction.
pub const AUDIT_BATCH: u32 = 1000;

/// A place in the audit log: an entry and its hash. The hash covers every entry up to this one, so a mark kept
/// elsewhere proves later that none of them was changed or removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditMark {
    /// The number of the entry; 0 for the beginning of the log.
    pub seq: u64,
    /// Its hash, in lower-case hexadecimal; empty for the beginning of the log.
    pub hash: String,
}

/// How far the audit log is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditCheckpoint {
    /// The last verified entry.
    pub mark: AuditMark,
    /// When the verification began at the first entry.
    pub since: DateTime<Utc>,
}

impl fmt::Display for AuditMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, self.hash)
    }
}

impl FromStr for AuditMark {
    type Err = NotAMark;

    fn from_str(text: &str) -> Result<Self, NotAMark> {
        let (seq, hash) = text.split_once(':').ok_or(NotAMark)?;
        let is_hash = hash.len() == 64 && hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let seq = seq.parse().ok().filter(|seq| *seq > 0 && is_hash).ok_or(NotAMark)?;
        Ok(Self { seq, hash: hash.to_owned() })
    }
}

/// A text is not a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a mark is the number of an entry, a colon, and 64 hexadecimal digits")]
pub struct NotAMark;

/// The result of one step of a verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditCheck {
    /// No entry up to `to` was changed or removed.
    Intact {
        /// The last entry that was verified.
        to: AuditMark,
        /// Whether it is the newest of the log.
        end: bool,
    },
    /// The number of the first entry that does not match.
    Broken(u64),
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

#[cfg(test)]
mod tests {
    use super::AuditMark;

    #[test]
    fn a_mark_is_read_as_it_was_written() {
        let mark = AuditMark { seq: 12, hash: "0a".repeat(32) };
        assert_eq!(mark.to_string().parse(), Ok(mark.clone()));
        for wrong in
            ["", "12", "12:", ":", "0:", &format!("0:{}", mark.hash), &format!("-1:{}", mark.hash), "12:0A"]
        {
            assert!(wrong.parse::<AuditMark>().is_err(), "{wrong}");
        }
    }
}
