//! People and their sessions.

use backstay_model::PersonView;
use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteRow;

use super::row::{Columns, stored_time};
use super::{NewAuditEntry, SqliteStore, StoreError, TokenHash, UserRecord, audit};

fn from_row(row: &SqliteRow) -> Result<UserRecord, StoreError> {
    Ok(UserRecord {
        name: row.text("name")?,
        password_hash: row.text("password_hash")?,
        role: row.parsed("role")?,
    })
}

pub(super) async fn count(store: &SqliteStore) -> Result<u64, StoreError> {
    sqlx::query("SELECT COUNT(*) AS people FROM users").fetch_one(&store.reader).await?.number("people")
}

pub(super) async fn put(
    store: &SqliteStore,
    user: &UserRecord,
    audit: &NewAuditEntry,
) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
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

pub(super) async fn by_name(store: &SqliteStore, name: &str) -> Result<Option<UserRecord>, StoreError> {
    let row =
        sqlx::query("SELECT * FROM users WHERE name = $1").bind(name).fetch_optional(&store.reader).await?;
    row.as_ref().map(from_row).transpose()
}

pub(super) async fn view(store: &SqliteStore, name: &str) -> Result<PersonView, StoreError> {
    let row = sqlx::query("SELECT fleet_view FROM users WHERE name = $1")
        .bind(name)
        .fetch_optional(&store.reader)
        .await?;
    Ok(row
        .map(|row| row.text("fleet_view"))
        .transpose()?
        .map(|text| PersonView::from_text(&text))
        .unwrap_or_default())
}

pub(super) async fn set_view(store: &SqliteStore, name: &str, view: &PersonView) -> Result<(), StoreError> {
    sqlx::query("UPDATE users SET fleet_view = $2 WHERE name = $1")
        .bind(name)
        .bind(view.to_text())
        .execute(&store.writer)
        .await?;
    Ok(())
}

pub(super) async fn insert_session(
    store: &SqliteStore,
    token: &TokenHash,
    user: &str,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    sqlx::query(
        "INSERT INTO sessions (token_hash, user_name, created_at, expires_at) VALUES ($1, $2, $3, $4)",
    )
    .bind(&token.0)
    .bind(user)
    .bind(stored_time(created_at))
    .bind(stored_time(expires_at))
    .execute(&mut *tx)
    .await?;
    audit::append(&mut tx, &log_in_entry(user, created_at)).await?;
    Ok(tx.commit().await?)
}

fn log_in_entry(user: &str, at: DateTime<Utc>) -> NewAuditEntry {
    NewAuditEntry {
        at,
        actor: user.to_owned(),
        action: "login".to_owned(),
        host_name: None,
        from_gen: None,
        to_gen: None,
        reason: None,
        detail: "Logged in.".to_owned(),
        op: None,
    }
}

pub(super) async fn of_session(
    store: &SqliteStore,
    token: &TokenHash,
    now: DateTime<Utc>,
) -> Result<Option<UserRecord>, StoreError> {
    let row = sqlx::query(
        "SELECT users.* FROM sessions JOIN users ON users.name = sessions.user_name
         WHERE sessions.token_hash = $1 AND sessions.expires_at > $2",
    )
    .bind(&token.0)
    .bind(stored_time(now))
    .fetch_optional(&store.reader)
    .await?;
    row.as_ref().map(from_row).transpose()
}

pub(super) async fn delete_session(store: &SqliteStore, token: &TokenHash) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM sessions WHERE token_hash = $1").bind(&token.0).execute(&store.writer).await?;
    Ok(())
}

pub(super) async fn delete_expired(store: &SqliteStore, now: DateTime<Utc>) -> Result<(), StoreError> {
    let now = stored_time(now);
    let mut tx = store.begin().await?;
    sqlx::query("DELETE FROM sessions WHERE expires_at <= $1").bind(&now).execute(&mut *tx).await?;
    sqlx::query("DELETE FROM join_tokens WHERE expires_at <= $1").bind(&now).execute(&mut *tx).await?;
    Ok(tx.commit().await?)
}
