//! People who log in through an OpenID Connect provider.

use super::DbRow;
use async_trait::async_trait;
use backstay_model::Role;
use chrono::{DateTime, Utc};
use sqlx::Row as _;

use super::grants::grants_of_user;
use super::row::{Columns, FromRow, optional, stored_time};
use super::{SqlStore, Tx, audit, grants, invitations};
use crate::store::{
    ChangePersonError, ExternalIdentity, ExternalIdentityStore, ExternalPerson, NewAuditEntry, ProviderRoles,
    StoreError, UserRecord,
};

/// The column `is_external` of a query on `users`.
macro_rules! is_external {
    () => {
        "(SELECT COUNT(*) FROM external_identities WHERE user_name = users.name) AS is_external"
    };
}
pub(super) use is_external;

impl FromRow for ExternalPerson {
    fn from_row(row: &DbRow) -> Result<Self, StoreError> {
        let user = UserRecord::from_row(row)?;
        let roles = ProviderRoles { role: user.role, grants: grants::in_row(row)? };
        Ok(Self { user, roles, is_disabled: row.time_opt("disabled_at")?.is_some() })
    }
}

/// Returns whether the person comes through a provider.
pub(super) async fn comes_through_provider(tx: &mut Tx, name: &str) -> Result<bool, StoreError> {
    let found = sqlx::query("SELECT 1 FROM external_identities WHERE user_name = $1").bind(name);
    Ok(found.fetch_optional(&mut **tx).await?.is_some())
}

/// Replaces a person's roles.
async fn put_roles(tx: &mut Tx, name: &str, roles: &ProviderRoles) -> Result<(), StoreError> {
    sqlx::query("UPDATE users SET role = $2 WHERE name = $1")
        .bind(name)
        .bind(roles.role.as_str())
        .execute(&mut **tx)
        .await?;
    sqlx::query("DELETE FROM grants WHERE user_name = $1").bind(name).execute(&mut **tx).await?;
    for grant in &roles.grants {
        grants::put(tx, name, grant).await.map_err(|error| match error {
            ChangePersonError::Store(error) => error,
            other => StoreError::Corrupt(other.to_string()),
        })?;
    }
    if roles.role != Role::Admin {
        invitations::delete_made_by(tx, name).await?;
    }
    Ok(())
}

#[async_trait]
impl ExternalIdentityStore for SqlStore {
    async fn external_person(
        &self,
        identity: &ExternalIdentity,
    ) -> Result<Option<ExternalPerson>, StoreError> {
        let found = sqlx::query(concat!(
            "SELECT users.*, ",
            grants_of_user!(),
            " FROM external_identities JOIN users ON users.name = external_identities.user_name
             WHERE issuer = $1 AND subject = $2",
        ))
        .bind(&identity.issuer)
        .bind(&identity.subject);
        optional(found.fetch_optional(&self.reader).await?)
    }

    async fn insert_external_person(
        &self,
        identity: &ExternalIdentity,
        name: &str,
        roles: &ProviderRoles,
        audit: &NewAuditEntry,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let inserted = sqlx::query(
            "INSERT INTO users (name, password_hash, role) SELECT $1, '', $2
             WHERE NOT EXISTS (SELECT 1 FROM users WHERE LOWER(name) = LOWER($1))
               AND NOT EXISTS (SELECT 1 FROM invitations WHERE LOWER(name) = LOWER($1) AND expires_at > $3)
               AND NOT EXISTS (SELECT 1 FROM external_identities WHERE issuer = $4 AND subject = $5)",
        )
        .bind(name)
        .bind(roles.role.as_str())
        .bind(stored_time(audit.at))
        .bind(&identity.issuer)
        .bind(&identity.subject)
        .execute(&mut *tx)
        .await?;
        if inserted.rows_affected() == 0 {
            return Ok(false);
        }
        sqlx::query("INSERT INTO external_identities (issuer, subject, user_name) VALUES ($1, $2, $3)")
            .bind(&identity.issuer)
            .bind(&identity.subject)
            .bind(name)
            .execute(&mut *tx)
            .await?;
        put_roles(&mut tx, name, roles).await?;
        audit::append(&mut tx, audit).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn set_external_roles(
        &self,
        identity: &ExternalIdentity,
        roles: &ProviderRoles,
        audit: &NewAuditEntry,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let Some(name) = name_of(&mut tx, identity).await? else { return Ok(()) };
        put_roles(&mut tx, &name, roles).await?;
        audit::append(&mut tx, audit).await?;
        Ok(tx.commit().await?)
    }

    async fn end_external_sessions(
        &self,
        identity: &ExternalIdentity,
        provider_session: Option<&str>,
        at: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let Some(name) = name_of(&mut tx, identity).await? else { return Ok(0) };
        let ended = sqlx::query(
            "DELETE FROM sessions WHERE user_name = $1 AND ($2 IS NULL OR provider_session = $2)",
        )
        .bind(&name)
        .bind(provider_session)
        .execute(&mut *tx)
        .await?
        .rows_affected();
        if ended > 0 {
            let detail = format!("Logged out at the provider; sessions ended: {ended}.");
            audit::append(&mut tx, &NewAuditEntry::new(at, &name, "login.ended", detail)).await?;
        }
        tx.commit().await?;
        Ok(ended)
    }
}

async fn name_of(tx: &mut Tx, identity: &ExternalIdentity) -> Result<Option<String>, StoreError> {
    let found = sqlx::query("SELECT user_name FROM external_identities WHERE issuer = $1 AND subject = $2")
        .bind(&identity.issuer)
        .bind(&identity.subject)
        .fetch_optional(&mut **tx)
        .await?;
    Ok(found.map(|row| row.try_get("user_name")).transpose()?)
}
