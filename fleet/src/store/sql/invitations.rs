//! Invitations of new people.

use super::DbRow;
use backstay_model::InvitationId;
use chrono::{DateTime, Utc};

use super::Tx;
use super::row::{Columns, FromRow, optional, stored_time};
use crate::store::{Invitation, NewInvitation, StoreError, TokenHash};

impl FromRow for Invitation {
    fn from_row(row: &DbRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.parsed("id")?,
            name: row.text("name")?,
            role: row.parsed("role")?,
            invited_by: row.text("invited_by")?,
            created_at: row.time("created_at")?,
            expires_at: row.time("expires_at")?,
        })
    }
}

/// Records an invitation. Returns false if somebody has its name.
pub(super) async fn insert(tx: &mut Tx, new: &NewInvitation) -> Result<bool, StoreError> {
    let invitation = &new.invitation;
    delete_for(tx, &invitation.name).await?;
    let inserted = sqlx::query(
        "INSERT INTO invitations (token_hash, id, name, role, invited_by, created_at, expires_at)
         SELECT $1, $2, $3, $4, $5, $6, $7
         WHERE NOT EXISTS (SELECT 1 FROM users WHERE LOWER(name) = $8)",
    )
    .bind(&new.token.0)
    .bind(invitation.id.to_string())
    .bind(&invitation.name)
    .bind(invitation.role.as_str())
    .bind(&invitation.invited_by)
    .bind(stored_time(invitation.created_at))
    .bind(stored_time(invitation.expires_at))
    .bind(invitation.name.to_ascii_lowercase())
    .execute(&mut **tx)
    .await?;
    Ok(inserted.rows_affected() > 0)
}

/// Deletes and returns the invitation with this token, if it has not expired.
pub(super) async fn take(
    tx: &mut Tx,
    token: &TokenHash,
    now: DateTime<Utc>,
) -> Result<Option<Invitation>, StoreError> {
    let statement =
        sqlx::query("DELETE FROM invitations WHERE token_hash = $1 AND expires_at > $2 RETURNING *")
            .bind(&token.0)
            .bind(stored_time(now));
    optional(statement.fetch_optional(&mut **tx).await?)
}

/// Deletes an invitation. Returns false if there is none.
pub(super) async fn delete(tx: &mut Tx, id: InvitationId) -> Result<bool, StoreError> {
    let statement = sqlx::query("DELETE FROM invitations WHERE id = $1").bind(id.to_string());
    Ok(statement.execute(&mut **tx).await?.rows_affected() > 0)
}

/// Deletes the invitation of this name, in whatever case.
pub(super) async fn delete_for(tx: &mut Tx, name: &str) -> Result<(), StoreError> {
    let statement =
        sqlx::query("DELETE FROM invitations WHERE LOWER(name) = $1").bind(name.to_ascii_lowercase());
    statement.execute(&mut **tx).await?;
    Ok(())
}

/// Deletes the invitations that this person made.
pub(super) async fn delete_made_by(tx: &mut Tx, name: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM invitations WHERE invited_by = $1").bind(name).execute(&mut **tx).await?;
    Ok(())
}
