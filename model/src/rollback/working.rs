//! Which generation is *last known working*, and which ones people left.
//!
//! Decided here and nowhere else, from the host's facts, its recorded history, and the commits reverted on
//! the branch.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::Outcome;
use crate::test_history::op_of;
use crate::{AUTO_TEST, Commit, Facts, Generation, OpAction, OpKind, OpStatus, OpView, SameCommit, TestRun};

/// How many of the latest rollbacks count for the usual duration.
const USUAL_OF: usize = 5;

/// The recorded history of a host, besides its latest facts.
#[derive(Debug, Clone, Copy, Default)]
pub struct HostHistory<'a> {
    /// Its test runs. Those in the facts count as well: either side may have lost some.
    pub runs: &'a [TestRun],
    /// Its ops: rollbacks show which generations were left, test ops show who ran the tests.
    pub ops: &'a [OpView],
    /// The commits of pull requests that were reverted, or whose revert was requested.
    pub reverted: &'a [Commit],
}

/// A rollback by which a person left a generation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub by: String,
    /// Why, in that person's words.
    pub reason: Option<String>,
}

impl<'a> HostHistory<'a> {
    /// The latest test run of a generation. At equal times, the host's own report wins.
    pub fn tests_of<'f>(&self, facts: &'f Facts, generation: &Generation) -> Option<&'f TestRun>
    where
        'a: 'f,
    {
        let is_of_build = |run: &&TestRun| run.generation.store_path == generation.store_path;
        self.runs.iter().chain(&facts.test_runs).filter(is_of_build).max_by_key(|run| run.finished_at)
    }

    /// The latest rollback by which a person left a generation, unless its tests have passed since in a run
    /// that a person started: that run clears it. Automatic test runs do not, because they passed before it
    /// was left, too.
    pub fn left(&self, generation: &Generation) -> Option<Left> {
        let leaving = self.ops.iter().filter(|op| leaves(op, generation));
        let op = leaving.max_by_key(|op| at(op))?;
        let is_cleared = self.runs.iter().any(|run| {
            run.generation.store_path == generation.store_path
                && run.started_at > at(op)
                && run.summary().all_passed()
                && op_of(run, self.ops).is_some_and(|tests| tests.requested_by != AUTO_TEST)
        });
        (!is_cleared).then(|| Left { at: at(op), by: op.requested_by.clone(), reason: op.reason.clone() })
    }

    /// Returns whether a generation was built from a reverted commit, with or without local changes.
    pub fn is_reverted(&self, generation: &Generation) -> bool {
        self.reverted.iter().any(|commit| is_built_from(generation, commit))
    }

    /// The newest generation before the current one that is present, whose latest test run passed completely,
    /// that nobody has [left](Self::left), and that was not [reverted](Self::is_reverted).
    pub fn last_known_working<'f>(&self, facts: &'f Facts) -> Option<&'f Generation> {
        let current = facts.rollback_origin()?;
        facts
            .generations
            .iter()
            .filter(|g| g.number < current.number && g.present && g.store_path != current.store_path)
            .filter(|g| self.tests_of(facts, g).is_some_and(|run| run.summary().all_passed()))
            .filter(|g| self.left(g).is_none() && !self.is_reverted(g))
            .max_by_key(|g| g.number)
    }

    /// The median duration of the latest five rollbacks that succeeded; `None` if none has.
    pub fn usual_rollback(&self) -> Option<TimeDelta> {
        let succeeded =
            |op: &&OpView| op.action.kind() == OpKind::Rollback && op.status == OpStatus::Succeeded;
        let mut timed: Vec<_> = self
            .ops
            .iter()
            .filter(succeeded)
            .filter_map(|op| Some((op.finished_at?, op.finished_at? - op.started_at?)))
            .filter(|(_, length)| *length >= TimeDelta::zero())
            .collect();
        timed.sort_by_key(|(finished, _)| std::cmp::Reverse(*finished));
        let mut lengths: Vec<_> = timed.into_iter().take(USUAL_OF).map(|(_, length)| length).collect();
        lengths.sort();
        lengths.get(lengths.len() / 2).copied()
    }
}

/// When a rollback left its generation, by the host's clock if known.
fn at(op: &OpView) -> DateTime<Utc> {
    op.finished_at.unwrap_or(op.created_at)
}

/// Returns whether a generation was certainly built from a commit, with or without local changes.
pub fn is_built_from(generation: &Generation, commit: &Commit) -> bool {
    let relation = generation.commit.as_ref().map(|built| built.compare(commit));
    matches!(relation, Some(SameCommit::Same | SameCommit::SameWithChanges))
}

/// Returns whether an op was a rollback from this build to an earlier generation, and the host started it. A
/// failed one counts: somebody wanted to leave the running build. A refused or cancelled one does not.
fn leaves(op: &OpView, generation: &Generation) -> bool {
    let began = op.started_at.is_some() && op.outcome != Some(Outcome::Refused);
    let ended = !op.status.is_open() && op.status != OpStatus::Cancelled;
    matches!(&op.action, OpAction::Rollback { target, seen_current, .. }
        if seen_current.store_path == generation.store_path && target.number < seen_current.number)
        && began
        && ended
}
