//! Pull requests as GitHub describes them.

use backstay_model::Commit;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The parts of a pull request that Backstay needs.
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
    /// Who opened it, or `None` if the account is gone.
    pub user: Option<User>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// Whether it is a draft.
    #[serde(default)]
    pub draft: bool,
    /// Whether it was merged. Absent from lists.
    #[serde(default)]
    pub merged: bool,
    /// When it was merged.
    pub merged_at: Option<DateTime<Utc>>,
    /// Once merged: the merge commit, the squashed commit, or the last of the rebased ones.
    pub merge_commit_sha: Option<Commit>,
    /// Who merged it. Absent from lists.
    #[serde(default)]
    pub merged_by: Option<User>,
    /// Whether it can be merged, or `None` while GitHub computes that.
    #[serde(default)]
    pub mergeable: Option<bool>,
    /// What prevents the merge, such as `blocked` or `behind`. Absent from lists.
    #[serde(default)]
    pub mergeable_state: Option<String>,
    /// The end with the changes.
    pub head: Tip,
    /// The end that receives the changes.
    pub base: Tip,
    /// Its labels.
    #[serde(default)]
    pub labels: Vec<Label>,
    /// The author's relation to the repository, such as `MEMBER` or `NONE`.
    #[serde(default)]
    pub author_association: String,
    /// Number of commits. Absent from lists.
    #[serde(default)]
    pub commits: Option<usize>,
    /// Number of changed files. Absent from lists.
    #[serde(default)]
    pub changed_files: Option<u64>,
}

impl PullRequest {
    /// The fork that it comes from; `None` if it comes from a branch of the repository itself.
    pub fn fork(&self) -> Option<&str> {
        match (&self.head.repo, &self.base.repo) {
            (Some(head), Some(base)) if head.id == base.id => None,
            (Some(head), _) => Some(&head.full_name),
            (None, _) => Some("a repository that is gone"),
        }
    }

    /// Returns whether the author belongs to the repository. A bot that pushes to the repository's own branches was given access,
    /// whatever relation GitHub reports.
    pub fn is_known_author(&self) -> bool {
        let is_own_bot = self.fork().is_none() && self.user.as_ref().is_some_and(|user| user.kind == "Bot");
        is_own_bot
            || ["OWNER", "MEMBER", "COLLABORATOR", "CONTRIBUTOR"].contains(&self.author_association.as_str())
    }
}

/// One end of a pull request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Tip {
    /// The branch.
    #[serde(rename = "ref")]
    pub branch: String,
    /// The branch's head.
    pub sha: Commit,
    /// The repository of the branch, or `None` if it is gone.
    #[serde(default)]
    pub repo: Option<TipRepository>,
}

/// The repository at one end of a pull request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TipRepository {
    /// Its identifier, which a rename keeps.
    pub id: u64,
    /// Its name as `owner/name`.
    pub full_name: String,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct User {
    /// Its name.
    pub login: String,
    /// `User`, `Bot` and the like.
    #[serde(default, rename = "type")]
    pub kind: String,
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
