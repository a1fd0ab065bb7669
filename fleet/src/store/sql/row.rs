//! Conversion between columns and values: times, numbers, names and JSON, each in one form.

use std::fmt::Display;
use std::str::FromStr;

use super::DbRow;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::Row;

use super::StoreError;

/// A value that is read from one row.
pub(super) trait FromRow: Sized {
    /// Reads the row.
    fn from_row(row: &DbRow) -> Result<Self, StoreError>;
}

/// Reads the row that a query found, if any.
pub(super) fn optional<T: FromRow>(row: Option<DbRow>) -> Result<Option<T>, StoreError> {
    row.map(|row| T::from_row(&row)).transpose()
}

/// Reads every row that a query found.
pub(super) fn all<T: FromRow>(rows: Vec<DbRow>) -> Result<Vec<T>, StoreError> {
    rows.into_iter().map(|row| T::from_row(&row)).collect()
}

/// The stored form of a time: always 27 characters, so that the text sorts by time. Only a broken clock shows
/// a year of more than four digits; it is clamped to the range that fits.
pub(super) fn stored_time(at: DateTime<Utc>) -> String {
    const FIRST: DateTime<Utc> = DateTime::UNIX_EPOCH;
    let last = DateTime::from_timestamp(253_402_300_799, 999_999_000).unwrap_or(DateTime::<Utc>::MAX_UTC);
    at.clamp(FIRST, last).to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// The stored form of an optional time.
pub(super) fn stored_time_opt(at: Option<DateTime<Utc>>) -> Option<String> {
    at.map(stored_time)
}

/// The stored form of text that anybody may write: PostgreSQL stores no U+0000. What hosts send comes without it.
pub(super) fn stored_text(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// The stored form of a structured value.
pub(super) fn stored_json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|e| sqlx::Error::Encode(Box::new(e)).into())
}

/// The stored form of a count: SQL integers are signed.
pub(super) fn stored_number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn corrupt(column: &str, why: impl Display) -> StoreError {
    StoreError::Corrupt(format!("{column}: {why}"))
}

/// Reads columns in their stored form.
pub(in super::super) trait Columns {
    /// Optional text.
    fn text_opt(&self, column: &str) -> Result<Option<String>, StoreError>;
    /// An optional number.
    fn number_opt<T: TryFrom<i64, Error: Display>>(&self, column: &str) -> Result<Option<T>, StoreError>;

    /// Text.
    fn text(&self, column: &str) -> Result<String, StoreError> {
        self.text_opt(column)?.ok_or_else(|| corrupt(column, "is missing"))
    }

    /// A number.
    fn number<T: TryFrom<i64, Error: Display>>(&self, column: &str) -> Result<T, StoreError> {
        self.number_opt(column)?.ok_or_else(|| corrupt(column, "is missing"))
    }

    /// A boolean.
    fn flag(&self, column: &str) -> Result<bool, StoreError> {
        Ok(self.number::<i64>(column)? != 0)
    }

    /// An optional time.
    fn time_opt(&self, column: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
        let parse = |text: String| DateTime::parse_from_rfc3339(&text).map(|at| at.to_utc());
        self.text_opt(column)?.map(parse).transpose().map_err(|e| corrupt(column, e))
    }

    /// A time.
    fn time(&self, column: &str) -> Result<DateTime<Utc>, StoreError> {
        self.time_opt(column)?.ok_or_else(|| corrupt(column, "is missing"))
    }

    /// A value that is stored in its text form.
    fn parsed<T: FromStr<Err: Display>>(&self, column: &str) -> Result<T, StoreError> {
        self.text(column)?.parse().map_err(|e| corrupt(column, e))
    }

    /// An optional value that is stored in its text form.
    fn parsed_opt<T: FromStr<Err: Display>>(&self, column: &str) -> Result<Option<T>, StoreError> {
        self.text_opt(column)?.map(|text| text.parse()).transpose().map_err(|e| corrupt(column, e))
    }

    /// An optional structured value.
    fn json_opt<T: DeserializeOwned>(&self, column: &str) -> Result<Option<T>, StoreError> {
        let parse = |text: String| serde_json::from_str(&text);
        self.text_opt(column)?.map(parse).transpose().map_err(|e| corrupt(column, e))
    }

    /// A structured value.
    fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T, StoreError> {
        self.json_opt(column)?.ok_or_else(|| corrupt(column, "is missing"))
    }
}

impl Columns for DbRow {
    fn text_opt(&self, column: &str) -> Result<Option<String>, StoreError> {
        Ok(self.try_get(column)?)
    }

    fn number_opt<T: TryFrom<i64, Error: Display>>(&self, column: &str) -> Result<Option<T>, StoreError> {
        let number: Option<i64> = self.try_get(column)?;
        number.map(T::try_from).transpose().map_err(|e| corrupt(column, e))
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn stored_times_sort_by_time() {
        let start: DateTime<Utc> = "2025-12-28T14:40:00Z".parse().unwrap();
        let mut times: Vec<_> = [0, 1, 10, 999, 100_000, 1_000_000, 60_000_000, 86_400_000_000]
            .map(|micros| start + TimeDelta::microseconds(micros))
            .into();
        times.push(DateTime::<Utc>::MAX_UTC);
        times.insert(0, DateTime::<Utc>::MIN_UTC);
        let stored: Vec<_> = times.into_iter().map(stored_time).collect();
        assert!(stored.is_sorted_by(|a, b| a < b), "{stored:?}");
        assert!(stored.iter().all(|t| t.len() == 27), "{stored:?}");
    }
}
