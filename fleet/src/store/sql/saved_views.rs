//! Views of the fleet page that people saved.

use super::DbRow;
use async_trait::async_trait;

use super::SqlStore;
use super::row::{Columns, FromRow, all};
use crate::store::{SAVED_VIEWS, SavedView, SavedViewStore, StoreError};

impl FromRow for SavedView {
    fn from_row(row: &DbRow) -> Result<Self, StoreError> {
        Ok(Self { name: row.text("name")?, address: row.text("address")? })
    }
}

#[async_trait]
impl SavedViewStore for SqlStore {
    async fn saved_views(&self, user: &str) -> Result<Vec<SavedView>, StoreError> {
        let views = sqlx::query("SELECT name, address FROM saved_views WHERE user_name = $1 ORDER BY name");
        all(views.bind(user).fetch_all(&self.reader).await?)
    }

    async fn put_saved_view(&self, user: &str, view: &SavedView) -> Result<bool, StoreError> {
        let put = sqlx::query(
            "INSERT INTO saved_views (user_name, name, address) SELECT $1, $2, $3
             WHERE (SELECT COUNT(*) FROM saved_views WHERE user_name = $1 AND name <> $2) < $4
             ON CONFLICT (user_name, name) DO UPDATE SET address = excluded.address",
        )
        .bind(user)
        .bind(&view.name)
        .bind(&view.address)
        .bind(i64::from(SAVED_VIEWS))
        .execute(&self.writer)
        .await?;
        Ok(put.rows_affected() == 1)
    }

    async fn delete_saved_view(&self, user: &str, name: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM saved_views WHERE user_name = $1 AND name = $2")
            .bind(user)
            .bind(name)
            .execute(&self.writer)
            .await?;
        Ok(())
    }
}
