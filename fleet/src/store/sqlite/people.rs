//! People and their sessions.

use async_trait::async_trait;
use backstay_model::PersonView;
use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteRow;

use super::row::{Columns, FromRow, optional, stored_time};
use super::{SqliteStore, audit};
use crate::store::{NewAuditEntry, PeopleStore, StoreError, TokenHash, UserRecord};

impl FromRow for UserRecord {
    fn from_row(row: &SqliteRow) -> Result<Self, StoreError> {
        Ok(Self {
            name: row.text("name")?,
            password_hash: row.text("password_hash")?,
            role: row.parsed("role")?,
        })
    }
}

#[async_trait]
impl PeopleStore for SqliteStore {
    async fn count_users(&self) -> Result<u64, StoreError> {
        sqlx::query("SELECT COUNT(*) AS people FROM users").fetch_one(&self.reader).await?.number("people")
    }

    async fn put_user(&self, user: &UserRecord, audit: &NewAuditEntry) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "INSERT INTO users (name, password_hash, role) VALUES ($1, $2, $3)
             ON CONFLICT (name) DO UPDATE SET password_hash = excluded.password_hash, role = excluded.role",
        )
        .bind(&user.name)
        .bind(&user.password_hash)
        .bind(user.role.as_str())
        .execute(&mut *tx)
        .await?;
        sqlx::query("DELETE FROM sessions WHERE user_name = $1").bind(&user.name).execute(&mut *tx).await?;
        audit::append(&mut tx, audit).await?;
        Ok(tx.commit().await?)
    }

    async fn user(&self, name: &str) -> Result<Option<UserRecord>, StoreError> {
        let user = sqlx::query("SELECT * FROM users WHERE name = $1").bind(name);
        optional(user.fetch_optional(&self.reader).await?)
    }

    async fn person_view(&self, name: &str) -> Result<PersonView, StoreError> {
        let row = sqlx::query("SELECT fleet_view FROM users WHERE name = $1")
            .bind(name)
            .fetch_optional(&self.reader)
            .await?;
        let text = row.map(|row| row.text("fleet_view")).transpose()?;
        Ok(text.map(|text| PersonView::from_text(&text)).unwrap_or_default())
    }

    async fn set_person_view(&self, name: &str, view: &PersonView) -> Result<(), StoreError> {
        sqlx::query("UPDATE users SET fleet_view = $2 WHERE name = $1")
            .bind(name)
            .bind(view.to_text())
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    async fn insert_session(
        &self,
        token: &TokenHash,
        user: &str,
        created_at: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "INSERT INTO sessions (token_hash, user_name, created_at, expires_at) VALUES ($1, $2, $3, $4)",
        )
        .bind(&token.0)
        .bind(user)
        .bind(stored_time(created_at))
        .bind(stored_time(expires_at))
        .execute(&mut *tx)
        .await?;
        audit::append(&mut tx, &NewAuditEntry::new(created_at, user, "login", "Logged in.")).await?;
        Ok(tx.commit().await?)
    }

    async fn session_user(
        &self,
        token: &TokenHash,
        now: DateTime<Utc>,
    ) -> Result<Option<UserRecord>, StoreError> {
        let user = sqlx::query(
            "SELECT users.* FROM sessions JOIN users ON users.name = sessions.user_name
             WHERE sessions.token_hash = $1 AND sessions.expires_at > $2",
        )
        .bind(&token.0)
        .bind(stored_time(now));
        optional(user.fetch_optional(&self.reader).await?)
    }

    async fn delete_session(&self, token: &TokenHash) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM sessions WHERE token_hash = $1")
            .bind(&token.0)
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    async fn delete_expired(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let now = stored_time(now);
        let mut tx = self.begin().await?;
        sqlx::query("DELETE FROM sessions WHERE expires_at <= $1").bind(&now).execute(&mut *tx).await?;
        sqlx::query("DELETE FROM join_tokens WHERE expires_at <= $1").bind(&now).execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }
}
