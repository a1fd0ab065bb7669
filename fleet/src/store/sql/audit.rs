//! The audit log: a chain of hashes that shows a changed, removed or inserted entry.
//!
//! The hash of an entry is the SHA-256, in lower-case hexadecimal, of the compact JSON array (RFC 8259)
//! `["backstay-audit-1", previous hash, seq, at, actor, action, host_name, from_gen, to_gen, reason, detail,
//! op_id]`, each in its stored form, with `null` for a missing value. JSON quotes every text, so no two
//! entries have the same encoding. The hash before the first entry is the empty text.
//!
//! `audit_head` holds the length of the log, which shows that entries are missing at its end. An attacker who
//! can write the file can also recompute the whole chain: keep the latest hash elsewhere to detect that.

use super::{Db, DbRow};
use async_trait::async_trait;
use backstay_model::view::{AuditEntry, AuditQuery};
use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::QueryBuilder;
use tokio_stream::StreamExt;

use super::row::{Columns, FromRow, all, optional, stored_number, stored_text, stored_time};
use super::{SqlStore, Tx, search};
use crate::secret::hex;
use crate::store::{
    AuditCheck, AuditCheckpoint, AuditMark, AuditStore, HashedEntry, NewAuditEntry, StoreError,
};

#[async_trait]
impl AuditStore for SqlStore {
    async fn append_audit(&self, entry: &NewAuditEntry) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        append(&mut tx, entry).await?;
        Ok(tx.commit().await?)
    }

    async fn hashed_audit(&self, wanted: &AuditQuery, limit: u32) -> Result<Vec<HashedEntry>, StoreError> {
        let mut query = QueryBuilder::<Db>::new("SELECT * FROM audit_log WHERE seq < ");
        query.push_bind(wanted.before.map_or(i64::MAX, stored_number));
        if let Some(host) = &wanted.host {
            query.push(" AND LOWER(host_name) = ").push_bind(host.to_lowercase());
        }
        if let Some(actor) = &wanted.actor {
            query.push(" AND actor = ").push_bind(actor);
        }
        if let Some(action) = &wanted.action {
            // Not LIKE, which would treat some letters of the action as wildcards.
            let group = format!("{action}.");
            query.push(" AND (action = ").push_bind(action);
            query
                .push(" OR SUBSTR(action, 1, LENGTH(")
                .push_bind(group.clone())
                .push(")) = ")
                .push_bind(group)
                .push(")");
        }
        if wanted.without_log_ins {
            query.push(" AND action <> 'login' AND SUBSTR(action, 1, 6) <> 'login.'");
        }
        let text = "COALESCE(host_name, '') || ' ' || actor || ' ' || action || ' ' || COALESCE(reason, '') || ' ' || detail";
        search::push(&mut query, &wanted.search, "audit_log", "at", text);
        query.push(" ORDER BY seq DESC LIMIT ").push_bind(i64::from(limit));
        all(query.build().fetch_all(&self.reader).await?)
    }

    async fn audit_head(&self) -> Result<AuditMark, StoreError> {
        let head =
            sqlx::query("SELECT seq, hash FROM audit_head WHERE id = 1").fetch_one(&self.reader).await?;
        Ok(AuditMark { seq: head.number("seq")?, hash: head.text("hash")? })
    }

    async fn verify_audit_after(&self, from: &AuditMark, limit: u32) -> Result<AuditCheck, StoreError> {
        // One transaction, so that the log and its head belong together.
        let mut tx = self.snapshot().await?;
        if !is_held(&mut tx, from).await? {
            return Ok(AuditCheck::Broken(from.seq));
        }
        let mut to = from.clone();
        let mut read = 0;
        {
            let mut rows = sqlx::query("SELECT * FROM audit_log WHERE seq > $1 ORDER BY seq LIMIT $2")
                // Before the first entry there must be none with a lower number either.
                .bind(if from.seq == 0 { i64::MIN } else { stored_number(from.seq) })
                .bind(i64::from(limit))
                .fetch(&mut *tx);
            while let Some(row) = rows.next().await {
                read += 1;
                let seq = to.seq + 1;
                match next_hash(&row?, stored_number(seq), &to.hash) {
                    Some(hash) => to = AuditMark { seq, hash },
                    None => return Ok(AuditCheck::Broken(seq)),
                }
            }
        }
        if read == limit {
            return Ok(AuditCheck::Intact { to, end: false });
        }
        let head =
            sqlx::query("SELECT seq, hash FROM audit_head WHERE id = 1").fetch_optional(&mut *tx).await?;
        let is_whole = head.is_some_and(|head| {
            head.number("seq").is_ok_and(|last: u64| last == to.seq)
                && head.text("hash").is_ok_and(|last| last == to.hash)
        });
        Ok(if is_whole { AuditCheck::Intact { to, end: true } } else { AuditCheck::Broken(to.seq + 1) })
    }

    async fn audit_checkpoint(&self) -> Result<Option<AuditCheckpoint>, StoreError> {
        let kept = sqlx::query("SELECT seq, hash, since FROM audit_checkpoint WHERE id = 1");
        optional(kept.fetch_optional(&self.reader).await?)
    }

    async fn keep_audit_checkpoint(&self, checkpoint: &AuditCheckpoint) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO audit_checkpoint (id, seq, hash, since) VALUES (1, $1, $2, $3)
             ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, since = excluded.since",
        )
        .bind(stored_number(checkpoint.mark.seq))
        .bind(&checkpoint.mark.hash)
        .bind(stored_time(checkpoint.since))
        .execute(&self.writer)
        .await?;
        Ok(())
    }
}

impl FromRow for AuditCheckpoint {
    fn from_row(row: &DbRow) -> Result<Self, StoreError> {
        let mark = AuditMark { seq: row.number("seq")?, hash: row.text("hash")? };
        Ok(Self { mark, since: row.time("since")? })
    }
}

/// Returns whether the log still has the entry of a mark.
async fn is_held(tx: &mut Tx, mark: &AuditMark) -> Result<bool, StoreError> {
    if *mark == AuditMark::default() {
        return Ok(true);
    }
    let row = sqlx::query("SELECT hash FROM audit_log WHERE seq = $1")
        .bind(stored_number(mark.seq))
        .fetch_optional(&mut **tx)
        .await?;
    Ok(row.is_some_and(|row| row.text("hash").is_ok_and(|hash| hash == mark.hash)))
}

impl FromRow for AuditEntry {
    fn from_row(row: &DbRow) -> Result<Self, StoreError> {
        Ok(Self {
            seq: row.number("seq")?,
            at: row.time("at")?,
            actor: row.text("actor")?,
            action: row.text("action")?,
            host_name: row.text_opt("host_name")?,
            from_gen: row.number_opt("from_gen")?,
            to_gen: row.number_opt("to_gen")?,
            reason: row.text_opt("reason")?,
            detail: row.text("detail")?,
            op: row.parsed_opt("op_id")?,
        })
    }
}

impl FromRow for HashedEntry {
    fn from_row(row: &DbRow) -> Result<Self, StoreError> {
        Ok(Self { entry: AuditEntry::from_row(row)?, hash: row.text("hash")? })
    }
}

/// An entry in its stored form, which the hash covers.
struct Stored {
    seq: i64,
    at: String,
    actor: String,
    action: String,
    host_name: Option<String>,
    from_gen: Option<i64>,
    to_gen: Option<i64>,
    reason: Option<String>,
    detail: String,
    op: Option<String>,
}

impl Stored {
    fn new(seq: i64, entry: &NewAuditEntry) -> Self {
        Self {
            seq,
            at: stored_time(entry.at),
            actor: stored_text(&entry.actor),
            action: stored_text(&entry.action),
            host_name: entry.host_name.as_deref().map(stored_text),
            from_gen: entry.from_gen.map(i64::from),
            to_gen: entry.to_gen.map(i64::from),
            reason: entry.reason.as_deref().map(stored_text),
            detail: stored_text(&entry.detail),
            op: entry.op.map(|op| op.to_string()),
        }
    }

    fn from_row(row: &DbRow) -> Result<Self, StoreError> {
        Ok(Self {
            seq: row.number("seq")?,
            at: row.text("at")?,
            actor: row.text("actor")?,
            action: row.text("action")?,
            host_name: row.text_opt("host_name")?,
            from_gen: row.number_opt("from_gen")?,
            to_gen: row.number_opt("to_gen")?,
            reason: row.text_opt("reason")?,
            detail: row.text("detail")?,
            op: row.text_opt("op_id")?,
        })
    }

    fn hash(&self, before: &str) -> String {
        let encoding = json!([
            "backstay-audit-1",
            before,
            self.seq,
            self.at,
            self.actor,
            self.action,
            self.host_name,
            self.from_gen,
            self.to_gen,
            self.reason,
            self.detail,
            self.op
        ]);
        hex(&Sha256::digest(encoding.to_string()))
    }
}

/// Appends an entry in the transaction of the change that it describes.
pub(super) async fn append(tx: &mut Tx, entry: &NewAuditEntry) -> Result<(), StoreError> {
    let head = sqlx::query("SELECT seq, hash FROM audit_head WHERE id = 1").fetch_one(&mut **tx).await?;
    let stored = Stored::new(head.number::<i64>("seq")? + 1, entry);
    let hash = stored.hash(&head.text("hash")?);
    sqlx::query("UPDATE audit_head SET seq = $1, hash = $2 WHERE id = 1")
        .bind(stored.seq)
        .bind(&hash)
        .execute(&mut **tx)
        .await?;
    sqlx::query(
        "INSERT INTO audit_log
             (seq, at, actor, action, host_name, from_gen, to_gen, reason, detail, op_id, hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(stored.seq)
    .bind(stored.at)
    .bind(stored.actor)
    .bind(stored.action)
    .bind(stored.host_name)
    .bind(stored.from_gen)
    .bind(stored.to_gen)
    .bind(stored.reason)
    .bind(stored.detail)
    .bind(stored.op)
    .bind(hash)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Returns the hash of the entry if the entry belongs here.
fn next_hash(row: &DbRow, seq: i64, before: &str) -> Option<String> {
    // A row that cannot be read as an entry was not written here.
    let stored = Stored::from_row(row).ok().filter(|stored| stored.seq == seq)?;
    let hash = stored.hash(before);
    row.text("hash").is_ok_and(|stored| stored == hash).then_some(hash)
}
