//! The buttons of a log. “Wrap” and “Only stderr” are for the style sheet alone, and need no script.

use leptos::prelude::*;

use super::{LogView, download_address};
use crate::components::{CopyButton, Icon};
use crate::log::read_whole;

/// Follow or pause while the op runs, what lines show, copy, download.
#[component]
pub(super) fn Tools(shown: LogView) -> impl IntoView {
    let id = shown.watched.op.with_untracked(|op| op.id);
    let follows = shown.follows;
    let is_over = Memo::new(move |_| shown.watched.op.with(|op| !op.status.is_open()));
    let follow_words = move || if follows.get() { "Pause" } else { "Follow" };
    view! {
        <div class="log-tools">
            <button
                type="button"
                class="alive follow"
                hidden=is_over
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
            <label class="button toggle"><input type="checkbox" name="wrap" checked/>"Wrap"</label>
            <label class="button toggle"><input type="checkbox" name="stderr"/>"Only stderr"</label>
            <CopyButton text=move || whole_text(shown) class="alive copy"/>
            <a class="button" href=download_address(id) download="" rel="external"><Icon name="pull"/>"Download"</a>
        </div>
    }
}

/// The whole output as text; `None` if it could not be read.
async fn whole_text(shown: LogView) -> Option<String> {
    read_whole(shown.watched).await.then(|| text_of(shown))
}

fn text_of(shown: LogView) -> String {
    let mut text = String::new();
    shown.watched.lines.for_each(|line| {
        text.push_str(&line.plain);
        text.push('\n');
    });
    text
}
