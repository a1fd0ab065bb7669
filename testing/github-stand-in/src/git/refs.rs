//! Branches, moved only from where they were seen.

use super::{Git, GitError};

/// What stands for “does not exist” where git wants the old value of a ref.
const NOTHING: &str = "0000000000000000000000000000000000000000";

/// Where a branch was and where it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) branch: String,
    /// None where the branch is new.
    pub(crate) before: Option<String>,
    /// None where the branch is gone.
    pub(crate) after: Option<String>,
}

impl Git {
    /// The commit that a branch is at.
    pub(crate) async fn branch(&self, branch: &str) -> Result<Option<String>, GitError> {
        let name = format!("refs/heads/{branch}");
        let said = self.run(&["rev-parse", "--verify", "--quiet", &name], b"", &[]).await?;
        Ok((said.code == Some(0)).then(|| said.text()))
    }

    /// The branches that begin so, and where each is.
    pub(crate) async fn branches(&self, prefix: &str) -> Result<Vec<(String, String)>, GitError> {
        let format = "--format=%(objectname) %(refname:lstrip=2)";
        let listed = self.text(&["for-each-ref", format, "refs/heads"]).await?;
        let found = listed.lines().filter_map(|line| line.split_once(' '));
        let found = found.filter(|(_, branch)| branch.starts_with(prefix));
        Ok(found.map(|(sha, branch)| (branch.to_owned(), sha.to_owned())).collect())
    }

    /// Whether there is no branch at all.
    pub(crate) async fn is_empty(&self) -> Result<bool, GitError> {
        Ok(self.text(&["for-each-ref", "--count=1", "refs/heads"]).await?.is_empty())
    }

    /// Whether a branch may be called so.
    pub(crate) async fn is_branch_name(&self, full: &str) -> Result<bool, GitError> {
        Ok(self.run(&["check-ref-format", full], b"", &[]).await?.code == Some(0))
    }

    /// Moves, makes or removes a branch, if it still is where it was.
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
