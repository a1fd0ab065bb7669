//! A roll-out: one kind of action on several hosts, some at a time, which stops after a failure.
//!
//! This module decides each host's next step from its ops; the server carries it out.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::deployment::Deployment;
use crate::rollback::Candidate;
use crate::{
    Commit, DeploymentId, Generation, GenerationRef, HostId, OpAction, OpId, OpKind, RolloutId, TestSummary,
};

mod next;
mod pace;
mod summary;

pub use next::{Next, OpEnd, stopped};
pub use pace::Pace;
pub use summary::summary;

/// How many hosts a roll-out works on at once unless a person says otherwise.
pub const AT_ONCE: u32 = 2;

/// The most hosts of a roll-out for which a person need not type their number.
pub const UNTYPED: usize = 50;

/// Upper bound on the hosts that a roll-out works on at once.
pub const MOST_AT_ONCE: u32 = 100;

/// One kind of action on several hosts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollout {
    /// Its identifier.
    pub id: RolloutId,
    /// The kind of action.
    pub kind: OpKind,
    /// The deployment that it belongs to.
    pub deployment: Option<DeploymentId>,
    /// Who requested it.
    pub requested_by: String,
    /// Why, in that person's words.
    pub reason: Option<String>,
    /// When.
    pub created_at: DateTime<Utc>,
    /// How many hosts it works on at once, from 1 to [`MOST_AT_ONCE`].
    pub parallel: u32,
    /// Whether a failure prevents further hosts from starting.
    pub stop_on_failure: bool,
    /// The number of hosts after which it pauses automatically.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause_after: Option<u32>,
    /// Since when it is paused: no host starts until a person resumes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_at: Option<DateTime<Utc>>,
    /// Who paused it; `None` if it paused automatically.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_by: Option<String>,
    /// Its state.
    pub state: RolloutState,
    /// The hosts, in starting order.
    pub hosts: Vec<RolloutHost>,
}

impl Rollout {
    /// Takes over what is new: everything but the hosts that `news` does not have. Pages receive only hosts that changed.
    pub fn update(&mut self, news: Self) {
        let known = std::mem::replace(self, news).hosts;
        for host in std::mem::replace(&mut self.hosts, known) {
            if let Some(known) = self.hosts.iter_mut().find(|known| known.host == host.host) {
                *known = host;
            }
        }
    }

    /// Returns whether it is paused. One that is stopping or over is not.
    pub fn is_paused(&self) -> bool {
        self.state == RolloutState::Running && self.paused_at.is_some()
    }

    /// Returns whether it belongs to the story of the newest deployment: it was started for it, or switches
    /// hosts after it, as after a revert.
    pub fn is_part_of(&self, newest: &Deployment) -> bool {
        self.deployment == Some(newest.id) || (self.kind.switches() && self.created_at >= newest.merged_at)
    }
}

/// The state of a roll-out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum RolloutState {
    /// Hosts are still starting.
    Running,
    /// No more hosts will be started. Hosts already running will finish.
    Stopping {
        /// Why: who stopped it, or which host failed.
        why: String,
    },
    /// Every host has finished or was skipped.
    Done,
    /// It ended before every host was started.
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

    /// The names of the states that this one may follow. Nothing follows a closed one.
    pub fn predecessors(&self) -> &'static [&'static str] {
        match self {
            Self::Running => &[],
            Self::Stopping { .. } | Self::Done => &["running"],
            Self::Stopped { .. } => &["stopping"],
        }
    }

    /// Returns whether hosts are still starting or running.
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
    /// Its action.
    pub action: OpAction,
    /// Its step.
    pub step: RolloutStep,
    /// When its last op ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<DateTime<Utc>>,
}

impl RolloutHost {
    /// A host that has not started.
    pub fn waiting(host: HostId, name: String, action: OpAction) -> Self {
        Self { host, name, action, step: RolloutStep::Waiting, ended_at: None }
    }
}

/// The step of a roll-out on one host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum RolloutStep {
    /// Not started.
    Waiting,
    /// The op is in progress, or waits for the host to connect.
    Running {
        /// The op.
        op: OpId,
    },
    /// The action succeeded; the host's automatic tests are running.
    Testing {
        /// The test op.
        op: OpId,
    },
    /// The action and any automatic tests succeeded.
    Ok {
        /// The last op.
        op: OpId,
    },
    /// The action or its tests failed.
    Failed {
        /// The failed op; `None` if none could be recorded.
        op: Option<OpId>,
        /// Why, in a sentence or a few words.
        why: String,
        /// Whether the action succeeded and its automatic tests failed.
        #[serde(default)]
        in_tests: bool,
    },
    /// Skipped: it was never started, or was busy when its turn came.
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

    /// The step's op, if it has one.
    pub fn op(&self) -> Option<OpId> {
        match self {
            Self::Waiting | Self::Skipped { .. } => None,
            Self::Running { op } | Self::Testing { op } | Self::Ok { op } => Some(*op),
            Self::Failed { op, .. } => *op,
        }
    }

    /// Returns whether the host has finished.
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Ok { .. } | Self::Failed { .. } | Self::Skipped { .. })
    }
}

/// A person's request for a roll-out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolloutRequest {
    /// The kind of action: pull, switch, pull and switch, or test.
    pub kind: OpKind,
    /// The names of the hosts, in starting order.
    pub hosts: Vec<String>,
    /// How many to work on at once.
    pub parallel: u32,
    /// Whether a failure prevents further hosts from starting.
    pub stop_on_failure: bool,
    /// The number of hosts after which it pauses, if it is to pause automatically.
    pub pause_after: Option<u32>,
    /// Why, in the person's words.
    pub reason: Option<String>,
    /// The number of hosts as the person typed it; above [`UNTYPED`] hosts it must be right.
    pub typed: Option<usize>,
}

/// The commits that a person sees before a roll-out: from which commit to which each host would go.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolloutCommits {
    /// The head of the branch that hosts follow; `None` if it could not be read.
    pub head: Option<Commit>,
    /// The commit of each host's checkout, by the host's name. Hosts that have not reported one are missing.
    pub checkouts: BTreeMap<String, Commit>,
}

/// The rollback of one host as a person sees it before confirming.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedRollback {
    /// The host's name.
    pub host_name: String,
    /// Whether its agent is connected; otherwise the rollback waits for it.
    pub online: bool,
    /// Its result in the deployment, as the reason for the rollback; `None` if a person chose the host.
    pub why: Option<String>,
    /// Whether all its tests pass now and no unit has failed. Such a host is skipped unless a person chooses
    /// otherwise. The page reads it in `to`.
    #[serde(skip)]
    pub fine: bool,
    /// The latest results of its tests on its current generation; `None` if they never ran there.
    pub tests: Option<TestSummary>,
    /// Its current generation.
    pub from: Option<Generation>,
    /// The last known working generation, or why the host is skipped.
    pub to: Result<Candidate, String>,
    /// Other available targets, newest first, at most [`OTHERS`].
    pub others: Vec<Candidate>,
}

/// Number of generations offered besides the last known working one. The host's own page offers all of them.
pub const OTHERS: usize = 6;

/// One host's rollback as a person confirmed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfirmedRollback {
    /// The host's name.
    pub host_name: String,
    /// The target.
    pub target: GenerationRef,
    /// The current generation that the person saw.
    pub seen_current: GenerationRef,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn an_update_replaces_the_hosts_that_it_has_and_keeps_their_order() {
        let host = |name: &str| RolloutHost::waiting(HostId::new(), name.to_owned(), OpAction::Switch);
        let mut known = sample::rollout(OpKind::Switch, vec![host("web"), host("db")]);
        let done = RolloutHost { step: RolloutStep::Ok { op: OpId::new() }, ..known.hosts[1].clone() };
        let expected = Rollout {
            paused_at: Some(sample::now()),
            hosts: vec![known.hosts[0].clone(), done.clone()],
            ..known.clone()
        };
        known.update(Rollout { hosts: vec![done], ..expected.clone() });
        assert_eq!(known, expected);
    }
}
