//! What runs, beside what the profile names and what the checkout would build.

use super::{HINT_BYTES, Light, LightInputs, State, at_work, running_name};
use crate::wire::limits::{cut, few};
use crate::{Facts, Generation, OpAction, OpKind, OpStatus, OpView, SameCommit, rollback, same_files};

pub(super) fn system(inputs: &LightInputs<'_>) -> Light {
    if let Some(op) = at_work(inputs, OpKind::changes_system) {
        return system_at_work(op);
    }
    let Some(facts) = inputs.facts else {
        return Light::never_reported();
    };
    if !facts.failed_units.is_empty() {
        return Light::new(
            State::Failed,
            match facts.failed_units.len() {
                1 => "1 unit failed".to_owned(),
                n => format!("{n} units failed"),
            },
            format!("{}. Roll back, or repair and switch.", few(&facts.failed_units)),
        );
    }
    if let Some(op) = inputs.last_system_op.filter(|op| still_failed(op, facts)) {
        return Light::new(
            State::Failed,
            match op.action.kind() {
                OpKind::Rollback => "Rollback failed",
                _ => "Switch failed",
            },
            op.message.as_deref().map_or_else(|| "See the op's output.".to_owned(), |m| cut(m, HINT_BYTES)),
        );
    }
    let Some(running) = facts.running_generation() else {
        return Light::new(
            State::Unknown,
            "Unknown",
            "The running system is not a generation of this profile.",
        );
    };
    if facts.current().is_none() {
        return Light::new(
            State::Attention,
            "Profile broken",
            format!(
                "{} runs, but the profile {} points at none of its generations. Set it on the host: nix-env --profile {} \
                 --switch-generation {}.",
                running_name(facts, running),
                facts.profile,
                facts.profile,
                running.number
            ),
        );
    }
    running_system(inputs, facts, running)
}

fn system_at_work(op: &OpView) -> Light {
    let has_begun = op.status == OpStatus::Running;
    let words = match &op.action {
        OpAction::Rollback { target, specialisation, .. } if has_begun => {
            format!("Rolling back to {}", target.with(specialisation.as_deref()))
        }
        OpAction::Rollback { .. } => "Rollback sent".to_owned(),
        _ if has_begun => "Switching".to_owned(),
        _ => "Switch sent".to_owned(),
    };
    let hint = match op.phase {
        Some(phase) => format!("Now: {phase}."),
        None if has_begun => "The host has started it.".to_owned(),
        None => "Sent to the host, which has not started it yet.".to_owned(),
    };
    Light::new(State::Working, words, hint)
}

/// Returns whether the last switch or rollback failed and nothing has repaired the system since.
fn still_failed(op: &OpView, facts: &Facts) -> bool {
    if !matches!(op.status, OpStatus::Failed | OpStatus::TimedOut | OpStatus::Lost) {
        return false;
    }
    let Some(running) = facts.running_generation() else { return true };
    let reached = matches!(&op.action, OpAction::Rollback { target, .. }
        if running.current && running.store_path == target.store_path)
        && op.exit_code.is_none();
    let switched_since = op.finished_at.is_some_and(|at| running.created_at > at);
    !reached && !switched_since
}

fn running_system(inputs: &LightInputs<'_>, facts: &Facts, running: &Generation) -> Light {
    let name = running_name(facts, running);
    if let Some(current) = facts.current().filter(|c| c.store_path != running.store_path) {
        return Light::new(
            State::Attention,
            format!("{name} runs"),
            format!(
                "The profile points at Gen {}, which is not active. Switch, or roll back.",
                current.number
            ),
        );
    }
    if running.needs_reboot {
        return Light::new(
            State::Attention,
            "Reboot needed",
            format!(
                "{name} is active, but with another generation's kernel, initrd or modules. Reboot when convenient."
            ),
        );
    }
    if let Some(verb) = inputs.last_system_op.and_then(|op| came_by_rollback(op, running)) {
        return Light::new(State::Ok, format!("{verb} to {name}"), "It stays until the next switch.");
    }
    against_checkout(facts, running, &name)
}

/// Compares the running generation with what a switch would build, as far as the facts allow.
fn against_checkout(facts: &Facts, running: &Generation, name: &str) -> Light {
    let ok = |hint: String| Light::new(State::Ok, name, hint);
    let Some(built) = &running.commit else {
        return ok(
            "Active. It records no commit, so Backstay cannot tell whether a switch is due.".to_owned()
        );
    };
    if facts.observed {
        return ok(format!("Built from {built}."));
    }
    if let Some(flake) = &facts.switch_flake {
        return ok(format!("Built from {built}. A switch builds {flake}, not the checkout."));
    }
    let Some(checkout) = &facts.checkout else {
        return ok(format!("Built from {built}. There is no checkout to compare it with."));
    };
    let now = &checkout.commit;
    let is_changed = checkout.local.as_ref().is_some_and(|local| local.changed > 0);
    let due = |hint: String| Light::new(State::Attention, "Switch due", hint);
    match built.compare(now) {
        SameCommit::Different if same_files(running.tree.as_ref(), checkout.tree.as_ref()) => {
            ok(format!("Built from {built}, with the same files as the checkout's {now}."))
        }
        SameCommit::Different => {
            due(format!("{name} was built from {built}, the checkout is at {now}. Switch."))
        }
        SameCommit::SameWithChanges if checkout.local.is_some() && !is_changed => due(format!(
            "{name} was built from {built} with changes that the checkout no longer has. Switch."
        )),
        SameCommit::SameWithChanges => {
            ok(format!("Built from the checkout's commit ({built}), with uncommitted changes."))
        }
        SameCommit::Same if is_changed => due(format!(
            "{name} was built from {built}; the checkout has uncommitted changes now. Commit or undo them, or switch."
        )),
        SameCommit::Same => ok(format!("Built from the checkout's commit ({built}).")),
        SameCommit::Unknown => ok(format!(
            "Active. It records “{}” as its commit, so Backstay cannot tell whether a switch is due.",
            built.0
        )),
    }
}

/// The [verb](rollback::done_verb) for a rollback that succeeded and led to this generation.
fn came_by_rollback(op: &OpView, running: &Generation) -> Option<&'static str> {
    let OpAction::Rollback { target, seen_current, .. } = &op.action else { return None };
    let came = op.status == OpStatus::Succeeded && *target == running.reference();
    came.then(|| rollback::done_verb(seen_current, target))
}
