//! Making blobs, trees and commits.

use super::{Git, GitError, Person};

/// A commit to make.
#[derive(Debug, Clone)]
pub(crate) struct NewCommit {
    pub(crate) tree: String,
    pub(crate) parents: Vec<String>,
    pub(crate) author: Person,
    pub(crate) committer: Person,
    pub(crate) message: String,
}

/// A change to one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The file has this content now.
    Write {
        /// Its path.
        path: String,
        /// Its content.
        content: Vec<u8>,
        /// Whether it is executable.
        executable: bool,
    },
    /// The file is deleted.
    Delete {
        /// Its path.
        path: String,
    },
}

impl Change {
    /// Writes a text file.
    pub fn write(path: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        Self::Write { path: path.into(), content: content.into(), executable: false }
    }

    /// Deletes a file.
    pub fn delete(path: impl Into<String>) -> Self {
        Self::Delete { path: path.into() }
    }
}

impl Git {
    /// Makes a commit, which no branch has yet.
    pub(crate) async fn make_commit(&self, commit: &NewCommit) -> Result<String, GitError> {
        let (author, committer) = (date(&commit.author), date(&commit.committer));
        let env = [
            ("GIT_AUTHOR_NAME", commit.author.name.as_str()),
            ("GIT_AUTHOR_EMAIL", &commit.author.email),
            ("GIT_AUTHOR_DATE", &author),
            ("GIT_COMMITTER_NAME", &commit.committer.name),
            ("GIT_COMMITTER_EMAIL", &commit.committer.email),
            ("GIT_COMMITTER_DATE", &committer),
        ];
        let mut args = vec!["commit-tree", commit.tree.as_str()];
        args.extend(commit.parents.iter().flat_map(|parent| ["-p", parent]));
        args.extend(["-F", "-"]);
        Ok(self.feed(&args, commit.message.as_bytes(), &env).await?.text())
    }

    /// Applies changes to the tree of a commit, or to the empty one.
    pub(crate) async fn tree_with(&self, base: Option<&str>, changes: &[Change]) -> Result<String, GitError> {
        let dir = tempfile::tempdir()?;
        let index = dir.path().join("index");
        let index = index.to_string_lossy();
        let env = [("GIT_INDEX_FILE", index.as_ref())];
        self.feed(&["read-tree", base.unwrap_or("--empty")], b"", &env).await?;
        let mut lines = vec![];
        for change in changes {
            lines.extend(self.index_line(change).await?);
        }
        self.feed(&["update-index", "-z", "--index-info"], &lines, &env).await?;
        Ok(self.feed(&["write-tree"], b"", &env).await?.text())
    }

    async fn index_line(&self, change: &Change) -> Result<Vec<u8>, GitError> {
        let line = match change {
            Change::Write { path, content, executable } => {
                let blob = self.feed(&["hash-object", "-w", "--stdin"], content, &[]).await?.text();
                format!("{} {blob}\t{path}\0", if *executable { "100755" } else { "100644" })
            }
            Change::Delete { path } => format!("0 {}\t{path}\0", "0".repeat(40)),
        };
        Ok(line.into_bytes())
    }
}

fn date(person: &Person) -> String {
    format!("@{} +0000", person.at.timestamp())
}
