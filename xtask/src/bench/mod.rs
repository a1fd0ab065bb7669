//! `cargo xtask bench`: what Backstay costs, measured on this machine. The figures stand in `docs/performance.md`.

mod page;
mod table;

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::places::Places;
use crate::setup;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Subject {
    /// The fleet page with 1,000 and 5,000 hosts, beside an empty page.
    Page,
}

/// What to measure, and how.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// What is measured.
    #[arg(value_enum, default_value = "page")]
    subject: Subject,
    /// How many hosts each fleet has that is measured.
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 5_000])]
    fleets: Vec<u32>,
    /// How often each page is loaded; the median counts.
    #[arg(long, default_value_t = 5)]
    loads: u32,
    /// How many changes the hosts report each second.
    #[arg(long, default_value_t = 200)]
    rate: u32,
    /// For how many seconds they do.
    #[arg(long, default_value_t = 20)]
    seconds: u32,
    /// Measure what was built last.
    #[arg(long)]
    no_build: bool,
}

/// Builds what is measured, as it is shipped, and measures it.
pub(crate) fn run(places: &Places, options: &Options) -> Result<()> {
    setup::run(places)?;
    match options.subject {
        Subject::Page => page::measure(places, options),
    }
}
