//! Times in words. The server knows neither the person's time zone nor when the page is read, so it writes
//! UTC in full. `local_times.js` turns that into the browser's words before the first paint and keeps them
//! true. What both can say, a length of time, is here too, in the same words.

use std::time::Duration;

use chrono::{DateTime, Datelike, SecondsFormat, TimeDelta, Utc};
use leptos::prelude::*;

use crate::browser;

/// The browser's clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Time {
    /// The present moment, updated each second; `None` until the page is hydrated.
    pub(crate) now: RwSignal<Option<DateTime<Utc>>>,
    /// How often the zone that the page shows has changed: 0 until the page is hydrated, when it is UTC.
    zone: RwSignal<u32>,
}

impl Time {
    /// The day of a moment, in days since 1970, in the zone that the page shows.
    pub(crate) fn day(self, at: DateTime<Utc>) -> i64 {
        let offset = if self.zone.get() == 0 { 0 } else { browser::minutes_behind_utc(at) };
        (at.timestamp() / 60 - offset).div_euclid(24 * 60)
    }
}

/// Provides [`Time`], which starts to tick when the page is hydrated.
pub(crate) fn provide_time() {
    let now = RwSignal::new(None);
    let zone = RwSignal::new(0);
    provide_context(Time { now, zone });
    Effect::new(move |_| {
        now.set(Some(browser::now()));
        zone.set(1);
        // `local_times.js` sends it.
        let _ = window_event_listener_untyped("zone", move |_| zone.update(|count| *count += 1));
        set_interval(move || now.set(Some(browser::now())), Duration::from_secs(1));
    });
}

/// Provides a [`Time`] that stands still, so that the gallery always looks the same.
#[cfg(all(debug_assertions, feature = "ssr"))]
pub(crate) fn provide_still_time(now: DateTime<Utc>) {
    provide_context(Time { now: RwSignal::new(Some(now)), zone: RwSignal::new(0) });
}

/// Returns the clock that [`provide_time`] provided.
pub(crate) fn use_time() -> Time {
    expect_context()
}

/// A moment as machines read it, to the second.
pub(crate) fn machine_readable(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A day: “Nov 3 2025”.
pub(crate) fn day(at: DateTime<Utc>) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = MONTHS.get(at.month0() as usize).copied().unwrap_or_default();
    format!("{month} {} {}", at.day(), at.year())
}

/// A length of time in its largest unit.
pub(crate) fn rough(length: TimeDelta) -> String {
    let seconds = length.num_seconds().max(0);
    let days = seconds / 86_400;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h", seconds / 3600),
        _ if days < 31 => count(days, "day"),
        _ if days < 730 => count(days * 12 / 365, "month"),
        _ => count(days / 365, "year"),
    }
}

fn count(number: i64, unit: &str) -> String {
    if number == 1 { format!("1 {unit}") } else { format!("{number} {unit}s") }
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

/// The server's words for a time, which the script replaces, and the gallery's.
#[cfg(feature = "ssr")]
mod server {
    use chrono::{DateTime, TimeDelta, Utc};
    use leptos::prelude::*;

    use super::{Time, counted, rough};

    /// A moment in UTC: “29 Nov 2026, 21:20 UTC”.
    pub(crate) fn moment(at: DateTime<Utc>) -> String {
        at.format("%-d %b %Y, %H:%M UTC").to_string()
    }

    /// A day: “Sunday, 29 November 2026”.
    pub(super) fn day(at: DateTime<Utc>) -> String {
        at.format("%A, %-d %B %Y").to_string()
    }

    /// A moment to the second.
    pub(crate) fn pinned(at: DateTime<Utc>) -> String {
        at.format("%a %-d %b %Y, %H:%M:%S UTC").to_string()
    }

    /// A time of one of the kinds of `local_times.js`. Only a clock that stands still knows when the page is
    /// read.
    pub(crate) fn written(kind: &str, at: DateTime<Utc>) -> String {
        let now = use_context::<Time>().and_then(|time| time.now.get_untracked());
        match (kind, now) {
            ("day", _) => day(at),
            ("moment" | "ago", None) => moment(at),
            ("until", None) => format!("at {}", moment(at)),
            (_, None) => format!("since {}", moment(at)),
            (kind, Some(now)) => relative(kind, at, now),
        }
    }

    /// A time as of `now`, in the words of `local_times.js`.
    pub(super) fn relative(kind: &str, at: DateTime<Utc>, now: DateTime<Utc>) -> String {
        match kind {
            "ago" if now - at < TimeDelta::seconds(5) => "just now".to_owned(),
            "ago" => format!("{} ago", rough(now - at)),
            "until" => format!("in {}", rough(at - now)),
            "for" => format!("for {}", rough(now - at)),
            "elapsed" => counted(now - at),
            _ => moment(at),
        }
    }
}

#[cfg(feature = "ssr")]
pub(crate) use server::{pinned, written};

#[cfg(test)]
#[cfg(feature = "ssr")]
mod tests {
    use std::process::Command;

    use super::server::{moment, relative};
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn the_server_writes_utc_in_full() {
        let then = at("2025-12-08T04:05:06Z");
        assert_eq!(moment(then), "8 Dec 2025, 04:05 UTC");
        assert_eq!(pinned(then), "Mon 8 Dec 2025, 04:05:06 UTC");
        assert_eq!(day(then), "Dec 8 2025");
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
            ("2025-11-28T11:37:00Z", "30 days ago"),
            ("2025-11-27T11:37:00Z", "1 month ago"),
            ("2024-11-23T11:37:00Z", "13 months ago"),
            ("2023-11-23T11:37:00Z", "2 years ago"),
        ] {
            assert_eq!(relative("ago", at(then), now), said);
        }
    }

    /// Stands in for the document: the script finds one `<time>` for each of `ARGS` and writes them once. The
    /// first argument is the present moment, the second the stored choice of a zone.
    const DOCUMENT: &str = r"
        const [now, zone, ...args] = process.argv.slice(1);
        const RealDate = Date;
        globalThis.Date = class extends RealDate {
            constructor(...given) { super(...(given.length ? given : [now])); }
        };
        const times = args.map((arg) => {
            const [as, dateTime] = arg.split(' ');
            return { dataset: { as }, dateTime, firstChild: { nodeType: 3, data: '' } };
        });
        globalThis.localStorage = { getItem: () => zone };
        globalThis.MutationObserver = class { observe() {} disconnect() {} };
        globalThis.setInterval = () => {};
        globalThis.document = {
            documentElement: { dataset: {} },
            getElementsByTagName: () => times,
            querySelectorAll: (selector) => (selector === 'time' ? times : []),
            addEventListener: (event, listener) => event === 'readystatechange' && setImmediate(() => {
                listener();
                for (const time of times) console.log([time.firstChild.data, time.title].join('|'));
            }),
        };
    ";

    /// What the script writes, as text and title.
    fn scripted(
        locale: &str,
        zone: &str,
        now: DateTime<Utc>,
        cases: &[(&str, DateTime<Utc>)],
    ) -> Vec<String> {
        let node = Command::new("node")
            .args(["-e", &[DOCUMENT, include_str!("local_times.js")].concat(), "--", &now.to_rfc3339(), zone])
            .args(cases.iter().map(|(kind, at)| format!("{kind} {}", machine_readable(*at))))
            .envs([("LC_ALL", locale), ("TZ", "Europe/Vienna")])
            .output()
            .expect("node runs the script");
        assert!(node.status.success(), "{}", String::from_utf8_lossy(&node.stderr));
        let said = String::from_utf8(node.stdout).unwrap();
        said.lines().map(ToOwned::to_owned).collect()
    }

    const DAY: i64 = 86_400;

    #[test]
    fn the_script_has_the_same_words() {
        let now = at("2026-01-01T12:34:56Z");
        let seconds = [0, 4, 5, 59, 60, 61, 3599, 3600, 3661, 45_296];
        let days = [1, 2, 30, 31, 60, 61, 364, 365, 400, 729, 730, 1500];
        let lengths =
            seconds.into_iter().chain(days.into_iter().flat_map(|days| [days * DAY - 1, days * DAY]));
        let moments: Vec<_> =
            lengths.flat_map(|s| [now - TimeDelta::seconds(s), now + TimeDelta::seconds(s)]).collect();
        let kinds = ["ago", "until", "for", "elapsed"];
        let cases: Vec<_> = kinds.iter().flat_map(|kind| moments.iter().map(|at| (*kind, *at))).collect();
        let said = scripted("en_GB", "local", now, &cases);
        assert_eq!(said.len(), cases.len());
        for (said, (kind, at)) in said.iter().zip(&cases) {
            assert_eq!(said.split('|').next(), Some(relative(kind, *at, now).as_str()), "{kind} {at}");
        }
        // In another year and in UTC, a moment is as the server writes it.
        let then = at("2025-11-29T21:20:14Z");
        let said = scripted("en_GB", "utc", now, &[("moment", then)]);
        assert_eq!(said[0].split('|').next(), Some(moment(then).as_str()));
    }

    #[test]
    fn a_moment_is_in_the_browsers_form_and_its_title_pins_it_down() {
        let (now, then) = (at("2026-12-01T12:00:00Z"), at("2026-11-29T21:20:14Z"));
        let late = at("2026-11-29T23:20:14Z");
        for (locale, zone, at, said) in [
            (
                "en_GB",
                "local",
                then,
                "29 Nov, 22:20|Sun, 29 Nov 2026, 22:20:14 (Europe/Vienna) · 21:20:14 UTC",
            ),
            (
                "en_GB",
                "utc",
                then,
                "29 Nov, 21:20 UTC|Sun, 29 Nov 2026, 22:20:14 (Europe/Vienna) · 21:20:14 UTC",
            ),
            (
                "en_GB",
                "local",
                late,
                "30 Nov, 00:20|Mon, 30 Nov 2026, 00:20:14 (Europe/Vienna) · 2026-11-29 23:20:14 UTC",
            ),
            (
                "de_AT",
                "local",
                then,
                "29. Nov., 22:20|So., 29. Nov. 2026, 22:20:14 (Europe/Vienna) · 21:20:14 UTC",
            ),
        ] {
            assert_eq!(scripted(locale, zone, now, &[("moment", at)]), [said], "{locale}");
        }
    }

    #[test]
    fn a_day_is_that_of_its_number_in_every_zone() {
        let day = at("2026-11-29T00:00:00Z");
        assert_eq!(server::day(day), "Sunday, 29 November 2026");
        let said = scripted("en_GB", "local", day, &[("day", day)]);
        assert_eq!(said, ["Sunday, 29 November 2026|"]);
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
