//! What the checkout holds beside the branch: Git compares the commit, Lock the `flake.lock`.

use super::{Light, LightInputs, State, at_work};
use crate::{Checkout, Commit, DesiredState, Facts, LocalState, NoCheckout, OpKind, Phase, same_files};

/// Returns whether an op is moving the checkout now.
fn is_pulling(inputs: &LightInputs<'_>) -> bool {
    at_work(inputs, |kind| kind == OpKind::Pull).is_some()
        || at_work(inputs, |kind| kind == OpKind::PullSwitch)
            .is_some_and(|op| op.phase == Some(Phase::Pulling))
}

pub(super) fn git(inputs: &LightInputs<'_>) -> Light {
    if is_pulling(inputs) {
        return Light::new(State::Working, "Pulling", "Fetching the branch.");
    }
    if inputs.facts.is_some_and(|facts| facts.observed) {
        return not_followed();
    }
    match inputs.desired {
        DesiredState::NotConfigured => no_repository(),
        DesiredState::Unreadable { reason, .. } => Light::new(State::Failed, "Branch not readable", reason),
        DesiredState::Moved { commit, why, .. } => moved(inputs, commit, why, "Behind"),
        DesiredState::Known { commit, tree, .. } => match checkout(inputs) {
            Ok(checkout) => git_of(checkout, commit, tree),
            Err(light) => light,
        },
    }
}

/// The host's checkout, or the light that says why there is none.
fn checkout<'a>(inputs: &LightInputs<'a>) -> Result<&'a Checkout, Light> {
    let facts = inputs.facts.ok_or_else(Light::never_reported)?;
    facts.checkout.as_ref().ok_or_else(|| no_checkout(facts))
}

fn no_checkout(facts: &Facts) -> Light {
    let needs_none =
        facts.switch_flake.as_ref().map(|flake| format!(" A switch builds {flake} and does not need one."));
    match &facts.no_checkout {
        Some(NoCheckout { path, why: Some(why) }) => Light::new(
            State::Attention,
            "Checkout not readable",
            format!("The checkout at {path} cannot be read: {}.", why.trim_end_matches('.')),
        ),
        Some(NoCheckout { path, why: None }) => Light::new(
            State::Unknown,
            "No checkout",
            format!(
                "There is no git checkout at {path}.{}",
                needs_none.unwrap_or_else(|| {
                    " Clone the repository there, or set checkout.path in the agent's configuration."
                        .to_owned()
                })
            ),
        ),
        None => Light::new(
            State::Unknown,
            "No checkout",
            "The agent reports no checkout of the configuration repository.",
        ),
    }
}

fn git_of(checkout: &Checkout, commit: &Commit, tree: &Commit) -> Light {
    let is_at_head = checkout.commit.is(commit);
    if let Some(light) =
        checkout.local.as_ref().and_then(|local| own_work(checkout, local, commit, is_at_head))
    {
        return light;
    }
    if is_at_head {
        return Light::new(State::Ok, format!("At {commit}"), "The checkout is at the branch's head.");
    }
    if same_files(checkout.tree.as_ref(), Some(tree)) {
        let hint =
            format!("The checkout is at {}, with the files of the branch's {commit}.", checkout.commit);
        return Light::new(State::Ok, "Same files", hint);
    }
    let hint = format!("The checkout is at {}, the branch at {commit}. Pull.", checkout.commit);
    Light::new(State::Attention, "Behind", hint)
}

/// The light for local work in the checkout that would make a pull refuse, or `None`.
fn own_work(checkout: &Checkout, local: &LocalState, head: &Commit, is_at_head: bool) -> Option<Light> {
    let at = &checkout.commit;
    let light = |words: &str, hint: String| Some(Light::new(State::Attention, words, hint));
    if let Some(on) = &local.on {
        let on = if on.is_empty() { "no branch" } else { on };
        let hint = format!("The checkout has {on} checked out. Check out the branch that the host follows.");
        return light("On another branch", hint);
    }
    if local.changed > 0 {
        let files = match local.changed {
            1 => "1 changed file".to_owned(),
            n => format!("{n} changed files"),
        };
        let hint = format!("The checkout is at {at}, with {files}. Commit or undo them on the host.");
        return light("Local changes", hint);
    }
    if local.ahead == 0 || is_at_head {
        return None;
    }
    let commits = match local.ahead {
        1 => "1 commit".to_owned(),
        n => format!("{n} commits"),
    };
    let fetched_head = local.upstream.as_ref().is_some_and(|upstream| upstream.is(head));
    match (fetched_head, local.behind) {
        (true, 0) => light(
            "Ahead",
            format!(
                "The checkout is at {at}: {commits} that the branch lacks. Push or drop them on the host."
            ),
        ),
        _ => light(
            "Diverged",
            format!(
                "The checkout is at {at} with {commits} of its own, the branch at {head}. Push or drop them on the host."
            ),
        ),
    }
}

pub(super) fn lock(inputs: &LightInputs<'_>) -> Light {
    if is_pulling(inputs) {
        return Light::new(State::Working, "Pulling", "Fetching the branch.");
    }
    if inputs.facts.is_some_and(|facts| facts.observed) {
        return not_followed();
    }
    match inputs.desired {
        DesiredState::NotConfigured => no_repository(),
        DesiredState::Unreadable { reason, .. } => Light::new(State::Failed, "Lock not readable", reason),
        DesiredState::Moved { commit, why, .. } => moved(inputs, commit, why, "Outdated"),
        DesiredState::Known { lock_hash, .. } => match checkout(inputs) {
            Err(light) => light,
            Ok(checkout) if checkout.lock_hash == *lock_hash => {
                Light::new(State::Ok, "Up to date", "The flake.lock file matches the branch.")
            }
            Ok(_) => {
                Light::new(State::Attention, "Outdated", "The flake.lock file differs from the branch. Pull.")
            }
        },
    }
}

/// The light after Backstay itself moved the branch, until it has read the branch's files again.
fn moved(inputs: &LightInputs<'_>, commit: &Commit, why: &str, behind: &str) -> Light {
    let Some(checkout) = inputs.facts.and_then(|f| f.checkout.as_ref()) else {
        return Light::never_reported();
    };
    if checkout.commit.is(commit) {
        return Light::new(State::Ok, format!("At {commit}"), "The checkout is at the branch's head.");
    }
    Light::new(State::Attention, behind, why)
}

fn not_followed() -> Light {
    Light::new(
        State::Unknown,
        "Not followed",
        "Something else deploys this host. Backstay watches it, runs its tests and can roll it back.",
    )
}

fn no_repository() -> Light {
    Light::new(
        State::Unknown,
        "No repository",
        "Set the configuration repository in the server's configuration.",
    )
}
