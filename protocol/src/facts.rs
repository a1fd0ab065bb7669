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
    /// The store path that runs now: what `/run/current-system` points at, or the active home-manager generation.
    pub running: Option<String>,
    /// The store path that was booted; none where a platform does not boot by generation.
    pub booted: Option<String>,
    /// The checkout of the configuration repository on the host, where one is configured and readable.
    pub checkout: Option<Checkout>,
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
    /// Their names, in the order in which they run, at most [`TESTS`](crate::limits::TESTS).
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
