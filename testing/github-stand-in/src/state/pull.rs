//! Pull requests.

use chrono::{DateTime, Utc};

/// A pull request.
#[derive(Debug, Clone)]
pub(crate) struct Pull {
    pub(crate) number: u64,
    pub(crate) title: String,
    pub(crate) body: Option<String>,
    pub(crate) author: String,
    pub(crate) is_draft: bool,
    pub(crate) labels: Vec<String>,
    /// The owner of the fork that it comes from; `None` if it comes from the repository itself.
    pub(crate) fork: Option<String>,
    /// Its author's association with the repository, such as `MEMBER`.
    pub(crate) association: String,
    /// The branch that it comes from.
    pub(crate) head: String,
    pub(crate) head_sha: String,
    /// The branch that it goes into.
    pub(crate) base: String,
    /// The base branch's commit when the pull request last changed.
    pub(crate) base_sha: String,
    pub(crate) created: DateTime<Utc>,
    pub(crate) updated: DateTime<Utc>,
    pub(crate) closed: Option<DateTime<Utc>>,
    pub(crate) merged: Option<Merged>,
    pub(crate) test_merge: Option<TestMerge>,
}

/// A merge.
#[derive(Debug, Clone)]
pub(crate) struct Merged {
    pub(crate) at: DateTime<Utc>,
    pub(crate) by: String,
    /// The base branch's commit before.
    pub(crate) before: Option<String>,
    /// The base branch's commit after: `merge_commit_sha`.
    pub(crate) sha: String,
}

/// The result of a trial merge, which GitHub makes in advance.
#[derive(Debug, Clone)]
pub(crate) struct TestMerge {
    pub(crate) base: String,
    pub(crate) head: String,
    /// The merge commit; `None` on a conflict.
    pub(crate) commit: Option<String>,
    /// Whether each commit can be rebased onto the base too.
    pub(crate) is_rebaseable: bool,
}

impl Pull {
    pub(crate) fn is_open(&self) -> bool {
        self.closed.is_none()
    }

    /// Returns whether it comes from this branch of the repository itself.
    pub(crate) fn is_from(&self, branch: &str) -> bool {
        self.fork.is_none() && self.head == branch
    }

    /// `merge_commit_sha`: of the merge, or of the trial.
    pub(crate) fn merge_commit(&self) -> Option<&str> {
        match (&self.merged, &self.test_merge) {
            (Some(merged), _) => Some(&merged.sha),
            (None, Some(trial)) => trial.commit.as_deref(),
            (None, None) => None,
        }
    }
}
