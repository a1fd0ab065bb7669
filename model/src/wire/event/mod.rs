//! Events for open pages.
//!
//! Sent as Server-Sent Events (HTML Living Standard, section 9.2): the event's name is [`Event::name`], its
//! `id` an increasing number, its data the JSON of the event.

mod read;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::deployment::Deployment;
use crate::pull_request::PullRequests;
use crate::rollout::Rollout;
use crate::{HostId, HostView, OpId, OpView, OutputLine};

/// The name of a sign of life, sent if there are no events for [`ALIVE_SECS`]. It has no number and only
/// shows that the server is there.
pub const ALIVE: &str = "alive";
/// Seconds without an event after which a stream sends [`ALIVE`].
///
/// A page takes a stream for dead once it has missed two of these, so this bounds how long a frozen server goes
/// unnoticed: 14 s at most. Shorter would not help a network that loses packets, where TCP itself needs seconds
/// to send again. The cost is a few bytes, and only to visible tabs: hidden ones close their stream.
pub const ALIVE_SECS: u64 = 5;

/// An event that open pages show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The new state of a host.
    Host {
        /// The whole row.
        host: Box<HostView>,
    },
    /// A host has left the fleet.
    HostRemoved {
        /// The host.
        id: HostId,
    },
    /// The new state of an op.
    Op {
        /// The whole op.
        op: Box<OpView>,
    },
    /// An op wrote lines.
    Output {
        /// The op.
        op: OpId,
        /// The lines, in order.
        lines: Vec<OutputLine>,
    },
    /// The new state of a deployment.
    Deployment {
        /// The deployment. After the first event it has only the hosts that changed: see [`Deployment::update`].
        deployment: Box<Deployment>,
    },
    /// The new state of a roll-out.
    Rollout {
        /// The roll-out. After the first event it has only the hosts that changed: see [`Rollout::update`].
        rollout: Box<Rollout>,
    },
    /// The new state of the open pull requests.
    PullRequests {
        /// All of them.
        pull_requests: Box<PullRequests>,
    },
    /// A notice for everybody.
    Notice(Notice),
    /// A pull request was merged.
    PrMerged {
        /// Its number.
        number: u64,
        /// A sentence about it.
        message: String,
    },
    /// A pull request was reverted.
    PrReverted {
        /// Its number.
        number: u64,
        /// A sentence about it.
        message: String,
    },
    /// Events were missed: reload everything.
    Resync,
}

impl Event {
    /// The name of the event in the stream; part of the contract.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Host { .. } => "host",
            Self::HostRemoved { .. } => "host_removed",
            Self::Op { .. } => "op",
            Self::Output { .. } => "output",
            Self::Deployment { .. } => "deployment",
            Self::Rollout { .. } => "rollout",
            Self::PullRequests { .. } => "pull_requests",
            Self::Notice(_) => "notice",
            Self::PrMerged { .. } => "pr_merged",
            Self::PrReverted { .. } => "pr_reverted",
            Self::Resync => "resync",
        }
    }

    /// Every name that a stream may carry.
    pub const NAMES: [&'static str; 11] = [
        "host",
        "host_removed",
        "op",
        "output",
        "deployment",
        "rollout",
        "pull_requests",
        "notice",
        "pr_merged",
        "pr_reverted",
        "resync",
    ];
}

/// A sentence for everybody who has a page open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// When it was sent.
    pub at: DateTime<Utc>,
    /// Its tone.
    pub tone: Tone,
    /// The sentence, such as “Rolled back to Gen 47”.
    pub text: String,
    /// The name of the host that it is about.
    pub host_name: Option<String>,
    /// The op that it is about.
    pub op: Option<OpId>,
    /// Who began what it is about: unless it is bad, only that person's pages show it at once. Without one, it
    /// concerns everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The same of several hosts, such as “failed their tests”: pages show such notices as one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of_several: Option<String>,
}

impl Notice {
    /// A notice about no host, and about nothing that a person began.
    pub fn new(at: DateTime<Utc>, tone: Tone, text: impl Into<String>) -> Self {
        Self { at, tone, text: text.into(), host_name: None, op: None, by: None, of_several: None }
    }
}

/// A notice kept for later reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredNotice {
    /// The number of its event: later ones have larger numbers.
    pub id: u64,
    /// The notice.
    pub notice: Notice,
}

/// The tone of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tone {
    /// Something succeeded.
    Good,
    /// For information.
    Neutral,
    /// Something failed.
    Bad,
}
