//! Times as a person reads them. The server knows neither the person's time zone nor the moment at which the page is
//! looked at, so it writes UTC in full; both become local once the page is alive.

use std::time::Duration;

use chrono::{DateTime, Datelike, Local, TimeDelta, Utc};
use leptos::prelude::*;

use crate::browser;

/// The browser's clock, none until the page is alive.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Time {
    /// The present moment, each second.
    pub(crate) now: RwSignal<Option<DateTime<Utc>>>,
    /// The year where the browser is.
    pub(crate) year: Memo<Option<i32>>,
}

/// Provides [`Time`], which begins to tick when the page is alive.
pub(crate) fn provide_time() {
    let now = RwSignal::new(None);
    let year = Memo::new(move |_| now.get().map(|now: DateTime<Utc>| now.with_timezone(&Local).year()));
    // Known before the parts of a page are rendered at once: two that work it out together are in each other's way.
    year.with_untracked(|_| ());
    provide_context(Time { now, year });
    Effect::new(move |_| {
        now.set(Some(browser::now()));
        set_interval(move || now.set(Some(browser::now())), Duration::from_secs(1));
    });
}

/// Provides a [`Time`] that stands still, and no time zone: for what shall look the same whenever one looks.
#[cfg(all(debug_assertions, feature = "ssr"))]
pub(crate) fn provide_still_time(now: DateTime<Utc>) {
    let year = Memo::new(|_| None);
    year.with_untracked(|_| ());
    provide_context(Time { now: RwSignal::new(Some(now)), year });
}

/// The clock that [`provide_time`] provided.
pub(crate) fn use_time() -> Time {
    expect_context()
}

/// A moment: in the person's own time where the year there is known, else in UTC.
pub(crate) fn moment(at: DateTime<Utc>, year: Option<i32>) -> String {
    let Some(year) = year else { return at.format("%b %-d %Y, %H:%M UTC").to_string() };
    let local = at.with_timezone(&Local);
    let format = if local.year() == year { "%b %-d, %H:%M" } else { "%b %-d %Y, %H:%M" };
    local.format(format).to_string()
}

/// How long ago `at` was.
pub(crate) fn ago(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let passed = now - at;
    if passed < TimeDelta::seconds(5) { "just now".to_owned() } else { format!("{} ago", rough(passed)) }
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

/// How long something took: a clock's count, save where it was over at once.
pub(crate) fn took(length: TimeDelta) -> String {
    match length.num_seconds() {
        ..1 => "less than 1 s".to_owned(),
        1..60 => format!("{} s", length.num_seconds()),
        _ => counted(length),
    }
}

/// The time of day at which a line came, where the browser is.
pub(crate) fn time_of_day(at: DateTime<Utc>) -> String {
    at.with_timezone(&Local).format("%H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
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
