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
//! A revert may be tried again after a crash between any two of its steps: each R is remembered before the branch is
//! moved, and one that the branch has is never made again.

use async_trait::async_trait;
use backstay_protocol::Commit;

use super::error::GitHubError;
use super::pull_request::PullRequest;
use super::repository::{GitCommit, GitHub, Relation};
use crate::store::StoreError;

/// How often a revert starts over because the branch has moved meanwhile.
const TRIES: usize = 5;

/// What is remembered of a revert between its steps.
#[async_trait]
pub trait RevertRecord: Send + Sync {
    /// The commits that may have become the revert, of this and of earlier tries.
    async fn candidates(&self) -> Result<Vec<Commit>, StoreError>;
    /// Remembers one more, before the branch is moved to it.
    async fn remember(&self, candidate: &Commit) -> Result<(), StoreError>;
}

/// What became of a revert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reverted {
    /// The branch has this commit now.
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
        // Also one that an earlier try left behind. Where it fails, the branch stays and does no harm.
        if let Err(error) = self.remove_branch(&scratch(number)).await {
            tracing::warn!(number, %error, "the scratch branch of a revert could not be removed");
        }
        reverted
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
        let merged = self.merged(number).await?;
        let before = self.tree_before(number, &merged).await?;
        let undo = self.make_commit(message, &before, &merged).await?;
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

    /// Whether a commit is in the history of `head`.
    async fn contains(&self, head: &Commit, commit: &Commit) -> Result<bool, GitHubError> {
        match self.compare(commit, head).await {
            Ok(relation) => Ok(matches!(relation, Relation::Ahead | Relation::Identical)),
            Err(GitHubError::NotFound(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The commit that the pull request became on the branch.
    async fn merged(&self, number: u64) -> Result<Commit, RevertError> {
        let PullRequest { merged, merge_commit_sha, base, .. } = self.pull_request(number).await?;
        let commit = merge_commit_sha.filter(|_| merged).ok_or(RevertError::NotMerged(number))?;
        let branch = self.branch().to_owned();
        if base.branch != branch {
            return Err(RevertError::OtherBranch { number, base: base.branch, branch });
        }
        let head = self.head().await?;
        if !self.contains(&head, &commit).await? {
            return Err(RevertError::NotInBranch { number, branch });
        }
        Ok(commit)
    }

    /// The tree that the branch had before the pull request: that of the first parent of a merge or a squashed commit; of
    /// rebased commits, that of what the first of them was put on.
    async fn tree_before(&self, number: u64, merged: &Commit) -> Result<Commit, RevertError> {
        let tip = self.commit(merged).await?;
        let mut before = self.first_parent(number, &tip).await?;
        if tip.parents.len() > 1 {
            return Ok(before.tree.sha);
        }
        // A rebase keeps message and author of each commit; a squash makes a commit of its own.
        let commits = self.commits_of(number).await?;
        let is_rebased = |commit: &GitCommit| {
            commits.iter().any(|(message, author)| (message, author) == (&commit.message, &commit.author))
        };
        let others = if is_rebased(&tip) { commits.len().saturating_sub(1) } else { 0 };
        for _ in 0..others {
            if !is_rebased(&before) {
                break;
            }
            before = self.first_parent(number, &before).await?;
        }
        Ok(before.tree.sha)
    }

    async fn first_parent(&self, number: u64, commit: &GitCommit) -> Result<GitCommit, RevertError> {
        let parent = commit
            .parents
            .first()
            .ok_or_else(|| RevertError::NotInBranch { number, branch: self.branch().to_owned() })?;
        Ok(self.commit(&parent.sha).await?)
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
                Err(GitHubError::NotFastForward) => {}
                Err(GitHubError::Protected(why)) => {
                    tracing::info!(number, %why, "the branch may not be pushed to: a pull request is opened");
                    return self.propose(number, message, &revert).await;
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
        self.make_branch(&scratch, head).await?;
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
        self.make_branch(&branch, revert).await?;
        let (title, body) = message.split_once('\n').unwrap_or((message, ""));
        let opened = self.open_pull_request(&branch, title, body.trim()).await?;
        Ok(Reverted::Proposed { number: opened.number, url: opened.html_url })
    }
}

/// The branch on which the merge is made. Its name is the same each time, so that what a crash left is found.
fn scratch(number: u64) -> String {
    format!("backstay/scratch-revert-{number}")
}
