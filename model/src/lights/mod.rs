//! The five lights of a host, computed from its latest facts and ops: no timers, no stored colours.

use serde::{Deserialize, Serialize};

use crate::wire::limits::{cut, few};
use crate::{
    Checkout, Commit, DesiredState, Facts, Generation, LocalState, NoCheckout, OpAction, OpKind, OpStatus,
    OpView, PROTOCOL_VERSION, Phase, SameCommit, rollback, same_files,
};

/// Upper bound on a hint that quotes an op's message, in bytes.
const HINT_BYTES: usize = 300;

/// The colour of a light. Pages add a shape and words, so that nobody has to see the colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Green: nothing to do.
    Ok,
    /// Yellow: something is due.
    Attention,
    /// Red: something is broken.
    Failed,
    /// Yellow and moving: something is in progress.
    Working,
    /// Grey: unknown.
    Unknown,
}

impl State {
    /// The name on the wire and in style sheets.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Attention => "attention",
            Self::Failed => "failed",
            Self::Working => "working",
            Self::Unknown => "unknown",
        }
    }
}

/// One light.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Light {
    /// Its colour.
    pub state: State,
    /// Its label, in two to five words.
    pub words: String,
    /// The next step or the evidence, in a sentence.
    pub hint: String,
}

impl Light {
    fn new(state: State, words: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { state, words: words.into(), hint: hint.into() }
    }

    fn never_reported() -> Self {
        Self::new(State::Unknown, "Not reported", "The agent has not reported this host yet.")
    }
}

/// The five lights of a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lights {
    /// Whether the agent has the server's version.
    pub agent: Light,
    /// Whether the host's checkout is at the branch's head.
    pub git: Light,
    /// Whether its `flake.lock` matches the branch.
    pub lock: Light,
    /// Whether the host runs its checkout.
    pub system: Light,
    /// Whether its tests pass on the running generation.
    pub tests: Light,
}

impl Lights {
    /// Each light with its name, in the shown order.
    pub fn named(&self) -> [(&'static str, &Light); 5] {
        [
            ("Agent", &self.agent),
            ("Git", &self.git),
            ("Lock", &self.lock),
            ("System", &self.system),
            ("Tests", &self.tests),
        ]
    }
}

/// The inputs of [`lights`].
#[derive(Debug, Clone, Copy)]
pub struct LightInputs<'a> {
    /// The version of the server that computes them.
    pub server_version: &'a str,
    /// The versions that the agent reported when it last connected; `None` before its first connection.
    pub agent: Option<AgentVersion<'a>>,
    /// The latest facts.
    pub facts: Option<&'a Facts>,
    /// The state of the branch.
    pub desired: &'a DesiredState,
    /// The op that holds the host.
    pub open_op: Option<&'a OpView>,
    /// The latest closed op that [changes the system](OpKind::changes_system) and took place on the host: neither one
    /// that never arrived nor one that the host refused.
    pub last_system_op: Option<&'a OpView>,
}

/// The versions that an agent reported when it last connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgentVersion<'a> {
    /// The version of the agent.
    pub version: &'a str,
    /// The protocol version that it speaks.
    pub protocol: u32,
}

/// Computes the five lights.
pub fn lights(inputs: &LightInputs<'_>) -> Lights {
    Lights {
        agent: agent(inputs),
        git: git(inputs),
        lock: lock(inputs),
        system: system(inputs),
        tests: tests(inputs),
    }
}

fn agent(inputs: &LightInputs<'_>) -> Light {
    let Some(agent) = inputs.agent else {
        return Light::new(
            State::Unknown,
            "Never connected",
            "Start the agent on this host with its join token.",
        );
    };
    if agent.protocol != PROTOCOL_VERSION {
        return Light::new(
            State::Failed,
            "Incompatible",
            format!(
                "The agent is {} and speaks another protocol version. Install agent {}.",
                agent.version, inputs.server_version
            ),
        );
    }
    if agent.version != inputs.server_version {
        return Light::new(
            State::Attention,
            format!("Agent {}", agent.version),
            format!("It works, but the server is {}. Update when convenient.", inputs.server_version),
        );
    }
    Light::new(State::Ok, "Current", format!("Same version as the server ({}).", agent.version))
}

/// The op that the host is working on, if its kind matches. A queued op does not count.
fn at_work<'a>(inputs: &LightInputs<'a>, matches: impl Fn(OpKind) -> bool) -> Option<&'a OpView> {
    inputs
        .open_op
        .filter(|op| matches!(op.status, OpStatus::Sent | OpStatus::Running) && matches(op.action.kind()))
}

/// Returns whether an op is moving the checkout now.
fn is_pulling(inputs: &LightInputs<'_>) -> bool {
    at_work(inputs, |kind| kind == OpKind::Pull).is_some()
        || at_work(inputs, |kind| kind == OpKind::PullSwitch)
            .is_some_and(|op| op.phase == Some(Phase::Pulling))
}

fn git(inputs: &LightInputs<'_>) -> Light {
    if is_pulling(inputs) {
        return Light::new(State::Working, "Pulling", "Fetching the branch.");
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

fn lock(inputs: &LightInputs<'_>) -> Light {
    if is_pulling(inputs) {
        return Light::new(State::Working, "Pulling", "Fetching the branch.");
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

fn no_repository() -> Light {
    Light::new(
        State::Unknown,
        "No repository",
        "Set the configuration repository in the server's configuration.",
    )
}

fn system(inputs: &LightInputs<'_>) -> Light {
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

/// The name of the running generation, with its specialisation if one is active.
fn running_name(facts: &Facts, running: &Generation) -> String {
    match &facts.specialisation {
        Some(name) => format!("Gen {} ({name})", running.number),
        None => format!("Gen {}", running.number),
    }
}

fn system_at_work(op: &OpView) -> Light {
    let has_begun = op.status == OpStatus::Running;
    let words = match &op.action {
        OpAction::Rollback { target, .. } if has_begun => format!("Rolling back to {target}"),
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

/// Returns whether an op activated this generation: it succeeded, or it was a rollback to this generation
/// that timed out or lost its runner.
fn has_activated(op: &OpView, running: &Generation) -> bool {
    op.status == OpStatus::Succeeded
        || matches!(&op.action, OpAction::Rollback { target, .. } if *target == running.reference())
}

/// The [verb](rollback::done_verb) for a rollback that succeeded and led to this generation.
fn came_by_rollback(op: &OpView, running: &Generation) -> Option<&'static str> {
    let OpAction::Rollback { target, seen_current } = &op.action else { return None };
    let came = op.status == OpStatus::Succeeded && *target == running.reference();
    came.then(|| rollback::done_verb(seen_current, target))
}

fn tests(inputs: &LightInputs<'_>) -> Light {
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

#[cfg(test)]
mod tests;
