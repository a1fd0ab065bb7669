//! Formats figures as a table: the empty page first, then each other page with its ratio to it.

use std::fmt::Write as _;

use anyhow::{Context, Result};
use serde_json::Value;

/// The page that the others are compared with.
const EMPTY: &str = "empty";

#[derive(Clone, Copy)]
enum Unit {
    Bytes,
    Milliseconds,
    Count,
    Shift,
}

/// A line of the table: its title, its figures (added up if there are several), their unit.
struct Line(&'static str, &'static [&'static str], Unit);

const LINES: [Line; 22] = [
    Line("HTML", &["local/htmlBytes"], Unit::Bytes),
    Line("CSS", &["local/cssBytes"], Unit::Bytes),
    Line("JavaScript", &["local/jsBytes"], Unit::Bytes),
    Line("WebAssembly", &["local/wasmBytes"], Unit::Bytes),
    Line(
        "All of these",
        &["local/htmlBytes", "local/cssBytes", "local/jsBytes", "local/wasmBytes"],
        Unit::Bytes,
    ),
    Line("Server's first byte", &["local/answered"], Unit::Milliseconds),
    Line("First row painted", &["local/painted"], Unit::Milliseconds),
    Line("Hydrated", &["local/hydrated"], Unit::Milliseconds),
    Line("Longest task of the load", &["local/longest"], Unit::Milliseconds),
    Line("First row painted, phone's network", &["phone/painted"], Unit::Milliseconds),
    Line("Hydrated, phone's network", &["phone/hydrated"], Unit::Milliseconds),
    Line("Layout shift", &["local/shift"], Unit::Shift),
    Line("Changes reported", &["events/sent"], Unit::Count),
    Line("Changes heard by the page", &["events/heard"], Unit::Count),
    Line("Long tasks during changes", &["events/longTasks"], Unit::Count),
    Line("… in total", &["events/longTasksMs"], Unit::Milliseconds),
    Line("… the longest", &["events/longestMs"], Unit::Milliseconds),
    Line("Frames during changes, 95th percentile", &["events/frameP95"], Unit::Milliseconds),
    Line("Frames of scrolling, median", &["scrolled/frameP50"], Unit::Milliseconds),
    Line("… 95th percentile", &["scrolled/frameP95"], Unit::Milliseconds),
    Line("… the longest", &["scrolled/frameMax"], Unit::Milliseconds),
    Line("… 95th percentile, with changes", &["scrolledLive/frameP95"], Unit::Milliseconds),
];

/// The table, as Markdown.
pub(super) fn of(figures: &Value) -> Result<String> {
    let pages = figures["pages"].as_object().context("no pages were measured")?;
    let empty = pages.get(EMPTY).context("the empty page was not measured")?;
    let others: Vec<(&String, &Value)> = pages.iter().filter(|(name, _)| *name != EMPTY).collect();
    let mut table = "| | empty page |".to_owned();
    for (name, _) in &others {
        let _ = write!(table, " {name} | ratio |");
    }
    let _ = write!(table, "\n| --- | ---: |{}", " ---: | ---: |".repeat(others.len()));
    for Line(title, places, unit) in &LINES {
        let base = figure(empty, places);
        let _ = write!(table, "\n| {title} | {} |", shown(base, *unit));
        for (_, page) in &others {
            let value = figure(page, places);
            let _ = write!(table, " {} | {} |", shown(value, *unit), ratio(value, base));
        }
    }
    table.push('\n');
    Ok(table)
}

fn figure(page: &Value, places: &[&str]) -> Option<f64> {
    places.iter().map(|place| page.pointer(&format!("/{place}")).and_then(Value::as_f64)).sum()
}

fn shown(value: Option<f64>, unit: Unit) -> String {
    let Some(value) = value else { return "–".to_owned() };
    match unit {
        Unit::Bytes => format!("{:.1} kB", value / 1_000.0),
        Unit::Milliseconds => format!("{value:.0} ms"),
        Unit::Count => format!("{value:.0}"),
        Unit::Shift => format!("{value:.3}"),
    }
}

fn ratio(value: Option<f64>, base: Option<f64>) -> String {
    match (value, base) {
        (Some(value), Some(base)) if base > 0.0 => format!("{:.1}", value / base),
        _ => "–".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_page_stands_beside_the_empty_one() {
        let figures = json!({ "pages": {
            "empty": { "local": { "htmlBytes": 2000, "cssBytes": 0, "jsBytes": 0, "wasmBytes": 100_000, "painted": 40.4 } },
            "1000 hosts": { "local": { "htmlBytes": 30_000, "cssBytes": 1, "jsBytes": 0, "wasmBytes": 250_000, "painted": 101 } },
        } });
        let table = of(&figures).unwrap();
        assert!(table.starts_with("| | empty page | 1000 hosts | ratio |\n"), "{table}");
        assert!(table.contains("| WebAssembly | 100.0 kB | 250.0 kB | 2.5 |"), "{table}");
        assert!(table.contains("| CSS | 0.0 kB | 0.0 kB | – |"), "{table}");
        assert!(table.contains("| First row painted | 40 ms | 101 ms | 2.5 |"), "{table}");
        assert!(table.contains("| Hydrated | – | – | – |"), "{table}");
        assert!(of(&json!({})).is_err());
    }
}
