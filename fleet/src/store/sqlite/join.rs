//! Join tokens and how a host enters the fleet with one.

use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteRow;

use super::row::{Columns, stored_time};
use super::{
    EnrolError, HostRecord, NewHost, NewJoinToken, SqliteStore, StoreError, TokenHash, Tx, audit, hosts,
};

pub(super) async fn insert_token(store: &SqliteStore, token: &NewJoinToken) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    sqlx::query(
        "INSERT INTO join_tokens (token_hash, host_name, created_at, expires_at) VALUES ($1, $2, $3, $4)",
    )
    .bind(&token.token.0)
    .bind(&token.host_name)
    .bind(stored_time(token.created_at))
    .bind(stored_time(token.expires_at))
    .execute(&mut *tx)
    .await?;
    audit::append(&mut tx, &token.audit_entry()).await?;
    Ok(tx.commit().await?)
}

/// A join token as stored.
struct JoinToken {
    host_name: Option<String>,
    expires_at: DateTime<Utc>,
    used_at: Option<DateTime<Utc>>,
}

impl JoinToken {
    fn from_row(row: &SqliteRow) -> Result<Self, StoreError> {
        Ok(Self {
            host_name: row.text_opt("host_name")?,
            expires_at: row.time("expires_at")?,
            used_at: row.time_opt("used_at")?,
        })
    }

    fn admits(&self, host: &NewHost) -> bool {
        self.expires_at > host.at
            && self.host_name.as_ref().is_none_or(|name| name.eq_ignore_ascii_case(&host.name))
    }
}

pub(super) async fn enrol(
    store: &SqliteStore,
    host: &NewHost,
    join: &TokenHash,
) -> Result<HostRecord, EnrolError> {
    let mut tx = store.begin().await?;
    let token = join_token(&mut tx, join).await?.ok_or(EnrolError::InvalidToken)?;
    if token.used_at.is_some() {
        return enrolled_before(&mut tx, host, join).await?.ok_or(EnrolError::InvalidToken);
    }
    if !token.admits(host) {
        return Err(EnrolError::InvalidToken);
    }
    if !insert_host(&mut tx, host).await? {
        return Err(EnrolError::NameTaken(host.name.clone()));
    }
    use_up(&mut tx, join, host).await?;
    audit::append(&mut tx, &host.audit_entry()).await?;
    let record = hosts::by_id(&mut *tx, host.id).await?;
    tx.commit().await.map_err(StoreError::from)?;
    record.ok_or_else(|| StoreError::Corrupt("hosts: the new row is missing".to_owned()).into())
}

async fn join_token(tx: &mut Tx, join: &TokenHash) -> Result<Option<JoinToken>, StoreError> {
    let row = sqlx::query("SELECT host_name, expires_at, used_at FROM join_tokens WHERE token_hash = $1")
        .bind(&join.0)
        .fetch_optional(&mut **tx)
        .await?;
    row.as_ref().map(JoinToken::from_row).transpose()
}

/// The host that was enrolled with this join token, if it is the one that asks again.
async fn enrolled_before(
    tx: &mut Tx,
    host: &NewHost,
    join: &TokenHash,
) -> Result<Option<HostRecord>, StoreError> {
    let id = sqlx::query(
        "SELECT hosts.id FROM join_tokens JOIN hosts ON hosts.id = join_tokens.used_by
         WHERE join_tokens.token_hash = $1 AND hosts.token_hash = $2",
    )
    .bind(&join.0)
    .bind(&host.token.0)
    .fetch_optional(&mut **tx)
    .await?;
    match id {
        Some(row) => hosts::by_id(&mut **tx, row.parsed("id")?).await,
        None => Ok(None),
    }
}

/// Whether the host is in: not where its name is taken.
async fn insert_host(tx: &mut Tx, host: &NewHost) -> Result<bool, StoreError> {
    let inserted = sqlx::query(
        "INSERT INTO hosts (id, name, platform, token_hash, auto_test, created_at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (lower(name)) WHERE removed_at IS NULL DO NOTHING",
    )
    .bind(host.id.to_string())
    .bind(&host.name)
    .bind(host.platform.as_str())
    .bind(&host.token.0)
    .bind(i64::from(host.auto_test))
    .bind(stored_time(host.at))
    .execute(&mut **tx)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

async fn use_up(tx: &mut Tx, join: &TokenHash, host: &NewHost) -> Result<(), StoreError> {
    sqlx::query("UPDATE join_tokens SET used_at = $2, used_by = $3 WHERE token_hash = $1")
        .bind(&join.0)
        .bind(stored_time(host.at))
        .bind(host.id.to_string())
        .execute(&mut **tx)
        .await?;
    Ok(())
}
