//! The choice of a generation to roll back to.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::{Facts, Generation, GenerationRef, OpView, TestSummary};

mod working;

pub use working::{Left, Past, is_built_from};

/// A target older than this is warned of: what it was built with may have holes that were mended since, and data may
/// have moved on.
pub const OLD_AFTER: TimeDelta = TimeDelta::days(30);

/// What the rollback dialog of one host shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollbackPlan {
    /// The host's name.
    pub host_name: String,
    /// Whether its agent is connected; if not, a rollback waits for it.
    pub online: bool,
    /// The generation that the profile points at: what the host is rolled back *from*.
    pub current: Candidate,
    /// Every other generation, newest first; the current one too if it is not what runs, see [`Candidate::finishes`].
    pub candidates: Vec<Candidate>,
    /// The number that is selected when the dialog opens: the current generation if it does not run and its tests
    /// passed, else *last known working* where there is one, else the next lower generation that can be gone to and was
    /// neither left nor reverted. Never a newer one.
    pub preselected: Option<u32>,
    /// The op that holds the host, while which no rollback can be asked for.
    pub open_op: Option<OpView>,
}

impl RollbackPlan {
    /// The candidate with this number.
    pub fn candidate(&self, number: u32) -> Option<&Candidate> {
        self.candidates.iter().find(|c| c.generation.number == number)
    }
}

/// One generation in the dialog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The generation.
    pub generation: Generation,
    /// What its latest test run said.
    pub tests: Option<TestSummary>,
    /// Whether it is [last known working](Past::last_known_working).
    pub last_known_working: bool,
    /// Whether it is newer than the current one: going to it is going forward.
    pub newer: bool,
    /// Who left it by a rollback, where nobody has said since that it works after all.
    pub left: Option<Left>,
    /// Whether it was built from a commit that was reverted on the branch.
    pub reverted: bool,
    /// Whether it is older than [`OLD_AFTER`].
    pub old: bool,
}

impl Candidate {
    /// Why it cannot be gone to, or nothing where it can.
    pub fn unavailable(&self) -> Option<&'static str> {
        (!self.generation.present).then_some("garbage-collected")
    }

    /// Whether going to it finishes what was begun: the profile points at it already, but something else runs.
    pub fn finishes(&self) -> bool {
        self.generation.current
    }

    /// What going to it is called: “Rollback to Gen 47”, “Go forward to Gen 50”.
    pub fn way(&self) -> String {
        let way = if self.newer { "Go forward" } else { "Rollback" };
        format!("{way} to Gen {}", self.generation.number)
    }
}

/// What the dialog shows of a host with these facts; none where its profile has no current generation.
pub fn plan(
    host_name: &str,
    online: bool,
    facts: &Facts,
    past: &Past<'_>,
    open_op: Option<OpView>,
    now: DateTime<Utc>,
) -> Option<RollbackPlan> {
    let current = facts.seat()?;
    let working = past.last_known_working(facts).map(|g| g.number);
    let candidate = |generation: &Generation| Candidate {
        generation: generation.clone(),
        tests: past.tests_of(facts, generation).map(crate::TestRun::summary),
        last_known_working: working == Some(generation.number),
        newer: generation.number > current.number,
        left: past.left(generation),
        reverted: past.is_reverted(generation),
        old: now - generation.created_at > OLD_AFTER,
    };
    let is_half_done = !runs(facts, current);
    let mut candidates: Vec<_> =
        facts.generations.iter().filter(|g| !g.current || is_half_done).map(candidate).collect();
    candidates.sort_by_key(|c| std::cmp::Reverse(c.generation.number));
    let may_be_offered = |c: &&Candidate| c.unavailable().is_none() && c.left.is_none() && !c.reverted;
    let half_done = candidates
        .iter()
        .filter(may_be_offered)
        .find(|c| c.finishes() && c.tests.is_some_and(TestSummary::all_passed));
    let preselected = half_done.map(|c| c.generation.number).or(working).or_else(|| {
        let mut earlier = candidates.iter().filter(|c| c.generation.number < current.number);
        earlier.find(may_be_offered).map(|c| c.generation.number)
    });
    Some(RollbackPlan {
        host_name: host_name.to_owned(),
        online,
        current: candidate(current),
        candidates,
        preselected,
        open_op,
    })
}

/// Why a rollback is refused, before anything was changed. Server and agent hold a request against the same facts and
/// say the same sentences.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The host has moved since the person looked.
    #[error("The host is on {is} now; you saw {seen}. Nothing was changed. Check the host and choose again.")]
    CurrentChanged {
        /// What the person saw.
        seen: GenerationRef,
        /// What it is.
        is: GenerationRef,
    },
    /// The profile has no current generation.
    #[error("The host's profile has no current generation. Nothing was changed.")]
    NoCurrent,
    /// The number is not, or no longer, in the profile.
    #[error("{0} is no longer in the host's profile. Nothing was changed. Choose another generation.")]
    TargetGone(GenerationRef),
    /// The number stands for another build than the person saw.
    #[error("{0} is not the build that you saw. Nothing was changed. Check the host and choose again.")]
    TargetChanged(GenerationRef),
    /// The store path is gone.
    #[error("{0} was garbage-collected. Nothing was changed. Choose another generation.")]
    Collected(GenerationRef),
    /// The profile points at it and it runs.
    #[error("The host is already on {0}. Nothing was changed.")]
    AlreadyCurrent(GenerationRef),
}

/// Whether what runs is this generation's build. A profile that points at a generation does not make it run: an activation
/// may have stopped half-way, or `nixos-rebuild test` or `boot` was used.
fn runs(facts: &Facts, generation: &Generation) -> bool {
    facts.running_generation().is_some_and(|running| running.store_path == generation.store_path)
}

/// Holds a request against what the host is. The generation that the profile points at is refused only if it runs:
/// otherwise the request finishes what an earlier activation left half-done.
///
/// # Errors
/// The [`Refusal`] that applies.
pub fn check(facts: &Facts, target: &GenerationRef, seen_current: &GenerationRef) -> Result<(), Refusal> {
    let current = facts.seat().ok_or(Refusal::NoCurrent)?;
    if current.reference() != *seen_current {
        return Err(Refusal::CurrentChanged { seen: seen_current.clone(), is: current.reference() });
    }
    // A profile whose link is broken is mended by going to what runs.
    if target.number == current.number && current.current && runs(facts, current) {
        return Err(Refusal::AlreadyCurrent(target.clone()));
    }
    let found = facts.generation(target.number).ok_or_else(|| Refusal::TargetGone(target.clone()))?;
    if found.store_path != target.store_path {
        return Err(Refusal::TargetChanged(target.clone()));
    }
    if !found.present {
        return Err(Refusal::Collected(target.clone()));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
