//! Ops: the actions on hosts, and their life.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{GenerationRef, HostId, OpId, RolloutId};

/// The requester of tests that run automatically.
pub const AUTO_TEST: &str = "auto-test";

/// One action on one host, with everything the host needs for it. It is an enum, not a command: an agent does
/// what is listed here and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case")]
pub enum OpAction {
    /// Go to exactly `target`, if the host is still on `seen_current`.
    Rollback {
        /// The generation to go to.
        target: GenerationRef,
        /// The current generation that the person saw when confirming.
        seen_current: GenerationRef,
        /// The specialisation of the target to activate; `None` for the target itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        specialisation: Option<String>,
    },
    /// Build and activate the checkout.
    Switch,
    /// Bring the checkout to the head of its branch.
    Pull,
    /// [`OpAction::Pull`] and, if that succeeds, [`OpAction::Switch`]: the checkout does not move in between.
    PullSwitch,
    /// Run the host's tests on the running generation.
    Test,
    /// Read the host's facts again.
    Refresh,
}

impl OpAction {
    /// The kind of op.
    pub fn kind(&self) -> OpKind {
        match self {
            Self::Rollback { .. } => OpKind::Rollback,
            Self::Switch => OpKind::Switch,
            Self::Pull => OpKind::Pull,
            Self::PullSwitch => OpKind::PullSwitch,
            Self::Test => OpKind::Test,
            Self::Refresh => OpKind::Refresh,
        }
    }
}

/// The kind of an op, without its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OpKind {
    /// See [`OpAction::Rollback`].
    Rollback,
    /// See [`OpAction::Switch`].
    Switch,
    /// See [`OpAction::Pull`].
    Pull,
    /// See [`OpAction::PullSwitch`].
    PullSwitch,
    /// See [`OpAction::Test`].
    Test,
    /// See [`OpAction::Refresh`].
    Refresh,
}

impl OpKind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Rollback, Self::Switch, Self::Pull, Self::PullSwitch, Self::Test, Self::Refresh];

    /// The name on the wire, in the database and in addresses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rollback => "rollback",
            Self::Switch => "switch",
            Self::Pull => "pull",
            Self::PullSwitch => "pull-switch",
            Self::Test => "test",
            Self::Refresh => "refresh",
        }
    }

    /// The name on a button.
    pub fn title(self) -> &'static str {
        match self {
            Self::Rollback => "Rollback System",
            Self::Switch => "Switch",
            Self::Pull => "Pull",
            Self::PullSwitch => "Pull and Switch",
            Self::Test => "Run Tests",
            Self::Refresh => "Refresh",
        }
    }

    /// Returns whether it may be retried unchanged. A rollback may not: it names the generation that the
    /// person saw, and the host may be on another one by then.
    pub fn may_be_retried(self) -> bool {
        self != Self::Rollback
    }

    /// Returns whether it changes the running generation, and so decides the System light.
    pub fn changes_system(self) -> bool {
        matches!(self, Self::Rollback | Self::Switch | Self::PullSwitch)
    }

    /// Returns whether it deploys: brings a host to what its configuration repository holds. On an
    /// [observed](crate::Facts::observed) host something else does that.
    pub fn deploys(self) -> bool {
        matches!(self, Self::Pull | Self::Switch | Self::PullSwitch)
    }

    /// What it has done to a host when it succeeded, such as “rolled back”.
    pub fn done(self) -> &'static str {
        match self {
            Self::Rollback => "rolled back",
            Self::Switch => "switched",
            Self::Pull => "pulled",
            Self::PullSwitch => "pulled and switched",
            Self::Test => "passed their tests",
            Self::Refresh => "refreshed",
        }
    }

    /// Returns whether it activates the checkout; such ops fill deployments.
    pub fn switches(self) -> bool {
        matches!(self, Self::Switch | Self::PullSwitch)
    }
}

impl fmt::Display for OpKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for OpKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|k| k.as_str() == text).ok_or_else(|| format!("“{text}” is not an op"))
    }
}

/// The status of an op.
///
/// ```text
/// queued ─▶ sent ─▶ running ─▶ succeeded | failed | timed-out | cancelled
///   │        └────────┴──────▶ lost ─▶ succeeded | failed | timed-out | cancelled
///   └─▶ blocked | cancelled | timed-out
/// ```
///
/// A lost op no longer holds its host. If the host comes back and reports a result, that result is the truth,
/// and the op takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OpStatus {
    /// Recorded; waits for the host to connect.
    Queued,
    /// On its way to the agent.
    Sent,
    /// In the agent's journal, and in progress.
    Running,
    /// The host has reached the goal.
    Succeeded,
    /// The host has not reached the goal, or the agent refused; the message says which.
    Failed,
    /// Its time ran out.
    TimedOut,
    /// A person cancelled it.
    Cancelled,
    /// Refused by the server before anything was sent.
    Blocked,
    /// It reached the host, or may have, and its result is unknown: the host has forgotten it, or was silent
    /// for longer than the op may take.
    Lost,
}

/// A transition that an op cannot make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an op that is {from} cannot become {to}")]
pub struct IllegalTransition {
    /// The current status.
    pub from: OpStatus,
    /// The requested status.
    pub to: OpStatus,
}

impl OpStatus {
    /// Every status.
    pub const ALL: [Self; 9] = [
        Self::Queued,
        Self::Sent,
        Self::Running,
        Self::Succeeded,
        Self::Failed,
        Self::TimedOut,
        Self::Cancelled,
        Self::Blocked,
        Self::Lost,
    ];

    /// The name on the wire and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::TimedOut => "timed-out",
            Self::Cancelled => "cancelled",
            Self::Blocked => "blocked",
            Self::Lost => "lost",
        }
    }

    /// Returns whether the op still holds its host, so that a second one is refused.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Queued | Self::Sent | Self::Running)
    }

    /// Makes a transition. Decided here only.
    ///
    /// # Errors
    /// [`IllegalTransition`] if `next` may not follow. A closed op never changes, except a lost one.
    pub fn to(self, next: Self) -> Result<Self, IllegalTransition> {
        use OpStatus::{Blocked, Cancelled, Failed, Lost, Queued, Running, Sent, Succeeded, TimedOut};
        let legal = match self {
            Queued => matches!(next, Sent | Blocked | Cancelled | TimedOut),
            Sent => matches!(next, Running | Succeeded | Failed | TimedOut | Cancelled | Lost),
            Running => matches!(next, Succeeded | Failed | TimedOut | Cancelled | Lost),
            Lost => matches!(next, Succeeded | Failed | TimedOut | Cancelled),
            Succeeded | Failed | TimedOut | Cancelled | Blocked => false,
        };
        if legal { Ok(next) } else { Err(IllegalTransition { from: self, to: next }) }
    }

    /// The statuses from which an op may become `self`.
    pub fn predecessors(self) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |from| from.to(self).is_ok())
    }
}

impl fmt::Display for OpStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for OpStatus {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|s| s.as_str() == text)
            .ok_or_else(|| format!("“{text}” is not an op status"))
    }
}

/// How an op ended on the host. The server decides from the facts whether it reached its goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// All its commands ran and exited with 0.
    Completed,
    /// A command failed, or the agent could not continue.
    Failed,
    /// The host is not in the state that the request assumed; nothing was changed.
    Refused,
    /// It took longer than it may.
    TimedOut,
    /// It was cancelled.
    Cancelled,
}

/// The phase of a running op.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "kebab-case")]
pub enum Phase {
    /// Checking the request against the host.
    Checking,
    /// Pointing the profile at another generation.
    SwitchingProfile,
    /// Building a configuration.
    Building,
    /// Activating a generation.
    Activating,
    /// Fetching the configuration repository.
    Pulling,
    /// Running tests.
    Testing {
        /// Number of tests that have ended.
        done: u32,
        /// Number of tests.
        total: u32,
    },
    /// Reading the host's facts again.
    ReadingFacts,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Checking => f.write_str("checking"),
            Self::SwitchingProfile => f.write_str("switching profile"),
            Self::Building => f.write_str("building"),
            Self::Activating => f.write_str("activating"),
            Self::Pulling => f.write_str("pulling"),
            Self::Testing { done, total } => write!(f, "tests {done}/{total}"),
            Self::ReadingFacts => f.write_str("reading the host"),
        }
    }
}

/// The source of a line of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stream {
    /// The agent itself.
    Agent,
    /// A command's standard output.
    Stdout,
    /// A command's standard error.
    Stderr,
}

impl Stream {
    /// The name on the wire and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

impl FromStr for Stream {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Agent, Self::Stdout, Self::Stderr]
            .into_iter()
            .find(|s| s.as_str() == text)
            .ok_or_else(|| format!("“{text}” is not an output stream"))
    }
}

/// One line of an op's output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputLine {
    /// Its number in the op's output, from 1 without gaps.
    pub seq: u64,
    /// Its source.
    pub stream: Stream,
    /// When the host read it.
    pub at: DateTime<Utc>,
    /// The text, without its line end, at most [`LINE_BYTES`](crate::wire::limits::LINE_BYTES).
    pub text: String,
}

/// A person's request to stop an op that its host has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelRequest {
    /// Who.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// An op as pages show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpView {
    /// Its identifier.
    pub id: OpId,
    /// Its host.
    pub host: HostId,
    /// That host's name.
    pub host_name: String,
    /// The requested action.
    pub action: OpAction,
    /// Its status.
    pub status: OpStatus,
    /// Its phase while it is running.
    pub phase: Option<Phase>,
    /// Who requested it: a person's name, or [`AUTO_TEST`].
    pub requested_by: String,
    /// Why, in that person's words.
    pub reason: Option<String>,
    /// When it was requested.
    pub created_at: DateTime<Utc>,
    /// The server's deadline while it is open: a queued op then times out; a sent one is lost.
    pub due_at: Option<DateTime<Utc>>,
    /// The request to stop it while the host had it.
    pub cancel: Option<CancelRequest>,
    /// The op that this one retries.
    pub retry_of: Option<OpId>,
    /// The test run that it stops: the host's tests held the host when it was requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stops: Option<OpId>,
    /// Whether it still waits for that run to end; the server sends it at once after that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waits: bool,
    /// The roll-out that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<RolloutId>,
    /// When the agent started it, by the host's clock.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended, by the host's clock if it reached the host.
    pub finished_at: Option<DateTime<Utc>>,
    /// How it ended on the host, as the agent reported; `None` if the agent did not.
    pub outcome: Option<Outcome>,
    /// The exit code of the decisive command, if one ran.
    pub exit_code: Option<i32>,
    /// For a test run: the names of the failed tests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_tests: Vec<String>,
    /// Its result, in a sentence.
    pub message: Option<String>,
}

impl OpView {
    /// Its action, in a few words: “Rollback to Gen 47”, “Go forward to Gen 50”.
    pub fn title(&self) -> String {
        match &self.action {
            OpAction::Rollback { target, seen_current, specialisation } => {
                let way = if target.number > seen_current.number { "Go forward" } else { "Rollback" };
                format!("{way} to {}", target.with(specialisation.as_deref()))
            }
            other => other.kind().title().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_back() {
        for kind in OpKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        for status in OpStatus::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
    }

    #[test]
    fn a_closed_op_never_opens_again() {
        for from in OpStatus::ALL.into_iter().filter(|s| !s.is_open()) {
            for to in OpStatus::ALL.into_iter().filter(|to| from != OpStatus::Lost || to.is_open()) {
                assert_eq!(from.to(to), Err(IllegalTransition { from, to }));
            }
        }
    }

    #[test]
    fn a_lost_op_may_be_found() {
        let found = [OpStatus::Succeeded, OpStatus::Failed, OpStatus::TimedOut, OpStatus::Cancelled];
        for to in OpStatus::ALL {
            assert_eq!(OpStatus::Lost.to(to).is_ok(), found.contains(&to), "{to}");
        }
    }

    #[test]
    fn every_status_but_the_first_can_be_reached() {
        for status in OpStatus::ALL {
            assert_eq!(status.predecessors().count() == 0, status == OpStatus::Queued, "{status}");
        }
    }

    #[test]
    fn nothing_is_blocked_once_sent() {
        assert!(OpStatus::Sent.to(OpStatus::Blocked).is_err());
        assert!(OpStatus::Running.to(OpStatus::Queued).is_err());
    }
}
