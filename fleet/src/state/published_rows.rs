//! The host rows as open pages last received them.
//!
//! A new page starts from the rows that the other pages received, and follows the changes from there: all pages show the
//! same at any moment. Starting a page therefore does not read every host, whose facts are long.

use std::collections::HashMap;

use backstay_model::{HostId, HostView};

/// The published rows, or `None` until the first request for all of them. Locked while a host is read from the store and
/// published, so that no page receives an older state after a newer one.
#[derive(Default)]
pub(crate) struct PublishedRows(Option<HashMap<HostId, HostView>>);

impl PublishedRows {
    /// All rows, if they were ever read.
    pub(crate) fn all(&self) -> Option<&HashMap<HostId, HostView>> {
        self.0.as_ref()
    }

    /// Replaces all rows. Returns those that changed.
    pub(crate) fn replace(&mut self, now: HashMap<HostId, HostView>) -> Vec<HostView> {
        let before = self.0.as_ref();
        let has_changed = |host: &&HostView| {
            before.and_then(|rows| rows.get(&host.id)).is_none_or(|before| differs(before, host))
        };
        let changed = now.values().filter(has_changed).cloned().collect();
        self.0 = Some(now);
        changed
    }

    /// Replaces one row.
    pub(crate) fn put(&mut self, host: &HostView) {
        if let Some(rows) = &mut self.0 {
            rows.insert(host.id, host.clone());
        }
    }

    /// Removes the row of a host that left the fleet.
    pub(crate) fn remove(&mut self, host: HostId) {
        if let Some(rows) = &mut self.0 {
            rows.remove(&host);
        }
    }
}

/// Returns whether a row shows something else. Rows do not show when a connected host was last seen.
fn differs(before: &HostView, now: &HostView) -> bool {
    let last_seen = if now.online { before.last_seen } else { now.last_seen };
    *before != HostView { last_seen, ..now.clone() }
}
