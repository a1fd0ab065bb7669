//! The five lights of a host, computed from what is known of it: no timers, no stored colours.

use serde::{Deserialize, Serialize};

use crate::limits::{cut, few};
use crate::message::Outcome;
use crate::{
    DesiredState, Facts, Generation, OpAction, OpKind, OpStatus, OpView, PROTOCOL_VERSION, Phase, same_files,
};

/// The longest hint that repeats what an op said, in bytes.
const HINT_BYTES: usize = 300;

/// The colour of a light; a page adds a shape and words, so that nobody needs to see the colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Green: nothing to do.
    Ok,
    /// Yellow: something is due.
    Attention,
    /// Red: something is broken.
    Failed,
    /// Yellow and moving: something is being done.
    Working,
    /// Grey: not known.
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
    /// What it says, in two to five words.
    pub words: String,
    /// What to do next, or how it is known, in a sentence.
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
pub struct Compartments {
    /// Is the agent the one that this server expects?
    pub agent: Light,
    /// Is the host's checkout at the branch's head?
    pub git: Light,
    /// Is its `flake.lock` the branch's?
    pub lock: Light,
    /// Does the host run what its checkout says?
    pub system: Light,
    /// Do its tests pass on what it runs?
    pub tests: Light,
}

impl Compartments {
    /// Each light with its name, in the order in which they are shown.
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

/// What the lights are computed from.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// The version of the server that computes them.
    pub server_version: &'a str,
    /// What the agent said of itself when it last connected; none before the first time.
    pub agent: Option<AgentSeen<'a>>,
    /// The latest facts.
    pub facts: Option<&'a Facts>,
    /// What the branch says.
    pub desired: &'a DesiredState,
    /// The op that holds the host.
    pub open_op: Option<&'a OpView>,
    /// The latest closed op that [changes the system](OpKind::changes_system) and was sent to the host.
    pub last_system_op: Option<&'a OpView>,
}

/// What an agent said of itself when it last connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgentSeen<'a> {
    /// The version of the agent.
    pub version: &'a str,
    /// The protocol version that it speaks.
    pub protocol: u32,
}

/// Computes the five lights.
pub fn compartments(inputs: &Inputs<'_>) -> Compartments {
    Compartments {
        agent: agent(inputs),
        git: git(inputs),
        lock: lock(inputs),
        system: system(inputs),
        tests: tests(inputs),
    }
}

fn agent(inputs: &Inputs<'_>) -> Light {
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
                "The agent is {} and speaks another protocol. Install agent {}.",
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
    Light::new(State::Ok, "Current", format!("Agent {}, as the server.", agent.version))
}

/// The op of this kind that the host is working on. One that waits for the host is not being worked on.
fn at_work<'a>(inputs: &Inputs<'a>, matches: impl Fn(OpKind) -> bool) -> Option<&'a OpView> {
    inputs
        .open_op
        .filter(|op| matches!(op.status, OpStatus::Sent | OpStatus::Running) && matches(op.action.kind()))
}

/// Whether the checkout is being moved now.
fn is_pulling(inputs: &Inputs<'_>) -> bool {
    at_work(inputs, |kind| kind == OpKind::Pull).is_some()
        || at_work(inputs, |kind| kind == OpKind::PullSwitch)
            .is_some_and(|op| op.phase == Some(Phase::Pulling))
}

fn git(inputs: &Inputs<'_>) -> Light {
    if is_pulling(inputs) {
        return Light::new(State::Working, "Pulling", "Fetching the branch.");
    }
    match inputs.desired {
        DesiredState::NotConfigured => no_repository(),
        DesiredState::Unreadable { reason, .. } => Light::new(State::Failed, "Branch not readable", reason),
        DesiredState::Known { commit, tree, .. } => {
            let Some(checkout) = inputs.facts.and_then(|f| f.checkout.as_ref()) else {
                return Light::never_reported();
            };
            if checkout.commit.is(commit) {
                Light::new(State::Ok, format!("At {commit}"), "The checkout is at the branch's head.")
            } else if same_files(checkout.tree.as_ref(), Some(tree)) {
                Light::new(
                    State::Ok,
                    "Same files",
                    format!(
                        "The checkout is at {}, with the files of the branch's {commit}.",
                        checkout.commit
                    ),
                )
            } else {
                Light::new(
                    State::Attention,
                    "Behind",
                    format!("The checkout is at {}, the branch at {commit}. Pull.", checkout.commit),
                )
            }
        }
    }
}

fn lock(inputs: &Inputs<'_>) -> Light {
    if is_pulling(inputs) {
        return Light::new(State::Working, "Pulling", "Fetching the branch.");
    }
    match inputs.desired {
        DesiredState::NotConfigured => no_repository(),
        DesiredState::Unreadable { reason, .. } => Light::new(State::Failed, "Lock not readable", reason),
        DesiredState::Known { lock_hash, .. } => {
            let Some(checkout) = inputs.facts.and_then(|f| f.checkout.as_ref()) else {
                return Light::never_reported();
            };
            if checkout.lock_hash == *lock_hash {
                Light::new(State::Ok, "In step", "flake.lock is the branch's.")
            } else {
                Light::new(State::Attention, "Outdated", "flake.lock differs from the branch's. Pull.")
            }
        }
    }
}

fn no_repository() -> Light {
    Light::new(
        State::Unknown,
        "No repository",
        "Set the configuration repository in the server's configuration.",
    )
}

fn system(inputs: &Inputs<'_>) -> Light {
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
        return Light::new(State::Unknown, "Not known", "What runs is none of the profile's generations.");
    };
    running_system(inputs, facts, running)
}

fn system_at_work(op: &OpView) -> Light {
    let words = match &op.action {
        OpAction::Rollback { target, .. } => format!("Rolling back to {target}"),
        _ => "Switching".to_owned(),
    };
    let hint = op.phase.map_or_else(|| "Sent to the host.".to_owned(), |phase| format!("Now: {phase}."));
    Light::new(State::Working, words, hint)
}

/// Whether a switch or rollback failed and nothing since then says that it no longer matters. One that the agent
/// refused changed nothing and so says nothing of the system.
fn still_failed(op: &OpView, facts: &Facts) -> bool {
    let failed = matches!(op.status, OpStatus::Failed | OpStatus::TimedOut | OpStatus::Lost);
    if !failed || op.outcome == Some(Outcome::Refused) {
        return false;
    }
    let Some(running) = facts.running_generation() else { return true };
    let reached = matches!(&op.action, OpAction::Rollback { target, .. }
        if running.current && running.store_path == target.store_path)
        && op.exit_code.is_none();
    let switched_since = op.finished_at.is_some_and(|at| running.created_at > at);
    !reached && !switched_since
}

fn running_system(inputs: &Inputs<'_>, facts: &Facts, running: &Generation) -> Light {
    let name = format!("Gen {}", running.number);
    if let Some(current) = facts.current().filter(|c| c.store_path != running.store_path) {
        return Light::new(
            State::Attention,
            format!("{name} runs"),
            format!("The profile says Gen {}, which is not active. Switch, or roll back.", current.number),
        );
    }
    if running.needs_reboot {
        return Light::new(
            State::Attention,
            "Reboot needed",
            format!(
                "{name} is active, with the kernel, initrd or modules of another. Reboot when convenient."
            ),
        );
    }
    if inputs.last_system_op.is_some_and(|op| is_rollback_to(op, running)) {
        return Light::new(
            State::Ok,
            format!("Rolled back to {name}"),
            "It stays there until the next switch.",
        );
    }
    let checkout = facts.checkout.as_ref();
    match (&running.commit, checkout.map(|c| &c.commit)) {
        (Some(built), Some(now))
            if !built.is(now)
                && same_files(running.tree.as_ref(), checkout.and_then(|c| c.tree.as_ref())) =>
        {
            Light::new(
                State::Ok,
                name,
                format!("Built from {built}, with the same files as the checkout's {now}."),
            )
        }
        (Some(built), Some(checkout)) if !built.is(checkout) => Light::new(
            State::Attention,
            "Switch due",
            format!("{name} was built from {built}, the checkout is at {checkout}. Switch."),
        ),
        (Some(built), Some(_)) => {
            Light::new(State::Ok, name, format!("Built from {built}, as the checkout."))
        }
        _ => Light::new(State::Ok, name, "Active. No commit is recorded to compare it with."),
    }
}

/// Whether an op made this generation run: by its end, or, where a rollback took too long or lost its runner, because what
/// runs is its target.
fn has_activated(op: &OpView, running: &Generation) -> bool {
    op.status == OpStatus::Succeeded
        || matches!(&op.action, OpAction::Rollback { target, .. } if *target == running.reference())
}

fn is_rollback_to(op: &OpView, running: &Generation) -> bool {
    op.status == OpStatus::Succeeded
        && matches!(&op.action, OpAction::Rollback { target, .. } if *target == running.reference())
}

fn tests(inputs: &Inputs<'_>) -> Light {
    if let Some(op) = at_work(inputs, |kind| kind == OpKind::Test) {
        let words = match op.phase {
            Some(Phase::Testing { done, total }) => format!("Running {done}/{total}"),
            _ => "Running".to_owned(),
        };
        return Light::new(State::Working, words, "The tests run now.");
    }
    let Some(facts) = inputs.facts else {
        return Light::never_reported();
    };
    if facts.tests_available == 0 {
        return Light::new(State::Unknown, "No tests", "Put executables into the host's test folder.");
    }
    let Some(running) = facts.running_generation() else {
        return Light::new(State::Unknown, "Not known", "What runs is none of the profile's generations.");
    };
    let name = format!("Gen {}", running.number);
    let Some(run) = facts.tests_of(running) else {
        return Light::new(
            State::Attention,
            "Not run yet",
            format!("No test has run on {name} yet. Run tests."),
        );
    };
    // A generation that came back, or is just coming back, has to prove itself again: times are the host's own on both
    // sides.
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
        Light::new(State::Ok, format!("{summary} passed"), format!("All tests passed on {name}."))
    } else {
        let failed: Vec<_> = run.failed().collect();
        let advice = match at_work(inputs, OpKind::changes_system) {
            Some(op) => format!("{} is under way", op.title()),
            None => "Roll back to a generation that is known to work".to_owned(),
        };
        Light::new(
            State::Failed,
            format!("{summary} passed"),
            format!("Failed on {name}: {}. {advice}.", few(&failed)),
        )
    }
}

#[cfg(test)]
mod tests;
