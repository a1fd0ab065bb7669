//! What was told to everybody who had a page open, to be read again by those who did not look.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use backstay_model::OpView;
use backstay_model::wire::event::{Event, Notice, StoredNotice, Tone};

use crate::fleet::Fleet;

/// How many notices are kept, the newest. The audit log has everything, and for ever.
const KEPT: usize = 200;

/// The newest notices since the server started, oldest first.
#[derive(Default)]
pub(crate) struct Notices(Mutex<VecDeque<StoredNotice>>);

impl Notices {
    fn lock(&self) -> MutexGuard<'_, VecDeque<StoredNotice>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fleet {
    /// Tells every open page a sentence.
    pub(crate) fn tell(&self, tone: Tone, text: String) {
        self.put_notice(Notice { at: self.clock.now(), tone, text, host_name: None, op: None });
    }

    /// Tells every open page a sentence about an op and its host.
    pub(crate) fn tell_of(&self, op: &OpView, tone: Tone, text: String) {
        let host_name = Some(op.host_name.clone());
        self.put_notice(Notice { at: self.clock.now(), tone, text, host_name, op: Some(op.id) });
    }

    /// Tells every open page a sentence about a host.
    pub(crate) fn tell_of_host(&self, name: &str, tone: Tone, text: String) {
        let host_name = Some(name.to_owned());
        self.put_notice(Notice { at: self.clock.now(), tone, text, host_name, op: None });
    }

    /// The notices that are kept, the newest first.
    pub fn notices(&self) -> Vec<StoredNotice> {
        self.notices.lock().iter().rev().cloned().collect()
    }

    /// The number of the newest notice; 0 where there is none.
    pub(crate) fn newest_notice(&self) -> u64 {
        self.notices.lock().back().map_or(0, |told| told.id)
    }

    fn put_notice(&self, notice: Notice) {
        // Held while it is told: who reads the list then finds it there or hears of it.
        let mut kept = self.notices.lock();
        let id = self.events.publish(&Event::Notice(notice.clone()));
        kept.push_back(StoredNotice { id, notice });
        if kept.len() > KEPT {
            kept.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;
    use std::time::Duration;

    use backstay_model::FixedClock;

    use super::*;
    use crate::FleetConfig;
    use crate::store::sqlite::SqliteStore;

    async fn fleet(folder: &Path) -> Fleet {
        let database = folder.join("backstay.db");
        Fleet::new(FleetConfig {
            server_version: "0.1.0".into(),
            store: Arc::new(SqliteStore::open(database.to_str().unwrap()).await.unwrap()),
            clock: Arc::new(FixedClock::at("2026-01-01T00:00:00Z".parse().unwrap())),
            queue_time: Duration::from_mins(1),
            github: None,
        })
    }

    #[tokio::test]
    async fn the_newest_notices_are_kept_by_the_numbers_that_pages_heard() {
        let folder = tempfile::tempdir().unwrap();
        let fleet = fleet(folder.path()).await;
        assert_eq!(fleet.newest_notice(), 0);
        let mut page = fleet.events().subscribe(None).live;
        for number in 0..KEPT + 3 {
            fleet.tell(Tone::Good, format!("Rolled back to Gen {number}"));
        }
        let told = fleet.notices();
        assert_eq!((told.len(), told[0].notice.text.as_str()), (KEPT, "Rolled back to Gen 202"));
        assert_eq!(told.last().unwrap().notice.text, "Rolled back to Gen 3");
        assert_eq!(page.next().await.unwrap().id + 202, fleet.newest_notice());
    }
}
