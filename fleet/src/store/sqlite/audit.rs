//! The audit log: a chain of hashes, so that an entry that was changed, cut out or put in shows.
//!
//! The hash of an entry is the SHA-256, in lower-case hexadecimal, of the compact JSON array (RFC 8259) of
//! `["backstay-audit-1", hash before, seq, at, actor, action, host_name, from_gen, to_gen, reason, detail, op_id]`, each as
//! it is stored, with `null` for what is missing. JSON quotes every text, so no two entries have the same encoding. The
//! hash before the first entry is the empty text.
//!
//! `audit_head` says how far the log goes, so that entries missing at its end are missed too. Whoever can write the file
//! can also compute the whole chain anew: against that, keep the latest hash somewhere else.

use backstay_model::view::{AuditEntry, AuditQuery};
use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite};
use tokio_stream::StreamExt;

use super::row::{Columns, stored_number, stored_time};
use super::{NewAuditEntry, SqliteStore, StoreError, Tx};
use crate::secret::hex;

/// An entry as it is stored, which is also as it is hashed.
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
            actor: entry.actor.clone(),
            action: entry.action.clone(),
            host_name: entry.host_name.clone(),
            from_gen: entry.from_gen.map(i64::from),
            to_gen: entry.to_gen.map(i64::from),
            reason: entry.reason.clone(),
            detail: entry.detail.clone(),
            op: entry.op.map(|op| op.to_string()),
        }
    }

    fn from_row(row: &SqliteRow) -> Result<Self, StoreError> {
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

/// Appends an entry, in the transaction of what it tells of.
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

pub(super) async fn page(
    store: &SqliteStore,
    wanted: &AuditQuery,
    limit: u32,
) -> Result<Vec<AuditEntry>, StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM audit_log WHERE seq < ");
    query.push_bind(wanted.before.map_or(i64::MAX, stored_number));
    if let Some(host) = &wanted.host {
        query.push(" AND LOWER(host_name) = ").push_bind(host.to_lowercase());
    }
    if let Some(actor) = &wanted.actor {
        query.push(" AND actor = ").push_bind(actor);
    }
    if let Some(action) = &wanted.action {
        // Not by LIKE, in which letters of the action would mean something else.
        let group = format!("{action}.");
        let letters = i64::try_from(group.chars().count()).unwrap_or(i64::MAX);
        query.push(" AND (action = ").push_bind(action);
        query.push(" OR SUBSTR(action, 1, ").push_bind(letters).push(") = ").push_bind(group).push(")");
    }
    query.push(" ORDER BY seq DESC LIMIT ").push_bind(i64::from(limit));
    query.build().fetch_all(&store.reader).await?.iter().map(entry).collect()
}

fn entry(row: &SqliteRow) -> Result<AuditEntry, StoreError> {
    Ok(AuditEntry {
        seq: row.number("seq")?,
        at: row.time("at")?,
        actor: row.text("actor")?,
        action: row.text("action")?,
        host_name: row.text_opt("host_name")?,
        from_gen: row.number_opt("from_gen")?,
        to_gen: row.number_opt("to_gen")?,
        reason: row.text_opt("reason")?,
        detail: row.text("detail")?,
        op: row.text_opt("op_id")?.map(|_| row.parsed("op_id")).transpose()?,
    })
}

/// Recomputes the chain from its first entry, in one transaction, so that it sees the log and its head as they belong
/// together.
pub(super) async fn verify(store: &SqliteStore) -> Result<Option<u64>, StoreError> {
    let mut tx = store.reader.begin().await?;
    let (mut seq, mut hash) = (0_i64, String::new());
    {
        let mut rows = sqlx::query("SELECT * FROM audit_log ORDER BY seq").fetch(&mut *tx);
        while let Some(row) = rows.next().await {
            seq += 1;
            match next_hash(&row?, seq, &hash) {
                Some(next) => hash = next,
                None => return Ok(u64::try_from(seq).ok()),
            }
        }
    }
    let head = sqlx::query("SELECT seq, hash FROM audit_head WHERE id = 1").fetch_optional(&mut *tx).await?;
    let whole = head.is_some_and(|head| {
        head.number("seq").is_ok_and(|last: i64| last == seq)
            && head.text("hash").is_ok_and(|last| last == hash)
    });
    Ok(if whole { None } else { u64::try_from(seq + 1).ok() })
}

/// The hash of the entry, if it is the one that belongs here.
fn next_hash(row: &SqliteRow, seq: i64, before: &str) -> Option<String> {
    // What cannot even be read as an entry is no entry that was written here.
    let stored = Stored::from_row(row).ok().filter(|stored| stored.seq == seq)?;
    let hash = stored.hash(before);
    row.text("hash").is_ok_and(|told| told == hash).then_some(hash)
}
