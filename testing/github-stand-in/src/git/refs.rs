//! Branches, moved only from where the caller saw them.

use super::{Git, GitError};

/// git's old value of a ref that must not exist.
const NOTHING: &str = "0000000000000000000000000000000000000000";

/// A branch's move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) branch: String,
    /// `None` if the branch is new.
    pub(crate) before: Option<String>,
    /// `None` if the branch is deleted.
    pub(crate) after: Option<String>,
}

impl Git {
    /// Returns the commit that a branch is at.
    pub(crate) async fn branch(&self, branch: &str) -> Result<Option<String>, GitError> {
        let name = format!("refs/heads/{branch}");
        let said = self.run(&["rev-parse", "--verify", "--quiet", &name], b"", &[]).await?;
        Ok((said.code == Some(0)).then(|| said.text()))
    }

    /// Returns the branches with this prefix, and the commit of each.
    pub(crate) async fn branches(&self, prefix: &str) -> Result<Vec<(String, String)>, GitError> {
        let format = "--format=%(objectname) %(refname:lstrip=2)";
        let listed = self.text(&["for-each-ref", format, "refs/heads"]).await?;
        let found = listed.lines().filter_map(|line| line.split_once(' '));
        let found = found.filter(|(_, branch)| branch.starts_with(prefix));
        Ok(found.map(|(sha, branch)| (branch.to_owned(), sha.to_owned())).collect())
    }

    /// Returns whether there is no branch at all.
    pub(crate) async fn is_empty(&self) -> Result<bool, GitError> {
        Ok(self.text(&["for-each-ref", "--count=1", "refs/heads"]).await?.is_empty())
    }

    /// Returns whether a branch may have this name.
    pub(crate) async fn is_branch_name(&self, full: &str) -> Result<bool, GitError> {
        Ok(self.run(&["check-ref-format", full], b"", &[]).await?.code == Some(0))
    }

    /// Moves, creates or deletes a branch, if it is still where the caller saw it.
    pub(crate) async fn move_branch(&self, moved: &Moved) -> Result<(), GitError> {
        let name = format!("refs/heads/{}", moved.branch);
        let before = moved.before.as_deref().unwrap_or(NOTHING);
        match &moved.after {
            Some(after) => self.text(&["update-ref", &name, after, before]).await?,
            None => self.text(&["update-ref", "-d", &name, before]).await?,
        };
        Ok(())
    }

    /// Keeps a pull request's head where GitHub keeps it.
    pub(crate) async fn keep_pull_head(&self, number: u64, sha: &str) -> Result<(), GitError> {
        self.text(&["update-ref", &format!("refs/pull/{number}/head"), sha]).await.map(drop)
    }
}
