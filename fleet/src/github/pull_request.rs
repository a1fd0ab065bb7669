//! Pull requests as GitHub tells of them.

use backstay_model::Commit;
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
    /// What its author is to the repository, such as `MEMBER` or `NONE`.
    #[serde(default)]
    pub author_association: String,
    /// How many commits it has; said of a single one alone.
    #[serde(default)]
    pub commits: Option<usize>,
    /// How many files it changes; said of a single one alone.
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

    /// Whether GitHub knows its author at the repository. A bot that pushes to the repository's own branches was let in,
    /// whatever GitHub calls it.
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
    /// The commit that it is at.
    pub sha: Commit,
    /// The repository that has the branch; none where that is gone.
    #[serde(default)]
    pub repo: Option<TipRepository>,
}

/// The repository at one end of a pull request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TipRepository {
    /// Its identifier, which stays when it is renamed.
    pub id: u64,
    /// Its name, with its owner.
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
