//! Builds what runs: the server, the agent and the page.

use std::path::{Path, PathBuf};
use std::time::Instant;

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
    /// The program that tests the others under a booted systemd.
    pub(crate) systemd: PathBuf,
    /// Many hosts at once.
    pub(crate) crowd: PathBuf,
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
            systemd: target.join("debug/backstay-systemd"),
            crowd: target.join("debug/backstay-crowd"),
            xtask: target.join("debug/xtask"),
            site: target.join("site"),
        })
    }
}

/// Where the things are that were built as they are shipped.
#[derive(Debug, Clone)]
pub(crate) struct Release {
    /// The server's program.
    pub(crate) server: PathBuf,
    /// Many hosts at once.
    pub(crate) crowd: PathBuf,
    /// The server of a page with nothing on it.
    pub(crate) empty_page: PathBuf,
    /// The folder that the server takes the page's files from.
    pub(crate) site: PathBuf,
    /// The same of the empty page.
    pub(crate) empty_site: PathBuf,
}

impl Release {
    /// Where cargo puts things here, whether they are built yet or not.
    pub(crate) fn find(places: &Places) -> Result<Self> {
        let target = places.target()?;
        Ok(Self {
            server: target.join("release/backstay-server"),
            crowd: target.join("release/backstay-crowd"),
            empty_page: target.join("release/backstay-empty-page"),
            // Apart from the page that demo and tests use.
            site: target.join("site-release"),
            empty_site: target.join("site-empty-page"),
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
    page_of(places, "backstay", &[], &Built::find(places)?.site)
}

/// What makes the page as small as it is shipped.
const SMALL: [&str; 2] = ["--release", "--precompress"];

/// Builds the page as it is shipped: small, and compressed.
pub(crate) fn release_page(places: &Places) -> Result<()> {
    page_of(places, "backstay", &SMALL, &Release::find(places)?.site)
}

/// Builds what the page is measured with: programs as they are shipped, and a page with nothing on it.
pub(crate) fn release_for_bench(places: &Places) -> Result<()> {
    page_of(places, "empty-page", &SMALL, &Release::find(places)?.empty_site)?;
    let packages = ["backstay-server", "backstay-crowd", "backstay-empty-page"];
    let words: Vec<&str> = packages.into_iter().flat_map(|package| ["--package", package]).collect();
    run(places, &[&["build", "--release", "--bins"], &words[..]].concat(), &[])
}

fn page_of(places: &Places, project: &str, how: &[&str], site: &Path) -> Result<()> {
    let words = [&["leptos", "build", "--project", project, "--frontend-only"], how].concat();
    let site = site.display().to_string();
    // cargo-leptos would put it beside Cargo.toml even where cargo builds elsewhere.
    // And its own backtrace would push what went wrong off the screen.
    run(places, &words, &[("LEPTOS_SITE_ROOT", &site), ("RUST_BACKTRACE", "0")])
}

/// Runs cargo with its output on the terminal, and tells how long it took.
pub(crate) fn run(places: &Places, words: &[&str], variables: &[(&str, &str)]) -> Result<()> {
    let start = Instant::now();
    let mut cargo = places.cargo()?;
    let status = cargo.args(words).envs(variables.iter().copied()).status()?;
    let words = words.join(" ");
    if !status.success() {
        bail!("`cargo {words}` ended with {status}");
    }
    println!("`cargo {words}` took {} s", start.elapsed().as_secs());
    Ok(())
}
