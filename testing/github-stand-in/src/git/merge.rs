//! Merging, without a work tree.

use super::{Commit, Git, GitError, NewCommit};

/// The result of a merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Merge {
    /// The merged tree.
    Tree(String),
    /// Both sides changed the same places.
    Conflict,
}

impl Git {
    /// Merges one commit into another.
    pub(crate) async fn merge(&self, into: &str, other: &str) -> Result<Merge, GitError> {
        let args = ["merge-tree", "--write-tree", "--no-messages", into, other];
        let said = self.run(&args, b"", &[]).await?;
        match said.code {
            Some(0) => Ok(Merge::Tree(said.text())),
            Some(1) => Ok(Merge::Conflict),
            _ if said.err.contains("unrelated histories") => Ok(Merge::Conflict),
            _ => Err(super::failed(&args, &said)),
        }
    }

    /// Applies to the tree of `onto` what `commit` changed against its parent.
    ///
    /// A commit with the tree of `onto` on that parent has the parent as its merge base with `commit`:
    /// merging the two is a cherry-pick. (`merge-tree --merge-base` would do it too, but git has it only
    /// since 2.40.)
    pub(crate) async fn pick(&self, commit: &Commit, onto: &Commit) -> Result<Merge, GitError> {
        let Some(parent) = commit.parents.first() else { return Ok(Merge::Conflict) };
        let stand_in = NewCommit {
            tree: onto.tree.clone(),
            parents: vec![parent.clone()],
            author: commit.author.clone(),
            committer: commit.committer.clone(),
            message: "onto\n".to_owned(),
        };
        let stand_in = self.make_commit(&stand_in).await?;
        self.merge(&stand_in, &commit.sha).await
    }
}
