//! `cargo xtask bench`: measures what Backstay costs on this machine. The figures are in
//! `docs/performance.md`.

mod page;
mod server;
mod table;

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::places::Places;
use crate::setup::{self, Purpose};

/// A benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Subject {
    /// The fleet page with 1,000 and 5,000 hosts, and an empty page.
    Page,
    /// The server with idle hosts, and its work for roll-outs.
    Server,
}

/// What to measure, and how.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The benchmark to run.
    #[arg(value_enum, default_value = "page")]
    subject: Subject,
    /// Sizes of the measured fleets, in hosts.
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 5_000])]
    fleets: Vec<u32>,
    /// Loads of each page; the median counts.
    #[arg(long, default_value_t = 5)]
    loads: u32,
    /// Changes that the hosts report, per second.
    #[arg(long, default_value_t = 200)]
    rate: u32,
    /// Duration of the changes, in seconds.
    #[arg(long, default_value_t = 20)]
    seconds: u32,
    /// Number of idle hosts; 0 to leave them out.
    #[arg(long, default_value_t = 1_000)]
    idle: u32,
    /// Sizes of the roll-outs, in hosts.
    #[arg(long, value_delimiter = ',', default_values_t = [100, 300, 1_000])]
    rollouts: Vec<u32>,
    /// Measure the last build.
    #[arg(long)]
    no_build: bool,
}

/// Builds the release, and measures it.
pub(crate) fn run(places: &Places, options: &Options) -> Result<()> {
    setup::run(places, Purpose::Everything)?;
    match options.subject {
        Subject::Page => page::measure(places, options),
        Subject::Server => server::measure(places, options),
    }
}
