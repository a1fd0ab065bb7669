//! A host of the demo with its agent.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use serde_json::json;

use super::fleet::HostStory;
use super::history;
use crate::build::Built;
use backstay_nix_host::Description;

/// A host whose agent is configured, and has run its tests on the past generations.
pub(crate) struct DemoHost {
    host: Description,
}

impl DemoHost {
    /// Makes the host and replays its story: each generation runs in turn, and most are tested.
    pub(crate) fn make(built: &Built, story: &HostStory, folder: &Path) -> Result<Self> {
        let made = story.plan.live_through(folder, |host, number| {
            if story.tested.contains(&number) { test(built, host, number) } else { Ok(()) }
        });
        Ok(Self { host: made.with_context(|| format!("cannot make the host {}", story.plan.name))? })
    }

    pub(crate) fn name(&self) -> &str {
        &self.host.name
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.host.folder.join("agent.log")
    }

    pub(crate) fn config(&self) -> PathBuf {
        config(&self.host)
    }

    pub(crate) fn state_dir(&self) -> PathBuf {
        state_dir(&self.host)
    }

    pub(crate) fn into_description(self) -> Description {
        self.host
    }

    /// Configures the agent's server and join token.
    pub(crate) fn configure(&self, server: &str, token: &str) -> Result<()> {
        let file = token_file(&self.host);
        let mut open = File::options();
        let mut opened = open.write(true).create(true).truncate(true).mode(0o600).open(&file)?;
        opened.write_all(token.as_bytes())?;
        configure(&self.host, server)
    }

    /// A command of its agent.
    pub(crate) fn agent(&self, built: &Built, action: &str) -> Command {
        agent(built, &self.host, action)
    }
}

fn config(host: &Description) -> PathBuf {
    host.folder.join("agent.toml")
}

fn state_dir(host: &Description) -> PathBuf {
    host.folder.join("agent")
}

fn token_file(host: &Description) -> PathBuf {
    host.folder.join("join-token")
}

fn agent(built: &Built, host: &Description, action: &str) -> Command {
    let mut agent = Command::new(&built.agent);
    agent.arg(action).arg("--config").arg(config(host)).envs(&host.environment).stdin(Stdio::null());
    // Not a service of systemd, whatever started this program.
    agent.env_remove("INVOCATION_ID");
    agent
}

/// Runs the host's tests on the running generation, dated shortly after the generation was made.
fn test(built: &Built, host: &Description, number: u32) -> Result<()> {
    // Never contacted: tests run by hand need no server.
    configure(host, "http://127.0.0.1:9")?;
    let record = state_dir(host).join(format!("test-runs/{number}.json"));
    let made = generation(&host.profile, number)?.symlink_metadata()?.modified()?;
    history::run_tests(&mut agent(built, host, "test"), &record, made)
}

fn generation(profile: &Path, number: u32) -> Result<PathBuf> {
    let name = profile.file_name().context("a profile has a name")?.to_string_lossy();
    Ok(profile.with_file_name(format!("{name}-{number}-link")))
}

fn configure(host: &Description, server: &str) -> Result<()> {
    fs::create_dir_all(state_dir(host))?;
    fs::write(config(host), configuration(host, server))?;
    Ok(())
}

/// The agent's configuration file.
fn configuration(host: &Description, server: &str) -> String {
    // Strings have the same syntax in JSON and in TOML.
    let path = |path: &Path| json!(path);
    format!(
        r#"server = {server}
name = {name}
platform = {platform}
state_dir = {state_dir}
join_token_file = {token}
watch_interval = 1

[profile]
path = {profile}
running_system = {running}
booted_system = {booted}

[checkout]
path = {checkout}

# All hosts of the demo share this machine and its units, so its basic tests would say nothing about them.
[tests]
dir = {tests}
basic = false

# The host belongs to the user of the demo, and ops end with the demo: no root, no systemd.
[commands]
sudo = ["env"]
systemd_run = ["false"]
"#,
        server = json!(server),
        name = json!(host.name),
        platform = json!(host.platform),
        state_dir = path(&state_dir(host)),
        token = path(&token_file(host)),
        profile = path(&host.profile),
        running = path(&host.running),
        booted = path(&host.booted),
        checkout = path(&host.checkout),
        tests = path(&host.tests),
    )
}
