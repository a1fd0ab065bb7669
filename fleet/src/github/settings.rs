//! Faults in the configuration of the repository, in sentences that say what does not work.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::error::GitHubError;
use super::memo::Memo;
use super::pull_request::MergeMethod;
use super::repository::GitHub;
use super::update_rule::OWN_BRANCHES;

/// The rules that a push can break. <https://docs.github.com/en/rest/repos/rules>
const PUSH_RULES: [(&str, &str); 7] = [
    ("pull_request", "changes by pull requests alone"),
    ("required_status_checks", "checks that must have passed"),
    ("required_signatures", "signed commits"),
    ("required_deployments", "deployments that must have gone well"),
    ("merge_queue", "a merge queue"),
    ("required_linear_history", "no merge commits"),
    ("update", "no pushes"),
];

/// The faults in the settings of a repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    /// The faults and warnings.
    pub(crate) problems: Vec<String>,
    /// Whether somebody has to repair something.
    pub(crate) is_broken: bool,
}

#[derive(Deserialize)]
struct Repository {
    full_name: String,
    #[serde(default)]
    archived: bool,
    #[serde(default)]
    permissions: BTreeMap<String, bool>,
    allow_merge_commit: Option<bool>,
    allow_squash_merge: Option<bool>,
    allow_rebase_merge: Option<bool>,
}

#[derive(Deserialize)]
struct Installation {
    #[serde(default)]
    permissions: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Branch {
    #[serde(default)]
    protected: bool,
}

#[derive(Deserialize)]
struct Rule {
    #[serde(rename = "type")]
    kind: String,
}

impl Settings {
    fn broken(&mut self, problem: String) {
        self.is_broken = true;
        self.problems.push(problem);
    }
}

impl GitHub {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`GitHubError`] if GitHub did not answer: it is unreachable, or a rate limit was reached.
    pub(crate) async fn settings(&self, memo: &mut Memo) -> Result<Settings, GitHubError> {
        let mut settings = Settings::default();
        let name = self.name();
        let asked = self.ask_again(memo, &format!("repository {name}"), &self.root()).await;
        let repository: Arc<Repository> = match asked {
            Ok(repository) => repository,
            Err(error) if error.will_pass() => return Err(error),
            Err(GitHubError::NotFound(_)) => {
                settings.broken(format!(
                    "GitHub knows no repository {name}, or the token may not see it: nothing can be read from it. Check its name, and that the token was given access to it."
                ));
                return Ok(settings);
            }
            Err(error) => {
                settings.broken(format!("Nothing can be read from {name}. {error}"));
                return Ok(settings);
            }
        };
        self.check_repository(&repository, &mut settings);
        self.check_permissions(&repository, &mut settings).await?;
        self.check_branch(memo, &mut settings).await?;
        self.check_new_branches(memo, &mut settings).await?;
        Ok(settings)
    }

    fn check_repository(&self, repository: &Repository, settings: &mut Settings) {
        let name = self.name();
        if !repository.full_name.eq_ignore_ascii_case(name) {
            settings.problems.push(format!(
                "{name} is called {0} now. GitHub leads there until somebody makes another repository of the old name: set --github-repository {0}.",
                repository.full_name
            ));
        }
        if repository.archived {
            settings.broken(format!("{name} is archived: nothing can be merged or reverted."));
        }
        let (method, allowed) = match self.merge_method() {
            MergeMethod::Merge => ("a merge commit", repository.allow_merge_commit),
            MergeMethod::Squash => ("squashing", repository.allow_squash_merge),
            MergeMethod::Rebase => ("rebasing", repository.allow_rebase_merge),
        };
        if allowed == Some(false) {
            settings.broken(format!(
                "{name} does not allow merging by {method}: no pull request can be merged from here. Allow it there, or set another merge method."
            ));
        }
    }

    /// Checks whether the token may write. GitHub does not report the permissions of a fine-grained token: this check sees its
    /// owner's permissions, and only an attempt shows what the token lacks.
    async fn check_permissions(
        &self,
        repository: &Repository,
        settings: &mut Settings,
    ) -> Result<(), GitHubError> {
        let name = self.name();
        let Some(app) = self.client().as_app() else {
            if repository.permissions.get("push") == Some(&false) {
                settings.broken(format!(
                    "The token may not write to {name}: pull requests are shown, but none can be merged or reverted. Give it read and write access to contents and pull requests."
                ));
            }
            return Ok(());
        };
        let installation: Installation = match app.get("installation", &self.at("installation")).await {
            Ok(installation) => installation,
            Err(error) if error.will_pass() => return Err(error),
            Err(error) => {
                settings.broken(format!("What the app may do in {name} cannot be read. {error}"));
                return Ok(());
            }
        };
        for (permission, what) in [("contents", "contents"), ("pull_requests", "pull requests")] {
            if installation.permissions.get(permission).map(String::as_str) != Some("write") {
                settings.broken(format!(
                    "The app may not write {what} of {name}: no pull request can be merged or reverted. Give it read and write access to {what}, and accept that at the installation."
                ));
            }
        }
        Ok(())
    }

    async fn check_branch(&self, memo: &mut Memo, settings: &mut Settings) -> Result<(), GitHubError> {
        let (name, branch) = (self.name(), self.branch());
        let path = self.at(&format!("branches/{branch}"));
        let found = match self.ask_again::<Branch>(memo, &format!("branch {branch}"), &path).await {
            Ok(found) => found,
            Err(error) if error.will_pass() => return Err(error),
            Err(GitHubError::NotFound(_)) => {
                settings.broken(format!(
                    "There is no branch {branch} in {name}: no host can be compared with it. Check the branch in the server's configuration."
                ));
                return Ok(());
            }
            Err(error) => {
                settings.broken(format!("The branch {branch} of {name} cannot be read. {error}"));
                return Ok(());
            }
        };
        let rules = self.push_rules(memo).await?;
        if found.protected || !rules.is_empty() {
            let named = if rules.is_empty() { String::new() } else { format!(" ({})", rules.join(", ")) };
            settings.problems.push(format!(
                "{branch} is protected at GitHub{named}. Where its rules do not let Backstay push, a revert comes as a pull request that somebody has to merge."
            ));
        }
        Ok(())
    }

    /// A revert needs a scratch branch, and possibly one for a pull request.
    async fn check_new_branches(&self, memo: &mut Memo, settings: &mut Settings) -> Result<(), GitHubError> {
        let name = self.name();
        if self
            .rules(memo, &format!("{OWN_BRANCHES}revert-0"))
            .await?
            .iter()
            .any(|rule| rule.kind == "creation")
        {
            settings.problems.push(format!(
                "A ruleset of {name} restricts new branches, including those that begin with {OWN_BRANCHES}: unless Backstay may bypass it, no pull request can be reverted. Exclude {OWN_BRANCHES}** from it."
            ));
        }
        Ok(())
    }

    /// The rules of the branch that a push can break, in words.
    async fn push_rules(&self, memo: &mut Memo) -> Result<Vec<&'static str>, GitHubError> {
        let rules = self.rules(memo, self.branch()).await?;
        let is_set = |kind: &str| rules.iter().any(|rule| rule.kind == kind);
        Ok(PUSH_RULES.iter().filter(|(kind, _)| is_set(kind)).map(|(_, words)| *words).collect())
    }

    /// The rules that apply to a branch, even if it does not exist.
    async fn rules(&self, memo: &mut Memo, branch: &str) -> Result<Arc<Vec<Rule>>, GitHubError> {
        let path = self.at(&format!("rules/branches/{branch}"));
        match self.ask_again(memo, &format!("rules of the branch {branch}"), &path).await {
            Err(error) if !error.will_pass() => {
                // Older GitHub Enterprise Servers have no rulesets.
                Ok(Arc::default())
            }
            rules => rules,
        }
    }
}
