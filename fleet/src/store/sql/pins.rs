//! Marks that people put on generations.

use super::DbRow;
use async_trait::async_trait;
use backstay_model::{GenerationPin, GenerationRef, HostId};

use super::row::{Columns, FromRow, all, stored_time};
use super::{SqlStore, audit};
use crate::store::{NewAuditEntry, PinStore, StoreError};

impl FromRow for GenerationPin {
    fn from_row(row: &DbRow) -> Result<Self, StoreError> {
        Ok(Self {
            generation: GenerationRef { number: row.number("number")?, store_path: row.text("store_path")? },
            by: row.text("pinned_by")?,
            at: row.time("pinned_at")?,
            note: row.text("note")?,
        })
    }
}

#[async_trait]
impl PinStore for SqlStore {
    async fn pins(&self, host: HostId) -> Result<Vec<GenerationPin>, StoreError> {
        let pins = sqlx::query("SELECT * FROM pins WHERE host_id = $1 ORDER BY number DESC");
        all(pins.bind(host.to_string()).fetch_all(&self.reader).await?)
    }

    async fn put_pin(
        &self,
        host: HostId,
        pin: &GenerationPin,
        audit: &NewAuditEntry,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let put = sqlx::query(
            "INSERT INTO pins (host_id, number, store_path, note, pinned_by, pinned_at)
             SELECT id, $2, $3, $4, $5, $6 FROM hosts WHERE id = $1 AND removed_at IS NULL
             ON CONFLICT (host_id, number) DO UPDATE SET store_path = excluded.store_path, note = excluded.note,
                 pinned_by = excluded.pinned_by, pinned_at = excluded.pinned_at",
        )
        .bind(host.to_string())
        .bind(i64::from(pin.generation.number))
        .bind(&pin.generation.store_path)
        .bind(&pin.note)
        .bind(&pin.by)
        .bind(stored_time(pin.at))
        .execute(&mut *tx)
        .await?;
        if put.rows_affected() == 0 {
            return Ok(());
        }
        sqlx::query(
            "DELETE FROM pins WHERE host_id = $1 AND number NOT IN
                 (SELECT number FROM generations WHERE host_id = $1 AND in_profile = 1)",
        )
        .bind(host.to_string())
        .execute(&mut *tx)
        .await?;
        audit::append(&mut tx, audit).await?;
        Ok(tx.commit().await?)
    }

    async fn delete_pin(
        &self,
        host: HostId,
        generation: &GenerationRef,
        audit: &NewAuditEntry,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let deleted = sqlx::query("DELETE FROM pins WHERE host_id = $1 AND number = $2 AND store_path = $3")
            .bind(host.to_string())
            .bind(i64::from(generation.number))
            .bind(&generation.store_path)
            .execute(&mut *tx)
            .await?;
        if deleted.rows_affected() > 0 {
            audit::append(&mut tx, audit).await?;
        }
        Ok(tx.commit().await?)
    }
}
