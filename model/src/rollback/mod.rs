//! The choice of a generation to roll back to.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::{Facts, Generation, GenerationPin, GenerationRef, OpView, TestSummary};

mod words;
mod working;

use words::Target;
pub use working::{HostHistory, Left, is_built_from};

/// Targets older than this get a warning: they may lack security fixes made since, and data formats may have
/// changed.
pub const OLD_AFTER: TimeDelta = TimeDelta::days(30);

/// The content of a host's rollback dialog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollbackPlan {
    /// The host's name.
    pub host_name: String,
    /// Whether its agent is connected; otherwise a rollback waits for it.
    pub online: bool,
    /// The generation that the host is rolled back *from*: the one that the profile points at.
    pub current: Candidate,
    /// Every other generation, newest first; also the current one if it is not running, see
    /// [`Candidate::finishes_activation`].
    pub candidates: Vec<Candidate>,
    /// The number that the dialog preselects: the current generation if it is not running and its tests
    /// passed; otherwise *last known working* if there is one; otherwise the next lower generation that is
    /// available and was neither left nor reverted. Never a newer one.
    pub preselected: Option<u32>,
    /// The open op of the host. While there is one, no rollback can be requested.
    pub open_op: Option<OpView>,
    /// The [usual duration](HostHistory::usual_rollback) of a rollback of this host, in seconds.
    #[serde(default)]
    pub usual_secs: Option<u64>,
    /// The notes that people keep about the host; may be empty.
    #[serde(default)]
    pub notes: String,
    /// The active specialisation of the running generation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub specialisation: Option<String>,
}

impl RollbackPlan {
    /// The candidate with this number.
    pub fn candidate(&self, number: u32) -> Option<&Candidate> {
        self.candidates.iter().find(|c| c.generation.number == number)
    }

    /// The names of all specialisations that a candidate has, in order.
    pub fn specialisations(&self) -> BTreeSet<&str> {
        self.candidates.iter().flat_map(|c| &c.generation.specialisations).map(String::as_str).collect()
    }

    /// Marks the generations that people pinned. A pin of another build with the same number marks nothing.
    #[must_use]
    pub fn with_pins(mut self, pins: Vec<GenerationPin>) -> Self {
        let mut all: Vec<_> = self.candidates.iter_mut().chain([&mut self.current]).collect();
        for pin in pins {
            for candidate in all.iter_mut().filter(|c| c.generation.reference() == pin.generation) {
                candidate.pin = Some(pin.clone());
            }
        }
        self
    }
}

/// One generation in the dialog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The generation.
    pub generation: Generation,
    /// The result of its latest test run.
    pub tests: Option<TestSummary>,
    /// Whether it is [last known working](HostHistory::last_known_working).
    pub last_known_working: bool,
    /// Whether it is newer than the current one, so that switching to it goes forward.
    pub newer: bool,
    /// Who left it by a rollback, unless somebody has cleared it since.
    pub left: Option<Left>,
    /// Whether it was built from a commit that was reverted on the branch.
    pub reverted: bool,
    /// A person's mark on it.
    #[serde(default)]
    pub pin: Option<GenerationPin>,
    /// What speaks against it, in a few words each: “older than 30 days”, “needs a reboot”.
    #[serde(default)]
    pub marks: Vec<String>,
    /// The same in sentences, for the dialog in which it is chosen.
    #[serde(default)]
    pub warnings: Vec<String>,
}

impl Candidate {
    /// Why it is not available; `None` if it is.
    pub fn unavailable_reason(&self) -> Option<&'static str> {
        (!self.generation.present).then_some("garbage-collected")
    }

    /// Returns whether a rollback to it completes an earlier activation: the profile already points at it,
    /// but something else is running.
    pub fn finishes_activation(&self) -> bool {
        self.generation.current
    }

    /// The label of a rollback to it: “Rollback to Gen 47”, “Go forward to Gen 50”.
    pub fn label(&self) -> String {
        let way = if self.newer { "Go forward" } else { "Rollback" };
        format!("{way} to Gen {}", self.generation.number)
    }
}

/// Plans the dialog of a host with these facts. Returns `None` if its profile has no current generation.
pub fn plan(
    host_name: &str,
    online: bool,
    facts: &Facts,
    past: &HostHistory<'_>,
    open_op: Option<OpView>,
    now: DateTime<Utc>,
) -> Option<RollbackPlan> {
    let current = facts.rollback_origin()?;
    let working = past.last_known_working(facts).map(|g| g.number);
    let candidate = |generation: &Generation| {
        let left = past.left(generation);
        let active = facts.specialisation.as_deref();
        let target = Target {
            generation,
            newer: generation.number > current.number,
            left: left.is_some(),
            reverted: past.is_reverted(generation),
            old: now - generation.created_at > OLD_AFTER,
            same_commit: !generation.current && has_same_commit(generation, current),
            lacks: active.filter(|name| !generation.has_specialisation(name)),
        };
        Candidate {
            tests: past.tests_of(facts, generation).map(crate::TestRun::summary),
            last_known_working: working == Some(generation.number),
            newer: target.newer,
            left,
            reverted: target.reverted,
            pin: None,
            marks: target.marks(),
            warnings: target.warnings(),
            generation: generation.clone(),
        }
    };
    let is_half_done = !runs(facts, current);
    let mut candidates: Vec<_> =
        facts.generations.iter().filter(|g| !g.current || is_half_done).map(candidate).collect();
    candidates.sort_by_key(|c| std::cmp::Reverse(c.generation.number));
    let may_be_offered = |c: &&Candidate| c.unavailable_reason().is_none() && c.left.is_none() && !c.reverted;
    let half_done = candidates
        .iter()
        .filter(may_be_offered)
        .find(|c| c.finishes_activation() && c.tests.is_some_and(TestSummary::all_passed));
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
        usual_secs: past.usual_rollback().map(|length| length.num_seconds().unsigned_abs().max(1)),
        notes: String::new(),
        specialisation: facts.specialisation.clone(),
    })
}

fn has_same_commit(generation: &Generation, current: &Generation) -> bool {
    generation.commit.as_ref().zip(current.commit.as_ref()).is_some_and(|(one, other)| one.is(other))
}

/// The result of a rollback that succeeded: “Rolled back to Gen 47 (gaming)”, “Went forward to Gen 50”.
pub fn done_words(from: &GenerationRef, to: &GenerationRef, specialisation: Option<&str>) -> String {
    format!("{} to {}", done_verb(from, to), to.with(specialisation))
}

/// Which variant of its target a rollback activates, as a person asks for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Specialisation {
    /// The one that is active now; the target itself where the target has none of that name.
    #[default]
    Keep,
    /// The target itself.
    None,
    /// Exactly this one.
    Named(String),
}

impl Specialisation {
    /// The specialisation of the target that it means on a host with these facts.
    pub fn of(self, target: &GenerationRef, facts: &Facts) -> Option<String> {
        match self {
            Self::Keep => {
                let target = facts.generation(target.number)?;
                facts.specialisation.clone().filter(|active| target.has_specialisation(active))
            }
            Self::None => None,
            Self::Named(name) => Some(name),
        }
    }
}

/// “Rolled back”, or “Went forward” if the target is newer.
pub fn done_verb(from: &GenerationRef, to: &GenerationRef) -> &'static str {
    if to.number > from.number { "Went forward" } else { "Rolled back" }
}

/// Why a rollback is refused before anything is changed. Server and agent check requests against the same
/// facts and use the same sentences.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The host has moved since the person looked.
    #[error("The host is on {is} now; you saw {seen}. Nothing was changed. Check the host and choose again.")]
    CurrentChanged {
        /// The current generation that the person saw.
        seen: GenerationRef,
        /// The actual current generation.
        is: GenerationRef,
    },
    /// The profile has no current generation.
    #[error("The host's profile has no current generation. Nothing was changed.")]
    NoCurrent,
    /// The target's number is not in the profile, or no longer.
    #[error("{0} is no longer in the host's profile. Nothing was changed. Choose another generation.")]
    TargetGone(GenerationRef),
    /// The target's number has another build than the person saw.
    #[error("{0} is not the build that you saw. Nothing was changed. Check the host and choose again.")]
    TargetChanged(GenerationRef),
    /// The target was garbage-collected.
    #[error("{0} was garbage-collected. Nothing was changed. Choose another generation.")]
    Collected(GenerationRef),
    /// The target has no specialisation of this name.
    #[error("{0} has no specialisation “{1}”. Nothing was changed. Choose another one, or none.")]
    NoSpecialisation(GenerationRef, String),
    /// The target is current and running.
    #[error("The host is already on {0}. Nothing was changed.")]
    AlreadyCurrent(GenerationRef),
}

/// Returns whether this generation's build is running. The profile may point at a generation that is not: an
/// activation may have stopped half-way, or somebody used `nixos-rebuild test` or `boot`.
fn runs(facts: &Facts, generation: &Generation) -> bool {
    facts.running_generation().is_some_and(|running| running.store_path == generation.store_path)
}

/// Checks a request against the host's facts. The generation that the profile points at is refused only if it
/// is running: otherwise the request completes an earlier, half-done activation.
///
/// # Errors
/// The [`Refusal`] that applies.
pub fn check(
    facts: &Facts,
    target: &GenerationRef,
    seen_current: &GenerationRef,
    specialisation: Option<&str>,
) -> Result<(), Refusal> {
    let current = facts.rollback_origin().ok_or(Refusal::NoCurrent)?;
    if current.reference() != *seen_current {
        return Err(Refusal::CurrentChanged { seen: seen_current.clone(), is: current.reference() });
    }
    // A rollback to the running generation repairs a profile whose link is broken.
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
    if let Some(name) = specialisation.filter(|name| !found.has_specialisation(name)) {
        return Err(Refusal::NoSpecialisation(target.clone(), name.to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
