//! The results of each of a host's tests over its latest runs.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{OpId, OpKind, OpStatus, OpView, TestResult, TestRun};

/// Number of runs in the history of each test: the newest.
pub const RUNS: usize = 20;
/// A test whose result on one build changed this often within its history is flaky: a build never changes, so
/// something else decides.
pub const FLIPS: usize = 2;
/// Upper bound on tests that are no longer in the host's folder: the ones that ran last.
pub const GONE: usize = 200;

/// The history of one test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestHistory {
    /// The file name of the executable.
    pub name: String,
    /// Whether it is still in the host's folder; `None` if the agent does not report that.
    pub is_there: Option<bool>,
    /// Its results, newest first, at most [`RUNS`]. Empty for a test that has never run.
    pub outcomes: Vec<TestOutcome>,
    /// Since when it has failed in every run; `None` if it passed last time, or never ran.
    pub failing_since: Option<FailingSince>,
    /// Whether its result changes on the same build; see [`FLIPS`].
    pub is_flaky: bool,
    /// The last lines of its latest output, kept if it failed.
    pub tail: Vec<String>,
}

/// The result of a test in one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestOutcome {
    /// Whether it passed.
    pub passed: bool,
    /// The number of the running generation.
    pub generation: u32,
    /// When the run ended.
    pub at: DateTime<Utc>,
    /// Its duration in milliseconds.
    pub duration_ms: u64,
    /// The op that ran it; `None` if somebody ran it by hand.
    pub op: Option<OpId>,
}

/// The first of the failures that continue until now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailingSince {
    /// The number of the running generation.
    pub generation: u32,
    /// When.
    pub at: DateTime<Utc>,
    /// Whether it may be longer, because every known run failed.
    pub at_least: bool,
}

/// The result of one test in one run, and the op of the run, if known.
type RunResult<'a> = (&'a TestRun, &'a TestResult, Option<OpId>);

/// The history of each test, from `runs`, newest first, and the ops that may have been those runs. `present`
/// names the tests in the host's folder, in order, if known; tests that are gone follow, at most [`GONE`].
pub fn histories(present: Option<&[String]>, runs: &[TestRun], ops: &[OpView]) -> Vec<TestHistory> {
    // Each test's results by name, newest first. A host may name any number of tests, so nothing is searched
    // linearly.
    let mut said: HashMap<&str, Vec<RunResult<'_>>> = HashMap::new();
    let mut gone: Vec<&str> = vec![];
    let there: HashSet<&str> = present.unwrap_or_default().iter().map(String::as_str).collect();
    for run in runs {
        let op = op_of(run, ops).map(|op| op.id);
        for result in &run.results {
            let all = said.entry(&result.name).or_default();
            if all.is_empty() && !there.contains(result.name.as_str()) && gone.len() < GONE {
                gone.push(&result.name);
            }
            // A run counts once for each test.
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

fn history(name: &str, all: &[RunResult<'_>]) -> TestHistory {
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

fn failing_since(all: &[RunResult<'_>]) -> Option<FailingSince> {
    let failed = all.iter().take_while(|(_, result, _)| !result.passed);
    let count = failed.clone().count();
    failed.last().map(|(run, ..)| FailingSince {
        generation: run.generation.number,
        at: run.finished_at,
        at_least: count == all.len(),
    })
}

/// Number of times that a test's result differs from the one before on the same build.
fn flips(all: &[RunResult<'_>]) -> usize {
    let before =
        |at: usize, build: &str| all[at + 1..].iter().find(|(run, ..)| run.generation.store_path == build);
    all.iter()
        .enumerate()
        .filter(|(at, (run, result, _))| {
            before(*at, &run.generation.store_path).is_some_and(|(_, other, _)| other.passed != result.passed)
        })
        .count()
}

/// The op that ran these tests: the one whose time encloses the run, both by the host's clock.
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

    /// A run `minutes` ago on this generation, with these results.
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

    /// The history of one test with these results, newest first, by generation.
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
        assert_eq!(histories(None, &runs, &[])[0].is_there, None, "an old agent does not report it");
    }

    /// A compromised host may rename its tests in each run. Nested searches would take minutes.
    #[test]
    fn many_different_tests_take_one_pass() {
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
    fn a_failing_test_has_a_start() {
        let since = |said: &[(u32, bool)]| one(said).failing_since.map(|s| (s.generation, s.at_least));
        assert_eq!(since(&[(49, false), (49, false), (48, true)]), Some((49, false)));
        assert_eq!(since(&[(49, true), (49, false)]), None);
        assert_eq!(since(&[(49, false), (48, false)]), Some((48, true)));
        let long: Vec<_> = (0..100).map(|_| (48, false)).chain([(47, true)]).collect();
        assert_eq!(one(&long).outcomes.len(), RUNS);
        assert_eq!(one(&long).failing_since.unwrap().at, now() - TimeDelta::minutes(99));
    }

    #[test]
    fn a_test_whose_result_changes_on_one_build_is_flaky() {
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
        assert_eq!(op_of(&run, &[later, other]), None, "somebody ran it by hand");
    }
}
