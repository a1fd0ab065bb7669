//! Times on the page. The server writes UTC in full; `local_times.js` writes everything else, and keeps it
//! true, so the WebAssembly formats no time at all.

use chrono::{DateTime, Utc};
use leptos::prelude::*;

use crate::time::{machine_readable, took};

/// A `<time>` of one of the kinds of `local_times.js`.
fn when(kind: &'static str, at: DateTime<Utc>) -> AnyView {
    #[cfg(feature = "ssr")]
    let (text, title) = (crate::time::written(kind, at), Some(crate::time::pinned(at)));
    // The script fills the text in before the next paint.
    #[cfg(not(feature = "ssr"))]
    let (text, title) = (String::new(), None::<String>);
    view! { <time data-as=kind class:elapsed=kind == "elapsed" datetime=machine_readable(at) title=title>{text}</time> }.into_any()
}

/// A moment.
#[component]
pub fn Moment(
    /// The moment.
    at: DateTime<Utc>,
) -> impl IntoView {
    when("moment", at)
}

/// A day: “Sunday, 29 November 2026”.
#[component]
pub(crate) fn Day(
    /// The days since 1970.
    day: i64,
) -> impl IntoView {
    let at = DateTime::from_timestamp(day.saturating_mul(86_400), 0).unwrap_or_default();
    when("day", at)
}

/// The time since a moment: “3 min ago”.
#[component]
pub fn Ago(
    /// The moment.
    at: DateTime<Utc>,
) -> impl IntoView {
    when("ago", at)
}

/// The time until a moment: “in 23 h”.
#[component]
pub fn Until(
    /// The moment.
    at: DateTime<Utc>,
) -> impl IntoView {
    when("until", at)
}

/// The duration of something.
#[component]
pub fn Took(
    /// Its start.
    from: DateTime<Utc>,
    /// Its end.
    to: DateTime<Utc>,
) -> impl IntoView {
    view! { <span class="elapsed">{took(to - from)}</span> }
}

/// The time since a state began: “for 12 min”.
#[component]
pub fn ElapsedSince(
    /// Its start.
    since: DateTime<Utc>,
) -> impl IntoView {
    when("for", since)
}

/// The running duration of something.
#[component]
pub fn Elapsed(
    /// Its start.
    since: DateTime<Utc>,
) -> impl IntoView {
    when("elapsed", since)
}
