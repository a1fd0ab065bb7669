//! The events that every open page receives.
//!
//! Events have increasing numbers. A page that reconnects sends the last number that it received, and gets what it missed from a
//! bounded history, or [`Event::Resync`] if the gap is too old. All pages read from that one history, so a page that does not
//! read costs no memory: the history drops its next event, the server closes its stream, and the page reconnects. Nothing waits
//! for a slow page.

use parking_lot::{Mutex, MutexGuard};
use std::collections::VecDeque;
use std::sync::Arc;

use backstay_model::Clock;
use backstay_model::wire::event::Event;
use tokio::sync::watch;

/// Upper bound on the number of events in the history.
const HISTORY_EVENTS: usize = 4096;
/// Upper bound on the size of the history, in bytes of JSON.
const HISTORY_BYTES: usize = 8 * 1024 * 1024;

/// A numbered event, ready for a stream.
#[derive(Debug, PartialEq, Eq)]
pub struct Published {
    /// Its number, which is larger than that of every earlier event, also across restarts of the server.
    pub id: u64,
    /// [`Event::name`].
    pub name: &'static str,
    /// The event as JSON.
    pub json: String,
}

impl Published {
    fn new(id: u64, event: &Event) -> Self {
        let json = serde_json::to_string(event).expect("an event holds nothing that JSON cannot");
        Self { id, name: event.name(), json }
    }
}

/// Publishes events to subscribed pages.
pub struct EventBus(Arc<Shared>);

struct Shared {
    history: Mutex<History>,
    /// The number of the last event, for subscribers that wait for the next.
    last: watch::Sender<u64>,
}

struct History {
    last: u64,
    events: VecDeque<Arc<Published>>,
    bytes: usize,
}

/// The missed and the live events of a page.
pub struct Subscription {
    /// The missed events in order, or a single `resync` if they are gone.
    pub missed: Vec<Arc<Published>>,
    /// The events from now on.
    pub live: Live,
}

/// A stream of events from one moment on.
pub struct Live {
    bus: Arc<Shared>,
    last: watch::Receiver<u64>,
    after: u64,
}

impl EventBus {
    /// Returns an empty bus. Numbers start at the time in milliseconds, so that those of an earlier run are smaller and a page that
    /// reconnects after a restart reads everything again.
    pub fn new(clock: &dyn Clock) -> Self {
        let last = u64::try_from(clock.now().timestamp_millis()).unwrap_or_default();
        let history = Mutex::new(History { last, events: VecDeque::new(), bytes: 0 });
        Self(Arc::new(Shared { history, last: watch::channel(last).0 }))
    }

    /// Publishes an event, and returns its number.
    pub fn publish(&self, event: &Event) -> u64 {
        let mut history = self.0.history();
        let last = history.push(event);
        // Sent under the lock, so that the numbers stay in order.
        self.0.last.send_replace(last);
        last
    }

    /// Returns the number of the last event.
    pub fn last(&self) -> u64 {
        self.0.history().last
    }

    /// Subscribes, from the event after `after` if given.
    pub fn subscribe(&self, after: Option<u64>) -> Subscription {
        let history = self.0.history();
        let missed = after.map_or_else(Vec::new, |after| history.since(after));
        let live = Live { bus: Arc::clone(&self.0), last: self.0.last.subscribe(), after: history.last };
        Subscription { missed, live }
    }
}

impl Shared {
    fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock()
    }
}

impl Live {
    /// Returns the next event, or `None` if it is already dropped because the page read too slowly: close its stream.
    pub async fn next(&mut self) -> Option<Arc<Published>> {
        // The bus outlives the wait, because `self` holds it.
        self.last.wait_for(|last| *last > self.after).await.ok()?;
        self.after += 1;
        self.bus.history().get(self.after)
    }
}

impl History {
    fn push(&mut self, event: &Event) -> u64 {
        self.last += 1;
        let published = Arc::new(Published::new(self.last, event));
        self.bytes += published.json.len();
        self.events.push_back(published);
        // The newest event stays, whatever its size: a page may be waiting for it.
        while self.events.len() > HISTORY_EVENTS || (self.bytes > HISTORY_BYTES && self.events.len() > 1) {
            let Some(oldest) = self.events.pop_front() else { break };
            self.bytes -= oldest.json.len();
        }
        self.last
    }

    fn get(&self, id: u64) -> Option<Arc<Published>> {
        let place = id.checked_sub(self.events.front()?.id)?;
        self.events.get(usize::try_from(place).ok()?).cloned()
    }

    fn since(&self, after: u64) -> Vec<Arc<Published>> {
        let first_kept = self.events.front().map_or(self.last + 1, |e| e.id);
        if after.saturating_add(1) < first_kept || after > self.last {
            return vec![Arc::new(Published::new(self.last, &Event::Resync))];
        }
        self.events.iter().filter(|e| e.id > after).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use backstay_model::wire::event::{Notice, Tone};
    use backstay_model::{FixedClock, HostId};

    use super::*;

    fn bus() -> EventBus {
        EventBus::new(&FixedClock::at("2026-01-01T00:00:00Z".parse().unwrap()))
    }

    fn notice(text: &str) -> Event {
        let at = "2026-01-01T00:00:00Z".parse().unwrap();
        Event::Notice(Notice::new(at, Tone::Good, text))
    }

    #[tokio::test]
    async fn a_page_hears_what_it_missed_and_then_what_happens() {
        let bus = bus();
        let start = bus.last();
        bus.publish(&notice("one"));
        bus.publish(&notice("two"));
        let mut page = bus.subscribe(Some(start + 1));
        bus.publish(&notice("three"));
        assert_eq!(page.missed.iter().map(|e| e.id).collect::<Vec<_>>(), [start + 2]);
        assert_eq!(page.live.next().await.unwrap().id, start + 3);
    }

    #[test]
    fn nothing_missed_is_nothing_sent() {
        let bus = bus();
        bus.publish(&notice("one"));
        assert!(bus.subscribe(Some(bus.last())).missed.is_empty());
        assert!(bus.subscribe(None).missed.is_empty());
    }

    #[test]
    fn too_old_or_foreign_numbers_resync() {
        let bus = bus();
        for after in [0, bus.last() + 7, u64::MAX - 1] {
            let missed = bus.subscribe(Some(after)).missed;
            assert_eq!(missed.iter().map(|e| e.name).collect::<Vec<_>>(), ["resync"], "{after}");
        }
    }

    #[test]
    fn history_is_bounded() {
        let bus = bus();
        let start = bus.last();
        for _ in 0..=HISTORY_EVENTS {
            bus.publish(&Event::HostRemoved { id: HostId::new() });
        }
        assert_eq!(bus.0.history().events.len(), HISTORY_EVENTS);
        assert_eq!(bus.subscribe(Some(start)).missed[0].name, "resync");
        assert_eq!(bus.subscribe(Some(start + 1)).missed.len(), HISTORY_EVENTS);
    }

    #[tokio::test]
    async fn a_page_that_does_not_read_is_cut_off_and_costs_no_memory() {
        let bus = bus();
        let mut slow = bus.subscribe(None).live;
        let large = notice(&"x".repeat(1024 * 1024));
        bus.publish(&large);
        assert!(slow.next().await.is_some());
        for _ in 0..20 {
            bus.publish(&large);
        }
        assert!(bus.0.history().bytes <= HISTORY_BYTES);
        assert!(slow.next().await.is_none());
    }

    #[tokio::test]
    async fn an_event_larger_than_the_history_is_heard_all_the_same() {
        let bus = bus();
        let mut page = bus.subscribe(None).live;
        bus.publish(&notice(&"x".repeat(HISTORY_BYTES)));
        assert!(page.next().await.is_some());
    }
}
