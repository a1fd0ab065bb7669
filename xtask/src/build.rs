//! Builds what runs: the server, the agent and the page.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::places::Places;
use crate::setup;

/// Where the things that were built are.
#[derive(Debug, Clone)]
pub(crate) struct Built {
    /// The server's program.
    pub(crate) server: PathBuf,
    /// The agent's program.
    pub(crate) agent: PathBuf,
    /// The program that stands in for GitHub.
    pub(crate) github: PathBuf,
    /// The program that breaks the others.
    pub(crate) chaos: PathBuf,
    /// This program: built anew with the others, the one that runs may be gone from the disk.
    pub(crate) xtask: PathBuf,
    /// The folder that the server takes the page's files from.
    pub(crate) site: PathBuf,
}

impl Built {
    /// Where cargo puts things here, whether they are built yet or not.
    pub(crate) fn find(places: &Places) -> Result<Self> {
        let target = places.target()?;
        Ok(Self {
            server: target.join("debug/backstay-server"),
            agent: target.join("debug/backstay-agent"),
            github: target.join("debug/backstay-github-stand-in"),
            chaos: target.join("debug/backstay-chaos"),
            xtask: target.join("debug/xtask"),
            site: target.join("site"),
        })
    }
}

/// Sets up, builds, and tells where things are.
pub(crate) fn run_all(places: &Places, only_page: bool) -> Result<()> {
    setup::run(places)?;
    if !only_page {
        programs(places)?;
    }
    page(places)?;
    let built = Built::find(places)?;
    println!(
        "server {}\nagent  {}\npage   {}",
        built.server.display(),
        built.agent.display(),
        built.site.display()
    );
    Ok(())
}

/// Builds the server and the agent, for this machine.
pub(crate) fn programs(places: &Places) -> Result<()> {
    // All members at once, as the tests do: a narrower choice would compile dependencies a second time.
    run(places, &["build", "--bins"], &[])
}

/// Builds the page: WebAssembly, its glue and the style sheet.
pub(crate) fn page(places: &Places) -> Result<()> {
    let site = Built::find(places)?.site.display().to_string();
    // cargo-leptos would put it beside Cargo.toml even where cargo builds elsewhere.
    // And its own backtrace would push what went wrong off the screen.
    run(
        places,
        &["leptos", "build", "--frontend-only"],
        &[("LEPTOS_SITE_ROOT", &site), ("RUST_BACKTRACE", "0")],
    )
}

/// Runs cargo with its output on the terminal.
pub(crate) fn run(places: &Places, words: &[&str], variables: &[(&str, &str)]) -> Result<()> {
    let mut cargo = places.cargo()?;
    let status = cargo.args(words).envs(variables.iter().copied()).status()?;
    if !status.success() {
        bail!("`cargo {}` ended with {status}", words.join(" "));
    }
    Ok(())
}
