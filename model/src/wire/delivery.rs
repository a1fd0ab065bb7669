//! Delivery of ops: what each side does about what it hears, so that an op runs at most once and its end and
//! all of its lines arrive, whatever is lost, repeated or overtaken on the way.
//!
//! These functions decide; the server and the agent carry out. They are all that the model of delivery
//! (`model/tests/delivery`) shares with the programs, and it explores them with every order of losses,
//! repetitions and crashes:
//!
//! | when | who | decides |
//! | --- | --- | --- |
//! | an agent has said what its journal holds | server | [`reconcile`] |
//! | the server wants an op run | agent | [`on_run`] |
//! | an agent tells lines of an op | server | [`accepts_output`] |
//! | an agent says how an op ended | server | [`on_finished`] |
//! | the server has waited long enough | server | [`on_due`] |

use crate::OpStatus;

/// What the server does about the open op of a host whose agent has said what its journal holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reconciliation {
    /// Nothing: the host has the op and will say what becomes of it.
    Wait,
    /// As [`Self::Wait`], and tell the host once more that the op is to stop.
    Stop,
    /// Send the op: it never reached the host.
    Send,
    /// Close the op as cancelled: it never reached the host, and nobody wants it any more.
    Cancel,
    /// Close the op as lost: the host had it, and knows no more what became of it.
    MarkLost,
}

/// What an agent's journal says of an op.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AtHost {
    /// It is not there.
    Unknown,
    /// It is there: the host will say what becomes of it.
    Known,
    /// It was there and cannot be read any more; it may have run.
    Damaged,
}

/// Says what the server does about an open op when an agent has said, on a new connection, what its journal
/// holds. `cancel_requested` is whether a person asked for the op to stop.
///
/// It holds for a journal that was read after every op sent on earlier connections has arrived or never will,
/// and on a connection on which none was sent yet. Messages are ordered so that this is the case.
///
/// An agent forgets an op only after the server has stored its end, so an op that is running here and unknown
/// there is gone for good. One that was sent and is unknown there was lost on its way, and goes again.
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

/// What an agent's journal knows of an op.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JournalState {
    /// It never reached this host.
    Never,
    /// It is in the journal: it waits, runs, or has ended and the server does not know that yet.
    Open,
    /// It has ended, and the server knows how.
    Done,
    /// It was in the journal and cannot be read any more; it may have run.
    Damaged,
}

/// What an agent does when the server wants an op run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnRun {
    /// Write it down, and only then say so and begin.
    Start,
    /// Say again what is known from the start; run nothing.
    Report,
    /// Say again how it ended; run nothing.
    ReportResult,
    /// Say that it failed, for it may have run; run nothing.
    Reject,
}

/// Says what an agent does when the server wants an op run of which its journal knows this much. Only an op
/// that the journal has never held is begun: that is what makes a second delivery harmless.
pub fn on_run(state: JournalState) -> OnRun {
    match state {
        JournalState::Never => OnRun::Start,
        JournalState::Open => OnRun::Report,
        JournalState::Done => OnRun::ReportResult,
        JournalState::Damaged => OnRun::Reject,
    }
}

/// What the server does when an agent says how an op ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFinished {
    /// Ask for the lines after this one, and for the end again after them: closing now would lose them.
    AskForLines {
        /// The last line before the first gap.
        after: u64,
    },
    /// Close the op, and only then say that its end is stored.
    Close,
    /// Say again that its end is stored.
    Acknowledge,
}

/// Says what the server does about an op in `status`, whose output it has without a gap up to line `stored`,
/// when the agent says that the op ended after `lines` lines.
pub fn on_finished(status: OpStatus, stored: u64, lines: u64) -> OnFinished {
    if stored < lines {
        OnFinished::AskForLines { after: stored }
    } else if status.is_open() || status == OpStatus::Lost {
        OnFinished::Close
    } else {
        OnFinished::Acknowledge
    }
}

/// Whether the server takes lines of an op in `status`. One that has ended has all of its lines
/// ([`on_finished`]), so nothing can be added to what it is known to have written. A lost one may be found.
pub fn accepts_output(status: OpStatus) -> bool {
    matches!(status, OpStatus::Sent | OpStatus::Running | OpStatus::Lost)
}

/// What becomes of an op for which the server has waited as long as it may; none for one that is closed.
///
/// An op that was never sent has certainly not run. Of one that was, nothing is known: it is lost, and may be
/// found.
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

    /// Every answer is a step that the table of transitions allows.
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

    /// What may have run is never said to have changed nothing, and never sent again.
    #[test]
    fn only_what_never_arrived_is_sent_or_taken_back() {
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
    fn only_an_unknown_op_is_begun() {
        for known in [JournalState::Open, JournalState::Done, JournalState::Damaged] {
            assert_ne!(on_run(known), OnRun::Start);
        }
        assert_eq!(on_run(JournalState::Never), OnRun::Start);
    }

    #[test]
    fn lines_are_taken_as_long_as_an_end_may_come_from_the_host() {
        for status in OpStatus::ALL {
            let may_end = on_finished(status, 0, 0) == OnFinished::Close && status != OpStatus::Queued;
            assert_eq!(accepts_output(status), may_end, "{status}");
        }
    }

    #[test]
    fn an_end_without_all_of_its_lines_is_not_stored() {
        assert_eq!(on_finished(OpStatus::Running, 4, 7), OnFinished::AskForLines { after: 4 });
        assert_eq!(on_finished(OpStatus::Succeeded, 4, 7), OnFinished::AskForLines { after: 4 });
        assert_eq!(on_finished(OpStatus::Succeeded, 7, 7), OnFinished::Acknowledge);
    }
}
