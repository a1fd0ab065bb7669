//! What a merged pull request did on the branch, which is what a revert takes back.
//!
//! GitHub names the merge commit M of a pull request, and the head P of its own branch. Their relation shows how it was merged:
//!
//! * M is a merge of P and the previous head of the branch, in either order: the other parent is the previous head.
//! * P is in the history of M in another way, as after a push or a fast-forward: the pull request's commits are on the branch
//!   unchanged. The newest of their base commits precedes them.
//! * P is not in the history of M: it was squashed into M, or rebased into M and some commits before it.
//!
//! **Invariant:** a revert takes back only the pull request's own commits. A pull request that was stacked on another also lists
//! the other's commits, so commits that another one brought are left out. If that cannot be determined, nothing is reverted.

use backstay_model::Commit;
use chrono::TimeDelta;

use super::error::GitHubError;
use super::pull_request::PullRequest;
use super::repository::{COMMITS, GitCommit, GitHub, ListedCommit, Object};
use super::revert::RevertError;

/// Upper bound on the time between the commits of one rebase. If GitHub does not report which pull request brought a commit, the
/// committer and the time show it.
const ONE_REBASE: TimeDelta = TimeDelta::seconds(60);

/// What a revert takes back: the changes from one tree to a commit of the branch.
pub(super) struct Undo {
    /// The tree to restore.
    pub(super) before: Commit,
    /// The last commit to take back.
    pub(super) after: Commit,
}

impl GitHub {
    /// What the pull request did on the branch. `merged` is its merge commit.
    pub(super) async fn undo(&self, pull: &PullRequest, merged: &Commit) -> Result<Undo, RevertError> {
        if !self.contains(merged, &pull.head.sha).await? {
            return self.undo_copies(pull, merged).await;
        }
        match self.undo_merge(pull, merged).await? {
            Some(undo) => Ok(undo),
            None => self.undo_own_commits(pull).await,
        }
    }

    /// For a merge of the pull request's head: at `merged`, or shortly before it if more was pushed with it.
    async fn undo_merge(&self, pull: &PullRequest, merged: &Commit) -> Result<Option<Undo>, RevertError> {
        let head = &pull.head.sha;
        let tip = self.commit(merged).await?;
        let merge = match other_parent(&tip.parents, head) {
            Some(other) if merged != head => Some((merged.clone(), other.clone())),
            _ => self.merge_between(head, merged).await?,
        };
        let Some((merge, other)) = merge else { return Ok(None) };
        if !self.brings_only(pull, &other).await? {
            return Ok(None);
        }
        let before = self.commit(&other).await?.tree.sha;
        Ok(Some(Undo { before, after: merge }))
    }

    /// The only merge of the pull request's head between it and `merged`, and that merge's other parent.
    async fn merge_between(
        &self,
        head: &Commit,
        merged: &Commit,
    ) -> Result<Option<(Commit, Commit)>, GitHubError> {
        let (count, between) = self.between(head, merged).await?;
        let mut found = between.iter().filter_map(|listed| {
            other_parent(&listed.parents, head).map(|other| (listed.sha.clone(), other.clone()))
        });
        let first = found.next();
        Ok(first.filter(|_| found.next().is_none() && count == between.len()))
    }

    /// Returns whether a merge with this other parent brought only commits of the pull request.
    async fn brings_only(&self, pull: &PullRequest, other: &Commit) -> Result<bool, RevertError> {
        let (count, brought) = self.between(other, &pull.head.sha).await?;
        if count > COMMITS {
            // Neither list is complete.
            return Ok(pull.commits.is_some_and(|commits| count <= commits));
        }
        let listed = self.commits_of(pull.number).await?;
        if listed.len() < COMMITS {
            return Ok(brought.iter().all(|commit| listed.iter().any(|own| own.sha == commit.sha)));
        }
        Ok(pull.commits.is_some_and(|commits| count <= commits))
    }

    /// For commits that are on the branch unchanged.
    async fn undo_own_commits(&self, pull: &PullRequest) -> Result<Undo, RevertError> {
        let head = &pull.head.sha;
        let mut own = vec![];
        for listed in self.all_commits_of(pull).await? {
            if !self.is_of_an_earlier_one(&listed.sha, pull).await? {
                own.push(listed);
            }
        }
        if !own.iter().any(|listed| listed.sha == *head) {
            return Err(self.unclear(pull, "another pull request brought the same commits before"));
        }
        let is_own = |sha: &Commit| own.iter().any(|listed| listed.sha == *sha);
        let mut bases: Vec<&Commit> = vec![];
        for Object { sha } in own.iter().flat_map(|listed| &listed.parents) {
            if !is_own(sha) && !bases.contains(&sha) {
                bases.push(sha);
            }
        }
        // The list is oldest first, so the newest is most likely the last.
        for base in bases.iter().rev() {
            let (count, _) = self.between(base, head).await?;
            if count == own.len() {
                let before = self.commit(base).await?.tree.sha;
                return Ok(Undo { before, after: head.clone() });
            }
        }
        Err(self.unclear(pull, "its commits lie among those of others"))
    }

    /// For commits that were rewritten on the branch: one squashed commit, or the rebased ones.
    async fn undo_copies(&self, pull: &PullRequest, merged: &Commit) -> Result<Undo, RevertError> {
        let tip = self.commit(merged).await?;
        if tip.parents.len() != 1 {
            return Err(self.unclear(pull, "it was merged by a merge that does not contain it"));
        }
        let own = self.all_commits_of(pull).await?;
        let copy_of = |commit: &GitCommit, among: &[ListedCommit]| {
            among.iter().rposition(|listed| {
                (&listed.commit.message, &listed.commit.author) == (&commit.message, &commit.author)
            })
        };
        let mut before = self.first_parent(pull, &tip).await?;
        // A squash creates a new commit, while a rebase keeps each message and author.
        let mut place = copy_of(&tip, &own).unwrap_or_default();
        while let Some(earlier) = copy_of(&before, &own[..place]) {
            if before.parents.len() != 1 || !self.is_of_the_same_rebase(&before, &tip, pull).await? {
                break;
            }
            place = earlier;
            before = self.first_parent(pull, &before).await?;
        }
        Ok(Undo { before: before.tree.sha, after: merged.clone() })
    }

    async fn first_parent(&self, pull: &PullRequest, commit: &GitCommit) -> Result<GitCommit, RevertError> {
        let parent = commit.parents.first();
        let parent = parent.ok_or_else(|| self.unclear(pull, "nothing was on the branch before it"))?;
        Ok(self.commit(&parent.sha).await?)
    }

    /// All commits of the pull request, oldest first.
    async fn all_commits_of(&self, pull: &PullRequest) -> Result<Vec<ListedCommit>, RevertError> {
        let listed = self.commits_of(pull.number).await?;
        let is_whole = match pull.commits {
            Some(count) => count == listed.len(),
            None => listed.len() < COMMITS,
        };
        if is_whole {
            Ok(listed)
        } else {
            Err(self.unclear(pull, "GitHub does not list all of its commits: it lists 250 at most"))
        }
    }

    /// Returns whether another pull request brought a listed commit to the branch first.
    async fn is_of_an_earlier_one(&self, sha: &Commit, pull: &PullRequest) -> Result<bool, GitHubError> {
        Ok(self.merges_of(sha).await?.iter().any(|other| is_earlier(other, pull)))
    }

    /// Returns whether the pull request's own rebase created a copy of its commit, and not the rebase of another one that it was
    /// stacked on.
    async fn is_of_the_same_rebase(
        &self,
        commit: &GitCommit,
        tip: &GitCommit,
        pull: &PullRequest,
    ) -> Result<bool, GitHubError> {
        let merges = self.merges_of(&commit.sha).await?;
        if merges.is_empty() {
            let apart = (tip.committer.date - commit.committer.date).abs();
            return Ok(tip.committer.email == commit.committer.email && apart <= ONE_REBASE);
        }
        let is_it = merges.iter().any(|merged| merged.number == pull.number);
        Ok(is_it && !merges.iter().any(|other| is_earlier(other, pull)))
    }

    fn unclear(&self, pull: &PullRequest, why: &'static str) -> RevertError {
        RevertError::Unclear { number: pull.number, branch: self.branch().to_owned(), why }
    }
}

/// Returns whether a pull request was merged before another. Of two merged by one push, the lower number comes first.
fn is_earlier(one: &PullRequest, other: &PullRequest) -> bool {
    one.number != other.number && (one.merged_at, one.number) < (other.merged_at, other.number)
}

/// The other one of two parents.
fn other_parent<'a>(parents: &'a [Object], this: &Commit) -> Option<&'a Commit> {
    match parents {
        [one, two] if one.sha == *this => Some(&two.sha),
        [one, two] if two.sha == *this => Some(&one.sha),
        _ => None,
    }
}
