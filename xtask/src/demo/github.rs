//! The demo's GitHub: a stand-in over the upstream, with a pull request that breaks two hosts.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::json;

use super::fleet::Configuration;
use super::http::Client;
use super::secret;
use super::stop::Stop;
use super::supervisor::Supervisor;
use super::wait::wait_for_address;
use crate::build::Built;
use crate::run;

/// The repository as people write it.
const OWNER: &str = "example";
const NAME: &str = "nixcfg";

/// The pull request that can be merged.
pub(crate) const PULL_REQUEST: u64 = 42;
/// Its branch and its label.
const BRANCH: &str = "update-flake-lock";
const LABEL: &str = "flake-update";

/// The stand-in, once it listens.
pub(crate) struct GitHub {
    description: Description,
    token_file: PathBuf,
    webhook_secret: String,
    webhook_secret_file: PathBuf,
    hands: Client,
}

/// Addresses and paths of the stand-in.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Description {
    /// The repository as people write it.
    pub(crate) repository: String,
    /// The pull request that can be merged.
    pub(crate) pull_request: u64,
    /// Its API.
    pub(crate) url: String,
    /// Address of its controls.
    pub(crate) control: String,
    pub(crate) pid: u32,
    pub(crate) log: PathBuf,
}

impl GitHub {
    /// Starts it over the upstream, and opens the pull request.
    pub(crate) fn start(
        supervisor: &mut Supervisor,
        built: &Built,
        configuration: &Configuration,
        folder: &Path,
        stop: &Stop,
    ) -> Result<Self> {
        let (token, webhook_secret) = (secret::new()?, secret::new()?);
        let (token_file, webhook_secret_file) = (folder.join("github-token"), folder.join("webhook-secret"));
        write_secret(&token_file, &token)?;
        write_secret(&webhook_secret_file, &webhook_secret)?;
        let log = folder.join("github.log");
        let mut command = Command::new(&built.github);
        command
            .args(["--owner", OWNER, "--name", NAME, "--branch", "main", "--token", &token])
            .args(["--first-pull-request", &PULL_REQUEST.to_string(), "--repository"])
            .arg(configuration.url());
        let pid = supervisor.start("the stand-in for GitHub", command, &log)?;
        let url = wait_for_address(supervisor, stop, &log, "listening on ")?;
        let control = wait_for_address(supervisor, stop, &log, "control on ")?;
        let hands = Client::new(&control)?;
        let repository_name = format!("{OWNER}/{NAME}");
        let description =
            Description { repository: repository_name, pull_request: PULL_REQUEST, url, control, pid, log };
        let mut github = Self { description, token_file, webhook_secret, webhook_secret_file, hands };
        github.open_update(configuration)?;
        Ok(github)
    }

    /// Opens the pull request, with passing checks.
    fn open_update(&mut self, configuration: &Configuration) -> Result<()> {
        let update = json!({
            "number": PULL_REQUEST,
            "title": "Update flake.lock",
            "body": "The weekly update of nixpkgs and home-manager.",
            "branch": BRANCH,
            "labels": [LABEL],
            "files": { "flake.lock": configuration.update() },
        });
        self.tell("pull-request", &update)?;
        let mut git = Command::new("git");
        let head = run::read(git.arg("-C").arg(configuration.url()).args(["rev-parse", BRANCH]))?;
        let passed = |name: &str| json!({ "name": name, "conclusion": "success" });
        let checks = ["flake-check", "build gpc0", "build hsb0", "build csb0"].map(passed);
        self.tell("checks", &json!({ "commit": head.trim(), "checks": checks }))
    }

    /// Sends events to the server from now on.
    pub(crate) fn send_events_to(&mut self, server: &str) -> Result<()> {
        let url = format!("{server}/webhooks/github");
        let webhook = json!({ "url": url, "secret": self.webhook_secret });
        self.tell("webhook", &webhook)
    }

    /// Gives the server the options for this repository.
    pub(crate) fn introduce_to(&self, server: &mut Command) {
        server
            .args(["--github-api", &self.description.url])
            .args(["--github-repository", &self.description.repository, "--github-token-file"])
            .arg(&self.token_file)
            .arg("--github-webhook-secret-file")
            .arg(&self.webhook_secret_file)
            .args(["--update-label", LABEL]);
    }

    pub(crate) fn into_description(self) -> Description {
        self.description
    }

    fn tell(&mut self, what: &str, how: &serde_json::Value) -> Result<()> {
        let told = self.hands.post_json(&format!("/{what}"), how);
        told.map(drop).with_context(|| format!("the stand-in for GitHub did not do “{what}”"))
    }
}

/// Writes a file that only its owner can read.
fn write_secret(file: &Path, secret: &str) -> Result<()> {
    let mut open = File::options();
    let mut opened = open.write(true).create_new(true).mode(0o600).open(file)?;
    opened.write_all(secret.as_bytes()).map_err(Into::into)
}
