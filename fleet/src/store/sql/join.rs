//! Join tokens, and the host that each enrols.

use chrono::{DateTime, Utc};

use super::{Db, DbArguments, DbRow};
use sqlx::query::Query;

use super::row::{Columns, FromRow, optional, stored_time};
use super::{Tx, hosts};
use crate::store::{HostRecord, JoinTokenRecord, NewHost, NewJoinToken, StoreError, TokenHash};

/// A join token as stored.
pub(super) struct JoinToken {
    host_name: Option<String>,
    expires_at: DateTime<Utc>,
    used_at: Option<DateTime<Utc>>,
}

impl FromRow for JoinToken {
    fn from_row(row: &DbRow) -> Result<Self, StoreError> {
        Ok(Self {
            host_name: row.text_opt("host_name")?,
            expires_at: row.time("expires_at")?,
            used_at: row.time_opt("used_at")?,
        })
    }
}

impl JoinToken {
    pub(super) fn is_used(&self) -> bool {
        self.used_at.is_some()
    }

    pub(super) fn admits(&self, host: &NewHost) -> bool {
        self.expires_at > host.at
            && self.host_name.as_ref().is_none_or(|name| name.eq_ignore_ascii_case(&host.name))
    }
}

impl FromRow for JoinTokenRecord {
    fn from_row(row: &DbRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.text("id")?,
            host_name: row.text_opt("host_name")?,
            created_at: row.time("created_at")?,
            expires_at: row.time("expires_at")?,
        })
    }
}

/// The unused tokens that are valid at this time.
pub(super) fn unused(now: DateTime<Utc>) -> Query<'static, Db, DbArguments> {
    sqlx::query(
        "SELECT SUBSTR(token_hash, 1, 12) AS id, host_name, created_at, expires_at FROM join_tokens
         WHERE used_at IS NULL AND expires_at > $1 ORDER BY created_at",
    )
    .bind(stored_time(now))
}

/// Deletes an unused token; returns false if there is none of this id.
pub(super) async fn revoke(tx: &mut Tx, id: &str) -> Result<bool, StoreError> {
    let deleted =
        sqlx::query("DELETE FROM join_tokens WHERE SUBSTR(token_hash, 1, 12) = $1 AND used_at IS NULL")
            .bind(id)
            .execute(&mut **tx)
            .await?;
    Ok(deleted.rows_affected() > 0)
}

pub(super) async fn insert_token(tx: &mut Tx, token: &NewJoinToken) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO join_tokens (token_hash, host_name, created_at, expires_at) VALUES ($1, $2, $3, $4)",
    )
    .bind(&token.token.0)
    .bind(&token.host_name)
    .bind(stored_time(token.created_at))
    .bind(stored_time(token.expires_at))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(super) async fn token(tx: &mut Tx, join: &TokenHash) -> Result<Option<JoinToken>, StoreError> {
    let token = sqlx::query("SELECT host_name, expires_at, used_at FROM join_tokens WHERE token_hash = $1")
        .bind(&join.0);
    optional(token.fetch_optional(&mut **tx).await?)
}

/// Returns the host that was enrolled with this join token, if the same host calls again.
pub(super) async fn enrolled_before(
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

/// Returns whether the host was inserted: false if its name is taken.
pub(super) async fn insert_host(tx: &mut Tx, host: &NewHost) -> Result<bool, StoreError> {
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

pub(super) async fn use_up(tx: &mut Tx, join: &TokenHash, host: &NewHost) -> Result<(), StoreError> {
    sqlx::query("UPDATE join_tokens SET used_at = $2, used_by = $3 WHERE token_hash = $1")
        .bind(&join.0)
        .bind(stored_time(host.at))
        .bind(host.id.to_string())
        .execute(&mut **tx)
        .await?;
    Ok(())
}
