//! A host's past: which generation ran when, and its test results.
//!
//! It is derived from the dates of the generations, the rollbacks, and the test runs. A generation is assumed
//! to run from its creation, as after a switch; one that was made for the next boot only appears too early.

mod happenings;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

pub use happenings::{End, HAPPENINGS, Happening, What, happenings};

use crate::rollback::HostHistory;
use crate::{Commit, Facts, Generation, OpAction, OpStatus, OpView, TestRun, TestSummary};

/// Upper bound on the stretches: the newest are kept.
pub const STRETCHES: usize = 40;

/// Tests that end this soon after a generation started count from its start: the time between is how long
/// they take.
pub const SOON: TimeDelta = TimeDelta::minutes(30);

/// How far a host's clock may be ahead before the timeline says so.
pub const CLOCKS_AGREE: TimeDelta = TimeDelta::minutes(2);

/// A host's known past.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeline {
    /// The moment of the computation, by the server's clock.
    pub now: DateTime<Utc>,
    /// The stretches, oldest first.
    pub stretches: Vec<Stretch>,
    /// The events, newest first.
    pub happenings: Vec<Happening>,
    /// The number of the generation that is [last known working](HostHistory::last_known_working).
    pub last_known_working: Option<u32>,
    /// Lower bound on the seconds by which the host's clock is ahead of the server's, if more than
    /// [`CLOCKS_AGREE`]: something is dated after `now`.
    pub clock_ahead_secs: Option<u32>,
}

impl Timeline {
    /// The timeline of an unknown host.
    pub fn unknown(now: DateTime<Utc>) -> Self {
        Self { now, stretches: vec![], happenings: vec![], last_known_working: None, clock_ahead_secs: None }
    }

    /// Computes the timeline from the host's latest facts and its history.
    pub fn of(facts: &Facts, past: &HostHistory<'_>, now: DateTime<Utc>) -> Self {
        let HostHistory { runs, ops, .. } = *past;
        let stretches = stretches(&facts.generations, runs, ops);
        let happenings = happenings(&facts.generations, runs, ops);
        let latest = stretches.iter().map(|s| s.from).chain(happenings.iter().map(|h| h.at)).max();
        let ahead = latest.map(|latest| latest - now).filter(|ahead| *ahead > CLOCKS_AGREE);
        Self {
            now,
            stretches,
            happenings,
            last_known_working: past.last_known_working(facts).map(|g| g.number),
            clock_ahead_secs: ahead.map(|ahead| u32::try_from(ahead.num_seconds()).unwrap_or(u32::MAX)),
        }
    }
}

/// A period in which one generation ran with unchanged test results.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    /// The number of the generation.
    pub generation: u32,
    /// Its commit, if known.
    pub commit: Option<Commit>,
    /// When it began.
    pub from: DateTime<Utc>,
    /// When it ended; `None` for the current one.
    pub to: Option<DateTime<Utc>>,
    /// The test results; `None` until the tests have run.
    pub tests: Option<TestSummary>,
    /// How it began.
    pub began: Began,
}

/// How a stretch began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Began {
    /// The generation was made.
    Made,
    /// The host was rolled back to it.
    RolledBack,
    /// The host went forward to it.
    WentForward,
    /// Its tests ended.
    Tested,
}

/// The known stretches, oldest first, from the generations that the profile still lists, the test runs, and
/// the ops.
pub fn stretches(generations: &[Generation], runs: &[TestRun], ops: &[OpView]) -> Vec<Stretch> {
    let mut starts = starts(generations, ops);
    starts.sort_by_key(|start| start.from);
    let mut stretches = Vec::new();
    for (place, start) in starts.iter().enumerate() {
        let to = starts.get(place + 1).map(|next| next.from);
        if to != Some(start.from) {
            split(start, to, runs, &mut stretches);
        }
    }
    stretches.split_off(stretches.len().saturating_sub(STRETCHES))
}

/// The start of a build.
struct Start<'a> {
    generation: u32,
    store_path: &'a str,
    commit: Option<&'a Commit>,
    from: DateTime<Utc>,
    began: Began,
}

fn starts<'a>(generations: &'a [Generation], ops: &'a [OpView]) -> Vec<Start<'a>> {
    let made = generations.iter().map(|generation| Start {
        generation: generation.number,
        store_path: &generation.store_path,
        commit: generation.commit.as_ref(),
        from: generation.created_at,
        began: Began::Made,
    });
    let rolled_back = ops.iter().filter(|op| op.status == OpStatus::Succeeded).filter_map(|op| {
        let OpAction::Rollback { target, seen_current, .. } = &op.action else { return None };
        Some(Start {
            generation: target.number,
            store_path: &target.store_path,
            commit: generations
                .iter()
                .find(|g| g.store_path == target.store_path)
                .and_then(|g| g.commit.as_ref()),
            from: op.finished_at?,
            began: if target.number > seen_current.number { Began::WentForward } else { Began::RolledBack },
        })
    });
    made.chain(rolled_back).collect()
}

/// Splits the time from one start to the next at the ends of the build's test runs.
fn split(start: &Start<'_>, to: Option<DateTime<Utc>>, runs: &[TestRun], stretches: &mut Vec<Stretch>) {
    let mut ended: Vec<_> = runs
        .iter()
        .filter(|run| run.generation.store_path == start.store_path)
        .filter(|run| run.finished_at >= start.from && to.is_none_or(|to| run.finished_at < to))
        .collect();
    ended.sort_by_key(|run| run.finished_at);
    // Tests from another time are about the same build, but do not show that it works again.
    let elsewhere = (ended.is_empty() && start.began == Began::Made).then(|| latest(start, runs)).flatten();
    let mut stretch = Stretch {
        generation: start.generation,
        commit: start.commit.cloned(),
        from: start.from,
        to,
        tests: elsewhere,
        began: start.began,
    };
    for run in ended {
        let tests = Some(run.summary());
        if stretch.tests.is_none() && run.finished_at - start.from <= SOON {
            stretch.tests = tests;
            continue;
        }
        if stretch.tests == tests {
            continue;
        }
        let next = Stretch { from: run.finished_at, tests, began: Began::Tested, ..stretch.clone() };
        stretch.to = Some(run.finished_at);
        stretches.push(std::mem::replace(&mut stretch, next));
    }
    stretches.push(stretch);
}

fn latest(start: &Start<'_>, runs: &[TestRun]) -> Option<TestSummary> {
    let of_build = runs.iter().filter(|run| run.generation.store_path == start.store_path);
    of_build.max_by_key(|run| run.finished_at).map(TestRun::summary)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::GenerationRef;
    use crate::sample::{generation, now, op, test_run};

    fn rollback(target: GenerationRef, at: DateTime<Utc>) -> OpView {
        let action = OpAction::Rollback { seen_current: target.clone(), target, specialisation: None };
        OpView { finished_at: Some(at), ..op(action, OpStatus::Succeeded) }
    }

    fn run(number: u32, passed: usize, at: DateTime<Utc>) -> TestRun {
        TestRun { started_at: at, finished_at: at, ..test_run(number, passed, 8) }
    }

    fn told(stretches: &[Stretch]) -> Vec<(u32, Option<u32>, Began)> {
        stretches.iter().map(|s| (s.generation, s.tests.map(|t| t.passed), s.began)).collect()
    }

    #[test]
    fn made_tested_broken_and_rolled_back() {
        let (old, new) = (generation(47, 3), generation(48, 1));
        let minutes = |generation: &Generation, m| generation.created_at + TimeDelta::minutes(m);
        let back = now() - TimeDelta::hours(2);
        let runs = [
            run(47, 8, minutes(&old, 5)),
            run(48, 5, minutes(&new, 5)),
            run(47, 8, back + TimeDelta::minutes(5)),
        ];
        let ops = [rollback(old.reference(), back)];
        let stretches = stretches(&[new, old], &runs, &ops);
        assert_eq!(
            told(&stretches),
            [(47, Some(8), Began::Made), (48, Some(5), Began::Made), (47, Some(8), Began::RolledBack)]
        );
        assert_eq!(stretches.last().unwrap().to, None);
    }

    #[test]
    fn tests_from_another_time_are_about_the_build_but_do_not_show_that_it_works_again() {
        let (old, new) = (generation(47, 3), generation(48, 1));
        let back = now() - TimeDelta::hours(2);
        let late = [run(47, 8, now() - TimeDelta::hours(9))];
        let ops = [rollback(old.reference(), back)];
        let stretches = stretches(&[new, old], &late, &ops);
        assert_eq!(
            told(&stretches),
            [(47, Some(8), Began::Made), (48, None, Began::Made), (47, None, Began::RolledBack)]
        );
    }

    #[test]
    fn the_same_result_again_is_no_new_stretch() {
        let old = generation(47, 3);
        let after = |m| old.created_at + TimeDelta::minutes(m);
        let runs = [run(47, 8, after(60)), run(47, 8, after(61)), run(47, 7, after(62))];
        let told = told(&stretches(std::slice::from_ref(&old), &runs, &[]));
        assert_eq!(
            told,
            [(47, None, Began::Made), (47, Some(8), Began::Tested), (47, Some(7), Began::Tested)]
        );
    }

    #[test]
    fn a_clock_that_is_ahead_is_reported() {
        let facts = crate::sample::facts();
        let ahead = |hours| {
            let early = now() - TimeDelta::hours(hours);
            Timeline::of(&facts, &HostHistory::default(), early).clock_ahead_secs
        };
        assert_eq!((ahead(0), ahead(3)), (None, Some(3 * 3600)));
        let told =
            Timeline::of(&facts, &HostHistory { runs: &facts.test_runs, ..HostHistory::default() }, now());
        assert_eq!(told.last_known_working, Some(47));
    }

    proptest! {
        /// Whatever happened: the stretches follow each other without gap or overlap, and only the last one
        /// is open.
        #[test]
        fn stretches_follow_each_other(
            made in proptest::collection::vec(0_i64..30, 0..6),
            tested in proptest::collection::vec((0_u32..6, 0_usize..9, 0_i64..40_000), 0..12),
            back in proptest::collection::vec((0_u32..6, 0_i64..40_000), 0..4),
        ) {
            let at = |minutes| now() - TimeDelta::minutes(minutes);
            let generations: Vec<_> = (0..).zip(&made).map(|(n, days)| generation(n, *days)).collect();
            let runs: Vec<_> = tested.iter().map(|(n, passed, m)| run(*n, *passed, at(*m))).collect();
            let ops: Vec<_> =
                back.iter().map(|(n, m)| rollback(generation(*n, 0).reference(), at(*m))).collect();
            let stretches = stretches(&generations, &runs, &ops);
            for pair in stretches.windows(2) {
                prop_assert_eq!(pair[0].to, Some(pair[1].from));
                prop_assert!(pair[0].from <= pair[1].from);
            }
            prop_assert!(stretches.last().is_none_or(|last| last.to.is_none()));
        }
    }
}
