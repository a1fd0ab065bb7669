//! Roles of people on some hosts.

use super::DbRow;
use backstay_model::Grant;
use backstay_model::people::{GRANTS, Scope};

use super::Tx;
use super::row::Columns;
use crate::store::{ChangePersonError, StoreError};

/// The column `grants` of a query on `users`: all grants of the person in one text.
macro_rules! grants_of_user {
    () => {
        "(SELECT string_agg(role || ' ' || scope, ',' ORDER BY scope) FROM grants WHERE user_name = users.name) AS grants"
    };
}
pub(super) use grants_of_user;

/// Reads the column of [`grants_of_user`].
pub(super) fn in_row(row: &DbRow) -> Result<Vec<Grant>, StoreError> {
    let text = row.text_opt("grants")?.unwrap_or_default();
    let corrupt = |error| StoreError::Corrupt(format!("grants: {error}"));
    text.split(',').filter(|grant| !grant.is_empty()).map(|grant| grant.parse().map_err(corrupt)).collect()
}

/// Records a grant. It replaces the one of the same scope.
pub(super) async fn put(tx: &mut Tx, name: &str, grant: &Grant) -> Result<(), ChangePersonError> {
    sqlx::query(
        "INSERT INTO grants (user_name, scope, role) VALUES ($1, $2, $3)
         ON CONFLICT (user_name, scope) DO UPDATE SET role = excluded.role",
    )
    .bind(name)
    .bind(grant.scope.to_string())
    .bind(grant.role.as_str())
    .execute(&mut **tx)
    .await?;
    let count = sqlx::query("SELECT COUNT(*) AS grants FROM grants WHERE user_name = $1").bind(name);
    let count: usize = count.fetch_one(&mut **tx).await?.number("grants")?;
    if count > GRANTS { Err(ChangePersonError::TooManyGrants) } else { Ok(()) }
}

/// Deletes the grant of this scope.
pub(super) async fn delete(tx: &mut Tx, name: &str, scope: &Scope) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM grants WHERE user_name = $1 AND scope = $2")
        .bind(name)
        .bind(scope.to_string())
        .execute(&mut **tx)
        .await?;
    Ok(())
}
