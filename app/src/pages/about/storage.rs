//! What the server keeps, for how long, and how much space it takes. The server alone writes it.

use backstay_fleet::Storage;
use backstay_fleet::store::{DiskUse, MERGES_OF_PAST, OPS_OF_PAST, RUNS_OF_PAST};
use chrono::TimeDelta;
use leptos::prelude::*;

use crate::components::Moment;

/// The section about it.
pub(crate) fn storage(storage: &Storage) -> String {
    let measured = storage.measured.as_ref();
    let space = measured.map(|(_, space)| space);
    let rows = rows(storage).into_iter().map(|(what, size, kept)| {
        let size = space.map_or_else(|| "Not measured yet".to_owned(), |space| in_words(size(space)));
        view! {
            <tr>
                <th scope="row">{what}</th>
                <td data-title="Size">{size}</td>
                <td data-title="Kept">{kept}</td>
            </tr>
        }
    });
    let total = measured.map(|(at, space)| {
        view! { <p class="faint">"The database: "{in_words(space.total)}", measured "<Moment at=*at/>"."</p> }
    });
    view! {
        <h2 id="about-storage">"Storage"</h2>
        <div class="table-frame card">
            <table class="plain">
                <thead>
                    <tr>
                        <th scope="col">"What"</th>
                        <th scope="col">"Size"</th>
                        <th scope="col">"Kept"</th>
                    </tr>
                </thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </div>
        {total}
    }
    .to_html()
}

/// A kind of things, its space, and how long it is kept.
type Row = (&'static str, fn(&DiskUse) -> u64, String);

fn rows(storage: &Storage) -> [Row; 8] {
    let ages = &storage.retention;
    let history = kept(ages.history);
    let output = kept(ages.output.into_iter().chain(ages.history).min());
    let audit = storage.measured.as_ref().map(|(_, space)| format!(". Entries: {}", space.audit_entries));
    let longer =
        |more: String| if ages.history.is_some() { format!("{history}; {more}") } else { history.clone() };
    [
        ("Output of ops", |space| space.output, output),
        (
            "Ops and rollbacks",
            |space| space.ops,
            longer(format!("at least the newest {OPS_OF_PAST} of each host, and what is not over")),
        ),
        (
            "Test runs",
            |space| space.test_runs,
            longer(format!(
                "at least the newest {RUNS_OF_PAST} of each host, and the last of each generation"
            )),
        ),
        (
            "Deployments and roll-outs",
            |space| space.deployments,
            longer(format!("at least the newest {MERGES_OF_PAST}, and what is open or reverted")),
        ),
        ("Hosts and generations", |space| space.hosts, format!("Removed hosts: {}", history.to_lowercase())),
        (
            "Audit log",
            |space| space.audit,
            format!("For ever: each entry proves those before it{}", audit.unwrap_or_default()),
        ),
        ("Other", DiskUse::rest, "People, sessions, views".to_owned()),
        ("Free", |space| space.free, "Filled again, or given back to the disk".to_owned()),
    ]
}

fn kept(age: Option<TimeDelta>) -> String {
    age.map_or_else(|| "For ever".to_owned(), |age| format!("{} days", age.num_days()))
}

/// Bytes with three digits at least, if there are as many.
fn in_words(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes}\u{a0}bytes"),
        1_000..1_000_000 => format!("{}\u{a0}kB", bytes / 1_000),
        1_000_000..10_000_000 => format!("{}.{}\u{a0}MB", bytes / 1_000_000, bytes / 100_000 % 10),
        10_000_000..1_000_000_000 => format!("{}\u{a0}MB", bytes / 1_000_000),
        _ => format!("{}.{}\u{a0}GB", bytes / 1_000_000_000, bytes / 100_000_000 % 10),
    }
}

#[cfg(test)]
mod tests {
    use backstay_fleet::Retention;

    use super::*;

    #[test]
    fn a_size_is_short_to_read() {
        for (bytes, words) in [
            (0, "0 bytes"),
            (999, "999 bytes"),
            (4_096, "4 kB"),
            (999_999, "999 kB"),
            (1_250_000, "1.2 MB"),
            (38_000_000, "38 MB"),
            (1_960_000_000, "1.9 GB"),
        ] {
            assert_eq!(in_words(bytes).replace('\u{a0}', " "), words);
        }
    }

    #[test]
    fn output_is_kept_no_longer_than_its_op() {
        let said = |output: Option<i64>, history: Option<i64>| {
            let retention =
                Retention { output: output.map(TimeDelta::days), history: history.map(TimeDelta::days) };
            let [(_, _, output), (_, _, ops), ..] = rows(&Storage { retention, measured: None });
            (output, ops)
        };
        assert_eq!(said(Some(90), Some(30)).0, "30 days");
        assert_eq!(said(None, Some(30)).0, "30 days");
        assert_eq!(said(Some(90), None), ("90 days".to_owned(), "For ever".to_owned()));
        assert!(said(Some(90), Some(365)).1.starts_with("365 days; at least the newest 200"));
    }
}
