//! Follows one op while a connection lives.

use std::time::{Duration, Instant};

use backstay_model::OutputLine;
use backstay_model::wire::message::OpResult;

use crate::journal::{Entry, EntryStatus, Tail};

/// How long to wait for an acknowledgement before a result is sent again: the message may be lost although
/// the connection is not.
const ACK_TIMEOUT: Duration = Duration::from_secs(30);

/// How far the delivery of an op's result has got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Delivery {
    /// The op has not ended, or not all of its output has been sent.
    Pending,
    /// The host is being read; the facts go with the result.
    ReadingFacts,
    /// The result was sent and has not been acknowledged.
    AwaitingAck { result: Box<OpResult>, sent_at: Instant },
}

/// One op of the journal, as far as this connection has sent it.
#[derive(Debug)]
pub(super) struct Follow {
    pub(super) entry: Entry,
    pub(super) delivery: Delivery,
    /// True if the op was cancelled and the disk has not taken that yet.
    pub(super) cancel_pending: bool,
    /// True if it has been logged that the op cannot be read.
    pub(super) is_unreadable: bool,
    tail: Tail,
}

/// What to send next.
#[derive(Debug, Default)]
pub(super) struct Progress {
    pub(super) lines: Vec<OutputLine>,
    pub(super) phase: Option<backstay_model::Phase>,
    /// The result, once all of the output has been passed on.
    pub(super) result: Option<Box<OpResult>>,
    /// Whether there may be more right away.
    pub(super) more: bool,
}

impl Follow {
    /// Follows an op from its first line.
    pub(super) fn new(entry: Entry) -> Self {
        let tail = Tail::from(entry.output());
        Self { tail, delivery: Delivery::Pending, cancel_pending: false, is_unreadable: false, entry }
    }

    /// Returns the number of lines read so far.
    pub(super) fn lines(&self) -> u64 {
        self.tail.lines()
    }

    /// Returns what came since the last call. `status` was read before: if the op had ended by then, all of
    /// its output is there now. The server has lines up to `stored`.
    pub(super) fn read_progress(&mut self, status: EntryStatus, stored: u64) -> std::io::Result<Progress> {
        let batch = self.tail.next_batch()?;
        let mut progress = Progress { phase: batch.phase, more: batch.read, ..Progress::default() };
        progress.lines = batch.lines.into_iter().filter(|line| line.seq > stored).collect();
        if let (false, Delivery::Pending, EntryStatus::Ended(result)) = (batch.read, &self.delivery, status) {
            progress.result = Some(result);
            self.delivery = Delivery::ReadingFacts;
        }
        Ok(progress)
    }

    /// Returns the result if its acknowledgement is overdue.
    pub(super) fn take_overdue_result(&mut self, now: Instant) -> Option<Box<OpResult>> {
        match &self.delivery {
            Delivery::AwaitingAck { result, sent_at: at } if is_ack_overdue(*at, now) => {
                let result = result.clone();
                self.delivery = Delivery::ReadingFacts;
                Some(result)
            }
            _ => None,
        }
    }

    /// Cancels the op, now or as soon as the disk takes it.
    pub(super) fn cancel(&mut self) {
        let cancelled = self.entry.cancel();
        if let (Err(error), false) = (&cancelled, self.cancel_pending) {
            tracing::error!(op = %self.entry.op(), %error, "the op cannot be cancelled; retrying");
        }
        self.cancel_pending = cancelled.is_err();
    }
}

/// Whether the acknowledgement of a result sent `at` is overdue at `now`.
pub(super) fn is_ack_overdue(at: Instant, now: Instant) -> bool {
    now.saturating_duration_since(at) >= ACK_TIMEOUT
}

#[cfg(test)]
mod tests {
    use backstay_model::{Clock as _, OpAction, OpId, Outcome, SystemClock};

    use super::*;
    use crate::journal::{Journal, OpFile, ended_without_runner};

    fn follow(state: &std::path::Path) -> Follow {
        let file = OpFile {
            op: OpId::new(),
            action: OpAction::Refresh,
            timeout_secs: 60,
            test_timeout_secs: None,
            accepted_at: SystemClock.now(),
            config: serde_json::Value::Null,
        };
        Follow::new(Journal::open(state).unwrap().add(file, false).unwrap())
    }

    #[test]
    fn a_result_that_is_not_acknowledged_is_sent_again() {
        let state = tempfile::tempdir().unwrap();
        let mut follow = follow(state.path());
        let sent_at = Instant::now();
        let later = sent_at + ACK_TIMEOUT;
        assert_eq!(follow.take_overdue_result(later), None, "it has not ended");
        let result =
            Box::new(ended_without_runner(&follow.entry, SystemClock.now(), Outcome::Completed, "Done."));
        follow.delivery = Delivery::AwaitingAck { result: result.clone(), sent_at };
        assert_eq!(follow.take_overdue_result(later.checked_sub(Duration::from_millis(1)).unwrap()), None);
        assert_eq!(follow.take_overdue_result(later), Some(result));
        // Only once until it has been sent again.
        assert_eq!(follow.take_overdue_result(later), None);
        assert_eq!(follow.delivery, Delivery::ReadingFacts);
    }
}
