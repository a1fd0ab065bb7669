//! People.

use super::DbRow;
use async_trait::async_trait;
use backstay_model::{InvitationId, PersonView, Role, SessionId};
use chrono::{DateTime, Utc};

use super::external_identities::{self, is_external};
use super::grants::grants_of_user;
use super::row::{Columns, FromRow, all, optional, stored_time};
use super::second_factors::has_second_factor;
use super::{SqlStore, Tx, audit, grants, invitations, sessions};
use crate::store::{
    ChangePersonError, Invitation, InviteError, NewAuditEntry, NewInvitation, PeopleStore, PersonChange,
    PersonRecord, StoreError, TokenHash, UserRecord,
};

impl FromRow for UserRecord {
    fn from_row(row: &DbRow) -> Result<Self, StoreError> {
        Ok(Self {
            name: row.text("name")?,
            password_hash: row.text("password_hash")?,
            role: row.parsed("role")?,
        })
    }
}

impl FromRow for PersonRecord {
    fn from_row(row: &DbRow) -> Result<Self, StoreError> {
        Ok(Self {
            name: row.text("name")?,
            role: row.parsed("role")?,
            grants: grants::in_row(row)?,
            has_second_factor: row.flag("has_second_factor")?,
            is_external: row.flag("is_external")?,
            disabled_at: row.time_opt("disabled_at")?,
            last_seen: row.time_opt("last_seen")?,
            sessions: row.number("sessions")?,
        })
    }
}

/// Returns whether this person, or anybody if there is no name, is an enabled administrator.
async fn has_admin(tx: &mut Tx, name: Option<&str>) -> Result<bool, StoreError> {
    let found = sqlx::query(
        "SELECT 1 FROM users WHERE role = $1 AND disabled_at IS NULL AND ($2 IS NULL OR name = $2) LIMIT 1",
    )
    .bind(Role::Admin.as_str())
    .bind(name)
    .fetch_optional(&mut **tx)
    .await?;
    Ok(found.is_some())
}

/// Finishes a change of a person, of whatever kind: this is the one place that keeps the last enabled
/// administrator. Dropping the transaction without it undoes the change.
async fn finish_change(
    mut tx: Tx,
    name: &str,
    was_admin: bool,
    audit: &NewAuditEntry,
) -> Result<(), ChangePersonError> {
    if was_admin && !has_admin(&mut tx, None).await? {
        return Err(ChangePersonError::LastAdmin);
    }
    if !has_admin(&mut tx, Some(name)).await? {
        invitations::delete_made_by(&mut tx, name).await?;
    }
    audit::append(&mut tx, audit).await?;
    Ok(tx.commit().await?)
}

/// Makes a change of a person who exists.
async fn apply(tx: &mut Tx, name: &str, change: PersonChange) -> Result<(), ChangePersonError> {
    let statement = match change {
        PersonChange::Grant(grant) => return grants::put(tx, name, &grant).await,
        PersonChange::Revoke(scope) => return Ok(grants::delete(tx, name, &scope).await?),
        PersonChange::Role(role) => {
            sqlx::query("UPDATE users SET role = $2 WHERE name = $1").bind(name).bind(role.as_str())
        }
        PersonChange::Enable => sqlx::query("UPDATE users SET disabled_at = NULL WHERE name = $1").bind(name),
        PersonChange::Disable(at) => {
            sessions::delete_others(tx, name, None).await?;
            sqlx::query("UPDATE users SET disabled_at = COALESCE(disabled_at, $2) WHERE name = $1")
                .bind(name)
                .bind(stored_time(at))
        }
        PersonChange::Delete => sqlx::query("DELETE FROM users WHERE name = $1").bind(name),
    };
    statement.execute(&mut **tx).await?;
    Ok(())
}

#[async_trait]
impl PeopleStore for SqlStore {
    async fn count_users(&self) -> Result<u64, StoreError> {
        sqlx::query("SELECT COUNT(*) AS people FROM users").fetch_one(&self.reader).await?.number("people")
    }

    async fn put_user(&self, user: &UserRecord, audit: &NewAuditEntry) -> Result<(), ChangePersonError> {
        let mut tx = self.begin().await?;
        if external_identities::comes_through_provider(&mut tx, &user.name).await? {
            return Err(ChangePersonError::External);
        }
        let was_admin = has_admin(&mut tx, Some(&user.name)).await?;
        sqlx::query(
            "INSERT INTO users (name, password_hash, role) VALUES ($1, $2, $3)
             ON CONFLICT (name) DO UPDATE SET password_hash = excluded.password_hash, role = excluded.role",
        )
        .bind(&user.name)
        .bind(&user.password_hash)
        .bind(user.role.as_str())
        .execute(&mut *tx)
        .await?;
        sessions::delete_others(&mut tx, &user.name, None).await?;
        invitations::delete_for(&mut tx, &user.name).await?;
        finish_change(tx, &user.name, was_admin, audit).await
    }

    async fn user(&self, name: &str) -> Result<Option<UserRecord>, StoreError> {
        let user = sqlx::query("SELECT * FROM users WHERE name = $1").bind(name);
        optional(user.fetch_optional(&self.reader).await?)
    }

    async fn people(&self, now: DateTime<Utc>) -> Result<Vec<PersonRecord>, StoreError> {
        let people = sqlx::query(concat!(
            "SELECT *, (SELECT COUNT(*) FROM sessions WHERE user_name = users.name AND expires_at > $1) AS sessions, ",
            grants_of_user!(),
            ", ",
            has_second_factor!(),
            ", ",
            is_external!(),
            " FROM users ORDER BY LOWER(name), name",
        ))
        .bind(stored_time(now));
        all(people.fetch_all(&self.reader).await?)
    }

    async fn change_person(
        &self,
        name: &str,
        change: PersonChange,
        audit: &NewAuditEntry,
    ) -> Result<(), ChangePersonError> {
        let mut tx = self.begin().await?;
        let known = sqlx::query("SELECT 1 FROM users WHERE name = $1").bind(name);
        if known.fetch_optional(&mut *tx).await?.is_none() {
            return Err(ChangePersonError::Unknown);
        }
        let sets_role =
            matches!(change, PersonChange::Role(_) | PersonChange::Grant(_) | PersonChange::Revoke(_));
        if sets_role && external_identities::comes_through_provider(&mut tx, name).await? {
            return Err(ChangePersonError::External);
        }
        let was_admin = has_admin(&mut tx, Some(name)).await?;
        apply(&mut tx, name, change).await?;
        finish_change(tx, name, was_admin, audit).await
    }

    async fn change_password(
        &self,
        old: &UserRecord,
        password_hash: &str,
        keep: Option<SessionId>,
        audit: &NewAuditEntry,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let changed =
            sqlx::query("UPDATE users SET password_hash = $3 WHERE name = $1 AND password_hash = $2")
                .bind(&old.name)
                .bind(&old.password_hash)
                .bind(password_hash)
                .execute(&mut *tx)
                .await?;
        if changed.rows_affected() == 0 {
            return Ok(false);
        }
        sessions::delete_others(&mut tx, &old.name, keep).await?;
        audit::append(&mut tx, audit).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn insert_invitation(
        &self,
        invitation: &NewInvitation,
        audit: &NewAuditEntry,
    ) -> Result<(), InviteError> {
        let mut tx = self.begin().await?;
        if !invitations::insert(&mut tx, invitation).await? {
            return Err(InviteError::NameTaken);
        }
        audit::append(&mut tx, audit).await?;
        Ok(tx.commit().await?)
    }

    async fn invitations(&self, now: DateTime<Utc>) -> Result<Vec<Invitation>, StoreError> {
        let open = sqlx::query("SELECT * FROM invitations WHERE expires_at > $1 ORDER BY LOWER(name), name")
            .bind(stored_time(now));
        all(open.fetch_all(&self.reader).await?)
    }

    async fn invitation(
        &self,
        token: &TokenHash,
        now: DateTime<Utc>,
    ) -> Result<Option<Invitation>, StoreError> {
        let found = sqlx::query("SELECT * FROM invitations WHERE token_hash = $1 AND expires_at > $2")
            .bind(&token.0)
            .bind(stored_time(now));
        optional(found.fetch_optional(&self.reader).await?)
    }

    async fn delete_invitation(&self, id: InvitationId, audit: &NewAuditEntry) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        if !invitations::delete(&mut tx, id).await? {
            return Ok(false);
        }
        audit::append(&mut tx, audit).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn accept_invitation(
        &self,
        token: &TokenHash,
        password_hash: &str,
        audit: &NewAuditEntry,
    ) -> Result<Option<UserRecord>, StoreError> {
        let mut tx = self.begin().await?;
        let Some(invitation) = invitations::take(&mut tx, token, audit.at).await? else { return Ok(None) };
        let user = UserRecord {
            name: invitation.name,
            password_hash: password_hash.to_owned(),
            role: invitation.role,
        };
        sqlx::query("INSERT INTO users (name, password_hash, role) VALUES ($1, $2, $3)")
            .bind(&user.name)
            .bind(&user.password_hash)
            .bind(user.role.as_str())
            .execute(&mut *tx)
            .await?;
        audit::append(&mut tx, audit).await?;
        tx.commit().await?;
        Ok(Some(user))
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
}
