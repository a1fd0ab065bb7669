//! What each of a host's tests has said over its latest runs.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{OpId, OpKind, OpStatus, OpView, TestResult, TestRun};

/// How many runs of each test are told: the newest.
pub const RUNS: usize = 20;
/// A test that has changed its mind this often on one and the same build, within the runs that are told, is flaky: a
/// build never changes, so something else decides.
pub const FLIPS: usize = 2;
/// The most tests that are told though they are no longer in the host's folder: those that ran last.
pub const GONE: usize = 200;

/// What one test has said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestHistory {
    /// The file name of the executable.
    pub name: String,
    /// Whether it is still in the host's folder; none where the agent does not say.
    pub is_there: Option<bool>,
    /// What it said, newest first, at most [`RUNS`]. Empty for a test that has never run.
    pub outcomes: Vec<TestOutcome>,
    /// Since when it fails without a pass in between; none where it passed the last time, or never ran.
    pub failing_since: Option<FailingSince>,
    /// Whether its outcome changes though the build is the same; see [`FLIPS`].
    pub is_flaky: bool,
    /// The last lines of its latest output, kept where it failed.
    pub tail: Vec<String>,
}

/// What a test said once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestOutcome {
    /// Whether it passed.
    pub passed: bool,
    /// The number of the generation that ran.
    pub generation: u32,
    /// When the run that it was part of ended.
    pub at: DateTime<Utc>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// The op that ran it; none where it was run by hand.
    pub op: Option<OpId>,
}

/// The first failure of those that have not ended yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailingSince {
    /// The number of the generation that ran.
    pub generation: u32,
    /// When.
    pub at: DateTime<Utc>,
    /// Whether it may be longer: every run that is known failed.
    pub at_least: bool,
}

/// What one test said in one run, and the op that this run may have been.
type Said<'a> = (&'a TestRun, &'a TestResult, Option<OpId>);

/// What each test has said, from `runs`, newest first, and the ops that may have been them. `present` names the tests of
/// the host's folder in their order, where that is known; those that are there no more follow, at most [`GONE`].
pub fn histories(present: Option<&[String]>, runs: &[TestRun], ops: &[OpView]) -> Vec<TestHistory> {
    // By name, each test's results newest first: a host may name any number of tests, so none is searched for.
    let mut said: HashMap<&str, Vec<Said<'_>>> = HashMap::new();
    let mut gone: Vec<&str> = vec![];
    let there: HashSet<&str> = present.unwrap_or_default().iter().map(String::as_str).collect();
    for run in runs {
        let op = op_of(run, ops).map(|op| op.id);
        for result in &run.results {
            let all = said.entry(&result.name).or_default();
            if all.is_empty() && !there.contains(result.name.as_str()) && gone.len() < GONE {
                gone.push(&result.name);
            }
            // A run says one thing of a test.
            if all.last().is_none_or(|(last, ..)| !std::ptr::eq(*last, run)) {
                all.push((run, result, op));
            }
        }
    }
    gone.sort_unstable();
    let names = present.unwrap_or_default().iter().map(String::as_str).chain(gone);
    names
        .map(|name| TestHistory {
            is_there: present.map(|_| there.contains(name)),
            ..history(name, said.get(name).map_or(&[], Vec::as_slice))
        })
        .collect()
}

fn history(name: &str, all: &[Said<'_>]) -> TestHistory {
    let outcomes = all.iter().take(RUNS).map(|(run, result, op)| TestOutcome {
        passed: result.passed,
        generation: run.generation.number,
        at: run.finished_at,
        duration_ms: result.duration_ms,
        op: *op,
    });
    TestHistory {
        name: name.to_owned(),
        is_there: None,
        outcomes: outcomes.collect(),
        failing_since: failing_since(all),
        is_flaky: flips(&all[..all.len().min(RUNS)]) >= FLIPS,
        tail: all.first().map(|(_, result, _)| result.tail.clone()).unwrap_or_default(),
    }
}

fn failing_since(all: &[Said<'_>]) -> Option<FailingSince> {
    let failed = all.iter().take_while(|(_, result, _)| !result.passed);
    let count = failed.clone().count();
    failed.last().map(|(run, ..)| FailingSince {
        generation: run.generation.number,
        at: run.finished_at,
        at_least: count == all.len(),
    })
}

/// How often a test said something else than the time before on the same build.
fn flips(all: &[Said<'_>]) -> usize {
    let before =
        |at: usize, build: &str| all[at + 1..].iter().find(|(run, ..)| run.generation.store_path == build);
    all.iter()
        .enumerate()
        .filter(|(at, (run, result, _))| {
            before(*at, &run.generation.store_path).is_some_and(|(_, other, _)| other.passed != result.passed)
        })
        .count()
}

/// The op that a run of tests was: one that took place around it, both by the host's clock.
pub fn op_of<'a>(run: &TestRun, ops: &'a [OpView]) -> Option<&'a OpView> {
    ops.iter().find(|op| {
        op.action.kind() == OpKind::Test
            && matches!(op.status, OpStatus::Succeeded | OpStatus::Failed)
            && op.started_at.is_some_and(|at| at <= run.started_at)
            && op.finished_at.is_some_and(|at| run.finished_at <= at)
    })
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::OpAction;
    use crate::sample::{generation, now, op};

    /// So many minutes ago, on this generation: a run of these tests with what they said.
    fn run(minutes: i64, number: u32, results: &[(&str, bool)]) -> TestRun {
        let at = now() - TimeDelta::minutes(minutes);
        let result = |&(name, passed): &(&str, bool)| TestResult {
            name: name.to_owned(),
            passed,
            duration_ms: 3,
            tail: if passed { vec![] } else { vec![format!("{name} failed")] },
        };
        TestRun {
            generation: generation(number, 0).reference(),
            started_at: at - TimeDelta::seconds(5),
            finished_at: at,
            results: results.iter().map(result).collect(),
        }
    }

    /// The history of one test that said this, newest first, on these generations.
    fn one(said: &[(u32, bool)]) -> TestHistory {
        let runs: Vec<_> =
            (0..).zip(said).map(|(i, (number, passed))| run(i, *number, &[("dns", *passed)])).collect();
        histories(None, &runs, &[]).remove(0)
    }

    #[test]
    fn tests_of_the_folder_come_first_and_in_its_order() {
        let runs = [run(1, 48, &[("10-a", true), ("20-b", false)]), run(2, 47, &[("05-old", true)])];
        let present = ["20-b".to_owned(), "10-a".to_owned(), "30-new".to_owned()];
        let told = histories(Some(&present), &runs, &[]);
        let names: Vec<_> = told.iter().map(|t| (t.name.as_str(), t.is_there, t.outcomes.len())).collect();
        assert_eq!(
            names,
            [
                ("20-b", Some(true), 1),
                ("10-a", Some(true), 1),
                ("30-new", Some(true), 0),
                ("05-old", Some(false), 1)
            ]
        );
        assert_eq!(told[0].tail, ["20-b failed"]);
        assert_eq!(histories(None, &runs, &[])[0].is_there, None, "an agent of before does not say");
    }

    /// A host that was taken over may name a test as it likes in each run. With nested searches this takes minutes.
    #[test]
    fn runs_of_ever_other_tests_are_told_in_one_pass() {
        let runs: Vec<_> = (0..100)
            .map(|at: i64| {
                let names: Vec<_> = (0..500).map(|test| format!("t{at}-{test}")).collect();
                let results: Vec<_> = names.iter().map(|name| (name.as_str(), false)).collect();
                run(at, 48, &results)
            })
            .collect();
        let told = histories(Some(&["t99-0".to_owned()]), &runs, &[]);
        assert_eq!(told.len(), 1 + GONE);
        assert_eq!((told[0].outcomes.len(), told[1].name.as_str()), (1, "t0-0"));
    }

    #[test]
    fn since_when_it_fails() {
        let since = |said: &[(u32, bool)]| one(said).failing_since.map(|s| (s.generation, s.at_least));
        assert_eq!(since(&[(49, false), (49, false), (48, true)]), Some((49, false)));
        assert_eq!(since(&[(49, true), (49, false)]), None);
        assert_eq!(since(&[(49, false), (48, false)]), Some((48, true)));
        let long: Vec<_> = (0..100).map(|_| (48, false)).chain([(47, true)]).collect();
        assert_eq!(one(&long).outcomes.len(), RUNS);
        assert_eq!(one(&long).failing_since.unwrap().at, now() - TimeDelta::minutes(99));
    }

    #[test]
    fn a_test_that_changes_its_mind_on_one_build_is_flaky() {
        assert!(one(&[(48, true), (48, false), (48, true)]).is_flaky);
        assert!(!one(&[(48, true), (48, false)]).is_flaky, "once is what a repair looks like");
        assert!(!one(&[(50, true), (49, false), (48, true), (47, false)]).is_flaky, "other builds differ");
        assert!(one(&[(48, true), (47, true), (48, false), (47, true), (48, true)]).is_flaky);
        let long_ago: Vec<_> =
            [(48, true); RUNS].into_iter().chain([(48, false), (48, true), (48, false)]).collect();
        assert!(!one(&long_ago).is_flaky);
    }

    #[test]
    fn the_op_that_ran_it() {
        let run = run(10, 48, &[("dns", true)]);
        let at = |seconds| run.started_at + TimeDelta::seconds(seconds);
        let around = OpView {
            started_at: Some(at(-1)),
            finished_at: Some(at(6)),
            ..op(OpAction::Test, OpStatus::Succeeded)
        };
        let failed = OpView { status: OpStatus::Failed, ..around.clone() };
        assert_eq!(op_of(&run, std::slice::from_ref(&failed)), Some(&failed), "tests failed in it");
        let later = OpView { started_at: Some(at(100)), ..around.clone() };
        let other = OpView { action: OpAction::Refresh, ..around.clone() };
        let told =
            histories(None, std::slice::from_ref(&run), &[later.clone(), other.clone(), around.clone()]);
        assert_eq!(told[0].outcomes[0].op, Some(around.id));
        assert_eq!(op_of(&run, &[later, other]), None, "one that was run by hand");
    }
}
