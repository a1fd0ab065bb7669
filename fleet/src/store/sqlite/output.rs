//! The lines that ops write.

use backstay_model::{OpId, OutputLine};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite};

use super::row::{Columns, stored_number, stored_time};
use super::{Appended, SqliteStore, StoreError, Tx};

/// Rows in one statement: far below what a statement may bind.
const ROWS_PER_STATEMENT: usize = 500;

pub(super) async fn append(
    store: &SqliteStore,
    op: OpId,
    lines: &[OutputLine],
) -> Result<Appended, StoreError> {
    let mut tx = store.begin().await?;
    // Lines count from 1: what claims to come before the first is none.
    let lines: Vec<_> = lines.iter().filter(|l| l.seq > 0 && i64::try_from(l.seq).is_ok()).collect();
    let mut new = vec![];
    for some in lines.chunks(ROWS_PER_STATEMENT) {
        new.extend(insert(&mut tx, op, some).await?);
    }
    let through = advance(&mut tx, op).await?;
    tx.commit().await?;
    Ok(Appended { through, new })
}

/// Inserts lines; the numbers of those that were not there.
async fn insert(tx: &mut Tx, op: OpId, some: &[&OutputLine]) -> Result<Vec<u64>, StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO op_output (op_id, seq, stream, at, line) ");
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

/// Moves the mark of the last line before the first gap. It is stored with the op, so that a long output is not counted
/// through from its start with each message.
async fn advance(tx: &mut Tx, op: OpId) -> Result<u64, StoreError> {
    let marked = sqlx::query("SELECT output_through FROM ops WHERE id = $1")
        .bind(op.to_string())
        .fetch_optional(&mut **tx)
        .await?;
    let before: i64 = marked.as_ref().map_or(Ok(0), |row| row.number("output_through"))?;
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

pub(super) async fn after(
    store: &SqliteStore,
    op: OpId,
    after: u64,
    limit: u32,
) -> Result<Vec<OutputLine>, StoreError> {
    let rows = sqlx::query(
        "SELECT seq, stream, at, line FROM op_output WHERE op_id = $1 AND seq > $2 ORDER BY seq LIMIT $3",
    )
    .bind(op.to_string())
    .bind(stored_number(after))
    .bind(i64::from(limit))
    .fetch_all(&store.reader)
    .await?;
    rows.iter().map(from_row).collect()
}

pub(super) async fn before(
    store: &SqliteStore,
    op: OpId,
    before: Option<u64>,
    limit: u32,
) -> Result<Vec<OutputLine>, StoreError> {
    let rows = sqlx::query(
        "SELECT seq, stream, at, line FROM op_output WHERE op_id = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3",
    )
    .bind(op.to_string())
    .bind(before.map_or(i64::MAX, stored_number))
    .bind(i64::from(limit))
    .fetch_all(&store.reader)
    .await?;
    rows.iter().rev().map(from_row).collect()
}

pub(super) async fn through(store: &SqliteStore, op: OpId) -> Result<u64, StoreError> {
    let row = sqlx::query("SELECT output_through FROM ops WHERE id = $1")
        .bind(op.to_string())
        .fetch_optional(&store.reader)
        .await?;
    row.map_or(Ok(0), |row| row.number("output_through"))
}

fn from_row(row: &SqliteRow) -> Result<OutputLine, StoreError> {
    Ok(OutputLine {
        seq: row.number("seq")?,
        stream: row.parsed("stream")?,
        at: row.time("at")?,
        text: row.text("line")?,
    })
}
