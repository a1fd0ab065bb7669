//! Which generation is *last known working*, and which were left.
//!
//! Decided here and nowhere else, from what the host said, what is recorded of it, and what was reverted on the branch.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::Outcome;
use crate::test_history::op_of;
use crate::{AUTO_TEST, Commit, Facts, Generation, OpAction, OpStatus, OpView, SameCommit, TestRun};

/// What is recorded of a host, beside its latest facts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Past<'a> {
    /// Its test runs. Those of the facts count as well: an agent may have lost what the server remembers.
    pub runs: &'a [TestRun],
    /// Its ops: the rollbacks say what was left, the tests who ran them.
    pub ops: &'a [OpView],
    /// The commits of the pull requests that were reverted, or whose revert was asked for.
    pub reverted: &'a [Commit],
}

/// That a person left a generation by a rollback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub by: String,
    /// Why, in that person's words.
    pub reason: Option<String>,
}

impl<'a> Past<'a> {
    /// The latest test run of a generation. Of two of the same moment, what the host says counts.
    pub fn tests_of<'f>(&self, facts: &'f Facts, generation: &Generation) -> Option<&'f TestRun>
    where
        'a: 'f,
    {
        let is_of_it = |run: &&TestRun| run.generation.store_path == generation.store_path;
        self.runs.iter().chain(&facts.test_runs).filter(is_of_it).max_by_key(|run| run.finished_at)
    }

    /// Who left a generation by a rollback, the last time, unless its tests have passed since in a run that a person
    /// started: that person says that it works after all. Tests that run by themselves say no more than they did before
    /// it was left.
    pub fn left(&self, generation: &Generation) -> Option<Left> {
        let leaving = self.ops.iter().filter(|op| leaves(op, generation));
        let op = leaving.max_by_key(|op| at(op))?;
        let works_after_all = self.runs.iter().any(|run| {
            run.generation.store_path == generation.store_path
                && run.started_at > at(op)
                && run.summary().all_passed()
                && op_of(run, self.ops).is_some_and(|tests| tests.requested_by != AUTO_TEST)
        });
        (!works_after_all).then(|| Left {
            at: at(op),
            by: op.requested_by.clone(),
            reason: op.reason.clone(),
        })
    }

    /// Whether a generation was built from a commit that was reverted, with local changes or without.
    pub fn is_reverted(&self, generation: &Generation) -> bool {
        self.reverted.iter().any(|commit| is_built_from(generation, commit))
    }

    /// The newest generation before the current one that is present, whose latest test run passed completely, that
    /// nobody has [left](Self::left), and that was not [reverted](Self::is_reverted).
    pub fn last_known_working<'f>(&self, facts: &'f Facts) -> Option<&'f Generation> {
        let current = facts.seat()?;
        facts
            .generations
            .iter()
            .filter(|g| g.number < current.number && g.present && g.store_path != current.store_path)
            .filter(|g| self.tests_of(facts, g).is_some_and(|run| run.summary().all_passed()))
            .filter(|g| self.left(g).is_none() && !self.is_reverted(g))
            .max_by_key(|g| g.number)
    }
}

/// When a rollback left what it left, by the host's clock where that is known.
fn at(op: &OpView) -> DateTime<Utc> {
    op.finished_at.unwrap_or(op.created_at)
}

/// Whether a generation was certainly built from a commit, with local changes or without.
pub fn is_built_from(generation: &Generation, commit: &Commit) -> bool {
    let relation = generation.commit.as_ref().map(|built| built.compare(commit));
    matches!(relation, Some(SameCommit::Same | SameCommit::SameWithChanges))
}

/// Whether an op was a rollback from this build to an earlier generation that the host began. One that failed counts: it
/// says that somebody wanted to be rid of what ran. One that was refused or taken back does not.
fn leaves(op: &OpView, generation: &Generation) -> bool {
    let began = op.started_at.is_some() && op.outcome != Some(Outcome::Refused);
    let ended = !op.status.is_open() && op.status != OpStatus::Cancelled;
    matches!(&op.action, OpAction::Rollback { target, seen_current }
        if seen_current.store_path == generation.store_path && target.number < seen_current.number)
        && began
        && ended
}
