//! Reading again what the stream does not carry whole.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;

/// How long to wait for more to happen before reading again.
const GATHER: Duration = Duration::from_millis(250);

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
    pub(crate) fn new() -> Self {
        Self { state: StoredValue::new(State::Fresh) }
    }

    /// What is shown is stale: `read` is to be called soon. In the browser alone.
    pub(crate) fn stale<F>(self, read: impl Fn() -> F + Clone + 'static)
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
