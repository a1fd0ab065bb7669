//! When each host was last heard from.
//!
//! Agents are heard from several times a minute. So these times are in memory, and the background work stores them: all
//! of them once a minute, in one transaction, and those of hosts that disconnected at once.

use std::collections::HashMap;

use backstay_model::HostId;
use chrono::{DateTime, SubsecRound as _, Utc};
use parking_lot::Mutex;
use tokio::sync::Notify;

/// When each host was last heard from since the server started.
#[derive(Default)]
pub(crate) struct LastSeen {
    hosts: Mutex<HashMap<HostId, Seen>>,
    /// Notified when a host disconnected.
    left: Notify,
}

#[derive(Clone, Copy)]
struct Seen {
    at: DateTime<Utc>,
    is_stored: bool,
    has_left: bool,
}

/// Hosts, and when each was last heard from.
pub(crate) type Times = Vec<(HostId, DateTime<Utc>)>;

impl LastSeen {
    /// Remembers that a host was heard from.
    pub(crate) fn heard(&self, host: HostId, now: DateTime<Utc>) {
        // As precise as the store, so that the time does not go back when it is read from there.
        let now = now.trunc_subsecs(6);
        let mut hosts = self.hosts.lock();
        let at = hosts.get(&host).map_or(now, |seen| seen.at.max(now));
        hosts.insert(host, Seen { at, is_stored: false, has_left: false });
    }

    /// Makes it due to store when this host was last heard from: it is offline now.
    pub(crate) fn left(&self, host: HostId) {
        if let Some(seen) = self.hosts.lock().get_mut(&host) {
            seen.has_left = true;
            self.left.notify_one();
        }
    }

    /// Waits until a host has left.
    pub(crate) async fn someone_left(&self) {
        self.left.notified().await;
    }

    /// Returns when a host was last heard from. What the store knows is kept: a record that was read before may be shown after.
    pub(crate) fn get(&self, host: HostId) -> Option<DateTime<Utc>> {
        self.hosts.lock().get(&host).map(|seen| seen.at)
    }

    /// Forgets a host that was removed.
    pub(crate) fn forget(&self, host: HostId) {
        self.hosts.lock().remove(&host);
    }

    /// Returns the times that the store does not know.
    pub(crate) fn unstored(&self) -> Times {
        self.times(|seen| !seen.is_stored)
    }

    /// Returns the times of the hosts that have left.
    pub(crate) fn of_left(&self) -> Times {
        self.times(|seen| seen.has_left && !seen.is_stored)
    }

    fn times(&self, are_wanted: impl Fn(&Seen) -> bool) -> Times {
        let hosts = self.hosts.lock();
        hosts.iter().filter(|(_, seen)| are_wanted(seen)).map(|(host, seen)| (*host, seen.at)).collect()
    }

    /// Remembers that the store knows these times.
    pub(crate) fn stored(&self, times: &Times) {
        let mut hosts = self.hosts.lock();
        for (host, at) in times {
            let Some(seen) = hosts.get_mut(host).filter(|seen| seen.at == *at) else { continue };
            seen.is_stored = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use backstay_model::sample;
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn a_host_that_left_is_kept_until_the_store_knows() {
        let (seen, host, now) = (LastSeen::default(), HostId::new(), sample::now());
        seen.heard(host, now);
        assert_eq!((seen.unstored(), seen.of_left()), (vec![(host, now)], vec![]));
        seen.stored(&seen.unstored());
        assert_eq!((seen.unstored(), seen.get(host)), (vec![], Some(now)));
        seen.left(host);
        let stored = seen.of_left();
        let later = now + TimeDelta::seconds(1);
        seen.heard(host, later);
        seen.left(host);
        seen.stored(&stored);
        assert_eq!(seen.get(host), Some(later), "it was heard from since");
        seen.stored(&seen.of_left());
        assert_eq!((seen.get(host), seen.of_left()), (Some(later), vec![]));
    }

    #[test]
    fn the_time_does_not_go_back() {
        let (seen, host, now) = (LastSeen::default(), HostId::new(), sample::now());
        seen.heard(host, now);
        seen.heard(host, now - TimeDelta::seconds(1));
        assert_eq!(seen.get(host), Some(now));
    }
}
