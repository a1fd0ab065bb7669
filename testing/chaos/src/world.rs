//! A world: a server with its database, a host with its agent and Nix profile, a proxy between them, and a
//! person.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
pub(crate) use backstay_nix_host::Description as Host;
use backstay_nix_host::HostPlan;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::process::Command;

use crate::agent::{Agent, Unit};
use crate::ledger::Ledger;
use crate::means::{Disk, FakeClock, Machine};
use crate::person::{PASSWORD, Person};
use crate::process::{Process, Recipe};
use crate::proxy::Proxy;
use crate::schedule::Place;
use crate::script::Count;
use crate::upstream::{self, Upstream};

/// The name of the host.
pub(crate) const HOST: &str = "gpc0";
/// Time limit for a part of the world to start.
const PATIENCE: Duration = Duration::from_mins(2);
/// Upper bound on a host's generations, and the number to keep beyond it.
const MANY_GENERATIONS: usize = 40;
const KEPT_GENERATIONS: &str = "+10";
/// Interval between checks of a condition.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(15);

/// The programs under test.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Programs {
    /// The server's program.
    #[arg(long)]
    pub(crate) server: PathBuf,
    /// The agent's program.
    #[arg(long)]
    pub(crate) agent: PathBuf,
}

impl Programs {
    /// The same as absolute paths.
    pub(crate) fn absolute(self) -> Result<Self> {
        let absolute =
            |path: PathBuf| path.canonicalize().with_context(|| format!("there is no {}", path.display()));
        Ok(Self { server: absolute(self.server)?, agent: absolute(self.agent)? })
    }
}

/// A world, to which one schedule after the other happens.
pub(crate) struct World {
    pub(crate) host: Host,
    pub(crate) upstream: Upstream,
    pub(crate) server: Process,
    pub(crate) agent: Agent,
    pub(crate) proxy: Proxy,
    pub(crate) person: Person,
    pub(crate) ledger: Ledger,
    pub(crate) server_clock: FakeClock,
    pub(crate) agent_clock: FakeClock,
    /// The number of schedules so far, and the counts after the last one.
    pub(crate) told: usize,
    pub(crate) counted: Option<Count>,
    pub(crate) server_disk: Option<Disk>,
    pub(crate) agent_disk: Option<Disk>,
    /// The two builds between which the host alternates.
    builds: [PathBuf; 2],
    places: Places,
    programs: Programs,
}

/// The folders of a world's parts.
#[derive(Debug, Clone)]
struct Places {
    folder: PathBuf,
    /// The folder of the server's database.
    data: PathBuf,
    /// The folder of the agent's journal.
    state: PathBuf,
}

impl World {
    /// Creates a world and waits until its host has connected.
    pub(crate) async fn make(
        programs: &Programs,
        machine: &Machine,
        place: Place,
        folder: &Path,
    ) -> Result<Self> {
        let places =
            Places { folder: folder.to_owned(), data: folder.join("data"), state: folder.join("state") };
        fs::create_dir_all(&places.data)?;
        fs::create_dir_all(&places.state)?;
        let upstream = Upstream::create(folder.join("upstream")).await?;
        let host = make_host(folder, &upstream).await?;
        let means = machine.means(place);
        let (mut server_disk, mut agent_disk) = (None, None);
        if means.disks {
            server_disk = Some(Disk::mount(places.data.clone()).await?);
            agent_disk = Some(Disk::mount(places.state.clone()).await?);
        }
        let server_clock = FakeClock::new(folder.join("server.clock"))?;
        let agent_clock = FakeClock::new(folder.join("agent.clock"))?;
        let words = |program: &Path, more: &[&str]| -> Vec<String> {
            let program = program.display().to_string();
            [program].into_iter().chain(more.iter().map(|word| (*word).to_owned())).collect()
        };

        let port = free_port().await?;
        let password_file = folder.join("admin-password");
        fs::write(&password_file, PASSWORD)?;
        let mut variables = machine.clock_variables(&server_clock);
        variables.extend([
            (
                "BACKSTAY_DATABASE".to_owned(),
                format!("sqlite://{}", places.data.join("backstay.sqlite3").display()),
            ),
            ("BACKSTAY_SITE_ROOT".to_owned(), folder.display().to_string()),
            ("BACKSTAY_ADMIN_PASSWORD_FILE".to_owned(), password_file.display().to_string()),
        ]);
        let listen = format!("127.0.0.1:{port}");
        let server = Process::start(Recipe {
            argv: words(&programs.server, &["serve", "--listen", &listen]),
            variables: variables.clone(),
            log: folder.join("server.log"),
            pid_file: folder.join("server.pid"),
        })?;
        until("the server to listen", async || Ok(TcpStream::connect(&listen).await.is_ok())).await?;

        let proxy = Proxy::start(listen.clone()).await?;
        let mut join = Command::new(&programs.server);
        let token = read(join.args(["join-token", "--name", HOST]).envs(variables)).await?;
        fs::write(folder.join("join-token"), token)?;
        fs::write(folder.join("agent.toml"), configuration(&host, &places, &proxy.url, place))?;
        let mut variables = if means.agent_clock { machine.clock_variables(&agent_clock) } else { vec![] };
        variables.extend(host.environment.clone());
        let recipe = Recipe {
            argv: words(
                &programs.agent,
                &["run", "--config", &folder.join("agent.toml").display().to_string()],
            ),
            variables,
            log: folder.join("agent.log"),
            pid_file: host.folder.join("agent.pid"),
        };
        let agent = match place {
            Place::Bare => Agent::Process(Box::new(Process::start(recipe)?)),
            Place::Systemd => {
                // The host's units are the guest's and not those of the builds.
                fs::remove_file(host.folder.join("bin/systemctl"))?;
                // A disk that is mounted on a folder is not included with it.
                Agent::Unit(Unit::start(&recipe, &[folder, &places.state]).await?)
            }
        };

        let person = Person::new(format!("http://{listen}"))?;
        person.log_in().await?;
        let ledger = Ledger::open(&places.data.join("backstay.sqlite3")).await?;
        let link = |number: u32| fs::read_link(format!("{}-{number}-link", host.profile.display()));
        let builds = [link(1)?, link(2)?];
        let world = Self {
            host,
            upstream,
            server,
            agent,
            proxy,
            person,
            ledger,
            server_clock,
            agent_clock,
            told: 0,
            counted: None,
            server_disk,
            agent_disk,
            builds,
            places,
            programs: programs.clone(),
        };
        until("the host to report", async || {
            Ok(world.ledger.facts().await?.is_some_and(|facts| facts.checkout.is_some()))
        })
        .await?;
        // A test run that follows an op automatically would make the next op wait.
        world.person.post("set_auto_test", &[("host", HOST), ("on", "false")]).await?;
        Ok(world)
    }

    /// The current generation.
    pub(crate) fn current(&self) -> Result<u32> {
        let target = fs::read_link(&self.host.profile)?;
        let name = target.to_string_lossy();
        let number = name.strip_suffix("-link").and_then(|rest| rest.rsplit('-').next());
        number.and_then(|digits| digits.parse().ok()).with_context(|| format!("{name} is not a generation"))
    }

    /// The store path of a generation.
    pub(crate) fn store_path(&self, number: u32) -> Result<PathBuf> {
        let profile = self.host.profile.display();
        Ok(fs::read_link(format!("{profile}-{number}-link"))?)
    }

    /// The build that is not current.
    pub(crate) fn other_build(&self) -> Result<PathBuf> {
        let now = self.store_path(self.current()?)?;
        let other = self.builds.iter().find(|build| **build != now);
        Ok(other.context("the host has one build only")?.clone())
    }

    /// The newest generation of a build.
    pub(crate) fn newest_of(&self, build: &Path) -> Result<u32> {
        let numbers = self.generations()?;
        let newest =
            numbers.into_iter().rev().find(|number| self.store_path(*number).is_ok_and(|path| path == build));
        newest.with_context(|| format!("no generation is {}", build.display()))
    }

    /// The numbers of all generations, in order.
    fn generations(&self) -> Result<Vec<u32>> {
        let profile = self.host.profile.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut numbers = vec![];
        for entry in fs::read_dir(self.host.profile.parent().unwrap_or(Path::new("/")))? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            let number =
                name.strip_prefix(&format!("{profile}-")).and_then(|rest| rest.strip_suffix("-link"));
            numbers.extend(number.and_then(|digits| digits.parse::<u32>().ok()));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Removes old generations if there are many, like a person would: the server stores a limited number.
    pub(crate) async fn forget_generations(&self) -> Result<()> {
        if self.generations()?.len() <= MANY_GENERATIONS {
            return Ok(());
        }
        let mut nix = Command::new("nix-env");
        nix.arg("--profile").arg(&self.host.profile).args(["--delete-generations", KEPT_GENERATIONS]);
        read(nix.envs(&self.host.environment)).await.map(drop)
    }

    /// Makes a switch with the checkout at this commit build this generation.
    pub(crate) fn ready(&self, commit: &str, build: &Path) -> Result<()> {
        let link = self.host.folder.join("builds").join(commit);
        let new = link.with_extension("new");
        symlink(build, &new)?;
        Ok(fs::rename(new, link)?)
    }

    /// The commit of the host's checkout.
    pub(crate) async fn head(&self) -> Result<String> {
        upstream::head(&self.host.checkout).await
    }

    /// Whether an entry of the agent's journal is damaged.
    pub(crate) fn has_damaged_entries(&self) -> Result<bool> {
        Ok(fs::read_dir(self.places.state.join("journal/damaged"))?.next().is_some())
    }

    /// Whether the agent's journal is empty.
    pub(crate) fn journal_is_empty(&self) -> Result<bool> {
        let journal = self.places.state.join("journal");
        for entry in fs::read_dir(journal)? {
            let name = entry?.file_name();
            let name = name.to_string_lossy();
            if name != "done" && name != "damaged" {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Restarts what has died, like a service manager.
    pub(crate) async fn revive(&mut self) -> Result<()> {
        self.server.revive()?;
        self.agent.revive().await
    }

    /// Waits until the server accepts requests again.
    pub(crate) async fn server_listens(&self) -> Result<()> {
        let address = self.person.address().to_owned();
        until("the server to listen", async || Ok(TcpStream::connect(&address).await.is_ok())).await
    }

    /// Whether the server's own program finds the audit log intact.
    pub(crate) async fn verify_audit(&self) -> Result<()> {
        let database = self.places.data.join("backstay.sqlite3");
        let mut verify = Command::new(&self.programs.server);
        verify.arg("verify-audit").env("BACKSTAY_DATABASE", format!("sqlite://{}", database.display()));
        read(&mut verify).await.map(drop)
    }

    /// The folder of the logs.
    pub(crate) fn folder(&self) -> &Path {
        &self.places.folder
    }
}

/// Waits until a condition holds.
pub(crate) async fn until(what: &str, holds: impl AsyncFn() -> Result<bool>) -> Result<()> {
    let looked = async {
        while !holds().await? {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    };
    tokio::time::timeout(PATIENCE, looked).await.with_context(|| format!("waited in vain for {what}"))?
}

async fn free_port() -> Result<u16> {
    Ok(tokio::net::TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port())
}

async fn make_host(folder: &Path, upstream: &Upstream) -> Result<Host> {
    let commits = [upstream.commit("first").await?, upstream.commit("second").await?];
    let generation = |number: usize| json!({ "label": format!("25.11.{number}"), "commit": commits[number - 1], "kernel": "6.18.17" });
    let plan: HostPlan = serde_json::from_value(json!({
        "name": HOST,
        "platform": "nixos",
        "generations": [generation(1), generation(2)],
        "checkout": { "upstream": upstream.folder(), "commit": commits[1] },
    }))?;
    let into = folder.join("host");
    let host = tokio::task::spawn_blocking(move || plan.make(&into)).await??;
    crate::script::write_test(&host)?;
    crate::script::write_git(&host, &program("git")?)?;
    Ok(host)
}

/// Finds a program.
fn program(name: &str) -> Result<PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file());
    found.with_context(|| format!("there is no {name}"))
}

/// Runs a program and returns its output.
pub(crate) async fn read(command: &mut Command) -> Result<String> {
    let output = command.kill_on_drop(true).output().await?;
    if !output.status.success() {
        bail!("{command:?} ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// The agent's configuration file.
fn configuration(host: &Host, places: &Places, server: &str, place: Place) -> String {
    // If this program runs under the machine's systemd, its hosts must have nothing to do with it.
    let systemd_run = if place == Place::Bare { "systemd_run = [\"false\"]\n" } else { "" };
    // Strings are written the same in JSON and TOML.
    format!(
        "server = {server}\nname = \"{HOST}\"\nplatform = \"nixos\"\nstate_dir = {state}\njoin_token_file = {token}\n\
         watch_interval = 1\n\
         [profile]\npath = {profile}\nrunning_system = {running}\nbooted_system = {booted}\n\
         [checkout]\npath = {checkout}\n[tests]\ndir = {tests}\nbasic = false\n\
         [commands]\nsudo = [\"env\"]\n{systemd_run}",
        server = json!(server),
        state = json!(places.state),
        token = json!(places.folder.join("join-token")),
        profile = json!(host.profile),
        running = json!(host.running),
        booted = json!(host.booted),
        checkout = json!(host.checkout),
        tests = json!(host.tests),
    )
}
