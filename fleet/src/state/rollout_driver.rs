//! When the roll-outs take their next turn.

use std::collections::HashMap;

use backstay_model::RolloutId;
use backstay_model::rollout::RolloutHost;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{Mutex, Notify};

/// How long hosts may take to connect after the server starts, before they count as away.
const GRACE_PERIOD: TimeDelta = TimeDelta::seconds(30);

/// The hosts of a roll-out as they are in the store, or `None` if they have to be read.
pub(crate) type KnownHosts = Option<Vec<RolloutHost>>;

/// Wakes the one task that advances the roll-outs. One task, so that slots are counted correctly.
#[derive(Default)]
pub(crate) struct RolloutDriver {
    /// Notified when something happened that may advance a roll-out.
    due: Notify,
    /// The hosts of the open roll-outs. Held during a turn.
    pub(crate) hosts: Mutex<HashMap<RolloutId, Vec<RolloutHost>>>,
    /// Until then, roll-outs wait for hosts that are away and have no op: right after a start, all hosts are away.
    grace_until: parking_lot::Mutex<Option<DateTime<Utc>>>,
}

impl RolloutDriver {
    /// Starts the grace period: the server has just started, and no host can be connected yet.
    pub(crate) fn begin_grace_period(&self, now: DateTime<Utc>) {
        *self.grace_until.lock() = Some(now + GRACE_PERIOD);
    }

    /// Returns whether roll-outs still wait for hosts that are away, so that hosts begin in their order.
    pub(crate) fn in_grace_period(&self, now: DateTime<Utc>) -> bool {
        let until = *self.grace_until.lock();
        until.is_some_and(|until| now < until)
    }

    /// Makes a turn due. During a turn, this makes another one due: the turn may have read its part before.
    pub(crate) fn wake(&self) {
        self.due.notify_one();
    }

    /// Waits until a turn is due.
    pub(crate) async fn woken(&self) {
        self.due.notified().await;
    }

    /// Returns whether a turn was due.
    #[cfg(test)]
    pub(crate) fn is_woken(&self) -> bool {
        std::pin::pin!(self.due.notified()).as_mut().enable()
    }
}
