//! Delivery of ops: how each side reacts to messages, so that an op runs at most once and its result and all
//! of its lines arrive, whatever is lost, repeated or reordered on the way.
//!
//! These functions decide; the server and the agent carry out. The model of delivery (`model/tests/model`)
//! shares only them with the programs, and explores them with every order of losses, repetitions and crashes:
//!
//! | when | who | decides |
//! | --- | --- | --- |
//! | an agent has reported its journal | server | [`reconcile`] |
//! | the server wants an op run | agent | [`on_run`] |
//! | an agent sends lines of an op | server | [`accepts_output`] |
//! | an agent reports the result of an op | server | [`on_finished`] |
//! | the server has waited long enough | server | [`on_due`] |

use crate::OpStatus;

/// The server's reaction to a reported journal, for the host's open op.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reconciliation {
    /// Nothing: the host has the op and will report its result.
    Wait,
    /// Like [`Self::Wait`], and send the cancel again.
    Stop,
    /// Send the op: it never reached the host.
    Send,
    /// Close the op as cancelled: it never reached the host, and a person cancelled it.
    Cancel,
    /// Close the op as lost: the host had it and no longer knows its result.
    MarkLost,
}

/// What an agent's journal reports about an op.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AtHost {
    /// Not in the journal.
    Unknown,
    /// In the journal: the host will report its result.
    Known,
    /// Unreadable in the journal; it may have run.
    Damaged,
}

/// Decides about an open op after an agent has reported its journal on a new connection. `cancel_requested`
/// is true if a person has cancelled the op.
///
/// This is valid if every op sent on earlier connections has arrived or never will, and if no op has been
/// sent on this connection yet. The order of messages guarantees both.
///
/// An agent forgets an op only after the server has stored its result, so an op that is running here and
/// unknown there is gone for good. One that was sent and is unknown there was lost on its way, and is sent
/// again.
pub fn reconcile(status: OpStatus, at_host: AtHost, cancel_requested: bool) -> Reconciliation {
    match (status, at_host, cancel_requested) {
        (OpStatus::Queued | OpStatus::Sent, AtHost::Unknown, true) => Reconciliation::Cancel,
        (OpStatus::Queued | OpStatus::Sent, AtHost::Unknown, false) => Reconciliation::Send,
        (OpStatus::Running, AtHost::Unknown | AtHost::Damaged, _) | (OpStatus::Sent, AtHost::Damaged, _) => {
            Reconciliation::MarkLost
        }
        (OpStatus::Sent | OpStatus::Running, AtHost::Known, true) => Reconciliation::Stop,
        _ => Reconciliation::Wait,
    }
}

/// The state of an op in an agent's journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JournalState {
    /// It never reached this host.
    Never,
    /// It is waiting, running, or ended without the server knowing yet.
    Open,
    /// It has ended, and the server has stored the result.
    Done,
    /// It cannot be read any more; it may have run.
    Damaged,
}

/// An agent's reaction to a request to run an op.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnRun {
    /// Write it to the journal, and only then accept and start it.
    Start,
    /// Report again from the start; run nothing.
    Report,
    /// Report its result again; run nothing.
    ReportResult,
    /// Report a failure, because it may have run; run nothing.
    Reject,
}

/// Decides about a request to run an op in this state. Only an op that the journal has never held is started:
/// that makes a second delivery harmless.
pub fn on_run(state: JournalState) -> OnRun {
    match state {
        JournalState::Never => OnRun::Start,
        JournalState::Open => OnRun::Report,
        JournalState::Done => OnRun::ReportResult,
        JournalState::Damaged => OnRun::Reject,
    }
}

/// The server's reaction to a reported result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFinished {
    /// Request the lines after this one, and the result again after them: closing now would lose them.
    AskForLines {
        /// The last line before the first gap.
        after: u64,
    },
    /// Close the op, and only then acknowledge the result.
    Close,
    /// Acknowledge the result again.
    Acknowledge,
}

/// Decides about the result of an op in `status` that wrote `lines` lines. The server has stored the first
/// `stored` without a gap.
pub fn on_finished(status: OpStatus, stored: u64, lines: u64) -> OnFinished {
    if stored < lines {
        OnFinished::AskForLines { after: stored }
    } else if status.is_open() || status == OpStatus::Lost {
        OnFinished::Close
    } else {
        OnFinished::Acknowledge
    }
}

/// Returns whether the server accepts lines of an op in `status`. A closed op has all of its lines
/// ([`on_finished`]), so nothing can be added to its output. A lost one may be found.
pub fn accepts_output(status: OpStatus) -> bool {
    matches!(status, OpStatus::Sent | OpStatus::Running | OpStatus::Lost)
}

/// The status of an op at its deadline; `None` if it is closed.
///
/// An op that was never sent has certainly not run. A sent one may have run: it is lost, and may be found.
pub fn on_due(status: OpStatus) -> Option<OpStatus> {
    match status {
        OpStatus::Queued => Some(OpStatus::TimedOut),
        OpStatus::Sent | OpStatus::Running => Some(OpStatus::Lost),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every decision is a transition that the table allows.
    #[test]
    fn answers_are_legal_steps() {
        for status in OpStatus::ALL {
            if let Some(next) = on_due(status) {
                assert_eq!(status.to(next), Ok(next));
            }
            for at_host in [AtHost::Unknown, AtHost::Known, AtHost::Damaged] {
                for cancel_requested in [false, true] {
                    let next = match reconcile(status, at_host, cancel_requested) {
                        Reconciliation::Cancel => OpStatus::Cancelled,
                        Reconciliation::MarkLost => OpStatus::Lost,
                        Reconciliation::Send if status == OpStatus::Queued => OpStatus::Sent,
                        _ => continue,
                    };
                    assert_eq!(status.to(next), Ok(next), "{status}");
                }
            }
            if on_finished(status, 3, 3) == OnFinished::Close {
                for end in [OpStatus::Succeeded, OpStatus::Failed, OpStatus::TimedOut, OpStatus::Cancelled] {
                    // An op that was never sent cannot end on a host; an agent that says so is not believed.
                    assert_eq!(
                        status.to(end).is_ok(),
                        status != OpStatus::Queued || matches!(end, OpStatus::TimedOut | OpStatus::Cancelled)
                    );
                }
            }
        }
    }

    /// An op that may have run is never closed as unchanged, and never sent again.
    #[test]
    fn only_ops_that_never_arrived_are_sent_or_cancelled() {
        for status in OpStatus::ALL {
            for (at_host, cancel_requested) in
                [(AtHost::Known, true), (AtHost::Damaged, true), (AtHost::Damaged, false)]
            {
                let answer = reconcile(status, at_host, cancel_requested);
                assert!(
                    !matches!(answer, Reconciliation::Send | Reconciliation::Cancel),
                    "{status} {at_host:?}"
                );
            }
        }
    }

    #[test]
    fn only_an_unknown_op_is_started() {
        for known in [JournalState::Open, JournalState::Done, JournalState::Damaged] {
            assert_ne!(on_run(known), OnRun::Start);
        }
        assert_eq!(on_run(JournalState::Never), OnRun::Start);
    }

    #[test]
    fn lines_are_accepted_while_a_result_may_come_from_the_host() {
        for status in OpStatus::ALL {
            let may_end = on_finished(status, 0, 0) == OnFinished::Close && status != OpStatus::Queued;
            assert_eq!(accepts_output(status), may_end, "{status}");
        }
    }

    #[test]
    fn a_result_without_all_of_its_lines_is_not_stored() {
        assert_eq!(on_finished(OpStatus::Running, 4, 7), OnFinished::AskForLines { after: 4 });
        assert_eq!(on_finished(OpStatus::Succeeded, 4, 7), OnFinished::AskForLines { after: 4 });
        assert_eq!(on_finished(OpStatus::Succeeded, 7, 7), OnFinished::Acknowledge);
    }
}
