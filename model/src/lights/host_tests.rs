//! What the tests said of the generation that runs.

use super::{Light, LightInputs, State, at_work, running_name};
use crate::wire::limits::few;
use crate::{Generation, OpAction, OpKind, OpStatus, OpView, Phase};

/// Returns whether an op activated this generation: it succeeded, or it was a rollback to this generation
/// that timed out or lost its runner.
fn has_activated(op: &OpView, running: &Generation) -> bool {
    op.status == OpStatus::Succeeded
        || matches!(&op.action, OpAction::Rollback { target, .. } if *target == running.reference())
}

pub(super) fn host_tests(inputs: &LightInputs<'_>) -> Light {
    if let Some(op) = at_work(inputs, |kind| kind == OpKind::Test) {
        let words = match op.phase {
            Some(Phase::Testing { done, total }) => format!("Running {done}/{total}"),
            _ => "Running".to_owned(),
        };
        return Light::new(State::Working, words, "The tests are running.");
    }
    let Some(facts) = inputs.facts else {
        return Light::never_reported();
    };
    if facts.tests_available == 0 {
        return Light::new(State::Unknown, "No tests", "Put executables into the host's test folder.");
    }
    let Some(running) = facts.running_generation() else {
        return Light::new(
            State::Unknown,
            "Unknown",
            "The running system is not a generation of this profile.",
        );
    };
    let name = running_name(facts, running);
    let Some(run) = facts.tests_of(running) else {
        return Light::new(
            State::Attention,
            "Not run yet",
            format!("No test has run on {name} yet. Run tests."),
        );
    };
    // A generation that was activated again, or is being activated, has to pass its tests again. Both times
    // come from the host's clock.
    let is_coming_back = at_work(inputs, OpKind::changes_system).is_some_and(
        |op| matches!(&op.action, OpAction::Rollback { target, .. } if *target == running.reference()),
    );
    let came_back = inputs
        .last_system_op
        .is_some_and(|op| has_activated(op, running) && op.finished_at.is_some_and(|at| run.started_at < at));
    if is_coming_back || came_back {
        return Light::new(
            State::Attention,
            "Run again",
            format!("{name} was activated after its last test run ({}). Run tests.", run.summary()),
        );
    }
    let summary = run.summary();
    if summary.all_passed() {
        Light::new(State::Ok, summary.verdict(), format!("All tests passed on {name}."))
    } else {
        let failed: Vec<_> = run.failed().collect();
        let advice = match at_work(inputs, OpKind::changes_system) {
            Some(op) => format!("{} is under way", op.title()),
            None => "Roll back to a generation that is known to work".to_owned(),
        };
        Light::new(State::Failed, summary.verdict(), format!("Failed on {name}: {}. {advice}.", few(&failed)))
    }
}
