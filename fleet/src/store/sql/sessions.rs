//! Sessions of people.

use super::DbRow;
use async_trait::async_trait;
use backstay_model::{Person, SessionId};
use chrono::{DateTime, Utc};

use super::external_identities::is_external;
use super::grants::{self, grants_of_user};
use super::row::{Columns, FromRow, all, optional, stored_time};
use super::second_factors::has_second_factor;
use super::{SqlStore, Tx, audit};
use crate::store::{
    Client, NewAuditEntry, NewSession, SESSIONS_KEPT, SessionRecord, SessionStore, StoreError, TokenHash,
};

impl FromRow for SessionRecord {
    fn from_row(row: &DbRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.parsed("id")?,
            person: Person {
                name: row.text("user_name")?,
                role: row.parsed("role")?,
                grants: grants::in_row(row)?,
            },
            client: Client { address: row.text("address")?, browser: row.text("browser")? },
            created_at: row.time("created_at")?,
            last_seen: row.time("last_seen")?,
            proved_at: row.time_opt("proved_at")?.map_or_else(|| row.time("created_at"), Ok)?,
            has_second_factor: row.flag("has_second_factor")?,
            is_external: row.flag("is_external")?,
        })
    }
}

/// Deletes all sessions of a person but one.
pub(super) async fn delete_others(
    tx: &mut Tx,
    user: &str,
    keep: Option<SessionId>,
) -> Result<u64, StoreError> {
    let statement = sqlx::query("DELETE FROM sessions WHERE user_name = $1 AND id <> $2")
        .bind(user)
        .bind(keep.map(|id| id.to_string()).unwrap_or_default());
    Ok(statement.execute(&mut **tx).await?.rows_affected())
}

async fn insert(tx: &mut Tx, session: &NewSession) -> Result<bool, StoreError> {
    let inserted = sqlx::query(
        "INSERT INTO sessions (token_hash, id, user_name, address, browser, created_at, last_seen, expires_at,
                               provider_session)
         SELECT $1, $2, name, $5, $6, $7, $7, $8, $9 FROM users
         WHERE name = $3 AND password_hash = $4 AND disabled_at IS NULL",
    )
    .bind(&session.token.0)
    .bind(session.id.to_string())
    .bind(&session.user)
    .bind(&session.password_hash)
    .bind(&session.client.address)
    .bind(&session.client.browser)
    .bind(stored_time(session.created_at))
    .bind(stored_time(session.expires_at))
    .bind(&session.provider_session)
    .execute(&mut **tx)
    .await?;
    Ok(inserted.rows_affected() > 0)
}

#[async_trait]
impl SessionStore for SqlStore {
    async fn insert_session(&self, session: &NewSession, audit: &NewAuditEntry) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        if !insert(&mut tx, session).await? {
            return Ok(false);
        }
        if let Some(replaced) = &session.replaces {
            sqlx::query("DELETE FROM sessions WHERE token_hash = $1")
                .bind(&replaced.0)
                .execute(&mut *tx)
                .await?;
        }
        sqlx::query(
            "DELETE FROM sessions WHERE user_name = $1 AND token_hash NOT IN
             (SELECT token_hash FROM sessions WHERE user_name = $1 ORDER BY last_seen DESC, id DESC LIMIT $2)",
        )
        .bind(&session.user)
        .bind(i64::from(SESSIONS_KEPT))
        .execute(&mut *tx)
        .await?;
        sqlx::query("UPDATE users SET last_seen = $2 WHERE name = $1")
            .bind(&session.user)
            .bind(stored_time(session.created_at))
            .execute(&mut *tx)
            .await?;
        audit::append(&mut tx, audit).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn session(
        &self,
        token: &TokenHash,
        now: DateTime<Utc>,
    ) -> Result<Option<SessionRecord>, StoreError> {
        let session = sqlx::query(concat!(
            "SELECT sessions.*, users.role, ",
            grants_of_user!(),
            ", ",
            has_second_factor!(),
            ", ",
            is_external!(),
            " FROM sessions JOIN users ON users.name = sessions.user_name
             WHERE sessions.token_hash = $1 AND sessions.expires_at > $2 AND users.disabled_at IS NULL",
        ))
        .bind(&token.0)
        .bind(stored_time(now));
        optional(session.fetch_optional(&self.reader).await?)
    }

    async fn sessions(&self, user: &str, now: DateTime<Utc>) -> Result<Vec<SessionRecord>, StoreError> {
        let sessions = sqlx::query(concat!(
            "SELECT sessions.*, users.role, ",
            grants_of_user!(),
            ", ",
            has_second_factor!(),
            ", ",
            is_external!(),
            " FROM sessions JOIN users ON users.name = sessions.user_name
             WHERE users.name = $1 AND sessions.expires_at > $2 ORDER BY sessions.last_seen DESC, sessions.id DESC",
        ))
        .bind(user)
        .bind(stored_time(now));
        all(sessions.fetch_all(&self.reader).await?)
    }

    async fn touch_session(
        &self,
        id: SessionId,
        now: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let now = stored_time(now);
        let mut tx = self.begin().await?;
        sqlx::query("UPDATE sessions SET last_seen = $2, expires_at = $3 WHERE id = $1 AND last_seen < $2")
            .bind(id.to_string())
            .bind(&now)
            .bind(stored_time(expires_at))
            .execute(&mut *tx)
            .await?;
        sqlx::query(
            "UPDATE users SET last_seen = $2 WHERE COALESCE(last_seen, '') < $2
             AND name = (SELECT user_name FROM sessions WHERE id = $1)",
        )
        .bind(id.to_string())
        .bind(&now)
        .execute(&mut *tx)
        .await?;
        Ok(tx.commit().await?)
    }

    async fn prove_session(&self, id: SessionId, now: DateTime<Utc>) -> Result<(), StoreError> {
        sqlx::query("UPDATE sessions SET proved_at = $2 WHERE id = $1")
            .bind(id.to_string())
            .bind(stored_time(now))
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    async fn end_session(
        &self,
        user: &str,
        id: SessionId,
        audit: &NewAuditEntry,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let ended = sqlx::query("DELETE FROM sessions WHERE user_name = $1 AND id = $2")
            .bind(user)
            .bind(id.to_string())
            .execute(&mut *tx)
            .await?;
        if ended.rows_affected() == 0 {
            return Ok(false);
        }
        audit::append(&mut tx, audit).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn end_other_sessions(
        &self,
        user: &str,
        keep: Option<SessionId>,
        audit: &NewAuditEntry,
    ) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let ended = delete_others(&mut tx, user, keep).await?;
        if ended > 0 {
            audit::append(&mut tx, audit).await?;
        }
        tx.commit().await?;
        Ok(ended)
    }

    async fn delete_expired(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let now = stored_time(now);
        let mut tx = self.begin().await?;
        for statement in [
            "DELETE FROM sessions WHERE expires_at <= $1",
            "DELETE FROM invitations WHERE expires_at <= $1",
            "DELETE FROM join_tokens WHERE expires_at <= $1",
        ] {
            sqlx::query(statement).bind(&now).execute(&mut *tx).await?;
        }
        Ok(tx.commit().await?)
    }
}
