//! What is remembered, on disk and in memory, and what is on its way.

use std::collections::BTreeSet;

use backstay_model::OpStatus;
use backstay_model::wire::delivery::AtHost;

use crate::Delivery;

/// The most lines that the op writes.
pub(crate) const LINES: u8 = 2;

/// The number of a connection; each is made once.
pub(crate) type Session = u8;

/// How an op ended on its host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum End {
    Completed,
    /// The runner was killed, or the journal is damaged: it may have run.
    Failed,
    Cancelled,
}

/// What the agent's disk holds of the op.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Journal {
    Never,
    /// Written down and synced, not begun.
    Written,
    /// A runner is at work, or died at it.
    Begun,
    Ended(End),
    /// The server has the end; only that it ran is remembered.
    Done(End),
    Damaged,
}

/// From the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Up {
    Hello,
    Journal(AtHost),
    Accepted,
    Line(u8),
    Finished { end: End, lines: u8 },
}

/// From the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Down {
    Welcome,
    Run,
    Cancel,
    OutputStored(u8),
    OutputMissing(u8),
    FinishStored,
}

/// The server: what is in its database outlives it, the rest does not.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Server {
    pub(crate) up: bool,
    /// In the database: the op's status.
    pub(crate) status: OpStatus,
    /// In the database: which lines.
    pub(crate) lines: [bool; LINES as usize],
    /// In the database: whether somebody asked for the op to stop.
    pub(crate) cancel_asked: bool,
    /// In the database: the end that the host told and that was believed.
    pub(crate) told: Option<End>,
    /// Whether it was told as one that never reached its host.
    pub(crate) said_unchanged: bool,
    /// In memory: the newest connection, and whether ops may be sent on it.
    pub(crate) newest: Option<Session>,
    pub(crate) ready: bool,
    /// In memory: whether it is about to send the op, which it has recorded.
    pub(crate) sending: bool,
}

/// The agent's memory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Agent {
    pub(crate) up: bool,
    pub(crate) session: Option<Session>,
    pub(crate) welcomed: bool,
    /// Lines that were sent on this connection, and whether the end was.
    pub(crate) sent: u8,
    pub(crate) told_end: bool,
    /// A cancel that came before its op.
    pub(crate) cancelled_early: bool,
    /// Lines that the server has, as far as this process knows.
    pub(crate) acknowledged: u8,
}

/// The host's disk, and what was done to the host.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Host {
    pub(crate) journal: Journal,
    pub(crate) lines: u8,
    pub(crate) cancel: bool,
    /// How often the op was carried out.
    pub(crate) executions: u8,
}

/// Everything.
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
    /// An op was asked for; server and agent have just started.
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

    /// Says something to the server, on the agent's connection.
    pub(crate) fn say_up(&mut self, message: Up) {
        if let Some(session) = self.agent.session {
            self.to_server.insert((session, message));
        }
    }

    /// Says something to the agent, on the server's newest connection.
    pub(crate) fn say_down(&mut self, message: Down) {
        if let Some(session) = self.server.newest {
            self.to_agent.insert((session, message));
        }
    }
}

impl Server {
    /// Up to which line there is no gap.
    pub(crate) fn through(&self) -> u8 {
        self.lines.iter().take_while(|stored| **stored).map(|_| 1).sum()
    }

    /// Takes a step if the table allows it, as the store does; whether it was taken.
    pub(crate) fn step(&mut self, to: OpStatus) -> bool {
        let step = self.status.to(to);
        self.status = step.unwrap_or(self.status);
        step.is_ok()
    }
}
