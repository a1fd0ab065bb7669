//! Who goes on with the roll-outs: one at a time, and nobody is forgotten.

use std::pin::Pin;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Mutex;

use crate::fleet::Fleet;

/// Whose turn it is.
#[derive(Default)]
pub(crate) struct Turns {
    /// Held while somebody goes on with the roll-outs, so that slots are counted right.
    turn: Mutex<()>,
    /// Whether something has happened since somebody last looked.
    due: AtomicBool,
    /// Whether a deployment could not be told of an op.
    pub(crate) missed: AtomicBool,
    /// Until when hosts that are away are waited for without an op: after a start of the server all of them are.
    patient_until: Patience,
    /// Held while a roll-out or a deployment is read from the store and told to the pages, so that no page hears an
    /// older state after a newer one.
    pub(crate) telling: Mutex<()>,
}

type Patience = std::sync::Mutex<Option<DateTime<Utc>>>;

/// How long hosts may take to connect after a start of the server, before they count as away.
const PATIENCE: TimeDelta = TimeDelta::seconds(30);

impl Fleet {
    /// The server has just started, and no host can be connected yet.
    pub(super) fn be_patient(&self) {
        let mut until = self.turns.patient_until.lock().unwrap_or_else(PoisonError::into_inner);
        *until = Some(self.clock.now() + PATIENCE);
    }

    /// Whether a host that is not connected is waited for, so that hosts are begun in their order.
    pub(super) fn is_patient(&self) -> bool {
        let until = *self.turns.patient_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| self.clock.now() < until)
    }

    /// Goes on with the roll-outs as far as possible, also if the caller does not wait for the end of it. Where somebody
    /// is at it already, they look once more.
    ///
    /// What goes wrong is logged and tried again at the next look: that of the op that ended is not the caller's doing.
    pub(crate) fn roll_on(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let fleet = self.clone();
        Box::pin(async move {
            if let Err(fault) = tokio::spawn(async move { fleet.take_turns().await }).await {
                tracing::error!(%fault, "a roll-out was interrupted");
            }
        })
    }

    async fn take_turns(&self) {
        let Turns { turn, due, .. } = self.turns.as_ref();
        due.store(true, Ordering::SeqCst);
        // Asked again after the turn was given up: who came in between left word and went.
        while due.load(Ordering::SeqCst) {
            let Ok(_turn) = turn.try_lock() else { return };
            while due.swap(false, Ordering::SeqCst) {
                if let Err(error) = self.advance_all().await {
                    tracing::error!(%error, "a roll-out cannot go on now");
                }
            }
        }
    }
}
