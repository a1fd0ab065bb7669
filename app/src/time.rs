//! Times in words. The server knows neither the person's time zone nor when the page is read, so it writes
//! UTC in full. `local_times.js` turns that into local time before the first paint, and this module after
//! hydration, in the same words.

use std::time::Duration;

use chrono::{DateTime, Datelike, Local, TimeDelta, Utc};
use leptos::prelude::*;

use crate::browser;

/// The browser's clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Time {
    /// The present moment, updated each second; `None` until the page is hydrated.
    pub(crate) now: RwSignal<Option<DateTime<Utc>>>,
    /// The present year in the browser's time zone.
    pub(crate) year: Memo<Option<i32>>,
}

/// Provides [`Time`], which starts to tick when the page is hydrated.
pub(crate) fn provide_time() {
    let now = RwSignal::new(None);
    let year = Memo::new(move |_| now.get().map(|now: DateTime<Utc>| now.with_timezone(&Local).year()));
    // Computed before the parts of the page are rendered concurrently: two that compute it at once block each
    // other.
    year.with_untracked(|_| ());
    provide_context(Time { now, year });
    Effect::new(move |_| {
        now.set(Some(browser::now()));
        set_interval(move || now.set(Some(browser::now())), Duration::from_secs(1));
    });
}

/// Provides a [`Time`] that stands still and has no time zone, so that the gallery always looks the same.
#[cfg(all(debug_assertions, feature = "ssr"))]
pub(crate) fn provide_still_time(now: DateTime<Utc>) {
    let year = Memo::new(|_| None);
    year.with_untracked(|_| ());
    provide_context(Time { now: RwSignal::new(Some(now)), year });
}

/// Returns the clock that [`provide_time`] provided.
pub(crate) fn use_time() -> Time {
    expect_context()
}

/// A moment: in local time if `year`, the present year there, is known, else in UTC.
pub(crate) fn moment(at: DateTime<Utc>, year: Option<i32>) -> String {
    let Some(year) = year else { return at.format("%b %-d %Y, %H:%M UTC").to_string() };
    let local = at.with_timezone(&Local);
    let format = if local.year() == year { "%b %-d, %H:%M" } else { "%b %-d %Y, %H:%M" };
    local.format(format).to_string()
}

/// How long ago `at` was: “3 min ago”.
pub(crate) fn ago(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let passed = now - at;
    if passed < TimeDelta::seconds(5) { "just now".to_owned() } else { format!("{} ago", rough(passed)) }
}

/// How long it is until `at`: “in 23 h”.
pub(crate) fn until(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    format!("in {}", rough(at - now))
}

/// How long something has lasted: “for 12 min”.
pub(crate) fn lasting(since: DateTime<Utc>, now: DateTime<Utc>) -> String {
    format!("for {}", rough(now - since))
}

/// A length of time in its largest unit.
pub(crate) fn rough(length: TimeDelta) -> String {
    let seconds = length.num_seconds().max(0);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h", seconds / 3600),
        86_400..172_800 => "1 day".to_owned(),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// A length of time as a clock counts it: “0:42”, “1:02:03”.
pub(crate) fn counted(length: TimeDelta) -> String {
    let seconds = length.num_seconds().max(0);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

/// How long something took: “less than 1 s”, “42 s”, then as a clock counts it.
pub(crate) fn took(length: TimeDelta) -> String {
    match length.num_seconds() {
        ..1 => "less than 1 s".to_owned(),
        1..60 => format!("{} s", length.num_seconds()),
        _ => counted(length),
    }
}

/// A usual length of time: “42 s”, “1 min 10 s”, “1 h 5 min”.
pub(crate) fn in_full(seconds: u64) -> String {
    let parts = match seconds {
        ..60 => [(seconds, "s"), (0, "")],
        60..3600 => [(seconds / 60, "min"), (seconds % 60, "s")],
        _ => [(seconds / 3600, "h"), (seconds / 60 % 60, "min")],
    };
    let [(first, unit), (second, smaller)] = parts;
    if second == 0 { format!("{first} {unit}") } else { format!("{first} {unit} {second} {smaller}") }
}

/// The local time of day.
pub(crate) fn time_of_day(at: DateTime<Utc>) -> String {
    at.with_timezone(&Local).format("%H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn the_server_writes_utc_in_full() {
        assert_eq!(moment(at("2025-12-08T04:05:00Z"), None), "Dec 8 2025, 04:05 UTC");
    }

    #[test]
    fn how_long_ago() {
        let now = at("2025-12-28T14:40:00Z");
        for (then, said) in [
            ("2025-12-28T14:40:09Z", "just now"),
            ("2025-12-28T14:39:48Z", "12 s ago"),
            ("2025-12-28T14:37:00Z", "3 min ago"),
            ("2025-12-28T11:37:00Z", "3 h ago"),
            ("2025-12-27T11:37:00Z", "1 day ago"),
            ("2025-11-27T11:37:00Z", "31 days ago"),
        ] {
            assert_eq!(ago(at(then), now), said);
        }
    }

    /// Stands in for the document: the script finds one `<time>` for each of `ARGS` and runs once.
    const DOCUMENT: &str = r"
        const [now, ...args] = process.argv.slice(1);
        const RealDate = Date;
        globalThis.Date = class extends RealDate {
            constructor(...given) { super(...(given.length ? given : [now])); }
        };
        const times = args.map((arg) => {
            const [as, dateTime] = arg.split(' ');
            return { dataset: { as }, dateTime, firstChild: { nodeType: 3, data: '' } };
        });
        globalThis.MutationObserver = class { observe() {} disconnect() {} };
        globalThis.document = {
            readyState: 'interactive',
            getElementsByTagName: () => times,
            addEventListener: (_, listener) => setImmediate(() => {
                listener();
                for (const time of times) console.log(time.firstChild.data);
            }),
        };
    ";

    /// Writes a moment, given the present one.
    type Words = fn(DateTime<Utc>, DateTime<Utc>) -> String;

    #[test]
    fn the_script_before_the_first_paint_has_the_same_words() {
        let now = at("2026-01-01T12:34:56Z");
        let seconds =
            [0, 4, 5, 59, 60, 61, 3599, 3600, 3661, 45_296, 86_399, 86_400, 172_799, 172_800, 31_536_000];
        let moments: Vec<_> = seconds
            .iter()
            .flat_map(|&s| [now - TimeDelta::seconds(s), now + TimeDelta::seconds(s)])
            .collect();
        let kinds: [(&str, Words); 5] = [
            ("moment", |at, now| moment(at, Some(now.with_timezone(&Local).year()))),
            ("ago", ago),
            ("until", until),
            ("for", lasting),
            ("elapsed", |since, now| counted(now - since)),
        ];
        let cases: Vec<_> = kinds
            .iter()
            .flat_map(|(kind, words)| moments.iter().map(move |at| (kind, at, words(*at, now))))
            .collect();
        let node = Command::new("node")
            .args(["-e", &[DOCUMENT, include_str!("local_times.js")].concat(), "--", &now.to_rfc3339()])
            .args(cases.iter().map(|(kind, at, _)| format!("{kind} {}", at.to_rfc3339())))
            .output()
            .expect("node runs the script");
        assert!(node.status.success(), "{}", String::from_utf8_lossy(&node.stderr));
        let said = String::from_utf8(node.stdout).unwrap();
        assert_eq!(said.lines().count(), cases.len());
        for (said, (kind, at, words)) in said.lines().zip(&cases) {
            assert_eq!(said, words, "{kind} {at}");
        }
    }

    #[test]
    fn a_length_in_full() {
        for (seconds, said) in
            [(0, "0 s"), (42, "42 s"), (60, "1 min"), (70, "1 min 10 s"), (3900, "1 h 5 min")]
        {
            assert_eq!(in_full(seconds), said);
        }
    }

    #[test]
    fn as_a_clock_counts() {
        for (seconds, said) in
            [(-5, "0:00"), (42, "0:42"), (71, "1:11"), (3600, "1:00:00"), (3723, "1:02:03")]
        {
            assert_eq!(counted(TimeDelta::seconds(seconds)), said);
        }
        for (millis, said) in [(40, "less than 1 s"), (1500, "1 s"), (71_000, "1:11")] {
            assert_eq!(took(TimeDelta::milliseconds(millis)), said);
        }
    }
}
