//! What can be done with a log.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::{LogView, download_address};
use crate::browser;
use crate::components::Icon;
use crate::log::read_whole;

/// Follow or pause, times, copy, download.
#[component]
pub(super) fn Tools(shown: LogView) -> impl IntoView {
    let id = shown.watched.op.with_untracked(|op| op.id);
    let follows = shown.follows;
    let follow_words = move || if follows.get() { "Pause" } else { "Follow" };
    view! {
        <div class="log-tools">
            <button
                type="button"
                class="alive follow"
                title="Follow keeps the newest line in view"
                data-follows=move || follows.get().to_string()
                on:click=move |_| shown.follow(!follows.get_untracked())
            >
                <Icon name=Signal::derive(move || if follows.get() { "pause" } else { "end" })/>
                {follow_words}
            </button>
            <button
                type="button"
                class="alive"
                aria-pressed=move || shown.times.get().to_string()
                on:click=move |_| shown.times.update(|on| *on = !*on)
            >
                "Times"
            </button>
            <CopyButton shown/>
            <a class="button" href=download_address(id) download="" rel="external"><Icon name="pull"/>"Download"</a>
        </div>
    }
    .into_any()
}

/// How long the copy button says what it did.
const SAID: Duration = Duration::from_secs(3);

#[component]
fn CopyButton(shown: LogView) -> impl IntoView {
    let words = RwSignal::new("Copy");
    let copy = move |_| {
        spawn_local(async move {
            words.set("Copying…");
            let done = read_whole(shown.watched).await && browser::copy(text_of(shown)).await;
            words.try_set(if done { "Copied" } else { "Not copied" });
            set_timeout(
                move || {
                    words.try_set("Copy");
                },
                SAID,
            );
        });
    };
    view! {
        <button type="button" class="alive copy" on:click=copy>
            <Icon name="copy"/>
            {words}
        </button>
        <span class="unseen" role="status">{move || if words.get() == "Copy" { "" } else { words.get() }}</span>
    }
}

fn text_of(shown: LogView) -> String {
    let mut text = String::new();
    shown.watched.lines.for_each(|line| {
        text.push_str(&line.plain);
        text.push('\n');
    });
    text
}
