//! An op that somebody watches: kept true by the event stream, with what the stream did not carry read afterwards.

use backstay_model::wire::event::Event;
use backstay_model::{OpId, OpView};
use leptos::prelude::*;

use super::Lines;
use crate::api::{OpRead, load_op, load_output_after, load_output_before};
use crate::live::Live;

/// An op that somebody watches, with its output. Cheap to copy.
#[derive(Clone, Copy)]
pub(crate) struct Watched {
    pub(crate) op: RwSignal<OpView>,
    pub(crate) lines: Lines,
    /// The op that tries this one again.
    pub(crate) tried_again: RwSignal<Option<OpId>>,
}

impl Watched {
    /// Shows what was read, and takes in what the stream says from there.
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

    /// An op that was closed never opens again, so an open one that is heard after it is older.
    fn take(self, heard: &OpView) {
        let older = self.op.try_with_untracked(|op| !op.status.is_open() && heard.status.is_open());
        if older == Some(false) {
            self.op.set(heard.clone());
        }
    }

    /// Reads the op again, and every line after the last that is here.
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
        // Where it fails, what is shown stays, and the next line tries again. So it is where the server itself does not
        // have the next line yet.
        while let Some(last) = self.lines.last() {
            let Ok(lines) = load_output_after(id.clone(), last).await else { return };
            self.lines.append(&lines);
            if self.lines.last() == Some(last) {
                return;
            }
        }
    }

    /// Reads the lines before the first that is here; says whether there are more of them here now.
    pub(crate) async fn read_earlier(self) -> bool {
        let Some(id) = self.op.try_with_untracked(|op| op.id.to_string()) else { return false };
        let Some((first, _)) = self.lines.bounds.try_get_untracked() else { return false };
        if let Ok(lines) = load_output_before(id, first).await {
            self.lines.prepend(&lines);
        }
        self.lines.bounds.try_get_untracked().is_some_and(|(now, _)| now < first)
    }
}
