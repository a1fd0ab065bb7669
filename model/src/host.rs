//! A host as a page shows it.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{Generation, HostId, Lights, OpView, TestSummary};

/// What kind of system a host is, which decides how it is switched and rolled back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Platform {
    /// A NixOS machine.
    Nixos,
    /// A Mac under nix-darwin.
    Darwin,
    /// A user's home under home-manager, on any system.
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

/// A host as the fleet page shows it. The whole row travels at each change, so that a page never has to piece one
/// together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostView {
    /// Its identifier.
    pub id: HostId,
    /// Its name, unique in the fleet.
    pub name: String,
    /// What kind of system it is.
    pub platform: Platform,
    /// Whether its agent is connected.
    pub online: bool,
    /// When its agent was last heard of; none before the first time.
    pub last_seen: Option<DateTime<Utc>>,
    /// The version of its agent.
    pub agent_version: Option<String>,
    /// Whether its tests run by themselves after a rollback or a switch.
    pub auto_test: bool,
    /// Words that people find it by, sorted.
    pub tags: Vec<String>,
    /// Its five lights.
    pub lights: Lights,
    /// The generation that its profile points at.
    pub generation: Option<Generation>,
    /// What the tests said of that generation.
    pub tests: Option<TestSummary>,
    /// The op that holds it now.
    pub op: Option<OpView>,
}
