//! Pull requests.

use chrono::{DateTime, Utc};

/// One of them.
#[derive(Debug, Clone)]
pub(crate) struct Pull {
    pub(crate) number: u64,
    pub(crate) title: String,
    pub(crate) body: Option<String>,
    pub(crate) author: String,
    pub(crate) is_draft: bool,
    pub(crate) labels: Vec<String>,
    /// Whose fork it comes from; none where it comes from the repository itself.
    pub(crate) fork: Option<String>,
    /// What its author is to the repository, such as `MEMBER`.
    pub(crate) association: String,
    /// The branch that it comes from.
    pub(crate) head: String,
    pub(crate) head_sha: String,
    /// The branch that it goes to.
    pub(crate) base: String,
    /// Where that branch was when the pull request last changed.
    pub(crate) base_sha: String,
    pub(crate) created: DateTime<Utc>,
    pub(crate) updated: DateTime<Utc>,
    pub(crate) closed: Option<DateTime<Utc>>,
    pub(crate) merged: Option<Merged>,
    pub(crate) test_merge: Option<TestMerge>,
}

/// That it was merged.
#[derive(Debug, Clone)]
pub(crate) struct Merged {
    pub(crate) at: DateTime<Utc>,
    pub(crate) by: String,
    /// Where the base branch was before.
    pub(crate) before: Option<String>,
    /// The commit that the base branch got: `merge_commit_sha`.
    pub(crate) sha: String,
}

/// What merging would give, tried by GitHub beforehand.
#[derive(Debug, Clone)]
pub(crate) struct TestMerge {
    pub(crate) base: String,
    pub(crate) head: String,
    /// The merge commit; none where there is a conflict.
    pub(crate) commit: Option<String>,
    /// Whether each commit by itself can be put on the base too.
    pub(crate) is_rebaseable: bool,
}

impl Pull {
    pub(crate) fn is_open(&self) -> bool {
        self.closed.is_none()
    }

    /// Whether it comes from this branch of the repository itself.
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
