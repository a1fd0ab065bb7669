//! Builds the server, the agent and the page.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Result, bail};

use crate::places::Places;
use crate::setup;

/// Paths of the development build.
#[derive(Debug, Clone)]
pub(crate) struct Built {
    /// The server's program.
    pub(crate) server: PathBuf,
    /// The agent's program.
    pub(crate) agent: PathBuf,
    /// The stand-in for GitHub.
    pub(crate) github: PathBuf,
    /// The program that injects faults into the others.
    pub(crate) chaos: PathBuf,
    /// The program that tests the others under a booted systemd.
    pub(crate) systemd: PathBuf,
    /// The crowd of made-up hosts.
    pub(crate) crowd: PathBuf,
    /// This program, as built with the others; the running one may be gone from the disk.
    pub(crate) xtask: PathBuf,
    /// The folder with the page's files.
    pub(crate) site: PathBuf,
}

impl Built {
    /// Returns the paths, whether the files are built yet or not.
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

/// Paths of the release build.
#[derive(Debug, Clone)]
pub(crate) struct Release {
    /// The server's program.
    pub(crate) server: PathBuf,
    /// The crowd of made-up hosts.
    pub(crate) crowd: PathBuf,
    /// The socket with nothing behind it.
    pub(crate) bare_socket: PathBuf,
    /// The server of the empty page.
    pub(crate) empty_page: PathBuf,
    /// The folder with the page's files.
    pub(crate) site: PathBuf,
    /// The folder with the empty page's files.
    pub(crate) empty_site: PathBuf,
}

impl Release {
    /// Returns the paths, whether the files are built yet or not.
    pub(crate) fn find(places: &Places) -> Result<Self> {
        let target = places.target()?;
        Ok(Self {
            server: target.join("release/backstay-server"),
            crowd: target.join("release/backstay-crowd"),
            bare_socket: target.join("release/backstay-bare-socket"),
            empty_page: target.join("release/backstay-empty-page"),
            // Separate from the page of the demo and the tests.
            site: target.join("site-release"),
            empty_site: target.join("site-empty-page"),
        })
    }
}

/// Sets up, builds, and prints the paths.
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
    // All members at once, as in the tests: a narrower selection would compile dependencies a second time.
    run(places, &["build", "--bins"], &[])
}

/// Builds the page: WebAssembly, its glue and the style sheet.
pub(crate) fn page(places: &Places) -> Result<()> {
    page_of(places, "backstay", &[], &Built::find(places)?.site)
}

/// The options of a small page.
const SMALL: [&str; 2] = ["--release", "--precompress"];

/// Builds the page for release: small, and compressed.
pub(crate) fn release_page(places: &Places) -> Result<()> {
    page_of(places, "backstay", &SMALL, &Release::find(places)?.site)
}

/// Builds everything that the benchmark measures: release programs, and an empty page.
pub(crate) fn release_for_bench(places: &Places) -> Result<()> {
    page_of(places, "empty-page", &SMALL, &Release::find(places)?.empty_site)?;
    let packages = ["backstay-server", "backstay-crowd", "backstay-empty-page"];
    let words: Vec<&str> = packages.into_iter().flat_map(|package| ["--package", package]).collect();
    run(places, &[&["build", "--release", "--bins"], &words[..]].concat(), &[])
}

fn page_of(places: &Places, project: &str, how: &[&str], site: &Path) -> Result<()> {
    let words = [&["leptos", "build", "--project", project, "--frontend-only"], how].concat();
    let site = site.display().to_string();
    // Without this, cargo-leptos would put it beside Cargo.toml even if cargo builds elsewhere, and its own
    // backtrace would push the error off the screen.
    run(places, &words, &[("LEPTOS_SITE_ROOT", &site), ("RUST_BACKTRACE", "0")])
}

/// Runs cargo with its output on the terminal, and prints the duration.
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
