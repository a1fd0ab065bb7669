//! What is done to a host, and the life of such an action.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{GenerationRef, HostId, OpId};

/// Who asked for tests that run by themselves.
pub const AUTO_TEST: &str = "auto-test";

/// One action on one host, with all that the host needs to know to do it. It is an enum and not a command: an agent
/// does what is listed here and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case")]
pub enum OpAction {
    /// Go to exactly `target`, if the host is still on `seen_current`.
    Rollback {
        /// The generation to go to.
        target: GenerationRef,
        /// The current generation that the person saw when confirming.
        seen_current: GenerationRef,
    },
    /// Build and activate what the checkout says.
    Switch,
    /// Bring the checkout to the head of its branch.
    Pull,
    /// [`OpAction::Pull`] and, where that went well, [`OpAction::Switch`]: the checkout does not move in between.
    PullSwitch,
    /// Run the host's tests on the running generation.
    Test,
    /// Read the host's facts afresh.
    Refresh,
}

impl OpAction {
    /// Which op this is.
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

/// Which op, without its parameters.
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
    /// Every op.
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

    /// Whether it may be tried again as it was asked for. A rollback may not: it names the generation that the person
    /// saw, and the host may be on another one by then.
    pub fn may_be_retried(self) -> bool {
        self != Self::Rollback
    }

    /// Whether it changes which generation runs, and so decides the System light.
    pub fn changes_system(self) -> bool {
        matches!(self, Self::Rollback | Self::Switch | Self::PullSwitch)
    }

    /// Whether it activates what the checkout says, which is what a deployment is filled by.
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

/// Where an op is in its life.
///
/// ```text
/// queued ─▶ sent ─▶ running ─▶ succeeded | failed | timed-out | cancelled
///   │        └────────┴──────▶ lost ─▶ succeeded | failed | timed-out | cancelled
///   └─▶ blocked | cancelled | timed-out
/// ```
///
/// A lost op holds its host no more. Where the host comes back after all and says how the op ended, that is the truth,
/// and the op is what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OpStatus {
    /// Recorded; waits for the host to be connected.
    Queued,
    /// On its way to the agent.
    Sent,
    /// The agent has it in its journal and works on it.
    Running,
    /// The host is now what was asked for.
    Succeeded,
    /// It is not, or the agent refused; the message says which.
    Failed,
    /// Its time ran out.
    TimedOut,
    /// A person took it back.
    Cancelled,
    /// Refused by the server before anything was sent.
    Blocked,
    /// It reached the host, or may have, and what became of it cannot be known: the host has forgotten it, or was
    /// silent for longer than the op may take.
    Lost,
}

/// An op cannot go from one status to the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an op that is {from} cannot become {to}")]
pub struct IllegalTransition {
    /// What it is.
    pub from: OpStatus,
    /// What it was to become.
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

    /// Whether it still holds the host: a second op is refused meanwhile.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Queued | Self::Sent | Self::Running)
    }

    /// The one place that says which status may follow which.
    ///
    /// # Errors
    /// [`IllegalTransition`] where `next` may not follow. A closed op stays as it is for ever, save one that was lost.
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

/// In what way an op ended on the host. Whether its goal was met is for the server to say, from the facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// All its commands ran and exited with 0.
    Completed,
    /// A command failed, or the agent could not go on.
    Failed,
    /// The host is not what the request assumed; nothing was changed.
    Refused,
    /// It took longer than it may.
    TimedOut,
    /// It was told to stop.
    Cancelled,
}

/// What a running op is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "kebab-case")]
pub enum Phase {
    /// Comparing the request with what the host is.
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
        /// Tests that have ended.
        done: u32,
        /// Tests in all.
        total: u32,
    },
    /// Reading the host to see what became of it.
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

/// Where a line of output came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stream {
    /// The agent's own words about what it does.
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
    /// Its place in the op's output, counted from 1 without gaps.
    pub seq: u64,
    /// Where it came from.
    pub stream: Stream,
    /// When the host read it.
    pub at: DateTime<Utc>,
    /// The text, without its line end, at most [`LINE_BYTES`](crate::wire::limits::LINE_BYTES).
    pub text: String,
}

/// That a person wants an op to stop that is with its host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelRequest {
    /// Who.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// An op as a page shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpView {
    /// Its identifier.
    pub id: OpId,
    /// The host that it is for.
    pub host: HostId,
    /// That host's name.
    pub host_name: String,
    /// What was asked for.
    pub action: OpAction,
    /// How far it is.
    pub status: OpStatus,
    /// What it is doing, while it is running.
    pub phase: Option<Phase>,
    /// Who asked: a user's name, or [`AUTO_TEST`].
    pub requested_by: String,
    /// Why, in that person's words.
    pub reason: Option<String>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// While it is open: until when the server waits for it. A queued op times out then; one that was sent is lost.
    pub due_at: Option<DateTime<Utc>>,
    /// Who asked for it to stop, and when, while it was with the host.
    pub cancel: Option<CancelRequest>,
    /// The op that this one tries again.
    pub retry_of: Option<OpId>,
    /// The test run that it was to stop: the host's tests held the host when it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stops: Option<OpId>,
    /// Whether it still waits for that run to end. It is sent as soon as the run has ended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waits: bool,
    /// When the agent began, by the host's clock.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended, by the host's clock where it reached the host.
    pub finished_at: Option<DateTime<Utc>>,
    /// In what way it ended on the host, as the agent said; none where the agent did not say.
    pub outcome: Option<Outcome>,
    /// The exit code of the command that decided, where one ran.
    pub exit_code: Option<i32>,
    /// The names of the tests that failed in the run that this op was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_tests: Vec<String>,
    /// What became of it, in a sentence.
    pub message: Option<String>,
}

impl OpView {
    /// What it does, in a few words: “Rollback to Gen 47”, “Go forward to Gen 50”.
    pub fn title(&self) -> String {
        match &self.action {
            OpAction::Rollback { target, seen_current } if target.number > seen_current.number => {
                format!("Go forward to {target}")
            }
            OpAction::Rollback { target, .. } => format!("Rollback to {target}"),
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
    fn what_was_lost_may_be_found() {
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
