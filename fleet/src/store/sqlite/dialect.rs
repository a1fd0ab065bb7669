//! The fragments of SQL that are SQLite's own.

/// The function that finds a text in another, counted from 1; 0 if it is not there.
pub(super) const POSITION: &str = "INSTR";

/// The condition that a row is among the newest of a table that only grows at its end.
pub(super) fn is_among_newest(table: &str, rows: u32) -> String {
    format!("{table}.rowid > (SELECT MAX(rowid) FROM {table}) - {rows}")
}
