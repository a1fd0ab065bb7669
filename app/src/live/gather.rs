//! Events that come one upon the other are taken in together: a page with thousands of hosts works out what follows from
//! them (its counts, its order) once, and not once for each.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use backstay_model::wire::event::Event;
use leptos::prelude::set_timeout;

use super::Live;

/// For how long further events are gathered after some were taken in. Nobody sees that it is not at once.
const GATHER: Duration = Duration::from_millis(100);

/// Events with their numbers, in order.
type Events = Vec<(u64, Event)>;

/// What takes the events of a stream in. The first after a while is taken in at once.
#[derive(Clone)]
pub(super) struct Gather {
    live: Live,
    /// What has come since others were taken in; none while an event would be taken in at once.
    waiting: Rc<RefCell<Option<Events>>>,
}

impl Gather {
    /// Takes events in for this page.
    pub(super) fn of(live: Live) -> Self {
        Self { live, waiting: Rc::default() }
    }

    /// An event came. One that the page holds already is passed over: a stream that was opened anew may say it again.
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

    /// Takes in what has gathered, and gathers on if that was something.
    fn take_in(&self) {
        let gathered = self.waiting.take().unwrap_or_default();
        if !gathered.is_empty() {
            self.live.apply_all(&gathered);
            self.wait();
        }
    }
}
