//! Follows one op for as long as a connection lives.

use std::time::{Duration, Instant};

use backstay_model::OutputLine;
use backstay_model::wire::message::OpResult;

use crate::journal::{Entry, EntryStatus, Tail};

/// After how long an end that was told and of which nothing was heard is told again: the word may be lost although the
/// connection is not.
const ACK_TIMEOUT: Duration = Duration::from_secs(30);

/// How far the server has been told of an op's end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Delivery {
    /// It has not ended, or not all of its output has been sent.
    Pending,
    /// The host is being read, to be told with it.
    ReadingFacts,
    /// It has been told, then.
    AwaitingAck { result: Box<OpResult>, sent_at: Instant },
}

/// One op of the journal, as this connection knows it.
#[derive(Debug)]
pub(super) struct Follow {
    pub(super) entry: Entry,
    pub(super) delivery: Delivery,
    /// Whether the op is to stop and the disk did not take that yet.
    pub(super) cancel_pending: bool,
    /// Whether it has been logged that the op cannot be read.
    pub(super) is_unreadable: bool,
    tail: Tail,
}

/// What is to be sent next.
#[derive(Debug, Default)]
pub(super) struct Progress {
    pub(super) lines: Vec<OutputLine>,
    pub(super) phase: Option<backstay_model::Phase>,
    /// How the op ended, once all of its output has been handed out.
    pub(super) result: Option<Box<OpResult>>,
    /// Whether there may be more at once.
    pub(super) more: bool,
}

impl Follow {
    /// Follows an op from its first line.
    pub(super) fn new(entry: Entry) -> Self {
        let tail = Tail::from(entry.output());
        Self { tail, delivery: Delivery::Pending, cancel_pending: false, is_unreadable: false, entry }
    }

    /// How many lines the op has written, as far as it has been followed.
    pub(super) fn lines(&self) -> u64 {
        self.tail.lines()
    }

    /// What came since the last time. `standing` was read before: when the op had ended by then, all its output is
    /// there now. Lines up to `stored` are known to the server.
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

    /// How the op ended, where it is time to say so again.
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

    /// Has the op told to stop, now or as soon as the disk takes it.
    pub(super) fn cancel(&mut self) {
        let told = self.entry.cancel();
        if let (Err(error), false) = (&told, self.cancel_pending) {
            tracing::error!(op = %self.entry.op(), %error, "the op cannot be told to stop; trying again");
        }
        self.cancel_pending = told.is_err();
    }
}

/// Whether an end that was told `at` is to be told again at `now`, as nothing was heard.
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
    fn an_end_of_which_nothing_is_heard_is_told_again_after_a_while() {
        let state = tempfile::tempdir().unwrap();
        let mut follow = follow(state.path());
        let told_at = Instant::now();
        let later = told_at + ACK_TIMEOUT;
        assert_eq!(follow.take_overdue_result(later), None, "it has not ended");
        let result =
            Box::new(ended_without_runner(&follow.entry, SystemClock.now(), Outcome::Completed, "Done."));
        follow.delivery = Delivery::AwaitingAck { result: result.clone(), sent_at: told_at };
        assert_eq!(follow.take_overdue_result(later.checked_sub(Duration::from_millis(1)).unwrap()), None);
        assert_eq!(follow.take_overdue_result(later), Some(result));
        // And once only, until it has been told.
        assert_eq!(follow.take_overdue_result(later), None);
        assert_eq!(follow.delivery, Delivery::ReadingFacts);
    }
}
