//! Reading again what the stream does not carry whole.

use std::time::Duration;

use backstay_model::wire::event::Event;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::Live;

/// How long to wait for more to happen before reading again.
const GATHER: Duration = Duration::from_millis(250);

impl Live {
    /// Keeps what was read true, as long as the component that asked for it is shown. `hear` takes in what an event says,
    /// and answers whether something has to be read again that it does not carry. `read_again` is called then, after a
    /// gap in the stream, and where events came while what holds those through `read_through` was being read.
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

    /// The same for what was listened for before it was read: nothing can have come meanwhile.
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

/// Reads something again when it is told that it is stale: once for many calls in a short time, and never twice at
/// once, so that an older answer never comes after a newer one.
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

    /// What is shown is stale: `read` is to be called soon. In the browser alone.
    fn stale<F>(self, read: impl Fn() -> F + Clone + 'static)
    where
        F: Future<Output = ()> + 'static,
    {
        match self.state.try_get_value() {
            Some(State::Fresh) => self.wait(read),
            Some(State::Reading) => self.state.set_value(State::ReadingStale),
            // It will be read anyway, or nobody looks any more.
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
