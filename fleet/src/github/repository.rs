//! Single requests about a repository at GitHub.

use std::sync::Arc;

use backstay_model::{Clock, Commit};
use chrono::{DateTime, Utc};
use http::Method;
use serde::Deserialize;
use serde_json::json;

use super::client::{Client, GitHubConfig};
use super::error::GitHubError;
use super::pull_request::{MergeMethod, PullRequest, User};
use super::update_rule::UpdateRule;

/// Number of commits that GitHub lists for a pull request.
pub(super) const COMMITS: usize = 250;
/// Number of entries on one page.
const PAGE: usize = 100;

/// The configuration repository at GitHub.
#[derive(Clone)]
pub struct GitHub {
    client: Client,
    /// The name as `owner/name`.
    name: String,
    /// The site for people.
    site: String,
    branch: String,
    merge_method: MergeMethod,
    updates: UpdateRule,
}

/// A commit as git stores it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct GitCommit {
    pub(super) sha: Commit,
    pub(super) tree: Object,
    pub(super) parents: Vec<Object>,
    pub(super) message: String,
    pub(super) author: Signature,
    pub(super) committer: Signature,
}

/// An object with a hash.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Object {
    pub(super) sha: Commit,
}

/// The author of a commit, and the time. A rebase keeps both.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Signature {
    pub(super) email: String,
    pub(super) date: DateTime<Utc>,
}

/// The relation of two commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Relation {
    /// The second comes after the first.
    Ahead,
    /// The first comes after the second.
    Behind,
    /// Each has commits that the other lacks.
    Diverged,
    /// They are the same.
    Identical,
}

#[derive(Deserialize)]
struct Reference {
    object: Object,
}

/// A repository under its current name.
#[derive(Deserialize)]
struct Named {
    owner: User,
}

#[derive(Deserialize)]
pub(super) struct Comparison {
    pub(super) status: Relation,
    /// Number of commits that the second has and the first lacks.
    pub(super) ahead_by: usize,
    /// The first of those commits, oldest first.
    pub(super) commits: Vec<ListedCommit>,
}

/// A commit in a list.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct ListedCommit {
    pub(super) sha: Commit,
    pub(super) parents: Vec<Object>,
    pub(super) commit: Written,
}

/// The parts that identify a commit after a rebase.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Written {
    pub(super) message: String,
    pub(super) author: Signature,
}

/// The part of the answer to `GET commits/{ref}` that comes from git.
#[derive(Deserialize)]
struct Merged {
    sha: Commit,
    commit: MergedInner,
}

#[derive(Deserialize)]
struct MergedInner {
    tree: Object,
}

/// The site that belongs to the address of an API.
fn site(api: &str) -> &str {
    let api = api.trim_end_matches('/');
    if api == "https://api.github.com" {
        return "https://github.com";
    }
    api.strip_suffix("/api/v3").unwrap_or(api)
}

impl GitHub {
    /// Returns the repository that this configuration names. Sends no request yet.
    ///
    /// # Errors
    /// [`GitHubError`] if the configuration cannot be used.
    pub fn new(config: &GitHubConfig, clock: Arc<dyn Clock>) -> Result<Self, GitHubError> {
        Ok(Self {
            client: Client::new(config, clock)?,
            name: format!("{}/{}", config.owner, config.name),
            site: site(&config.api).to_owned(),
            branch: config.branch.clone(),
            merge_method: config.merge_method,
            updates: config.updates.clone(),
        })
    }

    /// The branch that hosts follow.
    pub fn branch(&self) -> &str {
        &self.branch
    }

    /// The repository as `owner/name`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The address of the repository's page.
    pub(crate) fn address_for_people(&self) -> String {
        format!("{}/{}", self.site, self.name)
    }

    /// How pull requests are merged.
    pub fn merge_method(&self) -> MergeMethod {
        self.merge_method
    }

    /// Which pull requests update the fleet.
    pub(crate) fn updates(&self) -> &UpdateRule {
        &self.updates
    }

    /// Returns the pull request of this number.
    ///
    /// # Errors
    /// [`GitHubError`]
    pub async fn pull_request(&self, number: u64) -> Result<PullRequest, GitHubError> {
        self.client.get(&format!("pull request {number}"), &self.at(&format!("pulls/{number}"))).await
    }

    /// Merges a pull request if its head is still this commit. Returns the new head of the branch.
    ///
    /// # Errors
    /// [`GitHubError`]; in that case nothing was merged, unless it is [`GitHubError::Away`].
    pub async fn merge(
        &self,
        number: u64,
        head: &Commit,
        method: MergeMethod,
    ) -> Result<Commit, GitHubError> {
        let path = self.at(&format!("pulls/{number}/merge"));
        let body = json!({ "sha": head, "merge_method": method });
        let merged: Option<Object> =
            self.client.send(&format!("pull request {number}"), Method::PUT, &path, &body).await?;
        merged.map(|merged| merged.sha).ok_or_else(|| nothing_said("the merge"))
    }

    /// Returns a file at a commit, or `None` if there is no such file.
    ///
    /// # Errors
    /// [`GitHubError`]
    pub async fn file(&self, path: &str, commit: &Commit) -> Result<Option<String>, GitHubError> {
        let what = format!("file {path} at {commit}");
        match self.client.text(&what, &self.at(&format!("contents/{path}?ref={}", commit.0))).await {
            Err(GitHubError::NotFound(_)) => Ok(None),
            read => read.map(Some),
        }
    }

    /// The head of the branch.
    pub(crate) async fn head(&self) -> Result<Commit, GitHubError> {
        self.tip(&self.branch).await
    }

    /// The head of a branch.
    pub(super) async fn tip(&self, branch: &str) -> Result<Commit, GitHubError> {
        let path = self.at(&format!("git/ref/heads/{branch}"));
        let reference: Reference = self.client.get(&format!("branch {branch}"), &path).await?;
        Ok(reference.object.sha)
    }

    pub(super) async fn commit(&self, commit: &Commit) -> Result<GitCommit, GitHubError> {
        let path = self.at(&format!("git/commits/{}", commit.0));
        self.client.get(&format!("commit {commit}"), &path).await
    }

    /// The relation of `second` to `first`.
    pub(super) async fn compare(&self, first: &Commit, second: &Commit) -> Result<Relation, GitHubError> {
        Ok(self.compare_page(first, second, 1, 1).await?.status)
    }

    /// The relation of `second` to `first`, with a page of the commits between them.
    async fn compare_page(
        &self,
        first: &Commit,
        second: &Commit,
        size: usize,
        page: usize,
    ) -> Result<Comparison, GitHubError> {
        let range = format!("compare/{}...{}?per_page={size}&page={page}", first.0, second.0);
        self.client.get(&format!("way from {first} to {second}"), &self.at(&range)).await
    }

    /// Returns whether a commit is in the history of `head`.
    pub(super) async fn contains(&self, head: &Commit, commit: &Commit) -> Result<bool, GitHubError> {
        match self.compare(commit, head).await {
            Ok(relation) => Ok(matches!(relation, Relation::Ahead | Relation::Identical)),
            Err(GitHubError::NotFound(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The number of commits that `second` has and `first` lacks, and those commits, oldest first: at most as many as GitHub lists
    /// for a pull request.
    pub(super) async fn between(
        &self,
        first: &Commit,
        second: &Commit,
    ) -> Result<(usize, Vec<ListedCommit>), GitHubError> {
        let (mut count, mut commits) = (0, vec![]);
        for page in 1..=COMMITS.div_ceil(PAGE) {
            let some = self.compare_page(first, second, PAGE, page).await?;
            count = some.ahead_by;
            let is_last = some.commits.len() < PAGE;
            commits.extend(some.commits);
            if is_last {
                break;
            }
        }
        Ok((count, commits))
    }

    /// The commits of a pull request, oldest first. GitHub lists the first 250.
    pub(super) async fn commits_of(&self, number: u64) -> Result<Vec<ListedCommit>, GitHubError> {
        let mut commits = vec![];
        for page in 1..=COMMITS.div_ceil(PAGE) {
            let path = self.at(&format!("pulls/{number}/commits?per_page={PAGE}&page={page}"));
            let some: Vec<ListedCommit> = self.client.get(&format!("pull request {number}"), &path).await?;
            let is_last = some.len() < PAGE;
            commits.extend(some);
            if is_last {
                break;
            }
        }
        Ok(commits)
    }

    /// The merged pull requests that brought a commit to the branch, according to GitHub.
    pub(super) async fn merges_of(&self, commit: &Commit) -> Result<Vec<PullRequest>, GitHubError> {
        let path = self.at(&format!("commits/{}/pulls?per_page={PAGE}", commit.0));
        let mut all: Vec<PullRequest> = self.client.get(&format!("commit {commit}"), &path).await?;
        all.retain(|pull| pull.merged_at.is_some() && pull.base.branch == self.branch);
        Ok(all)
    }

    /// Creates a commit that is on no branch yet.
    pub(super) async fn make_commit(
        &self,
        message: &str,
        tree: &Commit,
        parent: &Commit,
    ) -> Result<Commit, GitHubError> {
        let body = json!({ "message": message, "tree": tree, "parents": [parent] });
        let made: Option<Object> =
            self.client.send("commit", Method::POST, &self.at("git/commits"), &body).await?;
        made.map(|made| made.sha).ok_or_else(|| nothing_said("the commit"))
    }

    /// Creates a branch.
    pub(super) async fn make_branch(&self, branch: &str, at: &Commit) -> Result<(), GitHubError> {
        let body = json!({ "ref": format!("refs/heads/{branch}"), "sha": at });
        let path = self.at("git/refs");
        self.client.send::<Reference>("branch", Method::POST, &path, &body).await.map(drop)
    }

    /// Removes a branch if it exists.
    pub(super) async fn remove_branch(&self, branch: &str) -> Result<(), GitHubError> {
        match self.client.delete("branch", &self.at(&format!("git/refs/heads/{branch}"))).await {
            // GitHub answers 422 “Reference does not exist”.
            Err(GitHubError::NotFound(_)) => Ok(()),
            Err(GitHubError::Refused(said)) if said.contains("does not exist") => Ok(()),
            removed => removed,
        }
    }

    /// Merges a commit into a branch. Returns the resulting tree, or `None` if the branch already contains the commit.
    pub(super) async fn merge_into(
        &self,
        branch: &str,
        commit: &Commit,
    ) -> Result<Option<Commit>, GitHubError> {
        let body = json!({ "base": branch, "head": commit });
        let merged: Option<Merged> =
            self.client.send("merge", Method::POST, &self.at("merges"), &body).await?;
        Ok(merged.map(|merged| {
            tracing::debug!(commit = %merged.sha, "merged on a scratch branch");
            merged.commit.tree.sha
        }))
    }

    /// Fast-forwards the branch to a commit.
    pub(super) async fn move_branch(&self, to: &Commit) -> Result<(), GitHubError> {
        let path = self.at(&format!("git/refs/heads/{}", self.branch));
        let body = json!({ "sha": to, "force": false });
        self.client.send::<Reference>("branch", Method::PATCH, &path, &body).await.map(drop)
    }

    /// The open pull request from this branch of the repository itself. A fork may have a branch of the same name.
    pub(super) async fn pull_request_from(&self, branch: &str) -> Result<Option<PullRequest>, GitHubError> {
        let repository: Named = self.client.get(&format!("repository {}", self.name), &self.root()).await?;
        let (owner, base) = (repository.owner.login, &self.branch);
        let path = format!("pulls?state=open&base={base}&head={owner}:{branch}&per_page={PAGE}");
        let open: Vec<PullRequest> = self.client.get("list of pull requests", &self.at(&path)).await?;
        Ok(open.into_iter().find(|pr| pr.head.branch == branch && pr.fork().is_none()))
    }

    /// Opens a pull request.
    pub(super) async fn open_pull_request(
        &self,
        branch: &str,
        title: &str,
        body: &str,
    ) -> Result<PullRequest, GitHubError> {
        let wanted = json!({ "title": title, "head": branch, "base": self.branch, "body": body });
        let opened = self.client.send("pull request", Method::POST, &self.at("pulls"), &wanted).await?;
        opened.ok_or_else(|| nothing_said("the new pull request"))
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// The address of the repository.
    pub(super) fn root(&self) -> String {
        format!("/repos/{}", self.name)
    }

    /// The address of something in the repository.
    pub(super) fn at(&self, path: &str) -> String {
        format!("{}/{path}", self.root())
    }
}

fn nothing_said(of: &str) -> GitHubError {
    GitHubError::Unexpected(format!("it did not mention {of}"))
}

#[cfg(test)]
mod tests {
    use super::site;

    #[test]
    fn an_api_has_a_site_for_people() {
        for (api, people) in [
            ("https://api.github.com", "https://github.com"),
            ("https://git.example.org/api/v3/", "https://git.example.org"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ] {
            assert_eq!(site(api), people);
        }
    }
}
