//! The five lights of a host, computed from its latest facts and ops: no timers, no stored colours.

mod checkout;
mod host_tests;
mod system;

use serde::{Deserialize, Serialize};

use self::checkout::{git, lock};
use self::host_tests::host_tests;
use self::system::system;
use crate::{DesiredState, Facts, Generation, OpKind, OpStatus, OpView, PROTOCOL_VERSION};

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
        tests: host_tests(inputs),
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

/// The name of the running generation, with its specialisation if one is active.
fn running_name(facts: &Facts, running: &Generation) -> String {
    match &facts.specialisation {
        Some(name) => format!("Gen {} ({name})", running.number),
        None => format!("Gen {}", running.number),
    }
}

#[cfg(test)]
mod tests;
