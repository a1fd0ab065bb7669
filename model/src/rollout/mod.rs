//! A roll-out: one kind of action on several hosts, some at a time, stopping where it goes wrong.
//!
//! What becomes of a host is decided here, from what its ops did; who starts the next op is the server.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::rollback::Candidate;
use crate::{Commit, DeploymentId, Generation, GenerationRef, HostId, OpAction, OpId, OpKind, RolloutId};

mod next;

pub use next::{Ended, Next, stopped};

/// The most hosts that a roll-out works on at once.
pub const MOST_AT_ONCE: u32 = 100;

/// One kind of action on several hosts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollout {
    /// Its identifier.
    pub id: RolloutId,
    /// What is done on each host.
    pub kind: OpKind,
    /// The deployment that it is for.
    pub deployment: Option<DeploymentId>,
    /// Who asked for it.
    pub requested_by: String,
    /// Why, in that person's words.
    pub reason: Option<String>,
    /// When.
    pub created_at: DateTime<Utc>,
    /// On how many hosts it works at once, from 1 to [`MOST_AT_ONCE`].
    pub parallel: u32,
    /// Whether no further host is begun once one has failed.
    pub stop_on_failure: bool,
    /// How it is.
    pub state: RolloutState,
    /// The hosts, in the order in which they are begun.
    pub hosts: Vec<RolloutHost>,
}

/// How a roll-out is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum RolloutState {
    /// It goes on.
    Running,
    /// No more hosts will be started. Hosts already running will finish.
    Stopping {
        /// Why: who stopped it, or which host failed.
        why: String,
    },
    /// Every host was worked on, or left out.
    Done,
    /// It ended before every host was begun.
    Stopped {
        /// Why.
        why: String,
    },
}

impl RolloutState {
    /// The name of the state, on the wire and in the database.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopping { .. } => "stopping",
            Self::Done => "done",
            Self::Stopped { .. } => "stopped",
        }
    }

    /// The states on which this one may follow, by name. Nothing follows on one that is over.
    pub fn predecessors(&self) -> &'static [&'static str] {
        match self {
            Self::Running => &[],
            Self::Stopping { .. } | Self::Done => &["running"],
            Self::Stopped { .. } => &["stopping"],
        }
    }

    /// Whether something is still to come.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Running | Self::Stopping { .. })
    }
}

/// One host of a roll-out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolloutHost {
    /// The host.
    pub host: HostId,
    /// Its name.
    pub name: String,
    /// What is done on it.
    pub action: OpAction,
    /// How far it is.
    pub step: RolloutStep,
}

/// How far a roll-out is on one host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum RolloutStep {
    /// Its turn has not come.
    Waiting,
    /// This op is at it, or waits for the host to be connected.
    Running {
        /// Which op.
        op: OpId,
    },
    /// It went well; now the host's tests run by themselves.
    Testing {
        /// The op that runs them.
        op: OpId,
    },
    /// It went well, tests included where they run by themselves.
    Ok {
        /// The last op.
        op: OpId,
    },
    /// It did not.
    Failed {
        /// The op that did not go well; none where none could be recorded.
        op: Option<OpId>,
        /// Why, in a sentence or a few words.
        why: String,
        /// Whether it was done, and the tests failed that followed by themselves.
        #[serde(default)]
        in_tests: bool,
    },
    /// Its turn never came, or it was busy when it came.
    Skipped {
        /// Why.
        why: String,
    },
}

impl RolloutStep {
    /// The name of the step, on the wire and in the database.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running { .. } => "running",
            Self::Testing { .. } => "testing",
            Self::Ok { .. } => "ok",
            Self::Failed { .. } => "failed",
            Self::Skipped { .. } => "skipped",
        }
    }

    /// The op that it names.
    pub fn op(&self) -> Option<OpId> {
        match self {
            Self::Waiting | Self::Skipped { .. } => None,
            Self::Running { op } | Self::Testing { op } | Self::Ok { op } => Some(*op),
            Self::Failed { op, .. } => *op,
        }
    }

    /// Whether nothing more is to come for this host.
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Ok { .. } | Self::Failed { .. } | Self::Skipped { .. })
    }
}

/// What a person wants rolled out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolloutRequest {
    /// What to do on each host: pull, switch, pull and switch, or test.
    pub kind: OpKind,
    /// The hosts, by name, in the order in which they are to be begun.
    pub hosts: Vec<String>,
    /// On how many at once.
    pub parallel: u32,
    /// Whether to begin no further host once one has failed.
    pub stop_on_failure: bool,
    /// Why, in the person's words.
    pub reason: Option<String>,
}

/// The commits that a person is told of before a roll-out: from where to where hosts would go.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolloutCommits {
    /// The head of the branch that hosts follow; none where it could not be read.
    pub head: Option<Commit>,
    /// What each host's checkout is at, by the host's name; hosts that have not told are missing.
    pub checkouts: BTreeMap<String, Commit>,
}

/// What rolling back would do on one host, as a person is shown before confirming it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedRollback {
    /// The host's name.
    pub host_name: String,
    /// Whether its agent is connected; if not, the rollback waits for it.
    pub online: bool,
    /// Why it needs one: how it fared with the deployment. None where a person chose the host.
    pub why: Option<String>,
    /// Whether all its tests pass now and no unit failed: it is left out unless somebody chooses otherwise.
    pub fine: bool,
    /// The generation that it is on.
    pub from: Option<Generation>,
    /// The last known working one; or why the host is left out.
    pub to: Result<Candidate, String>,
    /// What else it could go to, newest first, at most [`OTHERS`]; nothing where it cannot go anywhere.
    pub others: Vec<Candidate>,
}

/// How many generations are offered beside the last known working one. All of them are on the host's own page.
pub const OTHERS: usize = 6;

/// One host's rollback as a person confirmed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfirmedRollback {
    /// The host's name.
    pub host_name: String,
    /// The generation to go to.
    pub target: GenerationRef,
    /// The current generation that the person saw.
    pub seen_current: GenerationRef,
}
