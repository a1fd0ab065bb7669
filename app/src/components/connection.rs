//! What the page says about its connection to the server.

use chrono::{DateTime, TimeDelta, Utc};
use leptos::prelude::*;
use leptos_router::hooks::use_location;

use crate::browser;
use crate::components::ElapsedSince;
use crate::live::{Connection, Live};
use crate::time::use_time;

/// The state of the connection, in the header of every page.
#[component]
pub(super) fn ConnectionState() -> impl IntoView {
    let live = expect_context::<Live>();
    let (state, words) = (
        move || match live.connection().get() {
            Connection::Opening => "opening",
            Connection::Live => "live",
            Connection::Reconnecting => "lost",
        },
        move || match live.connection().get() {
            Connection::Opening => "Connecting…",
            Connection::Live => "Live",
            Connection::Reconnecting => "Reconnecting…",
        },
    );
    view! { <span class="connection" data-connection=state role="status">{words}</span> }
}

/// Shown if the server was updated while this page was open.
#[component]
pub(super) fn Outdated() -> impl IntoView {
    let outdated = expect_context::<Live>().outdated();
    let location = use_location();
    let here = move || format!("{}{}", location.pathname.get(), location.query.get().to_query_string());
    view! {
        <div role="status">
            {move || outdated.get().then(|| view! {
                <p class="outdated">
                    "Backstay was updated. Until you reload, this page may show wrong information. "
                    <a href=here rel="external">"Reload the page"</a>
                </p>
            })}
        </div>
    }
}

/// How long a connection may be gone before the page says so: most come back at once.
const GRACE: TimeDelta = TimeDelta::seconds(4);

/// Warns that the page is stale while it has lost its server: nothing else on it would show that.
#[component]
pub(crate) fn StaleNotice() -> impl IntoView {
    let live = expect_context::<Live>();
    let time = use_time();
    let lost = RwSignal::new(None::<DateTime<Utc>>);
    Effect::new(move |_| {
        let is_lost = live.connection().get() == Connection::Reconnecting;
        if is_lost != lost.with_untracked(Option::is_some) {
            lost.set(is_lost.then(browser::now));
        }
    });
    let since = Memo::new(move |_| {
        let lost = lost.get()?;
        time.now.get().filter(|now| *now - lost >= GRACE).map(|_| lost)
    });
    move || {
        since.get().map(|since| {
            view! {
                <div class="banner warn old-news">
                    <p role="status">"The connection is lost. This page shows the last known state and reconnects automatically."</p>
                    <p class="faint" aria-hidden="true">"Disconnected "<ElapsedSince since/></p>
                </div>
            }
        })
    }
}
