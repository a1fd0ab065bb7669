//! `cargo xtask`: what one does with this repository.

mod places;
mod run;
mod setup;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::places::Places;

/// Set up this machine, try Backstay out, and test it.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what building and testing need, where it is missing.
    Setup,
}

fn main() -> Result<()> {
    let places = Places::find()?;
    match Arguments::parse().task {
        Task::Setup => setup::run(&places),
    }
}
