//! Times on the page: see [`crate::time`] for why they change once the page is alive.

use chrono::{DateTime, SecondsFormat, Utc};
use leptos::prelude::*;

use crate::time::{ago, counted, lasting, moment, took, until, use_time};

fn machine_readable(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A moment.
#[component]
pub fn Moment(
    /// The moment.
    at: DateTime<Utc>,
) -> impl IntoView {
    let time = use_time();
    view! { <time data-as="moment" datetime=machine_readable(at)>{move || moment(at, time.year.get())}</time> }
}

/// The time since a moment: “3 min ago”.
#[component]
pub fn Ago(
    /// The moment.
    at: DateTime<Utc>,
) -> impl IntoView {
    let time = use_time();
    let text = Memo::new(move |_| match time.now.get() {
        Some(now) => ago(at, now),
        None => moment(at, None),
    });
    view! { <time data-as="ago" datetime=machine_readable(at)>{text}</time> }
}

/// The time until a moment: “in 23 h”.
#[component]
pub fn Until(
    /// The moment.
    at: DateTime<Utc>,
) -> impl IntoView {
    let time = use_time();
    let text = Memo::new(move |_| match time.now.get() {
        Some(now) => until(at, now),
        None => format!("at {}", moment(at, None)),
    });
    view! { <time data-as="until" datetime=machine_readable(at)>{text}</time> }
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
    let time = use_time();
    let text = Memo::new(move |_| match time.now.get() {
        Some(now) => lasting(since, now),
        None => format!("since {}", moment(since, None)),
    });
    view! { <time data-as="for" datetime=machine_readable(since)>{text}</time> }
}

/// The running duration of something.
#[component]
pub fn Elapsed(
    /// Its start.
    since: DateTime<Utc>,
) -> impl IntoView {
    let time = use_time();
    let text = Memo::new(move |_| match time.now.get() {
        Some(now) => counted(now - since),
        None => format!("since {}", since.format("%H:%M UTC")),
    });
    view! { <time data-as="elapsed" class="elapsed" datetime=machine_readable(since)>{text}</time> }
}
