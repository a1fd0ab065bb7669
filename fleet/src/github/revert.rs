//! The revert of a merged pull request, through the API alone.
//!
//! The result has to be what `git revert` would create on the branch as it is now. The API has no revert, but it can merge, and a
//! merge with the right ancestor is a revert:
//!
//! ```text
//! B ── M ── … ── H   the branch: M is the merged pull request, B the state before it, H the branch's head
//!       \         \
//!        X ─────── W   X has the tree of B and the parent M: it takes back what M did, and nothing else
//! ```
//!
//! M is the merge base of H and X, so the merge W of the two has H's tree with M's changes taken back, and conflicts
//! exactly where `git revert` does. The revert R is a commit with W's tree and the parent H. The branch moves to R only if it
//! is still at H. W lives on a scratch branch that is removed in every case.
//!
//! `undo` finds what M did. If a pull request reached the branch other than by a merge commit, X is put on its last commit
//! there, and has the tree from before its first.
//!
//! **Invariant:** a revert can be retried after a crash between any two of its steps. Each R is recorded before the branch moves,
//! and an R that the branch contains is never created again.

use async_trait::async_trait;
use backstay_model::Commit;
use serde::Deserialize;

use super::error::GitHubError;
use super::memo::Memo;
use super::pull_request::PullRequest;
use super::repository::GitHub;
use super::undo::Undo;
use crate::store::StoreError;

/// How often a revert starts over because the branch has moved.
const TRIES: usize = 5;
/// The prefix of the scratch branches. The pull request's number follows.
const SCRATCH: &str = "backstay/scratch-revert-";

/// What a revert remembers between its steps.
#[async_trait]
pub trait RevertRecord: Send + Sync {
    /// The commits that may be the revert, from this and earlier attempts.
    async fn candidates(&self) -> Result<Vec<Commit>, StoreError>;
    /// Remembers another one, before the branch moves to it.
    async fn remember(&self, candidate: &Commit) -> Result<(), StoreError>;
}

/// A scratch branch.
#[derive(Deserialize)]
struct Scratch {
    #[serde(rename = "ref")]
    name: String,
}

/// The result of a revert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reverted {
    /// The branch is now at this commit.
    Pushed(Commit),
    /// The branch already contains it, from an earlier attempt.
    Already(Commit),
    /// The branch's rules do not allow a push: somebody has to merge this pull request.
    Proposed {
        /// Its number.
        number: u64,
        /// Its page.
        url: String,
    },
}

/// Why a pull request was not reverted. The branch is unchanged unless the text says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum RevertError {
    /// It was never merged.
    #[error("Pull request #{0} was never merged. Nothing was changed.")]
    NotMerged(u64),
    /// It was merged into another branch.
    #[error("Pull request #{number} was merged into {base}, not into {branch}. Nothing was changed.")]
    OtherBranch {
        /// Its number.
        number: u64,
        /// The branch that it was merged into.
        base: String,
        /// The branch that hosts follow.
        branch: String,
    },
    /// The branch no longer contains it, for example after a forced push.
    #[error(
        "{branch} no longer contains pull request #{number}: its history was rewritten. Nothing was changed."
    )]
    NotInBranch {
        /// Its number.
        number: u64,
        /// The branch.
        branch: String,
    },
    /// Later changes touch the same lines.
    #[error(
        "Pull request #{number} cannot be reverted on its own: later changes on {branch} touch the same lines. {branch} was not changed. Revert it by hand, or roll the hosts back."
    )]
    Conflict {
        /// Its number.
        number: u64,
        /// The branch.
        branch: String,
    },
    /// It was already undone.
    #[error(
        "Nothing of pull request #{number} is left on {branch}: it was already taken back. Nothing was changed."
    )]
    NothingLeft {
        /// Its number.
        number: u64,
        /// The branch.
        branch: String,
    },
    /// Its changes cannot be determined.
    #[error(
        "Pull request #{number} cannot be separated from the rest of {branch}: {why}. Nothing was changed. Revert it by hand, or roll the hosts back."
    )]
    Unclear {
        /// Its number.
        number: u64,
        /// The branch.
        branch: String,
        /// What is unknown.
        why: &'static str,
    },
    /// The scratch branch is not allowed.
    #[error(
        "GitHub does not let Backstay create the branch {scratch}, which a revert needs: {said}. {branch} was not changed. Exclude backstay/** from the rule that restricts new branches, or let Backstay bypass it."
    )]
    NoScratch {
        /// Its name.
        scratch: String,
        /// GitHub's reason.
        said: String,
        /// The branch that hosts follow.
        branch: String,
    },
    /// GitHub's answer to moving the branch was lost.
    #[error(
        "GitHub did not say whether it moved {branch} to the revert ({error}). Backstay checks {branch} again until it knows, and never reverts twice."
    )]
    AnswerLost {
        /// The branch.
        branch: String,
        /// What happened to the answer.
        error: GitHubError,
    },
    /// The branch keeps moving.
    #[error("{0} keeps moving faster than the revert can be made. Nothing was changed. Try again.")]
    TooBusy(String),
    /// See [`GitHubError`].
    #[error("{0} {1}")]
    GitHub(GitHubError, &'static str),
    /// See [`StoreError`].
    #[error("The database failed; the branch was not changed. The server's log says why.")]
    Store(#[from] StoreError),
}

impl From<GitHubError> for RevertError {
    fn from(error: GitHubError) -> Self {
        let left = match error {
            GitHubError::Away(_) | GitHubError::RateLimited(_) => "Try again: a revert is never made twice.",
            _ => "The branch was not changed.",
        };
        Self::GitHub(error, left)
    }
}

impl GitHub {
    /// Reverts a merged pull request on the branch.
    ///
    /// # Errors
    /// [`RevertError`]
    pub async fn revert(
        &self,
        number: u64,
        message: &str,
        record: &dyn RevertRecord,
    ) -> Result<Reverted, RevertError> {
        let reverted = self.make_revert(number, message, record).await;
        // Also one from an earlier attempt. A leftover branch does no harm, and a later reading removes it.
        if let Err(error) = self.remove_branch(&scratch(number)).await {
            tracing::warn!(number, %error, "the scratch branch of a revert could not be removed");
        }
        reverted
    }

    /// The pull requests that have a scratch branch: those under revert, and those whose branch could not be removed.
    pub(crate) async fn scratched(&self, memo: &mut Memo) -> Result<Vec<u64>, GitHubError> {
        let path = self.at(&format!("git/matching-refs/heads/{SCRATCH}"));
        let found = self.ask_again::<Vec<Scratch>>(memo, "branches of reverts", &path).await?;
        let number =
            |found: &Scratch| found.name.strip_prefix("refs/heads/")?.strip_prefix(SCRATCH)?.parse().ok();
        Ok(found.iter().filter_map(number).collect())
    }

    /// Removes the scratch branch of a pull request that is not under revert.
    pub(crate) async fn remove_scratch(&self, number: u64) -> Result<(), GitHubError> {
        self.remove_branch(&scratch(number)).await
    }

    async fn make_revert(
        &self,
        number: u64,
        message: &str,
        record: &dyn RevertRecord,
    ) -> Result<Reverted, RevertError> {
        if let Some(done) = self.made_before(record).await? {
            return Ok(Reverted::Already(done));
        }
        let (pull, merged) = self.merged(number).await?;
        let Undo { before, after } = self.undo(&pull, &merged).await?;
        let undo = self.make_commit(message, &before, &after).await?;
        self.push(number, message, &undo, record).await
    }

    /// The revert of an earlier attempt that the branch contains.
    async fn made_before(&self, record: &dyn RevertRecord) -> Result<Option<Commit>, RevertError> {
        let candidates = record.candidates().await?;
        if candidates.is_empty() {
            return Ok(None);
        }
        let head = self.head().await?;
        for candidate in candidates {
            if self.contains(&head, &candidate).await? {
                return Ok(Some(candidate));
            }
        }
        Ok(None)
    }

    /// The pull request, and its merge commit on the branch.
    async fn merged(&self, number: u64) -> Result<(PullRequest, Commit), RevertError> {
        let pull = self.pull_request(number).await?;
        let merged = pull.merge_commit_sha.clone().filter(|_| pull.merged);
        let commit = merged.ok_or(RevertError::NotMerged(number))?;
        let branch = self.branch().to_owned();
        if pull.base.branch != branch {
            return Err(RevertError::OtherBranch { number, base: pull.base.branch, branch });
        }
        let head = self.head().await?;
        if !self.contains(&head, &commit).await? {
            return Err(RevertError::NotInBranch { number, branch });
        }
        Ok((pull, commit))
    }

    /// Makes the revert on the branch's head, and starts over if the branch moves first.
    async fn push(
        &self,
        number: u64,
        message: &str,
        undo: &Commit,
        record: &dyn RevertRecord,
    ) -> Result<Reverted, RevertError> {
        for _ in 0..TRIES {
            let head = self.head().await?;
            let tree = self.tree_without(number, &head, undo).await?;
            let revert = self.make_commit(message, &tree, &head).await?;
            record.remember(&revert).await?;
            match self.move_branch(&revert).await {
                Ok(()) => return Ok(Reverted::Pushed(revert)),
                // Perhaps by an earlier attempt whose answer was lost.
                Err(GitHubError::NotFastForward) => {
                    if let Some(done) = self.made_before(record).await? {
                        return Ok(Reverted::Already(done));
                    }
                }
                // The commit exists and follows the branch, so any other refusal comes from a rule.
                Err(GitHubError::Protected(why) | GitHubError::Refused(why)) => {
                    tracing::info!(number, %why, "the branch does not allow pushes; opening a pull request");
                    return self.propose(number, message, &revert).await;
                }
                Err(error @ GitHubError::Away(_)) => {
                    return Err(RevertError::AnswerLost { branch: self.branch().to_owned(), error });
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(RevertError::TooBusy(self.branch().to_owned()))
    }

    /// The tree of `head` without what the pull request did.
    async fn tree_without(&self, number: u64, head: &Commit, undo: &Commit) -> Result<Commit, RevertError> {
        let branch = || self.branch().to_owned();
        let scratch = scratch(number);
        self.remove_branch(&scratch).await?;
        self.make_branch(&scratch, head).await.map_err(|error| self.no_branch(error, &scratch))?;
        let tree = match self.merge_into(&scratch, undo).await {
            Ok(Some(tree)) => tree,
            Ok(None) => return Err(RevertError::NothingLeft { number, branch: branch() }),
            Err(GitHubError::Conflict(_)) => {
                return Err(RevertError::Conflict { number, branch: branch() });
            }
            Err(error) => return Err(error.into()),
        };
        if self.commit(head).await?.tree.sha == tree {
            return Err(RevertError::NothingLeft { number, branch: branch() });
        }
        Ok(tree)
    }

    /// Opens a pull request with the revert, or finds the existing one.
    async fn propose(&self, number: u64, message: &str, revert: &Commit) -> Result<Reverted, RevertError> {
        let branch = format!("backstay/revert-{number}");
        if let Some(opened) = self.pull_request_from(&branch).await? {
            return Ok(Reverted::Proposed { number: opened.number, url: opened.html_url });
        }
        self.remove_branch(&branch).await?;
        self.make_branch(&branch, revert).await.map_err(|error| self.no_branch(error, &branch))?;
        let (title, body) = message.split_once('\n').unwrap_or((message, ""));
        let opened = self.open_pull_request(&branch, title, body.trim()).await?;
        Ok(Reverted::Proposed { number: opened.number, url: opened.html_url })
    }
}

impl GitHub {
    /// Why a scratch branch was not created.
    fn no_branch(&self, error: GitHubError, branch: &str) -> RevertError {
        match error {
            GitHubError::Protected(said) | GitHubError::Refused(said) => {
                RevertError::NoScratch { scratch: branch.to_owned(), said, branch: self.branch().to_owned() }
            }
            error => error.into(),
        }
    }
}

/// The name of the scratch branch. Always the same, so that a leftover from a crash is found.
fn scratch(number: u64) -> String {
    format!("{SCRATCH}{number}")
}
