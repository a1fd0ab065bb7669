//! The scrolling box with the lines of a log.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::lines::BlockOfLines;
use super::{LogView, whole_address};
use crate::browser;

/// The lines, and above them the links to earlier ones.
#[component]
pub(super) fn Body(shown: LogView) -> impl IntoView {
    let blocks = shown.watched.lines.blocks;
    let top = StoredValue::new(0);
    keep_end_in_view(shown);
    let scrolled = move |_| {
        let Some(frame) = shown.frame.get_untracked() else { return };
        let (before, now) = (top.get_value(), frame.scroll_top());
        top.set_value(now);
        // Only a person scrolls up; new lines scroll down.
        if browser::is_at_end(&frame) {
            shown.follows.set(true);
        } else if now < before {
            shown.follows.set(false);
        }
    };
    view! {
        <div class="output" role="log" aria-label="Output" tabindex="0" node_ref=shown.frame on:scroll=scrolled>
            <Earlier shown/>
            <For each=move || blocks.get() key=|block| block.number let:block>
                <BlockOfLines block finder=shown.finder times=shown.times/>
            </For>
            <NoLines shown/>
        </div>
    }
}

fn keep_end_in_view(shown: LogView) {
    Effect::new(move |_| {
        shown.watched.lines.bounds.track();
        if let Some(frame) = shown.frame.get().filter(|_| shown.follows.get_untracked()) {
            browser::scroll_to_end(&frame);
            // Lines get their real height when they are first painted.
            browser::in_next_frames(2, move || {
                if shown.follows.try_get_untracked() == Some(true) {
                    browser::scroll_to_end(&frame);
                }
            });
        }
    });
}

/// The number of earlier lines, with a button that loads them, and for pages without script, a link to the
/// whole output.
#[component]
fn Earlier(shown: LogView) -> impl IntoView {
    let lines = shown.watched.lines;
    let earlier = Memo::new(move |_| lines.earlier());
    let whole = whole_address(shown.watched.op.with_untracked(|op| op.id));
    let show = move |_| spawn_local(show_earlier(shown));
    move || {
        let whole = whole.clone();
        (earlier.get() > 0).then(|| {
            view! {
                <p class="earlier">
                    <button type="button" class="alive" disabled=shown.reading on:click=show>"Show earlier lines"</button>
                    <span>{move || format!("{}. ", counted(earlier.get()))}</span>
                    <a href=whole rel="external">"The whole output"</a>
                </p>
            }
        })
    }
}

fn counted(lines: u64) -> String {
    if lines == 1 { "1 earlier line".to_owned() } else { format!("{lines} earlier lines") }
}

/// Loads earlier lines above the others without moving the visible ones.
async fn show_earlier(shown: LogView) {
    let (Some(frame), (first, _)) = (shown.frame.get_untracked(), shown.watched.lines.bounds.get_untracked())
    else {
        return;
    };
    let line = format!("[data-seq=\"{first}\"]");
    let distance = browser::distance_in(&frame, &line).unwrap_or_default();
    shown.reading.set(true);
    shown.follows.set(false);
    shown.watched.read_earlier().await;
    shown.reading.try_set(false);
    browser::in_next_frames(2, move || browser::scroll_until(&frame, &line, distance));
}

#[component]
fn NoLines(shown: LogView) -> impl IntoView {
    let watched = shown.watched;
    let words = Memo::new(move |_| {
        let none = watched.lines.bounds.get().1 == 0;
        none.then(|| if watched.op.with(|op| op.status.is_open()) { "No output yet." } else { "No output." })
    });
    move || words.get().map(|words| view! { <p class="no-lines">{words}</p> })
}
