//! What happens, told to every open page.
//!
//! Events carry increasing numbers. A page that was away says the last number that it heard and gets what it missed
//! from a bounded history, or [`Event::Resync`] where the gap is too old to fill. A page that reads too slowly is cut
//! off and comes back the same way; nobody waits for it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use backstay_protocol::Clock;
use backstay_protocol::event::Event;
use tokio::sync::broadcast;

/// How many events the history holds at most.
const HISTORY_EVENTS: usize = 4096;
/// How large the history may be, in bytes of JSON.
const HISTORY_BYTES: usize = 8 * 1024 * 1024;
/// How far a page may fall behind before it is cut off, in events.
const LAG: usize = 1024;

/// An event with its number, ready to be written to a stream.
#[derive(Debug, PartialEq, Eq)]
pub struct Published {
    /// Its number; larger than that of every event before it, also across restarts of the server.
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

/// Where events go in and pages listen.
pub struct EventBus {
    inner: Mutex<Inner>,
    live: broadcast::Sender<Arc<Published>>,
}

struct Inner {
    last: u64,
    history: VecDeque<Arc<Published>>,
    bytes: usize,
}

/// What a page gets on connecting: what it missed, then what happens.
pub struct Subscription {
    /// What it missed, in order; a single `resync` where that cannot be told any more.
    pub missed: Vec<Arc<Published>>,
    /// What happens from now on. [`broadcast::error::RecvError::Lagged`] means that the page is to be cut off.
    pub live: broadcast::Receiver<Arc<Published>>,
}

impl EventBus {
    /// An empty bus. Numbers start at the time in milliseconds, so that those of an earlier run are all smaller and a
    /// page that comes back after a restart is told to read everything again.
    pub fn new(clock: &dyn Clock) -> Self {
        let last = u64::try_from(clock.now().timestamp_millis()).unwrap_or_default();
        Self {
            inner: Mutex::new(Inner { last, history: VecDeque::new(), bytes: 0 }),
            live: broadcast::channel(LAG).0,
        }
    }

    /// Tells everybody; the number of the event.
    pub fn publish(&self, event: &Event) -> u64 {
        let mut inner = self.lock();
        inner.last += 1;
        let published = Arc::new(Published::new(inner.last, event));
        inner.bytes += published.json.len();
        inner.history.push_back(Arc::clone(&published));
        while inner.history.len() > HISTORY_EVENTS || inner.bytes > HISTORY_BYTES {
            let Some(oldest) = inner.history.pop_front() else { break };
            inner.bytes -= oldest.json.len();
        }
        // Sent under the lock, so that nobody who subscribes meanwhile hears it twice or not at all. An error means
        // that nobody listens.
        let _ = self.live.send(published);
        inner.last
    }

    /// The number of the last event.
    pub fn last(&self) -> u64 {
        self.lock().last
    }

    /// Listens, from the event after `after` where given.
    pub fn subscribe(&self, after: Option<u64>) -> Subscription {
        let inner = self.lock();
        let missed = after.map_or_else(Vec::new, |after| inner.since(after));
        Subscription { missed, live: self.live.subscribe() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn since(&self, after: u64) -> Vec<Arc<Published>> {
        let first_kept = self.history.front().map_or(self.last + 1, |e| e.id);
        if after.saturating_add(1) < first_kept || after > self.last {
            return vec![Arc::new(Published::new(self.last, &Event::Resync))];
        }
        self.history.iter().filter(|e| e.id > after).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use backstay_protocol::event::{Notice, Tone};
    use backstay_protocol::{FixedClock, HostId};

    use super::*;

    fn bus() -> EventBus {
        EventBus::new(&FixedClock::at("2026-01-01T00:00:00Z".parse().unwrap()))
    }

    fn notice(text: &str) -> Event {
        let at = "2026-01-01T00:00:00Z".parse().unwrap();
        Event::Notice(Notice { at, tone: Tone::Good, text: text.into(), host_name: None, op: None })
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
        assert_eq!(page.live.recv().await.unwrap().id, start + 3);
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
        assert_eq!(bus.lock().history.len(), HISTORY_EVENTS);
        assert_eq!(bus.subscribe(Some(start)).missed[0].name, "resync");
        assert_eq!(bus.subscribe(Some(start + 1)).missed.len(), HISTORY_EVENTS);
    }
}
