//! Starts the demo: hosts, GitHub, server, agents, in this order, until a page would show them all.

use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, Result, bail};
use serde::Serialize;

use super::fleet::Configuration;
use super::github::{self, GitHub};
use super::host::DemoHost;
use super::ready::{Shown, Watcher};
use super::server::{self, Server, USER};
use super::stop::Stop;
use super::supervisor::Supervisor;
use super::wait::wait_for;
use crate::build::Built;

/// A running demo.
pub(crate) struct Demo {
    pub(crate) supervisor: Supervisor,
    pub(crate) description: Description,
}

/// Addresses, paths and logins of everything.
#[derive(Debug, Serialize)]
pub(crate) struct Description {
    /// The page's address.
    pub(crate) url: String,
    pub(crate) user: String,
    pub(crate) password: String,
    /// The folder that everything is in.
    pub(crate) folder: PathBuf,
    /// The database, in the syntax of `--database`.
    pub(crate) database: String,
    /// The configuration repository's upstream.
    pub(crate) repository: PathBuf,
    /// The stand-in for GitHub, over that repository.
    pub(crate) github: github::Description,
    pub(crate) server_pid: u32,
    pub(crate) server_log: PathBuf,
    pub(crate) hosts: Vec<HostDescription>,
}

/// The paths of a host.
#[derive(Debug, Serialize)]
pub(crate) struct HostDescription {
    pub(crate) agent_pid: u32,
    /// The agent's log.
    pub(crate) log: PathBuf,
    /// The agent's configuration file.
    pub(crate) config: PathBuf,
    /// The agent's own folder: its journal and the test results.
    pub(crate) state_dir: PathBuf,
    /// Its generation when the demo starts, and how many of the tests passed.
    pub(crate) generation: u32,
    pub(crate) tests_passed: u32,
    pub(crate) tests_total: u32,
    #[serde(flatten)]
    pub(crate) host: backstay_nix_host::Description,
}

impl Demo {
    /// Starts everything and waits until all of it is there.
    pub(crate) fn start(built: &Built, port: u16, folder: &Path, stop: &Stop) -> Result<Self> {
        println!("Making four hosts, each with its own Nix store, profile and history ...");
        let configuration = Configuration::create(&folder.join("upstream"))?;
        let hosts = make_hosts(built, &configuration, &folder.join("hosts"))?;
        stop.check()?;

        println!("Starting the stand-in for GitHub and the server ...");
        let mut supervisor = Supervisor::new()?;
        let repository = configuration.url();
        let start = server::Start { built, folder, port };
        let mut github = GitHub::start(&mut supervisor, built, &configuration, folder, stop)?;
        let server = start.server(&mut supervisor, &github, stop)?;
        let tokens = hosts.iter().map(|host| start.join_token(host.name()));
        let tokens = tokens.collect::<Result<Vec<_>>>()?;
        github.send_events_to(&server.url)?;

        println!("Starting the agents ...");
        let mut described = Vec::new();
        for (host, token) in hosts.into_iter().zip(tokens) {
            host.configure(&server.url, &token)?;
            let pid = supervisor.start(
                &format!("the agent of {}", host.name()),
                host.agent(built, "run"),
                &host.log(),
            )?;
            described.push((host, pid));
        }
        let mut watcher = Watcher::log_in(&server.url, USER, &server.password)?;
        let names: Vec<&str> = described.iter().map(|(host, _)| host.name()).collect();
        let shown = wait_for_all(&mut supervisor, &mut watcher, &names, stop)?;
        let hosts = described.into_iter().map(|(host, pid)| describe(host, pid, &shown));
        let hosts = hosts.collect::<Result<_>>()?;
        let Server { url, password, pid: server_pid, log: server_log } = server;
        let description = Description {
            url,
            user: USER.to_owned(),
            password,
            folder: folder.to_path_buf(),
            database: start.database(),
            repository: repository.to_path_buf(),
            github: github.into_description(),
            server_pid,
            server_log,
            hosts,
        };
        Ok(Self { supervisor, description })
    }
}

/// Makes all hosts concurrently.
fn make_hosts(built: &Built, configuration: &Configuration, folder: &Path) -> Result<Vec<DemoHost>> {
    let stories = configuration.hosts();
    thread::scope(|scope| {
        let making: Vec<_> = stories
            .iter()
            .map(|story| scope.spawn(|| DemoHost::make(built, story, &folder.join(&story.plan.name))))
            .collect();
        let made = making.into_iter().map(|thread| match thread.join() {
            Ok(host) => host,
            Err(_) => bail!("making a host panicked"),
        });
        made.collect()
    })
}

/// Waits until every host is connected and has reported everything, and the pull request exists, as a page
/// would show it.
fn wait_for_all(
    supervisor: &mut Supervisor,
    watcher: &mut Watcher,
    names: &[&str],
    stop: &Stop,
) -> Result<Shown> {
    wait_for(supervisor, stop, || {
        let shown = watcher.look()?;
        Ok(shown.missing(names.iter().copied(), github::PULL_REQUEST).map_or(Ok(shown), Err))
    })
}

fn describe(host: DemoHost, agent_pid: u32, shown: &Shown) -> Result<HostDescription> {
    let row = shown.hosts.iter().find(|row| row.name == host.name()).context("the host is gone")?;
    let (Some(generation), Some(tests)) = (&row.generation, &row.tests) else {
        bail!("{} is not ready", row.name);
    };
    Ok(HostDescription {
        agent_pid,
        log: host.log(),
        config: host.config(),
        state_dir: host.state_dir(),
        generation: generation.number,
        tests_passed: tests.passed,
        tests_total: tests.total,
        host: host.into_description(),
    })
}
