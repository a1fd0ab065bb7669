//! State besides signals that the parts of a page share.
//!
//! The server renders the parts of one page concurrently, on several threads. A signal or stored value that
//! one thread reads while another writes it counts as disposed, and in that case the page never completes. So
//! state that parts change while they are rendered is behind locks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use backstay_model::wire::event::Event;

type Listener = Arc<dyn Fn(&Event) + Send + Sync>;

/// State that the parts of a page change while they are rendered.
#[derive(Default)]
pub(super) struct Shared {
    begun: Mutex<bool>,
    listeners: Mutex<Vec<(u64, Listener)>>,
    last_key: AtomicU64,
    saved_views: OnceLock<String>,
}

impl Shared {
    /// Calls `fill` once. Concurrent callers wait until it is done.
    pub(super) fn begin(&self, fill: impl FnOnce()) {
        let mut begun = lock(&self.begun);
        if !*begun {
            fill();
            *begun = true;
        }
    }

    /// Keeps the list of the person's saved views. The first one stays.
    pub(super) fn keep_saved_views(&self, list: String) {
        // A page begins once.
        let _ = self.saved_views.set(list);
    }

    /// The list of the person's saved views.
    pub(super) fn saved_views(&self) -> String {
        self.saved_views.get().cloned().unwrap_or_default()
    }

    /// Returns a key that is unique on the page.
    pub(super) fn key(&self) -> u64 {
        self.last_key.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Calls `listener` with each event from now on. Returns the key for [`Self::forget`].
    pub(super) fn listen(&self, listener: impl Fn(&Event) + Send + Sync + 'static) -> u64 {
        let key = self.key();
        lock(&self.listeners).push((key, Arc::new(listener)));
        key
    }

    /// Removes a listener.
    pub(super) fn forget(&self, key: u64) {
        let mut listeners = lock(&self.listeners);
        let found = listeners.iter().position(|(other, _)| *other == key);
        let gone = found.map(|at| listeners.remove(at));
        // Dropped without the lock: the listener may own other listeners.
        drop(listeners);
        drop(gone);
    }

    /// Calls every listener.
    pub(super) fn notify(&self, event: &Event) {
        // Without the lock, so that listeners may be added or removed.
        let listeners: Vec<_> = lock(&self.listeners).iter().map(|(_, l)| Arc::clone(l)).collect();
        for listener in listeners {
            listener(event);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_begins_once() {
        let (shared, mut times) = (Shared::default(), 0);
        shared.begin(|| times += 1);
        shared.begin(|| times += 1);
        assert_eq!(times, 1);
    }

    #[test]
    fn a_listener_hears_until_it_is_forgotten() {
        let (shared, heard) = (Shared::default(), Arc::new(AtomicU64::new(0)));
        let count = Arc::clone(&heard);
        let key = shared.listen(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
        });
        shared.notify(&Event::Resync);
        shared.forget(key);
        shared.notify(&Event::Resync);
        assert_eq!(heard.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_listener_may_come_and_go_while_it_hears() {
        let shared = Arc::new(Shared::default());
        let (inner, key) = (Arc::clone(&shared), Arc::new(AtomicU64::new(0)));
        let own = Arc::clone(&key);
        let first = shared.listen(move |_| {
            inner.forget(own.load(Ordering::Relaxed));
            inner.listen(|_| ());
        });
        key.store(first, Ordering::Relaxed);
        shared.notify(&Event::Resync);
        assert_eq!(lock(&shared.listeners).len(), 1);
    }
}
