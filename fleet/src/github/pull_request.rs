//! Pull requests as GitHub tells of them.

use backstay_protocol::Commit;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A pull request, with what Backstay needs of it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PullRequest {
    /// Its number.
    pub number: u64,
    /// Its title.
    pub title: String,
    /// Its page.
    pub html_url: String,
    /// `open` or `closed`.
    pub state: String,
    /// Who opened it; none where the account is gone.
    pub user: Option<User>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// Whether it is not meant to be merged yet.
    #[serde(default)]
    pub draft: bool,
    /// Whether it was merged; said of a single one alone.
    #[serde(default)]
    pub merged: bool,
    /// When.
    pub merged_at: Option<DateTime<Utc>>,
    /// Once merged: the merge commit, the squashed commit, or the last of the rebased ones.
    pub merge_commit_sha: Option<Commit>,
    /// Who merged it; said of a single one alone.
    #[serde(default)]
    pub merged_by: Option<User>,
    /// Whether it can be merged; none while GitHub is finding out.
    #[serde(default)]
    pub mergeable: Option<bool>,
    /// What stands in the way, such as `blocked` or `behind`; said of a single one alone.
    #[serde(default)]
    pub mergeable_state: Option<String>,
    /// Where it comes from.
    pub head: Tip,
    /// Where it goes.
    pub base: Tip,
    /// Its labels.
    #[serde(default)]
    pub labels: Vec<Label>,
}

/// One end of a pull request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Tip {
    /// The branch.
    #[serde(rename = "ref")]
    pub branch: String,
    /// The commit that it is at.
    pub sha: Commit,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct User {
    /// Its name.
    pub login: String,
}

/// A label.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Label {
    /// Its name.
    pub name: String,
}

/// How a pull request is merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MergeMethod {
    /// With a merge commit.
    Merge,
    /// As one commit.
    Squash,
    /// Commit by commit.
    Rebase,
}
