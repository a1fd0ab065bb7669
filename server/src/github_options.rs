//! The options for a configuration repository at GitHub, and the client built from them.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use backstay_fleet::github::{Access, GitHub, GitHubConfig, MergeMethod, UpdateRule};
use backstay_fleet::secret::Secret;
use backstay_model::SystemClock;
use clap::{Args, ValueEnum};

use crate::secret_file;

/// The configuration repository at GitHub.
#[derive(Debug, Args)]
#[command(next_help_heading = "GitHub")]
pub(crate) struct GitHubOptions {
    /// The configuration repository at GitHub, as `owner/name`. Replaces `--repository`, and lets people merge and revert pull
    /// requests.
    #[arg(
        id = "github-repository",
        long = "github-repository",
        env = "BACKSTAY_GITHUB_REPOSITORY",
        value_name = "OWNER/NAME"
    )]
    repository: Option<String>,
    /// The file with a token that can read and write contents and pull requests.
    #[arg(long = "github-token-file", env = "BACKSTAY_GITHUB_TOKEN_FILE", value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The identifier of a GitHub App, instead of a token.
    #[arg(long = "github-app-id", env = "BACKSTAY_GITHUB_APP_ID", value_name = "NUMBER")]
    app_id: Option<u64>,
    /// The identifier of the app's installation.
    #[arg(long = "github-installation-id", env = "BACKSTAY_GITHUB_INSTALLATION_ID", value_name = "NUMBER")]
    installation_id: Option<u64>,
    /// The file with the app's private key, in PEM.
    #[arg(long = "github-app-key-file", env = "BACKSTAY_GITHUB_APP_KEY_FILE", value_name = "FILE")]
    app_key_file: Option<PathBuf>,
    /// The address of the API. For a GitHub Enterprise Server: `https://HOST/api/v3`.
    #[arg(
        long = "github-api",
        env = "BACKSTAY_GITHUB_API",
        value_name = "URL",
        default_value = "https://api.github.com"
    )]
    api: String,
    /// The file with the secret of the webhook at `/webhooks/github`. Without it, the server rejects deliveries, and notices
    /// changes at the next poll.
    #[arg(
        long = "github-webhook-secret-file",
        env = "BACKSTAY_GITHUB_WEBHOOK_SECRET_FILE",
        value_name = "FILE"
    )]
    webhook_secret_file: Option<PathBuf>,
    /// How pull requests are merged.
    #[arg(long, env = "BACKSTAY_MERGE_METHOD", value_enum, default_value_t = Method::Merge)]
    merge_method: Method,
    /// A label of pull requests that update the fleet. Repeat the option, or separate labels by commas. If you give neither a
    /// label nor a title: the labels `dependencies` and `flake-update`, and titles with `flake.lock`, `flake input` or `lock
    /// file`.
    #[arg(long = "update-label", env = "BACKSTAY_UPDATE_LABEL", value_name = "LABEL", value_delimiter = ',')]
    update_labels: Vec<String>,
    /// A part of the title of pull requests that update the fleet. Repeat the option, or separate parts by commas. `*` matches
    /// every pull request into the branch.
    #[arg(long = "update-title", env = "BACKSTAY_UPDATE_TITLE", value_name = "TEXT", value_delimiter = ',')]
    update_titles: Vec<String>,
}

/// How pull requests are merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Method {
    /// With a merge commit.
    Merge,
    /// As one commit.
    Squash,
    /// Commit by commit.
    Rebase,
}

impl From<Method> for MergeMethod {
    fn from(method: Method) -> Self {
        match method {
            Method::Merge => Self::Merge,
            Method::Squash => Self::Squash,
            Method::Rebase => Self::Rebase,
        }
    }
}

/// The result of the options.
pub(crate) struct Configured {
    /// The repository.
    pub(crate) github: GitHub,
    /// The secret that signs deliveries of the webhook.
    pub(crate) webhook_secret: Option<Secret>,
}

impl GitHubOptions {
    /// Returns the client for the repository that the options name, or `None` if they name no repository. Reads files, and sends no
    /// request to GitHub.
    ///
    /// # Errors
    /// A text for the person who starts the server: which options exclude each other, or which file cannot be used.
    pub(crate) fn configure(&self, branch: &str, git: Option<&str>) -> anyhow::Result<Option<Configured>> {
        let Some(repository) = &self.repository else {
            if let Some(option) = self.without_repository() {
                bail!(
                    "{option} is given, but --github-repository is not: it names the repository, as owner/name"
                );
            }
            return Ok(None);
        };
        ensure!(
            git.is_none(),
            "--repository and --github-repository both name the configuration repository: give one. With --github-repository, everything is read through GitHub's API"
        );
        let (owner, name) = owner_and_name(repository)?;
        ensure!(
            is_branch(branch),
            "--branch: “{branch}” cannot be a branch at GitHub here: letters, digits and . _ / - make a name"
        );
        let config = GitHubConfig {
            api: self.api()?,
            owner: owner.to_owned(),
            name: name.to_owned(),
            branch: branch.to_owned(),
            access: self.access()?,
            merge_method: self.merge_method.into(),
            updates: self.updates(),
        };
        let secret = self.webhook_secret_file.as_deref();
        let webhook_secret =
            secret.map(|file| secret_file::read("--github-webhook-secret-file", file)).transpose()?;
        let github = GitHub::new(&config, Arc::new(SystemClock))
            .map_err(|error| anyhow::anyhow!("GitHub cannot be used with these options: {error}"))?;
        Ok(Some(Configured { github, webhook_secret }))
    }

    /// The first option that requires a repository.
    fn without_repository(&self) -> Option<&'static str> {
        let given = [
            ("--github-token-file", self.token_file.is_some()),
            ("--github-app-id", self.app_id.is_some()),
            ("--github-installation-id", self.installation_id.is_some()),
            ("--github-app-key-file", self.app_key_file.is_some()),
            ("--github-webhook-secret-file", self.webhook_secret_file.is_some()),
        ];
        given.into_iter().find(|(_, is_given)| *is_given).map(|(option, _)| option)
    }

    fn access(&self) -> anyhow::Result<Access> {
        let app = [
            ("--github-app-id", self.app_id.is_some()),
            ("--github-installation-id", self.installation_id.is_some()),
            ("--github-app-key-file", self.app_key_file.is_some()),
        ];
        let given = app.iter().find(|(_, is_given)| *is_given);
        if let Some(file) = &self.token_file {
            if let Some((option, _)) = given {
                bail!("--github-token-file and {option} are both given: give one of them");
            }
            return Ok(Access::Token(secret_file::read("--github-token-file", file)?));
        }
        match (self.app_id, self.installation_id, &self.app_key_file) {
            (Some(app), Some(installation), Some(file)) => {
                Ok(Access::App { app, installation, key: secret_file::read("--github-app-key-file", file)? })
            }
            (None, None, None) => bail!(
                "--github-repository is given, but no credentials for GitHub: give --github-token-file, or --github-app-id, --github-installation-id and --github-app-key-file"
            ),
            _ => {
                let missing: Vec<_> =
                    app.iter().filter(|(_, is_given)| !is_given).map(|(option, _)| *option).collect();
                bail!(
                    "a GitHub App requires its identifier, its installation and its key: {} is missing",
                    missing.join(" and ")
                )
            }
        }
    }

    fn api(&self) -> anyhow::Result<String> {
        let api = self.api.trim_end_matches('/');
        let host = api.strip_prefix("https://").or_else(|| api.strip_prefix("http://"));
        ensure!(
            host.is_some_and(|host| !host.is_empty()),
            "--github-api: “{api}” is not the address of an API, such as https://api.github.com or https://HOST/api/v3"
        );
        let is_here =
            host.is_some_and(|host| ["127.", "localhost", "[::1]"].iter().any(|own| host.starts_with(own)));
        if api.starts_with("http://") && !is_here {
            tracing::warn!("--github-api is not https: anyone on the network path can read the token");
        }
        Ok(api.to_owned())
    }

    fn updates(&self) -> UpdateRule {
        // An empty variable counts as unset.
        let given = |texts: &[String]| -> Vec<String> {
            texts.iter().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).collect()
        };
        let (labels, mut titles) = (given(&self.update_labels), given(&self.update_titles));
        if labels.is_empty() && titles.is_empty() {
            return UpdateRule::default();
        }
        for title in &mut titles {
            if title == "*" {
                title.clear();
            }
        }
        UpdateRule { labels, titles }
    }
}

fn owner_and_name(repository: &str) -> anyhow::Result<(&str, &str)> {
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    repository
        .split_once('/')
        .filter(|(owner, name)| is_name(owner) && is_name(name))
        .with_context(|| format!("--github-repository: “{repository}” is not of the form owner/name"))
}

/// Returns whether a branch can stand in an address as it is written. GitHub allows others, but hosts hardly follow them.
fn is_branch(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('/')
        && !name.ends_with('/')
        && !name.contains("..")
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte))
}
