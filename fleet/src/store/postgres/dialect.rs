//! The fragments of SQL that are PostgreSQL's own.

/// The function that finds a text in another, counted from 1; 0 if it is not there.
pub(super) const POSITION: &str = "STRPOS";

/// The condition that a row is among the newest of a table that only grows at its end.
pub(super) fn is_among_newest(table: &str, rows: u32) -> String {
    if table == "audit_log" {
        return format!("audit_log.seq > (SELECT MAX(seq) FROM audit_log) - {rows}");
    }
    // Identifiers sort by time.
    format!("{table}.id >= COALESCE((SELECT id FROM {table} ORDER BY id DESC LIMIT 1 OFFSET {rows}), '')")
}
