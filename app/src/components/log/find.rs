//! The search in a log.

use std::time::Duration;

use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::hooks::{use_location, use_query_map};
use web_sys::Element;

use super::LogView;
use crate::browser;
use crate::components::{FIND, Icon};
use crate::log::read_whole;

/// How long to wait for the next letter before searching.
const TYPING: Duration = Duration::from_millis(150);

/// The search box, the number of matches, and the buttons for the next and previous one.
#[component]
pub(super) fn Find(shown: LogView) -> impl IntoView {
    let finder = shown.finder;
    keep_in_view(shown);
    keep_found(shown);
    show_linked_line(shown);
    let typed = RwSignal::new(String::new());
    let mut look = debounce(TYPING, move |()| {
        // The page may be gone by now.
        if let Some(text) = typed.try_get_untracked() {
            look_for(shown, text);
        }
    });
    let pressed = move |event: ev::KeyboardEvent| match event.key().as_str() {
        "Enter" => {
            event.prevent_default();
            finder.step(!event.shift_key());
        }
        // Esc first clears the search; only after that it closes the drawer.
        "Escape" if typed.with_untracked(|text| !text.is_empty()) => {
            event.stop_propagation();
            typed.set(String::new());
            finder.look_for(String::new());
        }
        _ => {}
    };
    search_from_address(shown, typed);
    let none = Signal::derive(move || finder.matches.with(Vec::is_empty));
    view! {
        <div class="log-find alive" role="search">
            <Icon name="find"/>
            <input
                type="search"
                aria-label="Search the output"
                placeholder="Search"
                autocomplete="off"
                spellcheck="false"
                prop:value=typed
                on:input=move |event| {
                    typed.set(event_target_value(&event));
                    look(());
                }
                on:keydown=pressed
            />
            <span class="log-count" role="status">
                {move || if shown.reading.get() { Some("Reading…".to_owned()) } else { finder.count() }}
            </span>
            <button type="button" class="quiet" aria-label="Previous match" disabled=none on:click=move |_| finder.step(false)>
                <Icon name="up"/>
            </button>
            <button type="button" class="quiet" aria-label="Next match" disabled=none on:click=move |_| finder.step(true)>
                <Icon name="down"/>
            </button>
        </div>
    }
}

/// Starts the search that the address names: a link may lead to a place in the output rather than to its end.
fn search_from_address(shown: LogView, typed: RwSignal<String>) {
    let query = use_query_map();
    let asked = Memo::new(move |_| query.with(|query| query.get(FIND)));
    Effect::new(move |_| {
        if let Some(text) = asked.get().filter(|text| !text.is_empty()) {
            typed.set(text.clone());
            look_for(shown, text);
        }
    });
}

/// Shows the line that the address links to, `#L120`, and marks it.
fn show_linked_line(shown: LogView) {
    let hash = use_location().hash;
    let linked = Memo::new(move |_| {
        hash.with(|hash| hash.trim_start_matches('#').strip_prefix('L')?.parse::<u64>().ok())
    });
    Effect::new(move |_| {
        let Some(line) = linked.get() else { return };
        shown.follows.set(false);
        spawn_local(async move {
            if shown.watched.lines.bounds.try_get_untracked().is_some_and(|(first, _)| line < first) {
                read_whole(shown.watched).await;
            }
            if let Some(frame) = shown.frame.try_get_untracked().flatten() {
                show_line(frame.into(), line, true);
            }
        });
    });
}

/// Brings a line to the middle of the box.
fn show_line(frame: Element, line: u64, mark: bool) {
    let line = format!("[data-seq=\"{line}\"]");
    browser::in_next_frames(3, move || {
        let middle = f64::from(frame.client_height()) / 2.0 - 12.0;
        browser::scroll_until(&frame, &line, middle);
        if mark {
            browser::mark_only(&frame, &line, "data-linked");
        }
    });
}

/// Searches the whole output: first the loaded lines, then the others, which are loaded once.
fn look_for(shown: LogView, text: String) {
    let something = !text.is_empty();
    shown.finder.look_for(text);
    if something && !shown.reading_whole.get_value() {
        shown.reading_whole.set_value(true);
        shown.reading.set(true);
        spawn_local(async move {
            read_whole(shown.watched).await;
            // The page may be gone by now.
            if shown.reading.try_set(false).is_none() {
                shown.reading_whole.set_value(false);
                shown.finder.be_somewhere();
            }
        });
    }
}

/// Keeps the current match in the middle of the box.
fn keep_in_view(shown: LogView) {
    Effect::new(move |_| {
        let Some(line) = shown.finder.current_line() else { return };
        let Some(frame) = shown.frame.get_untracked() else { return };
        shown.follows.set(false);
        show_line(frame.into(), line, false);
    });
}

/// Extends the search to new lines.
fn keep_found(shown: LogView) {
    Effect::new(move |before: Option<(u64, u64)>| {
        let bounds = shown.watched.lines.bounds.get();
        if !shown.finder.text.with_untracked(String::is_empty) {
            match before {
                Some((first, _)) if first == bounds.0 => shown.finder.look_further(),
                _ => shown.finder.look_again(),
            }
        }
        bounds
    });
}
