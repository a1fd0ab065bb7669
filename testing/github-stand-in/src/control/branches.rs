//! Commits and branches.

use std::path::Path;

use crate::git::{Change, GitError, Moved, NewCommit};
use crate::push::push;
use crate::stand_in::StandIn;

impl StandIn {
    /// The bare repository, for `git` itself.
    pub fn repository(&self) -> &Path {
        self.world.git.dir()
    }

    /// Returns the commit that a branch is at.
    ///
    /// # Errors
    /// [`GitError`]
    pub async fn head(&self, branch: &str) -> Result<Option<String>, GitError> {
        self.world.git.branch(branch).await
    }

    /// Commits changes to a branch and pushes them as `author`; returns the new commit. A missing branch is
    /// created at the main branch's head, or empty if the main branch has no commit yet.
    ///
    /// # Errors
    /// [`GitError`]
    pub async fn commit(
        &self,
        branch: &str,
        author: &str,
        message: &str,
        changes: &[Change],
    ) -> Result<String, GitError> {
        let mut state = self.world.state.lock().await;
        let before = self.world.git.branch(branch).await?;
        let parent = match &before {
            Some(before) => Some(before.clone()),
            None => self.world.git.branch(&state.default_branch).await?,
        };
        let tree = self.world.git.tree_with(parent.as_deref(), changes).await?;
        let author = self.world.person(author);
        let commit = NewCommit {
            tree,
            parents: parent.into_iter().collect(),
            committer: author.clone(),
            message: message.to_owned(),
            author: author.clone(),
        };
        let sha = self.world.git.make_commit(&commit).await?;
        let moved = Moved { branch: branch.to_owned(), before, after: Some(sha.clone()) };
        push(&self.world, &mut state, moved, &author.name).await?;
        Ok(sha)
    }

    /// Pushes a commit to a branch, wherever the branch is, as `git push --force` does. No commit removes the
    /// branch.
    ///
    /// # Errors
    /// [`GitError`]
    pub async fn push(&self, branch: &str, author: &str, commit: Option<&str>) -> Result<(), GitError> {
        let mut state = self.world.state.lock().await;
        let before = self.world.git.branch(branch).await?;
        let moved = Moved { branch: branch.to_owned(), before, after: commit.map(str::to_owned) };
        push(&self.world, &mut state, moved, author).await
    }
}
