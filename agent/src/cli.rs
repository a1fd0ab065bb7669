//! The command line.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use backstay_model::{Clock, Generation, Stream, SystemClock};
use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::command::Bounds;
use crate::config::Config;
use crate::facts::FactsReader;
use crate::host_tests::{self, Conditions, Watcher};
use crate::lock::Lock;
use crate::log::OneLineEach;
use crate::probe::Probe;
use crate::unit::{Manager, Unit};
use crate::{doctor, join, life, permissions, runner, storage};

/// The agent of Backstay: reports the state of this host, and performs what its server requests.
#[derive(Debug, Parser)]
#[command(name = "backstay-agent", version)]
struct Options {
    /// The configuration file.
    #[arg(long, global = true, default_value = "/etc/backstay/agent.toml", env = "BACKSTAY_AGENT_CONFIG")]
    config: PathBuf,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Stay connected to the server and perform what it requests. The default.
    Run,
    /// Run this host's tests on the running generation, and keep the result.
    Test,
    /// Show what the agent would report, as JSON.
    Facts,
    /// Check what a rollback and a switch need on this host, and say what to do.
    Doctor {
        /// The agent's systemd service, whose PATH and settings count.
        #[arg(long, default_value = "backstay-agent.service")]
        unit: String,
    },
    /// Write the configuration of a host that is new to its server, and say how to go on.
    Join(join::Options),
    /// Look at one thing, for a test that needs no program of its own. The agent starts this itself.
    #[command(hide = true)]
    Probe {
        /// What to look at, as JSON.
        what: String,
    },
    /// Perform an op of the journal. The agent starts this itself.
    #[command(hide = true)]
    RunOp {
        /// The folder of the op in the journal.
        folder: PathBuf,
        /// The agent's unit, which must run once the op has ended.
        #[arg(long, requires = "manager")]
        unit: Option<String>,
        /// The systemd that the unit belongs to.
        #[arg(long)]
        manager: Option<Manager>,
        /// Return once another process has begun the op.
        #[arg(long)]
        detach: bool,
    },
}

/// Runs the program.
pub fn main() -> ExitCode {
    let options = Options::parse();
    let filter = EnvFilter::try_from_env("BACKSTAY_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let coloured = std::io::stderr().is_terminal();
    // A log that cannot be written, as on a full disk, must not stop anything.
    let log = tracing_subscriber::fmt().with_writer(|| OneLineEach).log_internal_errors(false);
    log.with_env_filter(filter).with_ansi(coloured).init();
    execute(&options).unwrap_or_else(|error| {
        eprintln!("backstay-agent: {error:#}");
        ExitCode::FAILURE
    })
}

fn execute(options: &Options) -> Result<ExitCode> {
    let config = || Config::read(&options.config).map(Arc::new);
    let obeyed = || {
        let config = config()?;
        permissions::check(&options.config, &config)?;
        anyhow::Ok(config)
    };
    match options.action.as_ref().unwrap_or(&Action::Run) {
        Action::Run => life::run(&obeyed()?).map(|()| ExitCode::SUCCESS),
        Action::Test => test(&obeyed()?),
        Action::Facts => facts(&config()?).map(|()| ExitCode::SUCCESS),
        Action::Doctor { unit } => {
            let is_fine = doctor::run(&options.config, &config()?, unit)?;
            Ok(if is_fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Action::Join(join) => join::run(&options.config, join).map(|()| ExitCode::SUCCESS),
        Action::Probe { what } => {
            let (passed, found) = serde_json::from_str::<Probe>(what).context("not a probe")?.look();
            println!("{found}");
            Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Action::RunOp { folder, detach: true, .. } => runner::detach(folder).map(|()| ExitCode::SUCCESS),
        Action::RunOp { folder, unit, manager, detach: false } => {
            let agent = unit.clone().zip(*manager).map(|(name, manager)| Unit { name, manager });
            runner::run_op(folder, agent.as_ref()).map(|()| ExitCode::SUCCESS)
        }
    }
}

fn facts(config: &Arc<Config>) -> Result<()> {
    let facts = FactsReader::new(Arc::clone(config), Arc::new(SystemClock)).read();
    println!("{}", serde_json::to_string_pretty(&facts)?);
    Ok(())
}

fn test(config: &Arc<Config>) -> Result<ExitCode> {
    storage::create_private_folder(&config.state_dir)?;
    let Some(_host) = Lock::take(&config.state_dir.join("op.lock"))? else {
        bail!("an op is running on this host; wait for it to end");
    };
    let tests = host_tests::list(config)?;
    if tests.is_empty() {
        bail!(
            "no executables in {}, and `tests` in the configuration names no test",
            config.tests.dir.display()
        );
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let facts = FactsReader::new(Arc::clone(config), Arc::clone(&clock)).read_generations();
    let generation = facts.running_generation().map(Generation::reference);
    let generation = generation.context("the running build is none of the profile's generations")?;
    let bounds = Bounds { deadline: Instant::now() + Duration::from_hours(24), cancelled: &|| false };
    let conditions = Conditions {
        generation: &generation,
        timeout: config.test_timeout(None),
        scratch: Path::new(&config.state_dir),
        bounds: &bounds,
        clock: clock.as_ref(),
    };
    let run = host_tests::run(&tests, &conditions, &mut Terminal)
        .map_err(|stopped| anyhow::anyhow!("stopped after {} tests", stopped.done))?;
    host_tests::record(&config.state_dir, &run)?;
    println!("{}", host_tests::describe(&run));
    Ok(if run.summary().all_passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Shows the tests to the person who runs them.
struct Terminal;

impl Watcher for Terminal {
    fn line(&mut self, stream: Stream, text: &str) {
        match stream {
            Stream::Agent => println!("== {text}"),
            Stream::Stdout => println!("{text}"),
            Stream::Stderr => eprintln!("{text}"),
        }
    }

    fn ended(&mut self, _done: usize, _total: usize) {}
}
