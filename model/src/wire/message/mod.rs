//! Messages between server and agent: JSON objects, one per WebSocket text message.
//!
//! ```text
//! agent                                   server
//!   Hello (protocol, versions) ──▶
//!                                       ◀── Welcome | Refused
//!   Journal (ops) ──▶                        only now may ops follow
//!   Facts ──▶
//!                                       ◀── Run (op)
//!   Accepted ──▶                             once the op is in the journal, synced
//!   Progress, Output ──▶                ◀── OutputStored (through)
//!   Finished (result, facts) ──▶        ◀── FinishStored     only now may the journal forget the op
//!                                       ◀── OutputMissing    or the lines again, and the result after them
//! ```
//!
//! Every message may arrive twice: lines carry sequence numbers, ops carry identifiers, and a second delivery
//! changes nothing.

mod bounds;

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::comparison::{Comparison, Pair};
use crate::wire::limits::MESSAGE_BYTES;
use crate::{Commit, Facts, HostId, OpAction, OpId, Outcome, OutputLine, Phase, Platform};

/// A message from an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum AgentMessage {
    /// The first message on every connection.
    Hello(Hello),
    /// Every op in the agent's journal; the first message after the welcome. An op that the server sent on an
    /// earlier connection and that is missing here never reached the host.
    ///
    /// It is not part of the hello: a hung connection may deliver its hello late, after a newer one has
    /// brought ops to the host, and by then its journal would be out of date. On an abandoned connection,
    /// nobody answers the welcome.
    Journal {
        /// The ops.
        ops: Vec<OpId>,
        /// Ops in it that cannot be read any more.
        damaged: Vec<OpId>,
    },
    /// The host's facts, read again.
    Facts {
        /// The facts.
        facts: Box<Facts>,
    },
    /// The op is in the journal and will run, or has run.
    Accepted {
        /// The op.
        op: OpId,
    },
    /// The op's phase.
    Progress {
        /// The op.
        op: OpId,
        /// The phase.
        phase: Phase,
    },
    /// The op wrote lines.
    Output {
        /// The op.
        op: OpId,
        /// The lines, in order.
        lines: Vec<OutputLine>,
    },
    /// The op has ended. Repeated on each connection until [`ServerMessage::FinishStored`].
    Finished {
        /// The op.
        op: OpId,
        /// The result.
        result: OpResult,
        /// Number of lines that it wrote: the result counts only with all of them.
        lines: u64,
        /// The host's facts, read after the end.
        facts: Box<Facts>,
    },
    /// The answer to [`ServerMessage::Compare`].
    Compared {
        /// The compared generations.
        pair: Pair,
        /// The changes from one to the other.
        comparison: Box<Comparison>,
    },
}

/// An agent's introduction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Its protocol version.
    pub protocol: u32,
    /// The version of the agent.
    pub agent_version: String,
    /// The name of the host.
    pub name: String,
    /// Its platform.
    pub platform: Platform,
    /// A random number from this agent's start. Two agents with one identity, for example on a copied disk,
    /// differ in it. Old agents do not send it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<u64>,
}

/// The result of an op on the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpResult {
    /// The outcome.
    pub outcome: Outcome,
    /// The exit code of the decisive command, if one ran.
    pub exit_code: Option<i32>,
    /// For a completed pull: the commit of the branch, which the checkout should now have.
    #[serde(default)]
    pub commit: Option<Commit>,
    /// What happened, what was left unchanged and what to do, in a sentence or two.
    pub message: String,
    /// When it started.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: DateTime<Utc>,
}

/// A message from the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum ServerMessage {
    /// The agent is accepted.
    Welcome {
        /// The version of the server.
        server_version: String,
        /// The host's identifier.
        host: HostId,
    },
    /// The agent is rejected, and the connection closes. It logs the reason and tries again later.
    Refused {
        /// The reason and what to do, in sentences.
        reason: String,
    },
    /// Run this op, unless the journal has it already.
    Run {
        /// The op.
        op: OpId,
        /// What to do.
        action: OpAction,
        /// Seconds after which to stop it.
        timeout_secs: u64,
        /// For a test op: the limit in seconds for each test, if set for the host. Old agents ignore it; an
        /// agent whose own configuration allows less uses its own limit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        test_timeout_secs: Option<u64>,
    },
    /// Stop this op.
    Cancel {
        /// The op.
        op: OpId,
    },
    /// The op's output is stored up to and including this line.
    OutputStored {
        /// The op.
        op: OpId,
        /// The number of that line.
        through: u64,
    },
    /// The op has ended, but the server lacks some lines: send those after this one again, and the result
    /// after them.
    OutputMissing {
        /// The op.
        op: OpId,
        /// The last line before the first that is missing.
        after: u64,
    },
    /// The op's result is stored: the journal may forget the op.
    FinishStored {
        /// The op.
        op: OpId,
    },
    /// Read the host's facts and report them.
    ReportFacts,
    /// Compare two generations. This is a question, not an op: it changes nothing and waits for nothing, and
    /// a lost answer is requested again.
    Compare {
        /// The generations.
        pair: Pair,
    },
    /// A pull request was reverted on the configuration repository.
    PrReverted {
        /// Its number.
        number: u64,
        /// A sentence about it.
        message: String,
    },
}

/// Why a message is rejected.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    /// Over the size limit.
    #[error("a message of {0} bytes; the limit is {MESSAGE_BYTES}")]
    TooLarge(usize),
    /// Not one of our messages.
    #[error("not a message of this protocol: {0}")]
    Malformed(#[from] serde_json::Error),
    /// Breaks a limit of this protocol.
    #[error("{0}")]
    OverLimit(&'static str),
}

/// A message on the wire.
pub trait Message: Serialize + for<'de> Deserialize<'de> {
    /// Checks the message against the limits.
    ///
    /// # Errors
    /// [`MessageError::OverLimit`] if it breaks one.
    fn check(&self) -> Result<(), MessageError> {
        Ok(())
    }

    /// Cuts descriptions that are too long.
    fn cut(&mut self) {}

    /// Encodes the message as text.
    ///
    /// # Errors
    /// [`MessageError`] if it is larger than the other side accepts.
    fn encode(&self) -> Result<String, MessageError> {
        let text = serde_json::to_string(self)?;
        if text.len() > MESSAGE_BYTES { Err(MessageError::TooLarge(text.len())) } else { Ok(text) }
    }

    /// Decodes a message.
    ///
    /// # Errors
    /// [`MessageError`] if `text` is not a message, or breaks a limit. Never panics, whatever the text is.
    fn decode(text: &str) -> Result<Self, MessageError> {
        if text.len() > MESSAGE_BYTES {
            return Err(MessageError::TooLarge(text.len()));
        }
        let mut message: Self = serde_json::from_str(&without_nul(text))?;
        message.cut();
        message.check()?;
        Ok(message)
    }
}

/// Replaces the character U+0000 in JSON text: PostgreSQL stores no text that holds it, and no message should fail because a
/// program of the host printed one. U+001A is Unicode's control for this, and as long, so that every text stays within its limit.
fn without_nul(json: &str) -> Cow<'_, str> {
    const NUL: &str = "\\u0000";
    if !json.contains(NUL) {
        return json.into();
    }
    let mut replaced = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        replaced.push_str(&rest[..at]);
        rest = &rest[at..];
        // The letter after a backslash belongs to it: “\\\\u0000” is a backslash and letters.
        let letter = || rest.char_indices().nth(2).map_or(rest.len(), |(end, _)| end);
        let (escape, after) = rest.split_at(if rest.starts_with(NUL) { NUL.len() } else { letter() });
        replaced.push_str(if escape == NUL { "\\u001a" } else { escape });
        rest = after;
    }
    replaced.push_str(rest);
    replaced.into()
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
