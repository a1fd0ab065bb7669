//! Brings the demo up: hosts, server, agents, in this order, until a page would show them all.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Serialize;

use super::LOOK_EVERY;
use super::fleet::Configuration;
use super::host::DemoHost;
use super::ready::{HostRow, Watcher, missing};
use super::stop::Stop;
use super::supervisor::Supervisor;
use crate::build::Built;
use crate::run;

/// How long each step may take before something is wrong. A machine that is busy with something else is slow.
const PATIENCE: Duration = Duration::from_mins(1);

/// The name that one logs in with.
const USER: &str = "admin";

/// A demo that runs.
pub(crate) struct Demo {
    pub(crate) supervisor: Supervisor,
    pub(crate) description: Description,
}

/// Where everything is.
#[derive(Debug, Serialize)]
pub(crate) struct Description {
    /// The page's address.
    pub(crate) url: String,
    pub(crate) user: String,
    pub(crate) password: String,
    /// The folder that everything is in.
    pub(crate) folder: PathBuf,
    /// The database, as the server's `--database` takes it.
    pub(crate) database: String,
    /// The configuration repository's upstream.
    pub(crate) repository: PathBuf,
    pub(crate) server_pid: u32,
    pub(crate) server_log: PathBuf,
    pub(crate) hosts: Vec<HostDescription>,
}

/// Where the parts of a host are.
#[derive(Debug, Serialize)]
pub(crate) struct HostDescription {
    pub(crate) agent_pid: u32,
    /// The agent's log.
    pub(crate) log: PathBuf,
    /// The agent's configuration file.
    pub(crate) config: PathBuf,
    /// The agent's own folder: its journal and the results of tests.
    pub(crate) state_dir: PathBuf,
    /// The generation that it is on when the demo starts, and how many of its tests passed.
    pub(crate) generation: u32,
    pub(crate) tests_passed: u32,
    pub(crate) tests_total: u32,
    #[serde(flatten)]
    pub(crate) host: crate::nix_host::Description,
}

/// The server, once it listens.
struct Server {
    url: String,
    password: String,
    pid: u32,
    log: PathBuf,
}

impl Demo {
    /// Starts everything and waits until all of it is there.
    pub(crate) fn start(built: &Built, port: u16, folder: &Path, stop: &Stop) -> Result<Self> {
        println!("Making four hosts, each with a Nix store, a profile and a past of its own ...");
        let configuration = Configuration::create(&folder.join("upstream"))?;
        let hosts = make_hosts(built, &configuration, &folder.join("hosts"))?;
        stop.check()?;

        println!("Starting the server ...");
        let database = format!("sqlite://{}", folder.join("backstay.sqlite3").display());
        let tokens = hosts.iter().map(|host| join_token(built, &database, host.name()));
        let tokens = tokens.collect::<Result<Vec<_>>>()?;
        let mut supervisor = Supervisor::new()?;
        let server = Server::start(&mut supervisor, built, &database, &configuration, port, folder, stop)?;

        println!("Starting the agents ...");
        let mut described = Vec::new();
        for (host, token) in hosts.into_iter().zip(tokens) {
            host.configure(&server.url, &token)?;
            let pid = supervisor.start(
                &format!("the agent of {}", host.name()),
                &mut host.agent(built, "run"),
                &host.log(),
            )?;
            described.push((host, pid));
        }
        let mut watcher = Watcher::log_in(&server.url, USER, &server.password)?;
        let names: Vec<&str> = described.iter().map(|(host, _)| host.name()).collect();
        let fleet = wait_for_hosts(&mut supervisor, &mut watcher, &names, stop)?;
        let hosts = described.into_iter().map(|(host, pid)| describe(host, pid, &fleet));
        let description = Description {
            url: server.url,
            user: USER.to_owned(),
            password: server.password,
            folder: folder.to_path_buf(),
            database,
            repository: configuration.url().to_path_buf(),
            server_pid: server.pid,
            server_log: server.log,
            hosts: hosts.collect::<Result<_>>()?,
        };
        Ok(Self { supervisor, description })
    }
}

/// Makes all hosts at once.
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

fn join_token(built: &Built, database: &str, name: &str) -> Result<String> {
    let mut server = Command::new(&built.server);
    server.args(["join-token", "--database", database, "--name", name]);
    Ok(run::read(&mut server)?.trim().to_owned())
}

impl Server {
    fn start(
        supervisor: &mut Supervisor,
        built: &Built,
        database: &str,
        configuration: &Configuration,
        port: u16,
        folder: &Path,
        stop: &Stop,
    ) -> Result<Self> {
        let password = password()?;
        let log = folder.join("server.log");
        let mut command = Command::new(&built.server);
        command
            .args(["serve", "--database", database, "--listen", &format!("127.0.0.1:{port}")])
            .arg("--site-root")
            .arg(&built.site)
            .arg("--repository")
            .arg(configuration.url())
            .args(["--branch", "main", "--poll-seconds", "2", "--admin-user", USER, "--repository-folder"])
            .arg(folder.join("repository.git"))
            .env("BACKSTAY_ADMIN_PASSWORD", &password);
        let pid = supervisor.start("the server", &mut command, &log)?;
        let url = wait_for(supervisor, stop, || match listening(&fs::read_to_string(&log)?) {
            Some(url) => Ok(Ok(url)),
            None => Ok(Err("the server does not say that it listens".to_owned())),
        })?;
        Ok(Self { url, password, pid, log })
    }
}

/// Where the server listens, once it has said so on a line of its own.
fn listening(log: &str) -> Option<String> {
    let complete = log.rsplit_once('\n')?.0;
    complete.lines().find_map(|line| line.strip_prefix("listening on ")).map(|url| url.trim().to_owned())
}

/// Waits until every host is connected and has told everything, as its page would show it.
fn wait_for_hosts(
    supervisor: &mut Supervisor,
    watcher: &mut Watcher,
    names: &[&str],
    stop: &Stop,
) -> Result<Vec<HostRow>> {
    wait_for(supervisor, stop, || {
        let fleet = watcher.fleet()?;
        Ok(missing(&fleet, names.iter().copied()).map_or(Ok(fleet), Err))
    })
}

/// Looks again and again until `look` finds what it looks for; what is missing is told when patience ends.
fn wait_for<T>(
    supervisor: &mut Supervisor,
    stop: &Stop,
    mut look: impl FnMut() -> Result<Result<T, String>>,
) -> Result<T> {
    let patience = Instant::now() + PATIENCE;
    loop {
        stop.check()?;
        supervisor.check()?;
        match look()? {
            Ok(found) => return Ok(found),
            Err(missing) if Instant::now() > patience => {
                bail!("not ready after {} s: {missing}", PATIENCE.as_secs())
            }
            Err(_) => thread::sleep(LOOK_EVERY),
        }
    }
}

fn describe(host: DemoHost, agent_pid: u32, fleet: &[HostRow]) -> Result<HostDescription> {
    let row = fleet.iter().find(|row| row.name == host.name()).context("the host is gone")?;
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

/// A random password that is easy to type: letters that cannot be mistaken for others.
fn password() -> Result<String> {
    use std::io::Read as _;
    const LETTERS: &[u8; 32] = b"abcdefghijkmnopqrstuvwxyz2345678";
    let mut random = [0; 15];
    fs::File::open("/dev/urandom")?.read_exact(&mut random)?;
    let letters = random.map(|byte| char::from(LETTERS[usize::from(byte) % LETTERS.len()]));
    Ok(letters.chunks(5).map(String::from_iter).collect::<Vec<_>>().join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_once_its_line_is_whole() {
        let log = "INFO starting\nlistening on http://127.0.0.1:7340\nINFO more";
        assert_eq!(listening(log).as_deref(), Some("http://127.0.0.1:7340"));
        assert_eq!(listening("INFO starting\nlistening on http://127.0.0.1:73"), None);
        assert_eq!(listening(""), None);
    }

    #[test]
    fn passwords_differ_and_are_long_enough() {
        let one = password().unwrap();
        assert_eq!(one.len(), 17, "{one}");
        assert_ne!(one, password().unwrap());
    }
}
