//! `GET /audit.csv` and `/audit.json`: exports of the audit log, for people who are logged in. The address selects the entries, as
//! the page's address does.

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use backstay_fleet::Fleet;
use backstay_fleet::store::HashedEntry;
use backstay_model::view::{AuditQuery, EVERYTHING, Search};
use futures::{Stream, stream};
use serde::Deserialize;

use super::logged_in::LoggedIn;

/// The filter.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Wanted {
    host: Option<String>,
    by: Option<String>,
    kind: Option<String>,
    from: Option<String>,
    to: Option<String>,
    text: Option<String>,
}

impl From<Wanted> for AuditQuery {
    fn from(Wanted { host, by, kind, from, to, text }: Wanted) -> Self {
        let said = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let search = Search { from: said(from), to: said(to), text: said(text) };
        let action = said(kind).filter(|kind| kind != EVERYTHING);
        Self { host: said(host), actor: said(by), action, search, ..Self::default() }
    }
}

/// The format of an export.
#[derive(Debug, Clone, Copy)]
enum Format {
    Csv,
    Json,
}

/// As a table (RFC 4180).
pub(crate) async fn csv(person: LoggedIn, fleet: State<Fleet>, wanted: Query<Wanted>) -> Response {
    export(&person, fleet, wanted, Format::Csv).await
}

/// As an array of objects.
pub(crate) async fn json(person: LoggedIn, fleet: State<Fleet>, wanted: Query<Wanted>) -> Response {
    export(&person, fleet, wanted, Format::Json).await
}

async fn export(
    person: &LoggedIn,
    State(fleet): State<Fleet>,
    Query(wanted): Query<Wanted>,
    format: Format,
) -> Response {
    let what = match format {
        Format::Csv => "the audit log as CSV",
        Format::Json => "the audit log as JSON",
    };
    if let Err(error) = fleet.accounts().record_export(&person.actor, what).await {
        tracing::error!(%error, "an export could not be recorded");
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let (kind, file) = match format {
        Format::Csv => ("text/csv; charset=utf-8", "attachment; filename=\"backstay-audit.csv\""),
        Format::Json => ("application/json", "attachment; filename=\"backstay-audit.json\""),
    };
    let mut response = Body::from_stream(pieces(fleet, wanted.into(), format)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static(file));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The progress of an export.
enum At {
    Start,
    /// Before this entry.
    Before(u64),
    End,
}

/// Streams the entries in batches, so that a long log is never in memory as a whole.
fn pieces(
    fleet: Fleet,
    query: AuditQuery,
    format: Format,
) -> impl Stream<Item = Result<String, std::io::Error>> {
    stream::try_unfold(At::Start, move |at| {
        let (fleet, query) = (fleet.clone(), query.clone());
        async move {
            let (before, is_first) = match at {
                At::Start => (None, true),
                At::Before(seq) => (Some(seq), false),
                At::End => return Ok(None),
            };
            let wanted = AuditQuery { before, ..query };
            let entries = fleet.audit_entries(&wanted).await.map_err(std::io::Error::other)?;
            let next = entries.last().map_or(At::End, |last| At::Before(last.entry.seq));
            let piece = match format {
                Format::Csv => table(&entries, is_first)?,
                Format::Json => array(&entries, is_first)?,
            };
            Ok(Some((piece, next)))
        }
    })
}

/// A part of an array. The first part opens it, and the part without entries closes it.
fn array(entries: &[HashedEntry], is_first: bool) -> Result<String, std::io::Error> {
    let mut text = if is_first { "[".to_owned() } else { String::new() };
    for (place, entry) in entries.iter().enumerate() {
        text.push_str(if is_first && place == 0 { "\n" } else { ",\n" });
        text.push_str(&serde_json::to_string(entry)?);
    }
    if entries.is_empty() {
        text.push_str("\n]\n");
    }
    Ok(text)
}

const COLUMNS: [&str; 11] = [
    "number",
    "time",
    "who",
    "what",
    "host",
    "from generation",
    "to generation",
    "why",
    "outcome",
    "op",
    "hash",
];

fn table(entries: &[HashedEntry], is_first: bool) -> Result<String, std::io::Error> {
    // Every cell is quoted: a spreadsheet that splits at semicolons would else find a cell of its own behind one.
    let mut writer = csv::WriterBuilder::new().quote_style(csv::QuoteStyle::Always).from_writer(vec![]);
    if is_first {
        writer.write_record(COLUMNS)?;
    }
    for entry in entries {
        writer.write_record(row(entry))?;
    }
    let bytes = writer.into_inner().map_err(|error| std::io::Error::other(error.to_string()))?;
    String::from_utf8(bytes).map_err(std::io::Error::other)
}

fn row(HashedEntry { entry, hash }: &HashedEntry) -> [String; COLUMNS.len()] {
    let number = |number: Option<u32>| number.map(|number| number.to_string()).unwrap_or_default();
    [
        entry.seq.to_string(),
        entry.at.to_rfc3339(),
        text(&entry.actor),
        text(&entry.action),
        text(entry.host_name.as_deref().unwrap_or_default()),
        number(entry.from_gen),
        number(entry.to_gen),
        text(entry.reason.as_deref().unwrap_or_default()),
        text(&entry.detail),
        entry.op.map(|op| op.to_string()).unwrap_or_default(),
        hash.clone(),
    ]
}

/// A text that people wrote. A spreadsheet would run one that begins like a formula; an apostrophe marks it as text. <https://owasp.org/www-community/attacks/CSV_Injection>
fn text(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use backstay_model::view::AuditEntry;

    use super::*;

    fn entry(seq: u64, reason: &str) -> HashedEntry {
        let entry = AuditEntry {
            seq,
            at: chrono::DateTime::UNIX_EPOCH,
            actor: "maria".into(),
            action: "rollback.requested".into(),
            host_name: Some("gpc0".into()),
            from_gen: Some(48),
            to_gen: Some(47),
            reason: Some(reason.into()),
            detail: "Requested.".into(),
            op: None,
        };
        HashedEntry { entry, hash: format!("hash of {seq}") }
    }

    #[test]
    fn a_table_is_quoted_and_holds_no_formula() {
        let table =
            table(&[entry(2, "X11, \"broken\"\nagain"), entry(1, "=cmd()"), entry(0, "x;=cmd()")], true)
                .unwrap();
        assert!(table.contains(",\"x;=cmd()\","), "{table}");
        let mut reader = csv::Reader::from_reader(table.as_bytes());
        let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
        assert_eq!(&rows[0][7], "X11, \"broken\"\nagain");
        assert_eq!(&rows[1][7], "'=cmd()");
        assert_eq!((&rows[0][5], &rows[0][6], rows.len()), ("48", "47", 3));
        assert_eq!(&rows[0][10], "hash of 2", "so that others can hold it");
    }

    #[test]
    fn parts_make_one_array() {
        let parts = [
            array(&[entry(3, "a"), entry(2, "b")], true).unwrap(),
            array(&[entry(1, "c")], false).unwrap(),
            array(&[], false).unwrap(),
        ];
        let read: Vec<HashedEntry> = serde_json::from_str(&parts.concat()).unwrap();
        assert_eq!(read, [entry(3, "a"), entry(2, "b"), entry(1, "c")]);
        assert_eq!(serde_json::from_str::<Vec<HashedEntry>>(&array(&[], true).unwrap()).unwrap(), []);
    }
}
