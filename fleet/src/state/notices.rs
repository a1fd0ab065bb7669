//! The newest notices, for people who had no page open.

use parking_lot::{Mutex, MutexGuard};
use std::collections::VecDeque;

use backstay_model::view::NOTICES_COUNTED;
use backstay_model::wire::event::{Event, Notice, StoredNotice};

use super::events::EventBus;

/// Number of notices kept. The audit log keeps everything.
pub(crate) const KEPT: usize = 200;

/// The newest notices since the server started, oldest first.
#[derive(Default)]
pub(crate) struct Notices(Mutex<VecDeque<StoredNotice>>);

impl Notices {
    /// Publishes a notice and keeps it.
    pub(crate) fn publish(&self, events: &EventBus, notice: Notice) {
        // The lock is held while publishing, so that every reader finds the notice in the list or receives the event.
        let mut kept = self.lock();
        let id = events.publish(&Event::Notice(notice.clone()));
        kept.push_back(StoredNotice { id, notice });
        if kept.len() > KEPT {
            kept.pop_front();
        }
    }

    /// The kept notices, newest first.
    pub(crate) fn newest_first(&self) -> Vec<StoredNotice> {
        self.lock().iter().rev().cloned().collect()
    }

    /// The numbers of the newest notices, oldest first, as many as a page counts.
    pub(crate) fn newest(&self) -> Vec<u64> {
        let kept = self.lock();
        kept.iter().skip(kept.len().saturating_sub(NOTICES_COUNTED)).map(|notice| notice.id).collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<StoredNotice>> {
        self.0.lock()
    }
}

#[cfg(test)]
mod tests {
    use backstay_model::FixedClock;
    use backstay_model::wire::event::Tone;

    use super::*;

    #[tokio::test]
    async fn the_newest_notices_are_kept_by_the_numbers_that_pages_heard() {
        let at = "2026-01-01T00:00:00Z".parse().unwrap();
        let (notices, events) = (Notices::default(), EventBus::new(&FixedClock::at(at)));
        assert!(notices.newest().is_empty());
        let mut page = events.subscribe(None).live;
        for number in 0..KEPT + 3 {
            let text = format!("Rolled back to Gen {number}");
            notices.publish(&events, Notice::new(at, Tone::Good, text));
        }
        let kept = notices.newest_first();
        assert_eq!((kept.len(), kept[0].notice.text.as_str()), (KEPT, "Rolled back to Gen 202"));
        assert_eq!(kept.last().unwrap().notice.text, "Rolled back to Gen 3");
        let newest = notices.newest();
        assert_eq!(newest.len(), NOTICES_COUNTED);
        assert_eq!(page.next().await.unwrap().id + 202, newest[NOTICES_COUNTED - 1]);
    }
}
