//! Reloads data that the event stream does not carry in full.

use std::time::Duration;

use backstay_model::wire::event::Event;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::Live;

/// How long to wait for further events before reloading.
const GATHER: Duration = Duration::from_millis(250);

impl Live {
    /// Keeps loaded data current while the calling component is shown. `hear` applies an event and returns
    /// whether data has to be reloaded. `read_again` reloads it in that case, after a gap in the stream, and
    /// if events after `read_through` arrived while the data was being loaded.
    pub(crate) fn keep_true<F>(
        self,
        read_through: u64,
        read_again: impl Fn() -> F + Clone + Send + Sync + 'static,
        hear: impl Fn(&Event) -> bool + Send + Sync + 'static,
    ) where
        F: Future<Output = ()> + 'static,
    {
        let reload = self.read_again_when(read_again.clone(), hear);
        self.missed_since(read_through, move || reload.stale(read_again.clone()));
    }

    /// Like [`Self::keep_true`], for data that is loaded after listening starts, so that no event can be
    /// missed.
    pub(crate) fn read_again_when<F>(
        self,
        read_again: impl Fn() -> F + Clone + Send + Sync + 'static,
        hear: impl Fn(&Event) -> bool + Send + Sync + 'static,
    ) -> Reload
    where
        F: Future<Output = ()> + 'static,
    {
        let reload = Reload::new();
        self.listen(move |event| {
            if matches!(event, Event::Resync) || hear(event) {
                reload.stale(read_again.clone());
            }
        });
        reload
    }
}

/// Reloads stale data: once for many calls in a short time, and never concurrently, so that an older answer
/// never arrives after a newer one.
#[derive(Clone, Copy)]
pub(crate) struct Reload {
    state: StoredValue<State>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Fresh,
    Waiting,
    Reading,
    ReadingStale,
}

impl Reload {
    fn new() -> Self {
        Self { state: StoredValue::new(State::Fresh) }
    }

    /// Marks the data as stale: calls `read` soon. Only in browsers.
    fn stale<F>(self, read: impl Fn() -> F + Clone + 'static)
    where
        F: Future<Output = ()> + 'static,
    {
        match self.state.try_get_value() {
            Some(State::Fresh) => self.wait(read),
            Some(State::Reading) => self.state.set_value(State::ReadingStale),
            // A reload is already scheduled, or the page is gone.
            Some(State::Waiting | State::ReadingStale) | None => {}
        }
    }

    fn wait<F>(self, read: impl Fn() -> F + Clone + 'static)
    where
        F: Future<Output = ()> + 'static,
    {
        self.state.set_value(State::Waiting);
        set_timeout(
            move || {
                if self.state.try_set_value(State::Reading).is_none() {
                    spawn_local(self.read(read));
                }
            },
            GATHER,
        );
    }

    async fn read<F>(self, read: impl Fn() -> F + Clone + 'static)
    where
        F: Future<Output = ()> + 'static,
    {
        read().await;
        match self.state.try_get_value() {
            Some(State::ReadingStale) => self.wait(read),
            Some(_) => self.state.set_value(State::Fresh),
            None => {}
        }
    }
}
