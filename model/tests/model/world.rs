//! The state on disk and in memory, and the messages in transit.

use std::collections::BTreeSet;

use backstay_model::OpStatus;
use backstay_model::wire::delivery::AtHost;

use crate::Delivery;

/// Upper bound on the op's lines.
pub(crate) const LINES: u8 = 2;

/// The number of a connection, never reused.
pub(crate) type Session = u8;

/// How an op ended on its host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum End {
    Completed,
    /// The runner was killed, or the journal is damaged: it may have run.
    Failed,
    Cancelled,
}

/// The op on the agent's disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Journal {
    Never,
    /// Written and synced, not started.
    Written,
    /// A runner is working on it, or died.
    Begun,
    Ended(End),
    /// The server has the result; the agent only remembers that it ran.
    Done(End),
    Damaged,
}

/// A message from the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Up {
    Hello,
    Journal(AtHost),
    Accepted,
    Line(u8),
    Finished { end: End, lines: u8 },
}

/// A message from the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Down {
    Welcome,
    Run,
    Cancel,
    OutputStored(u8),
    OutputMissing(u8),
    FinishStored,
}

/// The server: its database survives it, the rest does not.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Server {
    pub(crate) up: bool,
    /// In the database: the op's status.
    pub(crate) status: OpStatus,
    /// In the database: the stored lines.
    pub(crate) lines: [bool; LINES as usize],
    /// In the database: whether a person cancelled the op.
    pub(crate) cancel_asked: bool,
    /// In the database: the accepted result from the host.
    pub(crate) told: Option<End>,
    /// Whether it was reported as one that never reached its host.
    pub(crate) said_unchanged: bool,
    /// In memory: the newest connection, and whether ops may be sent on it.
    pub(crate) newest: Option<Session>,
    pub(crate) ready: bool,
    /// In memory: whether it is about to send the op, as recorded.
    pub(crate) sending: bool,
}

/// The agent's memory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Agent {
    pub(crate) up: bool,
    pub(crate) session: Option<Session>,
    pub(crate) welcomed: bool,
    /// The lines sent on this connection, and whether the result was sent.
    pub(crate) sent: u8,
    pub(crate) told_end: bool,
    /// A cancel that arrived before its op.
    pub(crate) cancelled_early: bool,
    /// The lines that the server has, as far as this process knows.
    pub(crate) acknowledged: u8,
}

/// The host's disk, and the effects on the host.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Host {
    pub(crate) journal: Journal,
    pub(crate) lines: u8,
    pub(crate) cancel: bool,
    /// Number of times that the op ran.
    pub(crate) executions: u8,
}

/// The whole state.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) agent: Agent,
    pub(crate) host: Host,
    pub(crate) to_server: BTreeSet<(Session, Up)>,
    pub(crate) to_agent: BTreeSet<(Session, Down)>,
    pub(crate) sessions: Session,
    pub(crate) faults: u8,
    pub(crate) patience_may_end: bool,
    pub(crate) person_may_cancel: bool,
    pub(crate) host_may_break: bool,
    pub(crate) lines_to_write: u8,
}

impl World {
    /// The initial state: an op was requested, and server and agent have just started.
    pub(crate) fn new(model: &Delivery) -> Self {
        Self {
            server: Server {
                up: true,
                status: OpStatus::Queued,
                lines: [false; LINES as usize],
                cancel_asked: false,
                told: None,
                said_unchanged: false,
                newest: None,
                ready: false,
                sending: false,
            },
            agent: Agent { up: true, ..Agent::default() },
            host: Host { journal: Journal::Never, lines: 0, cancel: false, executions: 0 },
            to_server: BTreeSet::new(),
            to_agent: BTreeSet::new(),
            sessions: 0,
            faults: model.faults,
            patience_may_end: model.impatient,
            person_may_cancel: model.cancel,
            host_may_break: model.broken_host,
            lines_to_write: model.lines,
        }
    }

    /// Sends a message to the server on the agent's connection.
    pub(crate) fn say_up(&mut self, message: Up) {
        if let Some(session) = self.agent.session {
            self.to_server.insert((session, message));
        }
    }

    /// Sends a message to the agent on the server's newest connection.
    pub(crate) fn say_down(&mut self, message: Down) {
        if let Some(session) = self.server.newest {
            self.to_agent.insert((session, message));
        }
    }
}

impl Server {
    /// The last line before the first gap.
    pub(crate) fn through(&self) -> u8 {
        self.lines.iter().take_while(|stored| **stored).map(|_| 1).sum()
    }

    /// Makes a transition if the table allows it, as the store does; returns whether it did.
    pub(crate) fn step(&mut self, to: OpStatus) -> bool {
        let step = self.status.to(to);
        self.status = step.unwrap_or(self.status);
        step.is_ok()
    }
}
