//! A deployment: one merged pull request and its result on each host.
//!
//! A host's result is a pair of steps, switch and tests. [`HostOutcome::apply`] fills them from the host's
//! ops, and alone decides what the end of an op means for the deployment.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::pull_request::Inputs;
use crate::{Commit, DeploymentId, HostId, OpId, cmp_host_names};

/// The deployment of one merged pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// Its identifier.
    pub id: DeploymentId,
    /// The merged pull request.
    pub pull_request: PullRequestRef,
    /// Its commit on the branch: the merge commit, the squashed commit, or the last rebased one.
    pub commit: Commit,
    /// Who merged it.
    pub merged_by: String,
    /// When.
    pub merged_at: DateTime<Utc>,
    /// The flake inputs that the pull request changed, if the server knew them when it was merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Inputs>,
    /// The decision about it.
    pub decision: Decision,
    /// The result on each host, by name.
    pub hosts: Vec<HostOutcome>,
}

/// A pull request as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequestRef {
    /// Its number.
    pub number: u64,
    /// Its title.
    pub title: String,
    /// Its page.
    pub url: String,
}

/// The decision about a deployment, by a person or by a later merge.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "kebab-case")]
pub enum Decision {
    /// No decision yet: the deployment goes on.
    #[default]
    Open,
    /// A person continued despite a failed host.
    Continued {
        /// Who.
        by: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// A person requested a revert, which is in progress.
    Reverting {
        /// Who.
        by: String,
        /// When.
        at: DateTime<Utc>,
        /// The previous decision, restored if the revert fails. The store fills it in; decisions stored by
        /// older versions lack it.
        #[serde(default)]
        before: Box<Decision>,
        /// Why, in that person's words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// It was reverted on the branch.
    Reverted {
        /// Who.
        by: String,
        /// When.
        at: DateTime<Utc>,
        /// The revert commit.
        commit: Commit,
        /// Why, in that person's words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// A pull request with the revert is waiting to be merged: the branch does not accept pushes.
    Proposed {
        /// Who.
        by: String,
        /// When.
        at: DateTime<Utc>,
        /// The pull request.
        pull_request: PullRequestRef,
        /// Why, in that person's words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// A later pull request was merged.
    Superseded,
}

impl Decision {
    /// The decision's name on the wire and in the database.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Continued { .. } => "continued",
            Self::Reverting { .. } => "reverting",
            Self::Reverted { .. } => "reverted",
            Self::Proposed { .. } => "proposed",
            Self::Superseded => "superseded",
        }
    }

    /// Why a person reverts or reverted it.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Reverting { reason, .. }
            | Self::Reverted { reason, .. }
            | Self::Proposed { reason, .. } => reason.as_deref(),
            Self::Open | Self::Continued { .. } | Self::Superseded => None,
        }
    }

    /// The names of the decisions that this one may follow. Nothing follows a finished revert or a later pull
    /// request.
    pub fn predecessors(&self) -> &'static [&'static str] {
        match self {
            Self::Continued { .. } => &["open"],
            // A proposed revert is done once somebody merges its pull request.
            Self::Reverted { .. } => &["reverting", "proposed"],
            Self::Proposed { .. } => &["reverting"],
            // Only `after_failed_revert` restores it.
            Self::Open => &[],
            // A deployment that is being reverted is superseded only after its revert has failed.
            Self::Reverting { .. } | Self::Superseded => &["open", "continued", "proposed"],
        }
    }

    /// The decision after a failed revert: the previous one, unless a later pull request was merged in the
    /// meantime. `None` if no revert is in progress.
    #[must_use]
    pub fn after_failed_revert(&self, is_newest: bool) -> Option<Self> {
        let Self::Reverting { before, .. } = self else { return None };
        Some(if is_newest { (**before).clone() } else { Self::Superseded })
    }

    /// Returns whether ops on hosts still count for the deployment.
    pub fn is_active(&self) -> bool {
        matches!(self, Self::Open | Self::Continued { .. } | Self::Reverting { .. } | Self::Proposed { .. })
    }
}

/// The state of one step of a deployment on one host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum Step {
    /// Not attempted.
    #[default]
    NotAttempted,
    /// In progress.
    Running {
        /// The op.
        op: OpId,
    },
    /// Succeeded.
    Ok {
        /// The op.
        op: OpId,
    },
    /// Failed.
    Failed {
        /// The op.
        op: OpId,
        /// The reason, in a few words.
        why: String,
    },
}

impl Step {
    /// Returns whether the step failed.
    pub fn is_failed(&self) -> bool {
        matches!(self, Self::Failed { .. })
    }

    /// The step's op, if it has one.
    pub fn op(&self) -> Option<OpId> {
        match self {
            Self::NotAttempted => None,
            Self::Running { op } | Self::Ok { op } | Self::Failed { op, .. } => Some(*op),
        }
    }
}

/// The result of a deployment on one host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostOutcome {
    /// The host.
    pub host: HostId,
    /// Its name.
    pub name: String,
    /// The switch.
    pub switch: Step,
    /// The tests after the switch.
    pub tests: Step,
}

/// An event of an op that may matter to a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostEvent {
    /// A switch to the merged commit has started.
    SwitchStarted,
    /// The switch has succeeded, or failed for this reason.
    SwitchEnded(Result<(), String>),
    /// The host's tests have started.
    TestsStarted,
    /// The tests have ended: all passed, or these failed.
    TestsEnded(Result<(), String>),
}

impl HostOutcome {
    /// A host without results.
    pub fn new(host: HostId, name: String) -> Self {
        Self { host, name, switch: Step::NotAttempted, tests: Step::NotAttempted }
    }

    /// Applies an event of an op; returns whether anything changed.
    ///
    /// Tests count only after the switch: earlier ones tested the previous build. A retried switch starts
    /// over. A repeated event changes nothing, however late it comes.
    pub fn apply(&mut self, op: OpId, heard: HostEvent) -> bool {
        let before = self.clone();
        match heard {
            HostEvent::SwitchStarted if self.switch.op() != Some(op) => self.switch_to(Step::Running { op }),
            HostEvent::SwitchEnded(end) => self.switch_to(ended(op, end)),
            HostEvent::TestsStarted if self.is_switched() && self.tests.op() != Some(op) => {
                self.tests = Step::Running { op };
            }
            HostEvent::TestsEnded(end) if self.is_switched() => self.tests = ended(op, end),
            HostEvent::SwitchStarted | HostEvent::TestsStarted | HostEvent::TestsEnded(_) => {}
        }
        *self != before
    }

    fn switch_to(&mut self, step: Step) {
        if self.switch != step {
            self.switch = step;
            self.tests = Step::NotAttempted;
        }
    }

    fn is_switched(&self) -> bool {
        matches!(self.switch, Step::Ok { .. })
    }

    /// Returns whether the switch or the tests failed.
    pub fn is_failed(&self) -> bool {
        self.switch.is_failed() || self.tests.is_failed()
    }
}

fn ended(op: OpId, end: Result<(), String>) -> Step {
    match end {
        Ok(()) => Step::Ok { op },
        Err(why) => Step::Failed { op, why },
    }
}

impl fmt::Display for HostOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.switch {
            Step::NotAttempted => return f.write_str("Not attempted"),
            Step::Running { .. } => return f.write_str("Switching"),
            Step::Failed { why, .. } => return write!(f, "Switch FAIL ({why})"),
            Step::Ok { .. } => f.write_str("Switch OK")?,
        }
        match &self.tests {
            Step::NotAttempted => Ok(()),
            Step::Running { .. } => f.write_str(", testing"),
            Step::Ok { .. } => f.write_str(", Tests OK"),
            Step::Failed { why, .. } => write!(f, ", Tests FAIL ({why})"),
        }
    }
}

impl Deployment {
    /// Returns whether a person has to decide: a host failed, and there is no decision yet.
    pub fn needs_decision(&self) -> bool {
        self.decision == Decision::Open && self.hosts.iter().any(HostOutcome::is_failed)
    }

    /// Takes over what is new: everything but the hosts that `news` does not have. Pages receive only hosts that changed.
    pub fn update(&mut self, news: Self) {
        let known = std::mem::replace(self, news).hosts;
        for host in std::mem::replace(&mut self.hosts, known) {
            let place = self.hosts.iter().position(|known| known.host == host.host);
            match place.and_then(|place| self.hosts.get_mut(place)) {
                Some(known) => *known = host,
                // It joined after the merge.
                None => self.hosts.push(host),
            }
        }
        self.hosts.sort_by(|one, other| cmp_host_names(&one.name, &other.name));
    }

    /// The names of the hosts that its switch has reached.
    pub fn attempted(&self) -> Vec<String> {
        let attempted = self.hosts.iter().filter(|host| host.switch.op().is_some());
        attempted.map(|host| host.name.clone()).collect()
    }

    /// The hosts that failed.
    pub fn failed(&self) -> impl Iterator<Item = &HostOutcome> {
        self.hosts.iter().filter(|host| host.is_failed())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sample;

    fn host() -> HostOutcome {
        HostOutcome::new(HostId::new(), "imac0".into())
    }

    fn after(heard: impl IntoIterator<Item = HostEvent>) -> HostOutcome {
        let mut host = host();
        for heard in heard {
            host.apply(OpId::new(), heard);
        }
        host
    }

    #[test]
    fn an_update_replaces_the_hosts_that_it_has() {
        let named = |name: &str| HostOutcome::new(HostId::new(), name.into());
        let (web, db) = (named("web"), named("db"));
        let mut known = Deployment { hosts: vec![db.clone(), web.clone()], ..sample::deployment(42, "c") };
        let mut switched = web.clone();
        switched.apply(OpId::new(), HostEvent::SwitchStarted);
        let joined = named("app");
        let decision = Decision::Superseded;
        let hosts = vec![switched.clone(), joined.clone()];
        known.update(Deployment { hosts, decision: decision.clone(), ..known.clone() });
        assert_eq!((known.decision, known.hosts), (decision, vec![joined, db, switched]));
    }

    #[test]
    fn a_host_is_described_by_its_steps() {
        use HostEvent::{SwitchEnded, SwitchStarted, TestsEnded, TestsStarted};
        let x11 = || Err("x11".to_owned());
        for (heard, words) in [
            (vec![], "Not attempted"),
            (vec![SwitchStarted], "Switching"),
            (
                vec![SwitchStarted, SwitchEnded(Err("the build ended with 1".into()))],
                "Switch FAIL (the build ended with 1)",
            ),
            (vec![SwitchEnded(Ok(()))], "Switch OK"),
            (vec![SwitchEnded(Ok(())), TestsStarted], "Switch OK, testing"),
            (vec![SwitchEnded(Ok(())), TestsEnded(Ok(()))], "Switch OK, Tests OK"),
            (vec![SwitchEnded(Ok(())), TestsEnded(x11())], "Switch OK, Tests FAIL (x11)"),
            (vec![SwitchEnded(Ok(())), TestsEnded(x11()), TestsEnded(Ok(()))], "Switch OK, Tests OK"),
            (vec![SwitchEnded(Ok(())), TestsEnded(x11()), SwitchStarted], "Switching"),
        ] {
            assert_eq!(after(heard.clone()).to_string(), words, "{heard:?}");
        }
    }

    #[test]
    fn tests_before_the_switch_do_not_count() {
        for end in [Ok(()), Err("x11".to_owned())] {
            assert_eq!(
                after([HostEvent::TestsStarted, HostEvent::TestsEnded(end)]).to_string(),
                "Not attempted"
            );
        }
    }

    #[test]
    fn a_late_event_takes_nothing_back() {
        let (switch, tests) = (OpId::new(), OpId::new());
        let mut host = host();
        host.apply(switch, HostEvent::SwitchEnded(Ok(())));
        host.apply(tests, HostEvent::TestsEnded(Err("x11".into())));
        for (op, heard) in [
            (switch, HostEvent::SwitchStarted),
            (switch, HostEvent::SwitchEnded(Ok(()))),
            (tests, HostEvent::TestsStarted),
        ] {
            assert!(!host.apply(op, heard));
        }
        assert_eq!(host.to_string(), "Switch OK, Tests FAIL (x11)");
    }

    #[test]
    fn a_failed_host_wants_a_decision_until_there_is_one() {
        let now = DateTime::UNIX_EPOCH;
        let mut deployment = sample::deployment(42, "c");
        deployment.hosts = vec![host(), after([HostEvent::SwitchEnded(Ok(()))])];
        assert!(!deployment.needs_decision());
        deployment.hosts.push(after([HostEvent::SwitchEnded(Err("x".into()))]));
        assert!(deployment.needs_decision());
        assert_eq!(deployment.failed().count(), 1);
        let by = || "maria".to_owned();
        for decision in [
            Decision::Continued { by: by(), at: now },
            Decision::Reverting { by: by(), at: now, before: Box::new(Decision::Open), reason: None },
            Decision::Reverted { by: by(), at: now, commit: Commit("r".into()), reason: None },
            Decision::Proposed {
                by: by(),
                at: now,
                pull_request: deployment.pull_request.clone(),
                reason: None,
            },
            Decision::Superseded,
        ] {
            deployment.decision = decision;
            assert!(!deployment.needs_decision());
        }
    }

    #[test]
    fn decisions_are_named_as_on_the_wire() {
        let now = DateTime::UNIX_EPOCH;
        let by = || "maria".to_owned();
        let pull_request = PullRequestRef { number: 1, title: "t".into(), url: "u".into() };
        let all = [
            Decision::Open,
            Decision::Continued { by: by(), at: now },
            Decision::Reverting { by: by(), at: now, before: Box::new(Decision::Open), reason: None },
            Decision::Reverted { by: by(), at: now, commit: Commit("r".into()), reason: None },
            Decision::Proposed { by: by(), at: now, pull_request, reason: None },
            Decision::Superseded,
        ];
        let names: Vec<_> = all.iter().map(Decision::as_str).collect();
        for decision in &all {
            assert_eq!(serde_json::to_value(decision).unwrap()["decision"], decision.as_str());
            for from in decision.predecessors() {
                let from = all.iter().find(|d| d.as_str() == *from).unwrap();
                assert!(from.is_active(), "nothing follows {}", from.as_str());
            }
        }
        assert_eq!(names.len(), 6);
    }

    #[test]
    fn a_revert_that_failed_brings_back_what_was_decided_before_it() {
        let at = DateTime::UNIX_EPOCH;
        let before = Decision::Continued { by: "otto".into(), at };
        let reverting =
            Decision::Reverting { by: "maria".into(), at, before: Box::new(before.clone()), reason: None };
        assert_eq!(reverting.after_failed_revert(true), Some(before));
        assert_eq!(reverting.after_failed_revert(false), Some(Decision::Superseded));
        assert_eq!(Decision::Open.after_failed_revert(true), None);
        let stored = serde_json::json!({ "decision": "reverting", "by": "maria", "at": at });
        let stored: Decision = serde_json::from_value(stored).unwrap();
        assert_eq!(stored.after_failed_revert(true), Some(Decision::Open), "stored by an older version");
    }

    proptest! {
        /// After any events, only a switched host has test results, and repeating an event changes nothing.
        #[test]
        fn tests_follow_a_switch(heard in proptest::collection::vec(heard(), 0..12)) {
            let mut host = host();
            for heard in heard {
                let op = OpId::new();
                host.apply(op, heard.clone());
                prop_assert!(host.tests == Step::NotAttempted || host.is_switched());
                prop_assert!(!host.apply(op, heard));
            }
        }
    }

    fn heard() -> impl Strategy<Value = HostEvent> {
        let end = || prop_oneof![Just(Ok(())), Just(Err("x".to_owned()))];
        prop_oneof![
            Just(HostEvent::SwitchStarted),
            end().prop_map(HostEvent::SwitchEnded),
            Just(HostEvent::TestsStarted),
            end().prop_map(HostEvent::TestsEnded),
        ]
    }
}
