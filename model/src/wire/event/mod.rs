//! What happens, as every open page hears it.
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

/// What a stream carries beside events, where there are none for [`ALIVE_SECS`]: it has no number, and says
/// only that the server is there.
pub const ALIVE: &str = "alive";
/// After how many seconds without an event a stream says [`ALIVE`].
pub const ALIVE_SECS: u64 = 15;

/// Something happened that open pages show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A host is now as given.
    Host {
        /// The whole row.
        host: Box<HostView>,
    },
    /// A host is no longer in the fleet.
    HostRemoved {
        /// Which one it was.
        id: HostId,
    },
    /// An op is now as given.
    Op {
        /// The whole op.
        op: Box<OpView>,
    },
    /// An op wrote lines.
    Output {
        /// Which op.
        op: OpId,
        /// The lines, in order.
        lines: Vec<OutputLine>,
    },
    /// The roll-out of a pull request is now as given.
    Deployment {
        /// The whole deployment.
        deployment: Box<Deployment>,
    },
    /// A roll-out is now as given.
    Rollout {
        /// The whole roll-out.
        rollout: Box<Rollout>,
    },
    /// The open pull requests are now as given.
    PullRequests {
        /// All of them.
        pull_requests: Box<PullRequests>,
    },
    /// Something worth telling everybody.
    Notice(Notice),
    /// A pull request was merged.
    PrMerged {
        /// Its number.
        number: u64,
        /// In a sentence.
        message: String,
    },
    /// A pull request was reverted.
    PrReverted {
        /// Its number.
        number: u64,
        /// In a sentence.
        message: String,
    },
    /// Events were missed: read everything again.
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
    /// When it was told.
    pub at: DateTime<Utc>,
    /// Good news or bad.
    pub tone: Tone,
    /// The sentence, such as “Rolled back to Gen 47”.
    pub text: String,
    /// The name of the host that it is about.
    pub host_name: Option<String>,
    /// The op that it is about.
    pub op: Option<OpId>,
}

/// A notice as it is kept to be read again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredNotice {
    /// The number of the event that told it: a later one has a larger number.
    pub id: u64,
    /// What it said.
    pub notice: Notice,
}

/// How a notice is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tone {
    /// Something went well.
    Good,
    /// Something wants to be known.
    Neutral,
    /// Something went wrong.
    Bad,
}
