//! Open pull requests that update the fleet, as a page shows them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::Commit;
use crate::flake_lock::InputChange;

/// The open pull requests into the branch that hosts follow, as they were when they were last read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequests {
    /// How the reading went.
    pub reading: Reading,
    /// The repository as people write it, such as `owner/nixcfg`; empty where none is configured.
    pub repository: String,
    /// The branch that hosts follow.
    pub branch: String,
    /// What is wrong with how the repository is configured, each in a sentence that says what does not work for it.
    pub problems: Vec<String>,
    /// Those that update the fleet, newest first. They stay as last read where GitHub is away.
    pub open: Vec<UpdatePullRequest>,
}

/// How the last reading of the pull requests went.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reading", rename_all = "kebab-case")]
pub enum Reading {
    /// No repository at GitHub is configured on the server.
    #[default]
    NotConfigured,
    /// They were not read yet.
    NotYet,
    /// They are as they were at this time.
    Known {
        /// When.
        read_at: DateTime<Utc>,
    },
    /// They could not be read.
    Unreadable {
        /// Since when.
        since: DateTime<Utc>,
        /// Why, in a sentence.
        reason: String,
    },
}

/// An open pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdatePullRequest {
    /// Its number.
    pub number: u64,
    /// Its title.
    pub title: String,
    /// Its page.
    pub url: String,
    /// Who opened it.
    pub author: String,
    /// The commit that it is at; merging names it, so that nothing is merged that nobody saw.
    pub head: Commit,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// The inputs of the flake that it changes.
    pub inputs: Inputs,
    /// What the checks of its head say.
    pub checks: Checks,
    /// Whether it can be merged.
    pub mergeable: Mergeable,
}

/// The inputs that a pull request changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "inputs", rename_all = "kebab-case")]
pub enum Inputs {
    /// Read from both `flake.lock` files; empty where both pin the same.
    Known {
        /// Each of them, by name.
        changes: Vec<InputChange>,
    },
    /// One of the files could not be read.
    Unreadable {
        /// Why, in a sentence.
        reason: String,
    },
}

/// What the checks of a commit say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checks {
    /// How many passed, or do not matter.
    pub passed: u32,
    /// How many are not over.
    pub running: u32,
    /// Those that failed, by name.
    pub failed: Vec<String>,
}

/// Whether a pull request can be merged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mergeable", rename_all = "kebab-case")]
pub enum Mergeable {
    /// It can.
    Yes,
    /// It cannot.
    No {
        /// Why, in a sentence.
        reason: String,
    },
    /// GitHub is finding out.
    Unknown,
}
