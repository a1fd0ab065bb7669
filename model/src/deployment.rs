//! The roll-out of one merged pull request: how each host fared with it.
//!
//! What is known of a host is a pair of steps, switch and tests. They are filled by the ops that run on the host, by
//! [`HostOutcome::hear`], which is the one place that says what an op's end means for the deployment.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{Commit, DeploymentId, HostId, OpId};

/// The roll-out of one merged pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// Its identifier.
    pub id: DeploymentId,
    /// What was merged.
    pub pull_request: PullRequestRef,
    /// What it became on the branch: the merge commit, the squashed commit, or the last of the rebased ones.
    pub commit: Commit,
    /// Who merged it.
    pub merged_by: String,
    /// When.
    pub merged_at: DateTime<Utc>,
    /// What was decided of it.
    pub decision: Decision,
    /// How each host fared, by name.
    pub hosts: Vec<HostOutcome>,
}

/// A pull request as it is named to people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequestRef {
    /// Its number.
    pub number: u64,
    /// Its title.
    pub title: String,
    /// Its page.
    pub url: String,
}

/// What people, or the branch, decided of a deployment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "kebab-case")]
pub enum Decision {
    /// Nothing yet: it goes on.
    #[default]
    Open,
    /// To go on although a host failed.
    Continued {
        /// Who.
        by: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// To revert it; the revert is being made.
    Reverting {
        /// Who.
        by: String,
        /// When.
        at: DateTime<Utc>,
        /// The decision before that, which comes back if the revert cannot be made. The store fills it in; decisions that
        /// older versions stored lack it.
        #[serde(default)]
        before: Box<Decision>,
    },
    /// It was reverted on the branch.
    Reverted {
        /// Who.
        by: String,
        /// When.
        at: DateTime<Utc>,
        /// The revert.
        commit: Commit,
    },
    /// A pull request with the revert waits to be merged: the branch may not be pushed to.
    Proposed {
        /// Who.
        by: String,
        /// When.
        at: DateTime<Utc>,
        /// The pull request.
        pull_request: PullRequestRef,
    },
    /// A later pull request was merged.
    Superseded,
}

impl Decision {
    /// The name of what was decided, on the wire and in the database.
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

    /// The decisions on which this one may follow, by name. Nothing follows on a revert that is made, or on a later pull
    /// request.
    pub fn predecessors(&self) -> &'static [&'static str] {
        match self {
            Self::Continued { .. } => &["open"],
            // Also by somebody who merges the pull request that was proposed.
            Self::Reverted { .. } => &["reverting", "proposed"],
            Self::Proposed { .. } => &["reverting"],
            // Only what a revert that failed brings back, by `after_failed_revert`.
            Self::Open => &[],
            // One that is being reverted is superseded when its revert has failed.
            Self::Reverting { .. } | Self::Superseded => &["open", "continued", "proposed"],
        }
    }

    /// The decision after a revert that could not be made: the one before it, unless a later pull request was merged
    /// meanwhile. `None` if no revert is being made.
    #[must_use]
    pub fn after_failed_revert(&self, is_newest: bool) -> Option<Self> {
        let Self::Reverting { before, .. } = self else { return None };
        Some(if is_newest { (**before).clone() } else { Self::Superseded })
    }

    /// Whether ops on hosts still count for the deployment.
    pub fn is_going_on(&self) -> bool {
        matches!(self, Self::Open | Self::Continued { .. } | Self::Reverting { .. } | Self::Proposed { .. })
    }
}

/// How far a step of a deployment is on one host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum Step {
    /// It was not tried.
    #[default]
    NotAttempted,
    /// This op is at it.
    Running {
        /// Which op.
        op: OpId,
    },
    /// It went well.
    Ok {
        /// Which op did it.
        op: OpId,
    },
    /// It did not.
    Failed {
        /// Which op did it.
        op: OpId,
        /// What failed, in a few words.
        why: String,
    },
}

impl Step {
    /// Whether it did not go well.
    pub fn is_failed(&self) -> bool {
        matches!(self, Self::Failed { .. })
    }

    /// The op that is at it or did it.
    pub fn op(&self) -> Option<OpId> {
        match self {
            Self::NotAttempted => None,
            Self::Running { op } | Self::Ok { op } | Self::Failed { op, .. } => Some(*op),
        }
    }
}

/// How one host fared with a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostOutcome {
    /// The host.
    pub host: HostId,
    /// Its name.
    pub name: String,
    /// Whether it was switched.
    pub switch: Step,
    /// Whether its tests passed then.
    pub tests: Step,
}

/// What an op did that may matter to a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A switch to what was merged has begun.
    SwitchBegan,
    /// It has ended: well, or why not.
    SwitchEnded(Result<(), String>),
    /// The host's tests have begun.
    TestsBegan,
    /// They have ended: all passed, or which did not.
    TestsEnded(Result<(), String>),
}

impl HostOutcome {
    /// A host of which nothing is known yet.
    pub fn new(host: HostId, name: String) -> Self {
        Self { host, name, switch: Step::NotAttempted, tests: Step::NotAttempted }
    }

    /// Takes in what an op did; whether that changed anything.
    ///
    /// Tests count only on a host that was switched: before that they say something of what was there before. A switch
    /// that is tried again starts over. What is heard once more, however late, changes nothing.
    pub fn hear(&mut self, op: OpId, heard: Heard) -> bool {
        let before = self.clone();
        match heard {
            Heard::SwitchBegan if self.switch.op() != Some(op) => self.switch_to(Step::Running { op }),
            Heard::SwitchEnded(end) => self.switch_to(ended(op, end)),
            Heard::TestsBegan if self.is_switched() && self.tests.op() != Some(op) => {
                self.tests = Step::Running { op };
            }
            Heard::TestsEnded(end) if self.is_switched() => self.tests = ended(op, end),
            Heard::SwitchBegan | Heard::TestsBegan | Heard::TestsEnded(_) => {}
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

    /// Whether the host did not take the deployment well.
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
    /// Whether somebody has to decide: a host failed, and nothing was decided of it.
    pub fn wants_decision(&self) -> bool {
        self.decision == Decision::Open && self.hosts.iter().any(HostOutcome::is_failed)
    }

    /// The hosts that did not take it well.
    pub fn failed(&self) -> impl Iterator<Item = &HostOutcome> {
        self.hosts.iter().filter(|host| host.is_failed())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn host() -> HostOutcome {
        HostOutcome::new(HostId::new(), "imac0".into())
    }

    fn after(heard: impl IntoIterator<Item = Heard>) -> HostOutcome {
        let mut host = host();
        for heard in heard {
            host.hear(OpId::new(), heard);
        }
        host
    }

    #[test]
    fn what_is_said_of_a_host() {
        use Heard::{SwitchBegan, SwitchEnded, TestsBegan, TestsEnded};
        let x11 = || Err("x11".to_owned());
        for (heard, words) in [
            (vec![], "Not attempted"),
            (vec![SwitchBegan], "Switching"),
            (
                vec![SwitchBegan, SwitchEnded(Err("the build ended with 1".into()))],
                "Switch FAIL (the build ended with 1)",
            ),
            (vec![SwitchEnded(Ok(()))], "Switch OK"),
            (vec![SwitchEnded(Ok(())), TestsBegan], "Switch OK, testing"),
            (vec![SwitchEnded(Ok(())), TestsEnded(Ok(()))], "Switch OK, Tests OK"),
            (vec![SwitchEnded(Ok(())), TestsEnded(x11())], "Switch OK, Tests FAIL (x11)"),
            (vec![SwitchEnded(Ok(())), TestsEnded(x11()), TestsEnded(Ok(()))], "Switch OK, Tests OK"),
            (vec![SwitchEnded(Ok(())), TestsEnded(x11()), SwitchBegan], "Switching"),
        ] {
            assert_eq!(after(heard.clone()).to_string(), words, "{heard:?}");
        }
    }

    #[test]
    fn tests_before_the_switch_say_nothing_of_it() {
        for end in [Ok(()), Err("x11".to_owned())] {
            assert_eq!(after([Heard::TestsBegan, Heard::TestsEnded(end)]).to_string(), "Not attempted");
        }
    }

    #[test]
    fn what_is_heard_late_takes_nothing_back() {
        let (switch, tests) = (OpId::new(), OpId::new());
        let mut host = host();
        host.hear(switch, Heard::SwitchEnded(Ok(())));
        host.hear(tests, Heard::TestsEnded(Err("x11".into())));
        for (op, heard) in
            [(switch, Heard::SwitchBegan), (switch, Heard::SwitchEnded(Ok(()))), (tests, Heard::TestsBegan)]
        {
            assert!(!host.hear(op, heard));
        }
        assert_eq!(host.to_string(), "Switch OK, Tests FAIL (x11)");
    }

    #[test]
    fn a_failed_host_wants_a_decision_until_there_is_one() {
        let now = DateTime::UNIX_EPOCH;
        let pull_request = PullRequestRef { number: 42, title: "t".into(), url: "u".into() };
        let mut deployment = Deployment {
            id: DeploymentId::new(),
            pull_request: pull_request.clone(),
            commit: Commit("c".into()),
            merged_by: "maria".into(),
            merged_at: now,
            decision: Decision::Open,
            hosts: vec![host(), after([Heard::SwitchEnded(Ok(()))])],
        };
        assert!(!deployment.wants_decision());
        deployment.hosts.push(after([Heard::SwitchEnded(Err("x".into()))]));
        assert!(deployment.wants_decision());
        assert_eq!(deployment.failed().count(), 1);
        let by = || "maria".to_owned();
        for decision in [
            Decision::Continued { by: by(), at: now },
            Decision::Reverting { by: by(), at: now, before: Box::new(Decision::Open) },
            Decision::Reverted { by: by(), at: now, commit: Commit("r".into()) },
            Decision::Proposed { by: by(), at: now, pull_request },
            Decision::Superseded,
        ] {
            deployment.decision = decision;
            assert!(!deployment.wants_decision());
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
            Decision::Reverting { by: by(), at: now, before: Box::new(Decision::Open) },
            Decision::Reverted { by: by(), at: now, commit: Commit("r".into()) },
            Decision::Proposed { by: by(), at: now, pull_request },
            Decision::Superseded,
        ];
        let names: Vec<_> = all.iter().map(Decision::as_str).collect();
        for decision in &all {
            assert_eq!(serde_json::to_value(decision).unwrap()["decision"], decision.as_str());
            for from in decision.predecessors() {
                let from = all.iter().find(|d| d.as_str() == *from).unwrap();
                assert!(from.is_going_on(), "nothing follows on {}", from.as_str());
            }
        }
        assert_eq!(names.len(), 6);
    }

    #[test]
    fn a_revert_that_failed_brings_back_what_was_decided_before_it() {
        let at = DateTime::UNIX_EPOCH;
        let before = Decision::Continued { by: "otto".into(), at };
        let reverting = Decision::Reverting { by: "maria".into(), at, before: Box::new(before.clone()) };
        assert_eq!(reverting.after_failed_revert(true), Some(before));
        assert_eq!(reverting.after_failed_revert(false), Some(Decision::Superseded));
        assert_eq!(Decision::Open.after_failed_revert(true), None);
        let stored = serde_json::json!({ "decision": "reverting", "by": "maria", "at": at });
        let stored: Decision = serde_json::from_value(stored).unwrap();
        assert_eq!(stored.after_failed_revert(true), Some(Decision::Open), "one of an older version");
    }

    proptest! {
        /// Whatever is heard: tests are known only of a host that is switched, and hearing the same again changes
        /// nothing.
        #[test]
        fn tests_follow_a_switch(heard in proptest::collection::vec(heard(), 0..12)) {
            let mut host = host();
            for heard in heard {
                let op = OpId::new();
                host.hear(op, heard.clone());
                prop_assert!(host.tests == Step::NotAttempted || host.is_switched());
                prop_assert!(!host.hear(op, heard));
            }
        }
    }

    fn heard() -> impl Strategy<Value = Heard> {
        let end = || prop_oneof![Just(Ok(())), Just(Err("x".to_owned()))];
        prop_oneof![
            Just(Heard::SwitchBegan),
            end().prop_map(Heard::SwitchEnded),
            Just(Heard::TestsBegan),
            end().prop_map(Heard::TestsEnded),
        ]
    }
}
