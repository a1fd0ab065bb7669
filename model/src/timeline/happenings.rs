//! The events in a host's life, in order.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::Outcome;
use crate::test_history::op_of;
use crate::wire::limits::cut;
use crate::{Commit, Generation, OpAction, OpId, OpKind, OpStatus, OpView, TestRun, TestSummary};

/// Upper bound on the happenings: the newest are kept.
pub const HAPPENINGS: usize = 150;
/// Upper bound on the reason for a failure, in bytes.
const WHY_BYTES: usize = 200;
/// Tolerance between an op's times and the date of a generation that it made: file times have whole seconds.
const SLACK: TimeDelta = TimeDelta::seconds(2);

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happening {
    /// When, by the host's clock if the host reported it.
    pub at: DateTime<Utc>,
    /// The kind of event.
    pub what: What,
    /// Its result.
    pub end: End,
    /// The generation that it made, activated or tested.
    pub generation: Option<u32>,
    /// The commit of that generation.
    pub commit: Option<Commit>,
    /// The results of tests that ran to the end.
    pub tests: Option<TestSummary>,
    /// The op; `None` if it happened outside Backstay.
    pub op: Option<OpId>,
    /// Who requested the op.
    pub by: Option<String>,
    /// The reason for a failure, in short.
    pub why: Option<String>,
}

/// A kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// A generation was made outside Backstay.
    Made,
    /// The host was switched.
    Switched,
    /// The host was rolled back.
    RolledBack,
    /// The host was moved to a newer generation.
    WentForward,
    /// The checkout was pulled.
    Pulled,
    /// The host's tests ran.
    Tested,
}

/// The result of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// It succeeded.
    Well,
    /// It failed.
    Badly,
    /// The host refused it, or a person cancelled it.
    Stopped,
}

/// All known events, newest first.
pub fn happenings(generations: &[Generation], runs: &[TestRun], ops: &[OpView]) -> Vec<Happening> {
    let done: Vec<_> = ops.iter().filter_map(|op| of_op(op, generations)).collect();
    let made = generations
        .iter()
        .filter(|generation| {
            !done.iter().any(|d| d.what == What::Switched && d.generation == Some(generation.number))
        })
        .map(of_generation);
    let tested = runs.iter().map(|run| of_run(run, ops, generations));
    let mut all: Vec<_> = made.chain(tested).collect();
    all.extend(done.iter().cloned());
    all.sort_by_key(|happening| std::cmp::Reverse(happening.at));
    all.truncate(HAPPENINGS);
    all
}

fn of_generation(generation: &Generation) -> Happening {
    Happening {
        at: generation.created_at,
        what: What::Made,
        end: End::Well,
        generation: Some(generation.number),
        commit: generation.commit.clone(),
        tests: None,
        op: None,
        by: None,
        why: None,
    }
}

fn of_run(run: &TestRun, ops: &[OpView], generations: &[Generation]) -> Happening {
    let summary = run.summary();
    let op = op_of(run, ops);
    let commit = generations.iter().find(|g| g.store_path == run.generation.store_path);
    let failed: Vec<_> = run.failed().collect();
    Happening {
        at: run.finished_at,
        what: What::Tested,
        end: if summary.all_passed() { End::Well } else { End::Badly },
        generation: Some(run.generation.number),
        commit: commit.and_then(|g| g.commit.clone()),
        tests: Some(summary),
        op: op.map(|op| op.id),
        by: op.map(|op| op.requested_by.clone()),
        why: (!failed.is_empty()).then(|| cut(&failed.join(", "), WHY_BYTES)),
    }
}

/// The event of a closed op that reached its host. Tests that ran to the end are covered by their run.
fn of_op(op: &OpView, generations: &[Generation]) -> Option<Happening> {
    let at = op.finished_at?;
    let end = end_of(op)?;
    let (what, generation) = match &op.action {
        OpAction::Rollback { target, seen_current, .. } => {
            let is_newer = target.number > seen_current.number;
            let what = if is_newer { What::WentForward } else { What::RolledBack };
            (what, generations.iter().find(|g| g.store_path == target.store_path))
        }
        OpAction::Switch | OpAction::PullSwitch => (What::Switched, made_by(op, generations)),
        OpAction::Pull => (What::Pulled, None),
        OpAction::Test if end != End::Well && op.failed_tests.is_empty() => (What::Tested, None),
        OpAction::Test | OpAction::Refresh => return None,
    };
    let number = match &op.action {
        OpAction::Rollback { target, .. } => Some(target.number),
        _ => generation.map(|g| g.number),
    };
    let why = op.message.as_deref().filter(|_| end != End::Well).map(|message| cut(message, WHY_BYTES));
    Some(Happening {
        at,
        what,
        end,
        generation: number,
        commit: generation.and_then(|g| g.commit.clone()),
        tests: None,
        op: Some(op.id),
        by: Some(op.requested_by.clone()),
        why,
    })
}

fn end_of(op: &OpView) -> Option<End> {
    match op.status {
        OpStatus::Succeeded => Some(End::Well),
        OpStatus::Lost => Some(End::Badly),
        // An op without an outcome never reached its host.
        OpStatus::Failed | OpStatus::TimedOut | OpStatus::Cancelled => match op.outcome? {
            Outcome::Refused | Outcome::Cancelled => Some(End::Stopped),
            _ => Some(End::Badly),
        },
        OpStatus::Queued | OpStatus::Sent | OpStatus::Running | OpStatus::Blocked => None,
    }
}

/// The generation that was made while a switch was running, both by the host's clock.
fn made_by<'a>(op: &OpView, generations: &'a [Generation]) -> Option<&'a Generation> {
    let (from, to) = (op.started_at? - SLACK, op.finished_at? + SLACK);
    debug_assert!(op.action.kind() != OpKind::Rollback, "a rollback makes no generation");
    generations.iter().filter(|g| (from..=to).contains(&g.created_at)).max_by_key(|g| g.number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{generation, now, op, rollback_to, test_run};

    fn ended(action: OpAction, status: OpStatus, outcome: Outcome) -> OpView {
        OpView {
            outcome: Some(outcome),
            message: Some("The build ended with 1.".into()),
            ..op(action, status)
        }
    }

    fn told(generations: &[Generation], runs: &[TestRun], ops: &[OpView]) -> Vec<(What, End, Option<u32>)> {
        happenings(generations, runs, ops).iter().map(|h| (h.what, h.end, h.generation)).collect()
    }

    #[test]
    fn ops_become_events() {
        use crate::OpStatus::{Blocked, Cancelled, Failed, Lost, Succeeded, TimedOut};
        let at = |status, outcome| told(&[], &[], &[ended(rollback_to(47), status, outcome)]);
        assert_eq!(at(Succeeded, Outcome::Completed), [(What::RolledBack, End::Well, Some(47))]);
        let forward = OpAction::Rollback {
            target: generation(48, 0).reference(),
            seen_current: generation(47, 0).reference(),
            specialisation: None,
        };
        let forward = ended(forward, Succeeded, Outcome::Completed);
        assert_eq!(told(&[], &[], &[forward]), [(What::WentForward, End::Well, Some(48))]);
        for (status, outcome) in [
            (Failed, Outcome::Failed),
            (Failed, Outcome::Completed),
            (TimedOut, Outcome::TimedOut),
            (Lost, Outcome::Failed),
        ] {
            assert_eq!(at(status, outcome), [(What::RolledBack, End::Badly, Some(47))], "{status}");
        }
        assert_eq!(at(Failed, Outcome::Refused), [(What::RolledBack, End::Stopped, Some(47))]);
        assert_eq!(at(Cancelled, Outcome::Cancelled), [(What::RolledBack, End::Stopped, Some(47))]);
        assert_eq!(at(Blocked, Outcome::Refused), []);
        let never_sent = OpView { outcome: None, ..ended(OpAction::Switch, TimedOut, Outcome::Failed) };
        assert_eq!(told(&[], &[], &[never_sent]), []);
        let why = &happenings(&[], &[], &[ended(OpAction::Switch, Failed, Outcome::Failed)])[0].why;
        assert_eq!(why.as_deref(), Some("The build ended with 1."));
    }

    #[test]
    fn a_generation_made_by_a_switch_appears_once() {
        let made = Generation { created_at: now() - TimeDelta::seconds(30), ..generation(48, 0) };
        let switch = OpView {
            started_at: Some(now() - TimeDelta::minutes(2)),
            finished_at: Some(now()),
            ..ended(OpAction::PullSwitch, OpStatus::Succeeded, Outcome::Completed)
        };
        let by_hand = generation(47, 1);
        assert_eq!(
            told(&[made, by_hand], &[], &[switch]),
            [(What::Switched, End::Well, Some(48)), (What::Made, End::Well, Some(47))]
        );
    }

    #[test]
    fn tests_appear_by_their_run_or_else_by_their_op() {
        let run = test_run(48, 3, 8);
        let op = OpView {
            started_at: Some(run.started_at),
            finished_at: Some(run.finished_at),
            failed_tests: run.failed().map(str::to_owned).collect(),
            ..ended(OpAction::Test, OpStatus::Failed, Outcome::Failed)
        };
        let events = happenings(&[], std::slice::from_ref(&run), std::slice::from_ref(&op));
        let [one] = events.as_slice() else { panic!("{events:?}") };
        assert_eq!((one.op, one.end, one.tests), (Some(op.id), End::Badly, Some(run.summary())));
        assert_eq!(one.why.as_deref(), Some("t3, t4, t5, t6, t7"));
        let stopped = ended(OpAction::Test, OpStatus::TimedOut, Outcome::TimedOut);
        assert_eq!(told(&[], &[], &[stopped]), [(What::Tested, End::Badly, None)]);
    }

    #[test]
    fn the_newest_are_kept_up_to_the_limit() {
        let generations: Vec<_> = (0..500).map(|n| generation(n, 500 - i64::from(n))).collect();
        let told = told(&generations, &[], &[]);
        assert_eq!((told.len(), told[0].2), (HAPPENINGS, Some(499)));
    }
}
