//! A host as pages show it.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{Generation, HostId, HostTraits, Lights, OpView, TestSummary, Trouble};

/// The kind of system, which decides how a host is switched and rolled back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Platform {
    /// A NixOS machine.
    Nixos,
    /// A Mac with nix-darwin.
    Darwin,
    /// A user's home with home-manager, on any system.
    HomeManager,
}

impl Platform {
    /// Every platform.
    pub const ALL: [Self; 3] = [Self::Nixos, Self::Darwin, Self::HomeManager];

    /// The name on the wire, in the database and in the agent's configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nixos => "nixos",
            Self::Darwin => "darwin",
            Self::HomeManager => "home-manager",
        }
    }

    /// The name as its own project writes it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Nixos => "NixOS",
            Self::Darwin => "nix-darwin",
            Self::HomeManager => "home-manager",
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Platform {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|p| p.as_str() == text)
            .ok_or_else(|| format!("“{text}” is not a platform: nixos, darwin or home-manager"))
    }
}

/// Upper bound on the notes in a host's row, in bytes: every page has every row.
pub const ROW_NOTE_BYTES: usize = 400;

/// A host as the fleet page shows it. Each change sends the whole row, so that a page never has to assemble
/// one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostView {
    /// Its identifier.
    pub id: HostId,
    /// Its name, unique in the fleet.
    pub name: String,
    /// Its kind of system.
    pub platform: Platform,
    /// Whether its agent is connected.
    pub online: bool,
    /// When its agent was last seen; `None` before its first connection.
    pub last_seen: Option<DateTime<Utc>>,
    /// The version of its agent.
    pub agent_version: Option<String>,
    /// Whether its tests run automatically after a rollback or a switch.
    pub auto_test: bool,
    /// Whether something else deploys it: see [`Facts::observed`](crate::Facts::observed).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub observed: bool,
    /// Its tags, sorted.
    pub tags: Vec<String>,
    /// The notes that people keep about it, cut at [`ROW_NOTE_BYTES`]: its own page has all of them.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// Its five lights.
    pub lights: Lights,
    /// The generation that its profile points at.
    pub generation: Option<Generation>,
    /// The test results of that generation.
    pub tests: Option<TestSummary>,
    /// Its open op.
    pub op: Option<OpView>,
    /// What is broken on it, and the way back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
}

impl HostView {
    /// What decides whose grants cover it.
    pub fn traits(&self) -> HostTraits<'_> {
        HostTraits { name: &self.name, platform: self.platform, tags: &self.tags }
    }
}
