//! What server and agent say to each other: JSON objects, one to a WebSocket text message.
//!
//! ```text
//! agent                                   server
//!   Hello (protocol, versions) ──▶
//!                                       ◀── Welcome | Refused
//!   Journal (ops) ──▶                        only now may ops come
//!   Facts ──▶
//!                                       ◀── Run (op)
//!   Accepted ──▶                             once the op is in the journal, synced
//!   Progress, Output ──▶                ◀── OutputStored (through)
//!   Finished (result, facts) ──▶        ◀── FinishStored     only now may the journal forget the op
//!                                       ◀── OutputMissing    or the lines again, and the end after them
//! ```
//!
//! Every message may arrive twice: lines carry sequence numbers, ops carry identifiers, and a second delivery
//! changes nothing.

mod bounds;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::comparison::{Comparison, Pair};
use crate::wire::limits::MESSAGE_BYTES;
use crate::{Commit, Facts, HostId, OpAction, OpId, Outcome, OutputLine, Phase, Platform};

/// What an agent says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum AgentMessage {
    /// The first message on every connection.
    Hello(Hello),
    /// Every op in the agent's journal; the first message after the welcome. An op that the server has sent
    /// on an earlier connection and that is not here never reached the host.
    ///
    /// It is not part of the hello: a connection that hung may deliver its hello late, after a newer one has
    /// brought ops to the host, and what it said of the journal would be wrong by then. Nobody answers a
    /// welcome on a connection that was given up.
    Journal {
        /// Which ops.
        ops: Vec<OpId>,
        /// Ops that were in it and cannot be read any more.
        damaged: Vec<OpId>,
    },
    /// The host, read afresh.
    Facts {
        /// What was read.
        facts: Box<Facts>,
    },
    /// The op is in the journal and will be run, or has been.
    Accepted {
        /// Which op.
        op: OpId,
    },
    /// The op is at this point.
    Progress {
        /// Which op.
        op: OpId,
        /// What it is doing.
        phase: Phase,
    },
    /// The op wrote lines.
    Output {
        /// Which op.
        op: OpId,
        /// The lines, in order.
        lines: Vec<OutputLine>,
    },
    /// The op has ended. Said again on each connection until [`ServerMessage::FinishStored`].
    Finished {
        /// Which op.
        op: OpId,
        /// How it ended.
        result: OpResult,
        /// How many lines it wrote: the end counts only with all of them.
        lines: u64,
        /// The host, read after it ended.
        facts: Box<Facts>,
    },
    /// What [`ServerMessage::Compare`] asked for.
    Compared {
        /// The generations that were compared.
        pair: Pair,
        /// What going from the one to the other changes.
        comparison: Box<Comparison>,
    },
}

/// Who an agent is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The protocol version that it speaks.
    pub protocol: u32,
    /// The version of the agent.
    pub agent_version: String,
    /// The name that the host goes by.
    pub name: String,
    /// What kind of system it is.
    pub platform: Platform,
    /// A number that this agent made up when it started. Two agents with one identity, such as those of a
    /// copied disk, differ in it. An agent of before this was asked says none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<u64>,
}

/// How an op ended on the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpResult {
    /// In what way.
    pub outcome: Outcome,
    /// The exit code of the command that decided, where one ran.
    pub exit_code: Option<i32>,
    /// Of a pull that completed: the commit that the branch was at, and so the one that the checkout is to be
    /// at.
    #[serde(default)]
    pub commit: Option<Commit>,
    /// What happened, what was left unchanged and what to do, in a sentence or two.
    pub message: String,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: DateTime<Utc>,
}

/// What the server says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum ServerMessage {
    /// The agent is known and wanted.
    Welcome {
        /// The version of the server.
        server_version: String,
        /// What the server calls the host.
        host: HostId,
    },
    /// The agent is not; the connection closes. It should say so in its log and try again later.
    Refused {
        /// Why, in a sentence, and what to do.
        reason: String,
    },
    /// Run this op, unless the journal knows it already.
    Run {
        /// Which op.
        op: OpId,
        /// What to do.
        action: OpAction,
        /// After how many seconds to stop it.
        timeout_secs: u64,
        /// Of a test op: how long each test may take, where that is set for the host. Agents of before this
        /// was said pass over it, and one whose own configuration allows less keeps to that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        test_timeout_secs: Option<u64>,
    },
    /// Stop this op.
    Cancel {
        /// Which op.
        op: OpId,
    },
    /// The op's output is stored up to and including this line.
    OutputStored {
        /// Which op.
        op: OpId,
        /// The sequence number of that line.
        through: u64,
    },
    /// The op has ended, but lines of it are missing here: send those after this one again, and the end after
    /// them.
    OutputMissing {
        /// Which op.
        op: OpId,
        /// The last line before the first that is missing.
        after: u64,
    },
    /// The op's end is stored: the journal may forget it.
    FinishStored {
        /// Which op.
        op: OpId,
    },
    /// Read the host and report.
    ReportFacts,
    /// Say what going from one generation to the other changes. It is a question and no op: it changes
    /// nothing, waits for nothing, and an answer that is lost is asked for again.
    Compare {
        /// The generations.
        pair: Pair,
    },
    /// A pull request was reverted on the configuration repository.
    PrReverted {
        /// Its number.
        number: u64,
        /// In a sentence.
        message: String,
    },
}

/// A message that is not taken.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    /// Too large to look at.
    #[error("a message of {0} bytes; the limit is {MESSAGE_BYTES}")]
    TooLarge(usize),
    /// Not one of our messages.
    #[error("not a message of this protocol: {0}")]
    Malformed(#[from] serde_json::Error),
    /// Breaks a limit of this protocol.
    #[error("{0}")]
    OverLimit(&'static str),
}

/// A message that can be put on the wire and read back.
pub trait Message: Serialize + for<'de> Deserialize<'de> {
    /// Holds the message against the limits that both sides keep to.
    ///
    /// # Errors
    /// [`MessageError::OverLimit`] where one is broken.
    fn check(&self) -> Result<(), MessageError> {
        Ok(())
    }

    /// Cuts what describes something and is longer than it may be.
    fn cut(&mut self) {}

    /// The message as text.
    ///
    /// # Errors
    /// [`MessageError`] where it is larger than the other side would take.
    fn encode(&self) -> Result<String, MessageError> {
        let text = serde_json::to_string(self)?;
        if text.len() > MESSAGE_BYTES { Err(MessageError::TooLarge(text.len())) } else { Ok(text) }
    }

    /// The message that `text` holds.
    ///
    /// # Errors
    /// [`MessageError`] where it holds none, or one that breaks a limit. Never panics, whatever the text is.
    fn decode(text: &str) -> Result<Self, MessageError> {
        if text.len() > MESSAGE_BYTES {
            return Err(MessageError::TooLarge(text.len()));
        }
        let mut message: Self = serde_json::from_str(text)?;
        message.cut();
        message.check()?;
        Ok(message)
    }
}

impl Message for ServerMessage {}

impl Message for AgentMessage {
    fn check(&self) -> Result<(), MessageError> {
        bounds::check(self).map_err(MessageError::OverLimit)
    }

    fn cut(&mut self) {
        bounds::cut_message(self);
    }
}

#[cfg(test)]
mod tests;
