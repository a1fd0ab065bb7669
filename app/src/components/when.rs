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
    /// Which one.
    at: DateTime<Utc>,
) -> impl IntoView {
    let time = use_time();
    view! { <time data-as="moment" datetime=machine_readable(at)>{move || moment(at, time.year.get())}</time> }
}

/// How long ago something was.
#[component]
pub fn Ago(
    /// When it was.
    at: DateTime<Utc>,
) -> impl IntoView {
    let time = use_time();
    let text = Memo::new(move |_| match time.now.get() {
        Some(now) => ago(at, now),
        None => moment(at, None),
    });
    view! { <time data-as="ago" datetime=machine_readable(at)>{text}</time> }
}

/// How long it is until something: “in 23 h”.
#[component]
pub fn Until(
    /// When it will be.
    at: DateTime<Utc>,
) -> impl IntoView {
    let time = use_time();
    let text = Memo::new(move |_| match time.now.get() {
        Some(now) => until(at, now),
        None => format!("at {}", moment(at, None)),
    });
    view! { <time data-as="until" datetime=machine_readable(at)>{text}</time> }
}

/// How long something took.
#[component]
pub fn Took(
    /// When it began.
    from: DateTime<Utc>,
    /// When it ended.
    to: DateTime<Utc>,
) -> impl IntoView {
    view! { <span class="elapsed">{took(to - from)}</span> }
}

/// How long something has been so: “for 12 min”.
#[component]
pub fn ElapsedSince(
    /// Since when.
    since: DateTime<Utc>,
) -> impl IntoView {
    let time = use_time();
    let text = Memo::new(move |_| match time.now.get() {
        Some(now) => lasting(since, now),
        None => format!("since {}", moment(since, None)),
    });
    view! { <time data-as="for" datetime=machine_readable(since)>{text}</time> }
}

/// How long something has been going on.
#[component]
pub fn Elapsed(
    /// Since when.
    since: DateTime<Utc>,
) -> impl IntoView {
    let time = use_time();
    let text = Memo::new(move |_| match time.now.get() {
        Some(now) => counted(now - since),
        None => format!("since {}", since.format("%H:%M UTC")),
    });
    view! { <time data-as="elapsed" class="elapsed" datetime=machine_readable(since)>{text}</time> }
}
