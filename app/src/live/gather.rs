//! Applies bursts of events together, so that a page with thousands of hosts recomputes its counts and its
//! order once instead of once per event.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use backstay_model::wire::event::Event;
use leptos::prelude::set_timeout;

use super::Live;

/// How long events are gathered after others were applied: too short for people to notice.
const GATHER: Duration = Duration::from_millis(100);

/// Events with their numbers, in order.
type Events = Vec<(u64, Event)>;

/// Applies the events of a stream. The first event after a pause is applied at once.
#[derive(Clone)]
pub(super) struct Gather {
    live: Live,
    /// Events gathered since others were applied; `None` if the next event is applied at once.
    waiting: Rc<RefCell<Option<Events>>>,
}

impl Gather {
    /// Applies events to this page.
    pub(super) fn of(live: Live) -> Self {
        Self { live, waiting: Rc::default() }
    }

    /// Receives an event. Known events are ignored: a reopened stream may repeat some.
    pub(super) fn hear(&self, id: u64, event: Event) {
        if id <= self.live.last_event() {
            return;
        }
        if let Some(waiting) = self.waiting.borrow_mut().as_mut() {
            waiting.push((id, event));
            return;
        }
        self.live.apply(id, &event);
        self.wait();
    }

    fn wait(&self) {
        self.waiting.replace(Some(Vec::new()));
        let gather = self.clone();
        set_timeout(move || gather.take_in(), GATHER);
    }

    /// Applies the gathered events, and continues to gather if there were any.
    fn take_in(&self) {
        let gathered = self.waiting.take().unwrap_or_default();
        if !gathered.is_empty() {
            self.live.apply_all(&gathered);
            self.wait();
        }
    }
}
