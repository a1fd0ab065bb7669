//! Settings of the repository.

use serde::Deserialize;

/// The allowed ways of merging.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct MergeMethods {
    /// By a merge commit.
    pub merge: bool,
    /// As one commit.
    pub squash: bool,
    /// Commit by commit.
    pub rebase: bool,
}

impl Default for MergeMethods {
    fn default() -> Self {
        Self { merge: true, squash: true, rebase: true }
    }
}
