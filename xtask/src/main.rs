//! `cargo xtask`: the tasks of this repository.

mod bench;
mod book;
mod build;
mod chaos;
mod demo;
mod markdown;
mod places;
mod reference;
mod run;
mod setup;
mod test;
mod words;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::places::Places;
use crate::setup::Purpose;

/// Set up this machine, try Backstay out, and test it.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what building and testing need, if it is missing.
    Setup,
    /// Build the server, the agent and the page.
    Build(build::Options),
    /// Run a server and four hosts on this machine, to look at and to break.
    Demo(demo::Options),
    /// Run the demo, and build and restart it whenever a source file changes.
    Dev(demo::Options),
    /// Break a running server and its agents in every way that they should survive, and check that they do.
    Chaos(chaos::Options),
    /// Make a host with a real Nix store and profile in a folder, from a plan in JSON, and describe it as
    /// JSON.
    Host {
        /// The plan; see `HostPlan` in `testing/nix-host/src/plan.rs`.
        plan: PathBuf,
        /// An empty or new folder for the host.
        #[arg(long)]
        into: PathBuf,
    },
    /// Build the checkout of a host that `host` made; the host's own `nixos-rebuild` and `home-manager` call
    /// this.
    #[command(hide = true)]
    HostBuild {
        /// The host's folder.
        host: PathBuf,
    },
    /// Measure what Backstay costs on this machine.
    Bench(bench::Options),
    /// Build the book in `docs/` into `target/book`. Needs mdBook.
    Book(book::Options),
    /// Write the pages of the book that come from the programs: command lines and configuration.
    Reference,
    /// Check that prose is written as `docs/writing.md` asks, and that paths, links and tests in it exist.
    Words(words::Options),
    /// Run all tests, or some.
    Test(test::Options),
    /// Show where the time of the last test run went.
    Times,
}

fn main() -> ExitCode {
    match run(&Arguments::parse().task) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cargo xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Returns whether all went well; if not, the reason was printed.
fn run(task: &Task) -> Result<bool> {
    let places = Places::find()?;
    match task {
        Task::Setup => setup::run(&places, Purpose::Everything).map(|()| true),
        Task::Build(options) => build::run_all(&places, *options).map(|()| true),
        Task::Demo(options) => demo::run(&places, options).map(|()| true),
        Task::Dev(options) => demo::run_dev(&places, options).map(|()| true),
        Task::Chaos(options) => chaos::run(&places, options),
        Task::Host { plan, into } => backstay_nix_host::make_from_file(plan, into).map(|()| true),
        Task::HostBuild { host } => backstay_nix_host::build_checkout(host).map(|()| true),
        Task::Bench(options) => bench::run(&places, options).map(|()| true),
        Task::Book(options) => book::run(&places, options),
        Task::Reference => reference::write(&places),
        Task::Words(options) => words::show_all(&places, options),
        Task::Test(options) => test::run(&places, options),
        Task::Times => test::times::show(&places).map(|()| true),
    }
}
