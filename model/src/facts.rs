//! The facts that an agent reads from its host.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{Commit, Generation, TestRun};

/// What an agent reads from its host at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// When the host was read.
    pub read_at: DateTime<Utc>,
    /// The profile whose generations these are.
    pub profile: String,
    /// Every generation of the profile, newest first.
    pub generations: Vec<Generation>,
    /// The running store path. If a part of a generation is running (one of its specialisations, or the
    /// system that a deployment tool wrapped), this is the generation's own path.
    pub running: Option<String>,
    /// The name of the running generation's active specialisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub specialisation: Option<String>,
    /// The booted store path; `None` on platforms that do not boot by generation.
    pub booted: Option<String>,
    /// The host's checkout of the configuration repository, if there is one and it can be read.
    pub checkout: Option<Checkout>,
    /// Why there is no `checkout`. Old agents do not report it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_checkout: Option<NoCheckout>,
    /// The flake reference that a switch builds, if it is not the checkout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switch_flake: Option<String>,
    /// True if something other than Backstay deploys the host: its agent then refuses to pull or switch. Old
    /// agents do not report it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub observed: bool,
    /// Number of tests on the host.
    pub tests_available: u32,
    /// The host's test folder. Old agents do not report it.
    #[serde(default)]
    pub tests: Option<TestsFolder>,
    /// The latest test run of each generation that has one, newest first.
    pub test_runs: Vec<TestRun>,
    /// Units that systemd reports as failed.
    pub failed_units: Vec<String>,
    /// The host's Nix, in its own words: “Nix 2.31.2”. Old agents do not report it.
    #[serde(default)]
    pub nix_version: Option<String>,
    /// Reading problems, each in a sentence.
    pub problems: Vec<String>,
}

impl Facts {
    /// The generation that the profile points at.
    pub fn current(&self) -> Option<&Generation> {
        self.generations.iter().find(|g| g.current)
    }

    /// The generation that a rollback starts from: the one that the profile points at or, if the profile
    /// points at none of them, the running one.
    pub fn rollback_origin(&self) -> Option<&Generation> {
        self.current().or_else(|| self.running_generation())
    }

    /// The generation with this number.
    pub fn generation(&self, number: u32) -> Option<&Generation> {
        self.generations.iter().find(|g| g.number == number)
    }

    /// The running generation. Several numbers may have the same build; in that case, the current one wins.
    pub fn running_generation(&self) -> Option<&Generation> {
        let running = self.running.as_deref()?;
        let mut same = self.generations.iter().filter(|g| g.store_path == running);
        let newest = same.next()?;
        Some(same.find(|g| g.current).unwrap_or(newest))
    }

    /// The latest test run of this generation, matched by build rather than by number: a test run is about a
    /// build.
    pub fn tests_of(&self, generation: &Generation) -> Option<&TestRun> {
        self.test_runs
            .iter()
            .filter(|run| run.generation.store_path == generation.store_path)
            .max_by_key(|run| run.finished_at)
    }
}

/// The host's own tests, by its agent's configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestsFolder {
    /// Path of the folder.
    pub path: String,
    /// Their names, in running order, at most [`TESTS`](crate::wire::limits::TESTS).
    pub names: Vec<String>,
    /// Seconds that each test may take unless people set another limit for the host.
    pub timeout_secs: u64,
    /// Upper bound on that limit.
    pub max_timeout_secs: u64,
}

/// The checkout of the configuration repository on a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkout {
    /// Its path.
    pub path: String,
    /// The commit that is checked out.
    pub commit: Commit,
    /// The tree of that commit. Two commits with one tree hold the same files, for example a revert and the
    /// commit before the reverted one. Old agents do not report it.
    #[serde(default)]
    pub tree: Option<Commit>,
    /// SHA-256 of its `flake.lock`, in lower-case hexadecimal; `None` if there is no such file.
    pub lock_hash: Option<String>,
    /// Local changes in it. Old agents do not report them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local: Option<LocalState>,
}

/// Local changes in a checkout.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalState {
    /// Number of tracked files with uncommitted changes.
    pub changed: u32,
    /// The checked-out branch, if it is not the one that the host follows; empty if no branch is checked out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
    /// The head of the followed branch when it was last fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream: Option<Commit>,
    /// Number of commits that `upstream` lacks.
    #[serde(default)]
    pub ahead: u32,
    /// Number of `upstream` commits that the checkout lacks.
    #[serde(default)]
    pub behind: u32,
}

/// Why a host has no checkout to report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoCheckout {
    /// Its expected path.
    pub path: String,
    /// Why it cannot be read; `None` if nothing is there.
    pub why: Option<String>,
}

/// Returns whether both trees are known and hold the same files.
pub fn same_files(one: Option<&Commit>, other: Option<&Commit>) -> bool {
    one.zip(other).is_some_and(|(one, other)| one.is(other))
}

/// The state of the configuration repository's branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "desired", rename_all = "kebab-case")]
pub enum DesiredState {
    /// No repository is configured on the server.
    NotConfigured,
    /// The branch was read.
    Known {
        /// The head of the branch.
        commit: Commit,
        /// The tree of its head.
        tree: Commit,
        /// SHA-256 of its `flake.lock`, in lower-case hexadecimal; `None` if there is no such file.
        lock_hash: Option<String>,
        /// When it was read.
        read_at: DateTime<Utc>,
    },
    /// Backstay merged or reverted a pull request and has not read the branch again yet.
    Moved {
        /// The new head of the branch.
        commit: Commit,
        /// Since when.
        since: DateTime<Utc>,
        /// What happened, in a sentence.
        why: String,
    },
    /// The repository could not be read.
    Unreadable {
        /// Since when.
        since: DateTime<Utc>,
        /// Why, in a sentence.
        reason: String,
    },
}

impl DesiredState {
    /// The head of the branch, if known.
    pub fn head(&self) -> Option<&Commit> {
        match self {
            Self::Known { commit, .. } | Self::Moved { commit, .. } => Some(commit),
            Self::NotConfigured | Self::Unreadable { .. } => None,
        }
    }
}
