//! The options of a configuration repository at GitHub, and what is made of them.
//!
//! Secrets come from files alone: a command line is seen by everybody on the machine, and an environment by every child.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use backstay_fleet::github::{Access, GitHub, GitHubConfig, MergeMethod, UpdateRule};
use backstay_fleet::secret::Secret;
use backstay_model::SystemClock;
use clap::{Args, ValueEnum};

/// The configuration repository at GitHub.
#[derive(Debug, Args)]
#[command(next_help_heading = "GitHub")]
pub(crate) struct GitHubOptions {
    /// The configuration repository at GitHub, as `owner/name`. Takes the place of `--repository`; with it, pull requests
    /// are shown, merged and reverted.
    #[arg(
        id = "github-repository",
        long = "github-repository",
        env = "BACKSTAY_GITHUB_REPOSITORY",
        value_name = "OWNER/NAME"
    )]
    repository: Option<String>,
    /// The file with a token that may read and write contents and pull requests.
    #[arg(long = "github-token-file", env = "BACKSTAY_GITHUB_TOKEN_FILE", value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The identifier of a GitHub App, in place of a token.
    #[arg(long = "github-app-id", env = "BACKSTAY_GITHUB_APP_ID", value_name = "NUMBER")]
    app_id: Option<u64>,
    /// The identifier of the app's installation.
    #[arg(long = "github-installation-id", env = "BACKSTAY_GITHUB_INSTALLATION_ID", value_name = "NUMBER")]
    installation_id: Option<u64>,
    /// The file with the app's private key, in PEM.
    #[arg(long = "github-app-key-file", env = "BACKSTAY_GITHUB_APP_KEY_FILE", value_name = "FILE")]
    app_key_file: Option<PathBuf>,
    /// The address of the API; `https://HOST/api/v3` of a GitHub Enterprise Server.
    #[arg(
        long = "github-api",
        env = "BACKSTAY_GITHUB_API",
        value_name = "URL",
        default_value = "https://api.github.com"
    )]
    api: String,
    /// The file with the secret of the webhook that is sent to `/webhooks/github`. Without it, nothing is taken there, and
    /// changes are seen when the branch is looked at next.
    #[arg(
        long = "github-webhook-secret-file",
        env = "BACKSTAY_GITHUB_WEBHOOK_SECRET_FILE",
        value_name = "FILE"
    )]
    webhook_secret_file: Option<PathBuf>,
    /// How pull requests are merged.
    #[arg(long, env = "BACKSTAY_MERGE_METHOD", value_enum, default_value_t = Method::Merge)]
    merge_method: Method,
    /// A label of pull requests that update the fleet; may be given several times, or separated by commas. Where neither a
    /// label nor a title is given: those labelled `dependencies` or `flake-update`, or titled with `flake.lock`, `flake
    /// input` or `lock file`.
    #[arg(long = "update-label", env = "BACKSTAY_UPDATE_LABEL", value_name = "LABEL", value_delimiter = ',')]
    update_labels: Vec<String>,
    /// A part of the title of pull requests that update the fleet; may be given several times, or separated by commas.
    /// `*` takes every pull request into the branch.
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

/// What the options came to.
pub(crate) struct Configured {
    /// The repository.
    pub(crate) github: GitHub,
    /// What signs deliveries of the webhook.
    pub(crate) webhook_secret: Option<Secret>,
}

impl GitHubOptions {
    /// The repository that the options name; none where they name none. Files are read, and nothing is asked of GitHub.
    ///
    /// # Errors
    /// In words for who starts the server: what does not go together, and which file cannot be used.
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
        let webhook_secret = secret.map(|file| read("--github-webhook-secret-file", file)).transpose()?;
        let github = GitHub::new(&config, Arc::new(SystemClock))
            .map_err(|error| anyhow::anyhow!("GitHub cannot be asked with these options: {error}"))?;
        Ok(Some(Configured { github, webhook_secret }))
    }

    /// The first option that means nothing without a repository.
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
                bail!("--github-token-file and {option} are both given: GitHub is asked as one of them");
            }
            return Ok(Access::Token(read("--github-token-file", file)?));
        }
        match (self.app_id, self.installation_id, &self.app_key_file) {
            (Some(app), Some(installation), Some(file)) => {
                Ok(Access::App { app, installation, key: read("--github-app-key-file", file)? })
            }
            (None, None, None) => bail!(
                "--github-repository is given, but nothing to ask GitHub with: give --github-token-file, or --github-app-id, --github-installation-id and --github-app-key-file"
            ),
            _ => {
                let missing: Vec<_> =
                    app.iter().filter(|(_, is_given)| !is_given).map(|(option, _)| *option).collect();
                bail!(
                    "a GitHub App takes its identifier, its installation and its key: {} is missing",
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
            "--github-api: “{api}” is no address of an API: https://api.github.com, or https://HOST/api/v3"
        );
        let is_here =
            host.is_some_and(|host| ["127.", "localhost", "[::1]"].iter().any(|own| host.starts_with(own)));
        if api.starts_with("http://") && !is_here {
            tracing::warn!("--github-api is not https: whoever is on the way sees the token");
        }
        Ok(api.to_owned())
    }

    fn updates(&self) -> UpdateRule {
        // A variable that is set to nothing is as good as none.
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

/// A secret in a file of its own.
fn read(option: &str, file: &Path) -> anyhow::Result<Secret> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("{option}: {} cannot be read", file.display()))?;
    ensure!(!text.trim().is_empty(), "{option}: {} is empty", file.display());
    Ok(Secret::from_text(&text))
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

/// Whether a branch can be asked for as it is written. GitHub has others, but hosts hardly follow them.
fn is_branch(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('/')
        && !name.ends_with('/')
        && !name.contains("..")
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte))
}
