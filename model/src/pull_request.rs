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
    /// Where it comes from.
    pub origin: Origin,
    /// The files that it changes beside `flake.lock`.
    pub other_files: OtherFiles,
    /// The inputs of the flake that it changes.
    pub inputs: Inputs,
    /// What the checks of its head say.
    pub checks: Checks,
    /// Whether it can be merged.
    pub mergeable: Mergeable,
}

impl UpdatePullRequest {
    /// What a person has to look at before it is merged, each in a sentence; empty for an ordinary update. The server
    /// merges it only for a person who says that they looked.
    pub fn doubts(&self) -> Vec<String> {
        let failed = &self.checks.failed;
        let checks = match failed.len() {
            0 => None,
            1 => Some(format!("A check failed: {}.", failed[0])),
            count => Some(format!("{count} checks failed: {}.", failed.join(", "))),
        };
        [self.other_files.doubt(), self.origin.doubt(&self.author), checks].into_iter().flatten().collect()
    }
}

/// Where a pull request comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The fork that it comes from, as `owner/name`; `None` if it comes from a branch of the repository itself, which
    /// only somebody with write access can push to.
    pub fork: Option<String>,
    /// Whether GitHub knows its author as an owner, a member, a collaborator, or a contributor of the repository.
    pub is_known_author: bool,
}

impl Origin {
    fn doubt(&self, author: &str) -> Option<String> {
        let stranger =
            format!("GitHub knows {author} neither as a member nor as a contributor of this repository.");
        match (&self.fork, self.is_known_author) {
            (None, true) => None,
            (None, false) => Some(stranger),
            (Some(fork), true) => Some(format!("It comes from a fork, {fork}.")),
            (Some(fork), false) => Some(format!("It comes from a fork, {fork}. {stranger}")),
        }
    }
}

/// The files that a pull request changes beside `flake.lock`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "other_files", rename_all = "kebab-case")]
pub enum OtherFiles {
    /// Read from GitHub.
    Known {
        /// The first of them, by path.
        paths: Vec<String>,
        /// How many more there are.
        more: u64,
    },
    /// They could not be read.
    Unreadable {
        /// Why, in a sentence.
        reason: String,
    },
}

impl OtherFiles {
    fn doubt(&self) -> Option<String> {
        match self {
            Self::Unreadable { reason } => {
                Some(format!("The files that it changes could not be read. {reason}"))
            }
            Self::Known { paths, more: 0 } if paths.is_empty() => None,
            Self::Known { paths, more: 0 } if paths.len() == 1 => {
                Some(format!("It changes a file beside flake.lock: {}.", paths[0]))
            }
            Self::Known { paths, more } => {
                let count = more.saturating_add(paths.len() as u64);
                let rest = if *more == 0 { String::new() } else { format!(" and {more} more") };
                Some(format!("It changes {count} files beside flake.lock: {}{rest}.", paths.join(", ")))
            }
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn ordinary() -> UpdatePullRequest {
        UpdatePullRequest {
            number: 42,
            title: "Update flake.lock".into(),
            url: "u".into(),
            author: "eve".into(),
            head: Commit("c".into()),
            updated_at: DateTime::UNIX_EPOCH,
            origin: Origin { fork: None, is_known_author: true },
            other_files: OtherFiles::Known { paths: vec![], more: 0 },
            inputs: Inputs::Known { changes: vec![] },
            checks: Checks { passed: 1, running: 1, failed: vec![] },
            mergeable: Mergeable::Yes,
        }
    }

    #[test]
    fn an_ordinary_update_raises_no_doubt() {
        assert_eq!(ordinary().doubts(), Vec::<String>::new());
    }

    type Change = fn(&mut UpdatePullRequest, OtherFiles);

    #[test]
    fn what_is_no_ordinary_update_is_told_in_words() {
        let files = |paths: &[&str], more| OtherFiles::Known {
            paths: paths.iter().map(|&path| path.into()).collect(),
            more,
        };
        let stranger = "GitHub knows eve neither as a member nor as a contributor of this repository.";
        let cases: [(Change, OtherFiles, String); 7] = [
            (
                |pr, files| pr.other_files = files,
                files(&["a.nix"], 0),
                "It changes a file beside flake.lock: a.nix.".into(),
            ),
            (
                |pr, files| pr.other_files = files,
                files(&["a.nix", "b.nix"], 3),
                "It changes 5 files beside flake.lock: a.nix, b.nix and 3 more.".into(),
            ),
            (
                |pr, files| pr.other_files = files,
                OtherFiles::Unreadable { reason: "GitHub refused: x.".into() },
                "The files that it changes could not be read. GitHub refused: x.".into(),
            ),
            (|pr, _| pr.origin.is_known_author = false, files(&[], 0), stranger.into()),
            (
                |pr, _| pr.origin.fork = Some("eve/nixcfg".into()),
                files(&[], 0),
                "It comes from a fork, eve/nixcfg.".into(),
            ),
            (
                |pr, _| pr.origin = Origin { fork: Some("eve/nixcfg".into()), is_known_author: false },
                files(&[], 0),
                format!("It comes from a fork, eve/nixcfg. {stranger}"),
            ),
            (
                |pr, _| pr.checks.failed = vec!["build".into(), "x11".into()],
                files(&[], 0),
                "2 checks failed: build, x11.".into(),
            ),
        ];
        for (change, files, words) in cases {
            let mut pull_request = ordinary();
            change(&mut pull_request, files);
            assert_eq!(pull_request.doubts(), [words]);
        }
    }
}
