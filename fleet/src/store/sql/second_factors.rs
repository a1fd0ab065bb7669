//! Second factors.

use super::DbRow;
use async_trait::async_trait;

use super::row::{Columns, FromRow, optional, stored_number, stored_time};
use super::{SqlStore, audit};
use crate::store::{NewAuditEntry, SecondFactor, SecondFactorStore, StoreError, TokenHash};

/// The column `has_second_factor` of a query on `users`.
macro_rules! has_second_factor {
    () => {
        "(SELECT COUNT(*) FROM second_factors WHERE user_name = users.name AND confirmed_at IS NOT NULL) AS has_second_factor"
    };
}
pub(super) use has_second_factor;

impl FromRow for SecondFactor {
    fn from_row(row: &DbRow) -> Result<Self, StoreError> {
        Ok(Self {
            sealed_seed: row.text("sealed_seed")?,
            is_confirmed: row.text_opt("confirmed_at")?.is_some(),
            recovery_codes: row.number("recovery_codes")?,
        })
    }
}

#[async_trait]
impl SecondFactorStore for SqlStore {
    async fn second_factor(&self, user: &str) -> Result<Option<SecondFactor>, StoreError> {
        let found = sqlx::query(
            "SELECT *, (SELECT COUNT(*) FROM recovery_codes WHERE user_name = $1) AS recovery_codes
             FROM second_factors WHERE user_name = $1",
        )
        .bind(user);
        optional(found.fetch_optional(&self.reader).await?)
    }

    async fn put_second_factor(&self, user: &str, sealed_seed: &str) -> Result<bool, StoreError> {
        let put = sqlx::query(
            "INSERT INTO second_factors (user_name, sealed_seed) SELECT name, $2 FROM users WHERE name = $1
             ON CONFLICT (user_name) DO UPDATE SET sealed_seed = excluded.sealed_seed
             WHERE second_factors.confirmed_at IS NULL",
        )
        .bind(user)
        .bind(sealed_seed);
        Ok(put.execute(&self.writer).await?.rows_affected() > 0)
    }

    async fn confirm_second_factor(
        &self,
        user: &str,
        sealed_seed: &str,
        step: u64,
        recovery_codes: &[TokenHash],
        audit: &NewAuditEntry,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let confirmed = sqlx::query(
            "UPDATE second_factors SET confirmed_at = $3, last_step = $4
             WHERE user_name = $1 AND sealed_seed = $2 AND confirmed_at IS NULL",
        )
        .bind(user)
        .bind(sealed_seed)
        .bind(stored_time(audit.at))
        .bind(stored_number(step));
        if confirmed.execute(&mut *tx).await?.rows_affected() == 0 {
            return Ok(false);
        }
        for code in recovery_codes {
            sqlx::query("INSERT INTO recovery_codes (code_hash, user_name) VALUES ($1, $2)")
                .bind(&code.0)
                .bind(user)
                .execute(&mut *tx)
                .await?;
        }
        audit::append(&mut tx, audit).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn use_step(&self, user: &str, step: u64) -> Result<bool, StoreError> {
        let mark = sqlx::query(
            "UPDATE second_factors SET last_step = $2
             WHERE user_name = $1 AND last_step < $2 AND confirmed_at IS NOT NULL",
        )
        .bind(user)
        .bind(stored_number(step));
        Ok(mark.execute(&self.writer).await?.rows_affected() > 0)
    }

    async fn use_recovery_code(
        &self,
        user: &str,
        code: &TokenHash,
        audit: &NewAuditEntry,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let removal = sqlx::query("DELETE FROM recovery_codes WHERE user_name = $1 AND code_hash = $2")
            .bind(user)
            .bind(&code.0);
        if removal.execute(&mut *tx).await?.rows_affected() == 0 {
            return Ok(false);
        }
        audit::append(&mut tx, audit).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn remove_second_factor(&self, user: &str, audit: &NewAuditEntry) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let removed =
            sqlx::query("DELETE FROM second_factors WHERE user_name = $1 AND confirmed_at IS NOT NULL")
                .bind(user);
        if removed.execute(&mut *tx).await?.rows_affected() == 0 {
            return Ok(false);
        }
        audit::append(&mut tx, audit).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn sealed_seeds(&self) -> Result<Vec<(String, String)>, StoreError> {
        let all = sqlx::query("SELECT user_name, sealed_seed FROM second_factors ORDER BY user_name");
        let rows = all.fetch_all(&self.reader).await?;
        rows.iter().map(|row| Ok((row.text("user_name")?, row.text("sealed_seed")?))).collect()
    }

    async fn reseal(&self, user: &str, old: &str, new: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE second_factors SET sealed_seed = $3 WHERE user_name = $1 AND sealed_seed = $2")
            .bind(user)
            .bind(old)
            .bind(new)
            .execute(&self.writer)
            .await?;
        Ok(())
    }
}
