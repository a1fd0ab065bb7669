//! The output of an op: live, searchable, in its programs' colours.

mod body;
mod find;
mod lines;
mod tools;

use backstay_model::OpId;
use leptos::html;
use leptos::prelude::*;

use crate::browser;
use crate::log::{Finder, Watched};
use body::Body;
use find::Find;
use tools::Tools;

/// The state that the parts of a log share.
#[derive(Clone, Copy)]
struct LogView {
    watched: Watched,
    finder: Finder,
    /// The box that scrolls.
    frame: NodeRef<html::Div>,
    /// Whether the end stays in view.
    follows: RwSignal<bool>,
    /// Whether each line shows its time instead of its number.
    times: RwSignal<bool>,
    /// Whether lines are being loaded.
    reading: RwSignal<bool>,
    /// Whether all lines are being loaded, for a search.
    reading_whole: StoredValue<bool>,
}

impl LogView {
    /// Starts or stops keeping the end in view.
    fn follow(self, on: bool) {
        self.follows.set(on);
        if let Some(frame) = self.frame.get_untracked().filter(|_| on) {
            browser::in_next_frames(2, move || browser::scroll_to_end(&frame));
        }
    }
}

/// The output of an op. Without script: the last lines and links to all of them. Everything else needs
/// script.
#[component]
pub(crate) fn Log(watched: Watched) -> impl IntoView {
    let shown = LogView {
        watched,
        finder: Finder::new(watched.lines),
        frame: NodeRef::new(),
        follows: RwSignal::new(true),
        times: RwSignal::new(false),
        reading: RwSignal::new(false),
        reading_whole: StoredValue::new(false),
    };
    view! {
        <div class="log" class:times=shown.times>
            <div class="log-bar">
                <Find shown/>
                <Tools shown/>
            </div>
            <Body shown/>
        </div>
    }
}

/// The whole output as a file.
fn download_address(op: OpId) -> String {
    format!("/ops/{op}/output.txt")
}

/// The whole output as a page of its own.
fn whole_address(op: OpId) -> String {
    format!("/ops/{op}/output.txt?show")
}
