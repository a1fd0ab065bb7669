//! A watched op: kept current by the event stream; missing lines are loaded afterwards.

use backstay_model::wire::event::Event;
use backstay_model::{OpId, OpView};
use leptos::prelude::*;

use super::Lines;
use crate::api::{OpRead, load_op, load_output_after, load_output_before};
use crate::live::Live;

/// A watched op with its output. Cheap to copy.
#[derive(Clone, Copy)]
pub(crate) struct Watched {
    pub(crate) op: RwSignal<OpView>,
    pub(crate) lines: Lines,
    /// The op that retries this one.
    pub(crate) tried_again: RwSignal<Option<OpId>>,
}

impl Watched {
    /// Follows the event stream from the loaded state.
    pub(crate) fn follow(live: Live, read: OpRead) -> Self {
        let OpRead { detail, tried_again } = read;
        let id = detail.op.id;
        let watched = Self {
            op: RwSignal::new(detail.op),
            lines: Lines::new(&detail.lines),
            tried_again: RwSignal::new(tried_again),
        };
        live.keep_true(
            detail.last_event,
            move || watched.read_again(),
            move |event| match event {
                Event::Op { op } => {
                    watched.hear(id, op);
                    false
                }
                Event::Output { op, lines } if *op == id => !watched.lines.append(lines),
                _ => false,
            },
        );
        watched
    }

    fn hear(self, id: OpId, heard: &OpView) {
        if heard.id == id {
            self.take(heard);
        } else if heard.retry_of == Some(id) {
            self.tried_again.try_set(Some(heard.id));
        }
    }

    /// Applies a newer state. A closed op never reopens, so an open state after a closed one is older.
    fn take(self, heard: &OpView) {
        let older = self.op.try_with_untracked(|op| !op.status.is_open() && heard.status.is_open());
        if older == Some(false) {
            self.op.set(heard.clone());
        }
    }

    /// Reloads the op and every line after the last loaded one.
    async fn read_again(self) {
        let Some(id) = self.op.try_with_untracked(|op| op.id.to_string()) else { return };
        if let Ok(Some(OpRead { detail, tried_again })) = load_op(id.clone()).await {
            self.take(&detail.op);
            self.tried_again.try_set(tried_again);
            if self.lines.append(&detail.lines) {
                return;
            }
        }
        self.fill_gap(id).await;
    }

    async fn fill_gap(self, id: String) {
        // If it fails, or the server does not have the next line yet, the page keeps what it shows, and the
        // next line retries.
        while let Some(last) = self.lines.last() {
            let Ok(lines) = load_output_after(id.clone(), last).await else { return };
            self.lines.append(&lines);
            if self.lines.last() == Some(last) {
                return;
            }
        }
    }

    /// Loads lines before the first loaded one; returns whether there were any.
    pub(crate) async fn read_earlier(self) -> bool {
        let Some(id) = self.op.try_with_untracked(|op| op.id.to_string()) else { return false };
        let Some((first, _)) = self.lines.bounds.try_get_untracked() else { return false };
        if let Ok(lines) = load_output_before(id, first).await {
            self.lines.prepend(&lines);
        }
        self.lines.bounds.try_get_untracked().is_some_and(|(now, _)| now < first)
    }
}
