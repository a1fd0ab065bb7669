//! What an agent read from its host at one moment.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{Commit, Generation, TestRun};

/// What an agent read from its host at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// When the host was read.
    pub read_at: DateTime<Utc>,
    /// The profile whose generations these are.
    pub profile: String,
    /// Every generation of the profile, newest first.
    pub generations: Vec<Generation>,
    /// The store path that runs now. If what runs is part of a generation (one of its specialisations, or the system
    /// that a deployment tool wrapped), this is the generation's own path.
    pub running: Option<String>,
    /// The specialisation of the running generation that is active, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub specialisation: Option<String>,
    /// The store path that was booted; none where a platform does not boot by generation.
    pub booted: Option<String>,
    /// The checkout of the configuration repository on the host, if there is one that can be read.
    pub checkout: Option<Checkout>,
    /// Why there is no `checkout`. An agent of before this was reported says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_checkout: Option<NoCheckout>,
    /// The flake reference that a switch builds, if that is not the checkout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switch_flake: Option<String>,
    /// How many tests the host has.
    pub tests_available: u32,
    /// More of them; an agent of before this was reported says nothing.
    #[serde(default)]
    pub tests: Option<TestsFolder>,
    /// The latest test run of each generation that has one, newest first.
    pub test_runs: Vec<TestRun>,
    /// Units that systemd reports as failed.
    pub failed_units: Vec<String>,
    /// Which Nix the host has, as it names itself: “Nix 2.31.2”. An agent of before this was reported says nothing.
    #[serde(default)]
    pub nix_version: Option<String>,
    /// What could not be read, each in a sentence.
    pub problems: Vec<String>,
}

impl Facts {
    /// The generation that the profile points at.
    pub fn current(&self) -> Option<&Generation> {
        self.generations.iter().find(|g| g.current)
    }

    /// The generation that a rollback leaves: the one that the profile points at or, if its link leads to none of them, the
    /// one that runs.
    pub fn seat(&self) -> Option<&Generation> {
        self.current().or_else(|| self.running_generation())
    }

    /// The generation with this number.
    pub fn generation(&self, number: u32) -> Option<&Generation> {
        self.generations.iter().find(|g| g.number == number)
    }

    /// The generation that runs. More than one number may stand for the same build; the current one is meant then.
    pub fn running_generation(&self) -> Option<&Generation> {
        let running = self.running.as_deref()?;
        let mut same = self.generations.iter().filter(|g| g.store_path == running);
        let newest = same.next()?;
        Some(same.find(|g| g.current).unwrap_or(newest))
    }

    /// The latest test run of this generation. The build is compared, not the number alone: a test says something
    /// about what ran.
    pub fn tests_of(&self, generation: &Generation) -> Option<&TestRun> {
        self.test_runs
            .iter()
            .filter(|run| run.generation.store_path == generation.store_path)
            .max_by_key(|run| run.finished_at)
    }
}

/// The host's own tests, as its agent is configured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestsFolder {
    /// Where they are.
    pub path: String,
    /// Their names, in the order in which they run, at most [`TESTS`](crate::wire::limits::TESTS).
    pub names: Vec<String>,
    /// How many seconds each may take where nothing is set for the host.
    pub timeout_secs: u64,
    /// The most that may be set.
    pub max_timeout_secs: u64,
}

/// The checkout of the configuration repository on a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkout {
    /// Where it is.
    pub path: String,
    /// The commit that is checked out.
    pub commit: Commit,
    /// The tree of that commit: two commits with one tree hold the same files, as a revert does with what was there
    /// before. An agent of before this was reported says none.
    #[serde(default)]
    pub tree: Option<Commit>,
    /// SHA-256 of its `flake.lock`, in lower-case hexadecimal; none where there is no such file.
    pub lock_hash: Option<String>,
    /// What the host did to it besides pulling. An agent of before this was reported says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local: Option<LocalState>,
}

/// What a checkout has that the branch may not have.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalState {
    /// How many tracked files are changed and not committed.
    pub changed: u32,
    /// The branch that is checked out, if it is not the one that the host follows; empty if no branch is checked out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
    /// The head of the followed branch when it was last fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream: Option<Commit>,
    /// How many commits `upstream` lacks.
    #[serde(default)]
    pub ahead: u32,
    /// How many commits of `upstream` the checkout lacks.
    #[serde(default)]
    pub behind: u32,
}

/// Why a host has no checkout to report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoCheckout {
    /// Where it should be.
    pub path: String,
    /// Why it cannot be read; none if there is nothing.
    pub why: Option<String>,
}

/// Whether both are known and hold the same files.
pub fn same_files(one: Option<&Commit>, other: Option<&Commit>) -> bool {
    one.zip(other).is_some_and(|(one, other)| one.is(other))
}

/// What the branch of the configuration repository says now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "desired", rename_all = "kebab-case")]
pub enum DesiredState {
    /// No repository is configured on the server.
    NotConfigured,
    /// Read from the repository.
    Known {
        /// The head of the branch.
        commit: Commit,
        /// The tree of its head.
        tree: Commit,
        /// SHA-256 of its `flake.lock`, in lower-case hexadecimal; none where there is no such file.
        lock_hash: Option<String>,
        /// When it was read.
        read_at: DateTime<Utc>,
    },
    /// A pull request was merged or reverted from here a moment ago; the branch is not read again yet.
    Moved {
        /// What the branch was moved to.
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
    /// The head of the branch, if it is known.
    pub fn head(&self) -> Option<&Commit> {
        match self {
            Self::Known { commit, .. } | Self::Moved { commit, .. } => Some(commit),
            Self::NotConfigured | Self::Unreadable { .. } => None,
        }
    }
}
