//! The policy of each kind of op, once: its precondition, its time limit, and when it has succeeded.

use std::time::Duration;

use backstay_model::Outcome;
use backstay_model::wire::message::OpResult;
use backstay_model::{
    Commit, Facts, Generation, GenerationRef, NoCheckout, OpAction, OpKind, OpStatus, SameCommit, TestRun,
    rollback, same_files,
};

/// The policy of one kind of op.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpPolicy {
    /// How long the host may take.
    pub timeout: Duration,
    /// Whether tests follow, if the host's auto-test is on.
    pub then_test: bool,
}

const MINUTE: Duration = Duration::from_mins(1);

/// Returns the policy of this kind.
pub fn of(kind: OpKind) -> OpPolicy {
    let (timeout, then_test) = match kind {
        OpKind::Rollback => (15 * MINUTE, true),
        OpKind::Switch => (120 * MINUTE, true),
        OpKind::PullSwitch => (125 * MINUTE, true),
        OpKind::Pull => (5 * MINUTE, false),
        OpKind::Test => (30 * MINUTE, false),
        OpKind::Refresh => (MINUTE, false),
    };
    OpPolicy { timeout, then_test }
}

/// Why a host that something else deploys is not pulled or switched.
const OBSERVED: &str = "Something else deploys this host: its agent observes (`observe = true`), and neither pulls nor switches. \
                        Nothing was changed. Deploy it as usual; Backstay notices, tests it and can roll it back.";

/// Why an op is refused before it is sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Blocked {
    /// See [`rollback::Refusal`].
    #[error(transparent)]
    Rollback(#[from] rollback::Refusal),
    /// The host has not reported yet.
    #[error(
        "The host has not reported its generations yet. Nothing was changed. Wait until its agent connects."
    )]
    NoFacts,
    /// Something else deploys the host.
    #[error("{OBSERVED}")]
    Observed,
    /// There is no checkout to pull into.
    #[error("{0} Nothing was changed. Set `checkout.path` in its agent's configuration.")]
    NoCheckout(String),
    /// There are no tests to run.
    #[error("The host has no tests. Nothing was run. Put executables into its test folder.")]
    NoTests,
}

/// Checks a request against the latest facts. The host checks it again, against its state at that moment, before it acts.
///
/// # Errors
/// The reason for the refusal.
pub fn validate(action: &OpAction, facts: Option<&Facts>) -> Result<(), Blocked> {
    match action {
        OpAction::Rollback { target, seen_current, specialisation } => {
            let facts = facts.ok_or(Blocked::NoFacts)?;
            rollback::check(facts, target, seen_current, specialisation.as_deref())?;
        }
        action if action.kind().deploys() && facts.is_some_and(|facts| facts.observed) => {
            return Err(Blocked::Observed);
        }
        // A switch need not build the checkout.
        OpAction::Switch if facts.is_some_and(|facts| facts.switch_flake.is_some()) => {}
        OpAction::Switch | OpAction::Pull | OpAction::PullSwitch => {
            has_checkout(facts.ok_or(Blocked::NoFacts)?)?;
        }
        OpAction::Test => {
            if facts.ok_or(Blocked::NoFacts)?.tests_available == 0 {
                return Err(Blocked::NoTests);
            }
        }
        OpAction::Refresh => {}
    }
    Ok(())
}

fn has_checkout(facts: &Facts) -> Result<(), Blocked> {
    if facts.checkout.is_some() {
        return Ok(());
    }
    Err(Blocked::NoCheckout(match &facts.no_checkout {
        Some(NoCheckout { path, why: Some(why) }) => format!("The checkout at {path} cannot be read: {why}."),
        Some(NoCheckout { path, why: None }) => format!("The host has no git checkout at {path}."),
        None => "The host reports no checkout of the configuration repository.".to_owned(),
    }))
}

/// The result of an op: its status and a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// One of the closed statuses.
    pub status: OpStatus,
    /// The result in words.
    pub message: String,
    /// The names of the failed tests, if it ran tests.
    pub failed_tests: Vec<String>,
}

impl Verdict {
    fn new(status: OpStatus, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), failed_tests: vec![] }
    }
}

/// Decides the result of an op from the agent's report and from the facts read after it. Exit code 0 is not success: success is
/// a host in the requested state.
pub fn verify_outcome(action: &OpAction, result: &OpResult, facts: &Facts) -> Verdict {
    if *action == OpAction::Test && matches!(result.outcome, Outcome::Completed | Outcome::Failed) {
        return tests(result, facts);
    }
    let status = match result.outcome {
        Outcome::Completed => return goal(action, result, facts),
        Outcome::Failed | Outcome::Refused => OpStatus::Failed,
        Outcome::TimedOut => OpStatus::TimedOut,
        Outcome::Cancelled => OpStatus::Cancelled,
    };
    Verdict::new(status, result.message.clone())
}

/// Judges tests by their own run. If the facts do not contain that run, the agent's report counts: another run says nothing about
/// this one.
fn tests(result: &OpResult, facts: &Facts) -> Verdict {
    let is_own =
        |run: &&TestRun| run.started_at >= result.started_at && run.finished_at <= result.finished_at;
    let run = facts.test_runs.iter().find(is_own);
    let failed_tests: Vec<_> = run.iter().flat_map(|run| run.failed()).map(str::to_owned).collect();
    let passed = result.outcome == Outcome::Completed && failed_tests.is_empty();
    let status = if passed { OpStatus::Succeeded } else { OpStatus::Failed };
    Verdict { failed_tests, ..Verdict::new(status, result.message.clone()) }
}

/// Returns whether a rollback reached its target, whatever its commands returned.
pub fn is_at_target(action: &OpAction, facts: &Facts) -> bool {
    matches!(action, OpAction::Rollback { target, .. } if reached(facts, target).is_ok())
}

/// Returns whether a rollback left the host where it was.
pub fn is_where_it_was(action: &OpAction, facts: &Facts) -> bool {
    matches!(action, OpAction::Rollback { seen_current, .. } if reached(facts, seen_current).is_ok())
}

fn goal(action: &OpAction, result: &OpResult, facts: &Facts) -> Verdict {
    let met = match action {
        OpAction::Rollback { target, specialisation, .. } => {
            reached(facts, target).and_then(|()| activated(facts, target, specialisation.as_deref()))
        }
        OpAction::Switch => switched(facts),
        OpAction::Pull => pulled(facts, result.commit.as_ref()),
        OpAction::PullSwitch => pulled(facts, result.commit.as_ref()).and_then(|()| switched(facts)),
        OpAction::Test | OpAction::Refresh => Ok(()),
    };
    match met {
        Err(why) => Verdict::new(OpStatus::Failed, format!("Goal not met: {why}")),
        Ok(()) => Verdict::new(OpStatus::Succeeded, success(action, result)),
    }
}

fn success(action: &OpAction, result: &OpResult) -> String {
    let OpAction::Rollback { target, seen_current, specialisation } = action else {
        return result.message.clone();
    };
    let reached = rollback::done_words(seen_current, target, specialisation.as_deref());
    // Keep what the agent adds, such as the number of lines that its disk could not store.
    match result.message.split_once(&format!(" to {}. ", target.with(specialisation.as_deref()))) {
        Some((_, more)) => format!("{reached}. {more}"),
        None => reached,
    }
}

fn reached(facts: &Facts, target: &GenerationRef) -> Result<(), String> {
    let current = facts.current().ok_or("the profile has no current generation.")?;
    if current.reference() != *target {
        return Err(format!(
            "the commands succeeded, but the profile is on Gen {}, not on {target}.",
            current.number
        ));
    }
    if facts.running.as_ref() != Some(&target.store_path) {
        return Err(format!("the profile is on {target}, but something else is running."));
    }
    Ok(())
}

/// Checks that the specialisation which a rollback asked for is the active one.
fn activated(facts: &Facts, target: &GenerationRef, specialisation: Option<&str>) -> Result<(), String> {
    if facts.specialisation.as_deref() == specialisation {
        return Ok(());
    }
    Err(format!(
        "the commands succeeded, but {} runs, not {}.",
        target.with(facts.specialisation.as_deref()),
        target.with(specialisation)
    ))
}

fn pulled(facts: &Facts, branch: Option<&Commit>) -> Result<(), String> {
    let branch = branch.ok_or("the host did not report which commit it pulled.")?;
    match facts.checkout.as_ref() {
        Some(checkout) if checkout.commit.is(branch) => Ok(()),
        Some(checkout) => Err(format!("the checkout is at {}, not at {branch}.", checkout.commit)),
        None => Err("the checkout can no longer be read.".to_owned()),
    }
}

fn switched(facts: &Facts) -> Result<(), String> {
    let current = facts.current().ok_or("the profile has no current generation.")?;
    if facts.running.as_ref() != Some(&current.store_path) {
        return Err(format!("the profile is on Gen {}, but something else is running.", current.number));
    }
    built_from_checkout(facts, current)
}

/// Checks that the generation is what the switch builds. Only a certain mismatch fails: a build need not record a commit, and a
/// switch need not build the checkout.
fn built_from_checkout(facts: &Facts, current: &Generation) -> Result<(), String> {
    let (None, Some(built), Some(checkout)) = (&facts.switch_flake, &current.commit, &facts.checkout) else {
        return Ok(());
    };
    let is_other = built.compare(&checkout.commit) == SameCommit::Different;
    if is_other && !same_files(current.tree.as_ref(), checkout.tree.as_ref()) {
        return Err(format!(
            "Gen {} was built from {built}, not from the checkout's {}.",
            current.number, checkout.commit
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
