//! `cargo xtask`: what one does with this repository.

mod build;
mod places;
mod run;
mod setup;
mod test;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::places::Places;
use crate::test::Part;

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
    /// Run all tests, or some.
    Test {
        /// Run only this part; may be given several times.
        #[arg(long, value_enum)]
        only: Vec<Part>,
    },
}

fn main() -> Result<ExitCode> {
    let places = Places::find()?;
    match Arguments::parse().task {
        Task::Setup => setup::run(&places).map(|()| ExitCode::SUCCESS),
        Task::Test { only } => {
            Ok(if test::run(&places, &only)? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
    }
}
