//! Browsers on which people have logged in.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::SqlStore;
use super::row::stored_time;
use crate::store::{DEVICES_KEPT, DeviceStore, StoreError, TokenHash};

#[async_trait]
impl DeviceStore for SqlStore {
    async fn is_known_device(
        &self,
        device: &TokenHash,
        user: &str,
        since: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let found = sqlx::query(
            "SELECT 1 FROM known_devices WHERE token_hash = $1 AND user_name = $2 AND used_at > $3",
        )
        .bind(&device.0)
        .bind(user)
        .bind(stored_time(since));
        Ok(found.fetch_optional(&self.reader).await?.is_some())
    }

    async fn put_device(&self, device: &TokenHash, user: &str, at: DateTime<Utc>) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "INSERT INTO known_devices (token_hash, user_name, used_at) VALUES ($1, $2, $3)
             ON CONFLICT (token_hash) DO UPDATE SET user_name = excluded.user_name, used_at = excluded.used_at",
        )
        .bind(&device.0)
        .bind(user)
        .bind(stored_time(at))
        .execute(&mut *tx)
        .await?;
        sqlx::query(
            "DELETE FROM known_devices WHERE user_name = $1 AND token_hash NOT IN
                 (SELECT token_hash FROM known_devices WHERE user_name = $1
                  ORDER BY used_at DESC, token_hash LIMIT $2)",
        )
        .bind(user)
        .bind(i64::from(DEVICES_KEPT))
        .execute(&mut *tx)
        .await?;
        Ok(tx.commit().await?)
    }
}
