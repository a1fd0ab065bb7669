//! What is said where the page has lost its server.

use chrono::{DateTime, TimeDelta, Utc};
use leptos::prelude::*;

use crate::browser;
use crate::components::SoFor;
use crate::live::{Connection, Live};
use crate::time::use_time;

/// How long a connection may be gone before it is worth a word: it comes back by itself, and mostly at once.
const WORTH_A_WORD: TimeDelta = TimeDelta::seconds(4);

/// Says that what the page shows is old, where it has lost its server: nothing else on it would tell.
#[component]
pub(crate) fn OldNews() -> impl IntoView {
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
        time.now.get().filter(|now| *now - lost >= WORTH_A_WORD).map(|_| lost)
    });
    move || {
        since.get().map(|since| {
            view! {
                <div class="banner warn old-news">
                    <p role="status">"The connection is lost. This page shows the last known state and reconnects automatically."</p>
                    <p class="faint" aria-hidden="true">"Disconnected "<SoFor since/></p>
                </div>
            }
        })
    }
}
