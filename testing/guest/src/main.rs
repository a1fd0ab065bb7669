//! Tests Backstay under a booted systemd: the real server, the real agent, a real Nix profile, and the
//! shipped unit files, in a guest for each story.

mod inside;
mod report;
mod stories;
mod world;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Args, Parser, Subcommand};

use crate::report::Report;

/// Tests Backstay under a booted systemd.
#[derive(Debug, Parser)]
struct Options {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Run stories, and report whether each held.
    Test {
        #[command(flatten)]
        programs: Programs,
        /// Run only the stories whose name contains this.
        #[arg(long)]
        only: Option<String>,
        /// The number of simultaneous guests.
        #[arg(long, default_value_t = 2)]
        jobs: usize,
    },
    /// Boot a guest and keep it until this program is killed.
    #[command(hide = true)]
    Hold,
    /// Act as a person or read the server's database; run inside a guest.
    #[command(hide = true)]
    Inside {
        #[command(subcommand)]
        what: inside::What,
    },
}

/// The programs under test.
#[derive(Debug, Clone, Args)]
struct Programs {
    /// The server's program.
    #[arg(long)]
    server: PathBuf,
    /// The agent's program.
    #[arg(long)]
    agent: PathBuf,
}

impl Programs {
    /// The same as absolute paths.
    fn absolute(self) -> Result<Self> {
        let absolute =
            |path: PathBuf| path.canonicalize().with_context(|| format!("there is no {}", path.display()));
        Ok(Self { server: absolute(self.server)?, agent: absolute(self.agent)? })
    }
}

fn main() -> ExitCode {
    let held = match Options::parse().task {
        Task::Inside { what } => inside::run(what).map(|()| true),
        Task::Hold => stories::guests::hold().map(|()| true),
        Task::Test { programs, only, jobs } => test(programs, only.as_deref(), jobs),
    };
    match held {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("backstay-systemd: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Returns whether everything held.
fn test(programs: Programs, only: Option<&str>, jobs: usize) -> Result<bool> {
    let stories: Vec<_> =
        stories::ALL.iter().filter(|story| only.is_none_or(|only| story.name.contains(only))).collect();
    if let Some(lacking) = backstay_guest::lacking() {
        println!("Left out because no systemd can be booted here: {lacking}.");
        for story in &stories {
            println!("LEFT OUT {}", story.name);
        }
        println!("Systemd: 0 passed, 0 failed, {} skipped", stories.len());
        return Ok(true);
    }
    let report = Report::of(&stories, &programs.absolute()?, jobs);
    println!("Systemd: {} passed, {} failed", report.passed, report.failed);
    Ok(report.failed == 0)
}
