//! Who advances the roll-outs: one task at a time, and no request is forgotten.

use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Mutex;

/// How long hosts may take to connect after the server starts, before they count as away.
const GRACE_PERIOD: TimeDelta = TimeDelta::seconds(30);

/// Advances roll-outs one task at a time.
#[derive(Default)]
pub(crate) struct RolloutDriver {
    /// Held while a task advances the roll-outs, so that slots are counted correctly.
    driving: Mutex<()>,
    /// Whether something happened since the last look.
    is_due: AtomicBool,
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

    /// Runs `advance` until nothing is due. If another task is driving, that task runs it once more instead.
    pub(crate) async fn drive<F: Future<Output = ()>>(&self, advance: impl Fn() -> F) {
        self.is_due.store(true, Ordering::SeqCst);
        // Checked again after the lock is released: a caller in between set the flag and left.
        while self.is_due.load(Ordering::SeqCst) {
            let Ok(_driving) = self.driving.try_lock() else { return };
            while self.is_due.swap(false, Ordering::SeqCst) {
                advance().await;
            }
        }
    }
}
