//! The output lines of ops.

use super::{Db, DbRow};
use backstay_model::{OpId, OutputLine};
use sqlx::QueryBuilder;

use super::Tx;
use super::row::{Columns, FromRow, stored_number, stored_time};
use crate::store::StoreError;

impl FromRow for OutputLine {
    fn from_row(row: &DbRow) -> Result<Self, StoreError> {
        Ok(Self {
            seq: row.number("seq")?,
            stream: row.parsed("stream")?,
            at: row.time("at")?,
            text: row.text("line")?,
        })
    }
}

/// Inserts lines and returns the numbers of those that were new.
pub(super) async fn insert(tx: &mut Tx, op: OpId, some: &[&OutputLine]) -> Result<Vec<u64>, StoreError> {
    let mut query = QueryBuilder::<Db>::new("INSERT INTO op_output (op_id, seq, stream, at, line) ");
    query.push_values(some, |mut row, line| {
        row.push_bind(op.to_string())
            .push_bind(stored_number(line.seq))
            .push_bind(line.stream.as_str())
            .push_bind(stored_time(line.at))
            .push_bind(&line.text);
    });
    query.push(" ON CONFLICT (op_id, seq) DO NOTHING RETURNING seq");
    let rows = query.build().fetch_all(&mut **tx).await?;
    rows.iter().map(|row| row.number("seq")).collect()
}

/// Moves the mark to the last line before the first gap and returns it. The op's row stores it, so that a
/// message need not count a long output from its start.
pub(super) async fn advance(tx: &mut Tx, op: OpId) -> Result<u64, StoreError> {
    let marked = sqlx::query("SELECT output_through, output_removed_at FROM ops WHERE id = $1")
        .bind(op.to_string())
        .fetch_optional(&mut **tx)
        .await?;
    let before: i64 = marked.as_ref().map_or(Ok(0), |row| row.number("output_through"))?;
    if marked.is_some_and(|row| row.time_opt("output_removed_at").is_ok_and(|at| at.is_some())) {
        // Lines of so old an op: they go with the next removal.
        sqlx::query("UPDATE ops SET output_removed_at = NULL WHERE id = $1")
            .bind(op.to_string())
            .execute(&mut **tx)
            .await?;
    }
    let moved = sqlx::query(
        "SELECT line.seq FROM op_output AS line
         WHERE line.op_id = $1 AND line.seq > $2
           AND EXISTS (SELECT 1 FROM op_output WHERE op_id = $1 AND seq = $2 + 1)
           AND NOT EXISTS (SELECT 1 FROM op_output AS next WHERE next.op_id = $1 AND next.seq = line.seq + 1)
         ORDER BY line.seq LIMIT 1",
    )
    .bind(op.to_string())
    .bind(before)
    .fetch_optional(&mut **tx)
    .await?;
    let through: i64 = moved.as_ref().map_or(Ok(before), |row| row.number("seq"))?;
    if through > before {
        sqlx::query("UPDATE ops SET output_through = $2 WHERE id = $1")
            .bind(op.to_string())
            .bind(through)
            .execute(&mut **tx)
            .await?;
    }
    Ok(u64::try_from(through).unwrap_or_default())
}
