//! What going from one generation of a host to another changes, as the host itself can tell.

use serde::{Deserialize, Serialize};

use crate::closure_diff::ClosureDiff;
use crate::{Commit, GenerationRef};

/// The most commits that a comparison names; those beyond are counted.
pub const COMMITS: usize = 50;
/// The longest subject that is kept, in bytes.
pub const SUBJECT_BYTES: usize = 200;

/// Which two generations are compared.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Pair {
    /// Where one comes from.
    pub from: GenerationRef,
    /// Where one goes.
    pub to: GenerationRef,
}

/// What going from one generation to another changes. Each part that cannot be told says why, in a sentence: the others
/// are worth having without it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// The packages that come, go or change.
    pub packages: Result<ClosureDiff, String>,
    /// The commits between the two configurations.
    pub commits: Result<CommitsBetween, String>,
}

impl Comparison {
    /// Where nothing can be told, and why.
    pub fn unknown(why: &str) -> Self {
        Self { packages: Err(why.to_owned()), commits: Err(why.to_owned()) }
    }
}

/// The commits that lie between two configurations.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitsBetween {
    /// Those that the second has and the first has not, newest first.
    pub gained: Commits,
    /// Those that the first has and the second has not, newest first: what a rollback takes back.
    pub lost: Commits,
    /// Whether both hold the same files, whatever lies between them.
    pub same_files: bool,
}

/// Some commits, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commits {
    /// The newest, at most [`COMMITS`].
    pub newest: Vec<CommitLine>,
    /// How many more there are.
    pub more: u32,
}

/// A commit in a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitLine {
    /// The commit.
    pub commit: Commit,
    /// The first line of its message.
    pub subject: String,
}
