//! Open pull requests that update the fleet, as pages show them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::Commit;
use crate::flake_lock::InputChange;

/// The open pull requests into the branch that hosts follow, as last read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequests {
    /// The result of the last reading.
    pub reading: Reading,
    /// The repository as people write it, such as `owner/nixcfg`; empty if none is configured.
    pub repository: String,
    /// The branch that hosts follow.
    pub branch: String,
    /// Problems with the repository's configuration, each in a sentence that names the consequence.
    pub problems: Vec<String>,
    /// Those that update the fleet, newest first. While GitHub is unreachable, they stay as last read.
    pub open: Vec<UpdatePullRequest>,
}

/// The result of the last reading of the pull requests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reading", rename_all = "kebab-case")]
pub enum Reading {
    /// The server has no GitHub repository configured.
    #[default]
    NotConfigured,
    /// Not read yet.
    NotYet,
    /// Read successfully.
    Known {
        /// When.
        read_at: DateTime<Utc>,
    },
    /// Not readable.
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
    /// Its head commit. A merge names it, so that nothing unseen is merged.
    pub head: Commit,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// Where it comes from.
    pub origin: Origin,
    /// The files that it changes besides `flake.lock`.
    pub other_files: OtherFiles,
    /// The flake inputs that it changes.
    pub inputs: Inputs,
    /// The checks of its head.
    pub checks: Checks,
    /// Whether it can be merged.
    pub mergeable: Mergeable,
}

impl UpdatePullRequest {
    /// What a person has to check before merging, each in a sentence; empty for an ordinary update. If there
    /// is any, the server merges only after the person has confirmed it.
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
    /// The fork that it comes from, as `owner/name`; `None` for a branch of the repository itself, which only
    /// people with write access can push to.
    pub fork: Option<String>,
    /// Whether GitHub lists its author as an owner, member, collaborator or contributor of the repository.
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

/// The files that a pull request changes besides `flake.lock`.
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
    /// Not readable.
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

/// The flake inputs that a pull request changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "inputs", rename_all = "kebab-case")]
pub enum Inputs {
    /// Read from both `flake.lock` files; empty if both pin the same.
    Known {
        /// The changes, by name.
        changes: Vec<InputChange>,
    },
    /// One of the files could not be read.
    Unreadable {
        /// Why, in a sentence.
        reason: String,
    },
}

/// The checks of a commit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checks {
    /// Number of checks that passed or do not matter.
    pub passed: u32,
    /// Number of running checks.
    pub running: u32,
    /// Names of the failed checks.
    pub failed: Vec<String>,
}

/// Whether a pull request can be merged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mergeable", rename_all = "kebab-case")]
pub enum Mergeable {
    /// Yes.
    Yes,
    /// No.
    No {
        /// Why, in a sentence.
        reason: String,
    },
    /// GitHub is still checking.
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
    fn other_updates_raise_doubts_in_words() {
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
