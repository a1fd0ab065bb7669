//! The revert of a merged pull request, through the API alone.
//!
//! What has to come out is what `git revert` would make on the branch as it is now. The API has no revert, but it can
//! merge, and a merge with the right ancestor is one:
//!
//! ```text
//! B ── M ── … ── H   the branch: M is what the pull request became, B what was before it, H its head
//!       \         \
//!        X ─────── W   X has the tree of B and the parent M: it takes back what M did, and nothing else
//! ```
//!
//! M is the merge base of H and X, so the merge W of the two has H's tree with M's changes taken back, and conflicts
//! exactly where `git revert` does. The revert R is a commit with W's tree and the parent H; the branch is moved to it
//! only if it still is at H. W lives on a scratch branch that goes in every case.
//!
//! What M did is found by `undo`: of a pull request that came to the branch in another way than by a merge commit, X is put
//! on its last commit there, and has the tree of what was before its first.
//!
//! A revert may be tried again after a crash between any two of its steps: each R is remembered before the branch is
//! moved, and one that the branch has is never made again.

use async_trait::async_trait;
use backstay_model::Commit;
use serde::Deserialize;

use super::error::GitHubError;
use super::memo::Memo;
use super::pull_request::PullRequest;
use super::repository::GitHub;
use super::undo::Undo;
use crate::store::StoreError;

/// How often a revert starts over because the branch has moved meanwhile.
const TRIES: usize = 5;
/// What the branches begin with on which merges are made. They end with the pull request's number.
const SCRATCH: &str = "backstay/scratch-revert-";

/// What is remembered of a revert between its steps.
#[async_trait]
pub trait RevertRecord: Send + Sync {
    /// The commits that may have become the revert, of this and of earlier tries.
    async fn candidates(&self) -> Result<Vec<Commit>, StoreError>;
    /// Remembers one more, before the branch is moved to it.
    async fn remember(&self, candidate: &Commit) -> Result<(), StoreError>;
}

/// A scratch branch.
#[derive(Deserialize)]
struct Scratch {
    #[serde(rename = "ref")]
    name: String,
}

/// What became of a revert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reverted {
    /// The branch is at this commit now.
    Pushed(Commit),
    /// The branch has it already, from an earlier try.
    Already(Commit),
    /// The branch's rules do not let the server push: this pull request waits for somebody to merge it.
    Proposed {
        /// Its number.
        number: u64,
        /// Its page.
        url: String,
    },
}

/// Why a pull request is not reverted. The branch is as it was, unless it says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum RevertError {
    /// It is not part of the branch.
    #[error("Pull request #{0} was never merged. Nothing was changed.")]
    NotMerged(u64),
    /// It went elsewhere.
    #[error("Pull request #{number} was merged into {base}, not into {branch}. Nothing was changed.")]
    OtherBranch {
        /// Its number.
        number: u64,
        /// Where it went.
        base: String,
        /// Where hosts follow.
        branch: String,
    },
    /// The branch has lost it, as after a forced push.
    #[error(
        "{branch} does not contain pull request #{number} any more: its history was rewritten. Nothing was changed."
    )]
    NotInBranch {
        /// Its number.
        number: u64,
        /// The branch.
        branch: String,
    },
    /// What came after it touches the same lines.
    #[error(
        "Pull request #{number} cannot be reverted by itself: later changes on {branch} touch the same places. {branch} was not changed. Revert it by hand, or roll the hosts back."
    )]
    Conflict {
        /// Its number.
        number: u64,
        /// The branch.
        branch: String,
    },
    /// What it did is undone already.
    #[error(
        "Nothing of pull request #{number} is left on {branch}: it was taken back already. Nothing was changed."
    )]
    NothingLeft {
        /// Its number.
        number: u64,
        /// The branch.
        branch: String,
    },
    /// It cannot be told what it did.
    #[error(
        "Pull request #{number} cannot be told from the rest of {branch}: {why}. Nothing was changed. Revert it by hand, or roll the hosts back."
    )]
    Unclear {
        /// Its number.
        number: u64,
        /// The branch.
        branch: String,
        /// What is not known.
        why: &'static str,
    },
    /// The branch on which the merge is made is not allowed.
    #[error(
        "GitHub does not let Backstay make the branch {scratch}, which a revert takes: {said}. {branch} was not changed. Exclude backstay/** from the rule that restricts new branches, or let Backstay bypass it."
    )]
    NoScratch {
        /// Its name.
        scratch: String,
        /// What GitHub said.
        said: String,
        /// The branch that hosts follow.
        branch: String,
    },
    /// The branch was to be moved to the revert, and the answer was lost.
    #[error(
        "GitHub did not say whether it moved {branch} to the revert ({error}). Backstay looks at {branch} again until it knows, and never reverts twice."
    )]
    AnswerLost {
        /// The branch.
        branch: String,
        /// What happened to the answer.
        error: GitHubError,
    },
    /// Others are faster.
    #[error("{0} moves on faster than the revert can be made. Nothing was changed. Try again.")]
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
            GitHubError::Away(_) | GitHubError::RateLimited(_) => {
                "It may be tried again: a revert is never made twice."
            }
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
        // Also one that an earlier try left behind. One that stays does no harm, and is removed by a sweep.
        if let Err(error) = self.remove_branch(&scratch(number)).await {
            tracing::warn!(number, %error, "the scratch branch of a revert could not be removed");
        }
        reverted
    }

    /// The pull requests of which a scratch branch is there: one that is being reverted, or one whose branch could not be
    /// removed.
    pub(crate) async fn scratched(&self, memo: &mut Memo) -> Result<Vec<u64>, GitHubError> {
        let path = self.at(&format!("git/matching-refs/heads/{SCRATCH}"));
        let found = self.ask_again::<Vec<Scratch>>(memo, "branches of reverts", &path).await?;
        let number =
            |found: &Scratch| found.name.strip_prefix("refs/heads/")?.strip_prefix(SCRATCH)?.parse().ok();
        Ok(found.iter().filter_map(number).collect())
    }

    /// Removes the scratch branch of a pull request that is not being reverted.
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

    /// The revert of an earlier try that made it into the branch.
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

    /// The pull request, and the commit that it became on the branch.
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

    /// Makes the revert on the branch's head, and again where the branch has moved on before it was there.
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
                // Perhaps by an earlier try, whose answer was lost.
                Err(GitHubError::NotFastForward) => {
                    if let Some(done) = self.made_before(record).await? {
                        return Ok(Reverted::Already(done));
                    }
                }
                // It is there, and comes after the branch: whatever else GitHub refuses here, it is by a rule.
                Err(GitHubError::Protected(why) | GitHubError::Refused(why)) => {
                    tracing::info!(number, %why, "the branch may not be pushed to: a pull request is opened");
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

    /// Opens a pull request with the revert, or finds the one that was opened before.
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
    /// Why a branch of ours was not made.
    fn no_branch(&self, error: GitHubError, branch: &str) -> RevertError {
        match error {
            GitHubError::Protected(said) | GitHubError::Refused(said) => {
                RevertError::NoScratch { scratch: branch.to_owned(), said, branch: self.branch().to_owned() }
            }
            error => error.into(),
        }
    }
}

/// The branch on which the merge is made. Its name is the same each time, so that what a crash left is found.
fn scratch(number: u64) -> String {
    format!("{SCRATCH}{number}")
}
