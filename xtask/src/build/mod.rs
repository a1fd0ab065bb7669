//! Builds the server, the agent and the page.

mod page;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Result, bail};
use clap::Args;

use self::page::Mode;
use crate::places::Places;
use crate::setup::{self, Purpose};

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
    /// The program that writes the page's JavaScript.
    pub(crate) bindgen: PathBuf,
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
            bindgen: target.join("debug/backstay-bindgen"),
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
    /// The agent's program.
    pub(crate) agent: PathBuf,
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
            agent: target.join("release/backstay-agent"),
            crowd: target.join("release/backstay-crowd"),
            bare_socket: target.join("release/backstay-bare-socket"),
            empty_page: target.join("release/backstay-empty-page"),
            // Separate from the page of the demo and the tests.
            site: target.join("site-release"),
            empty_site: target.join("site-empty-page"),
        })
    }
}

/// What to build.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Options {
    /// Build only the page.
    #[arg(long)]
    page: bool,
    /// Build what a server and its hosts run: fast programs, and a small page.
    #[arg(long)]
    release: bool,
}

/// Sets up, builds, and prints the paths.
pub(crate) fn run_all(places: &Places, options: Options) -> Result<()> {
    setup::run(places, Purpose::Demo)?;
    let (server, agent, site) = if options.release {
        if !options.page {
            release_programs(places, &["backstay-server", "backstay-agent"])?;
        }
        release_page(places)?;
        let release = Release::find(places)?;
        (release.server, release.agent, release.site)
    } else {
        if !options.page {
            programs(places)?;
        }
        page(places)?;
        let built = Built::find(places)?;
        (built.server, built.agent, built.site)
    };
    println!("server {}\nagent  {}\npage   {}", server.display(), agent.display(), site.display());
    Ok(())
}

/// Builds the server and the agent, for this machine.
pub(crate) fn programs(places: &Places) -> Result<()> {
    // All members at once, as in the tests: a narrower selection would compile dependencies a second time.
    run(places, &["build", "--bins"], &[])
}

/// Builds the page for development.
pub(crate) fn page(places: &Places) -> Result<()> {
    page::build(places, "backstay", Mode::Development, &Built::find(places)?.site)
}

/// Builds the page for release: small, and compressed.
pub(crate) fn release_page(places: &Places) -> Result<()> {
    page::build(places, "backstay", Mode::Release, &Release::find(places)?.site)
}

/// Builds everything that the benchmark measures: release programs, and an empty page.
pub(crate) fn release_for_bench(places: &Places) -> Result<()> {
    page::build(places, "empty-page", Mode::Release, &Release::find(places)?.empty_site)?;
    release_programs(places, &["backstay-server", "backstay-crowd", "backstay-empty-page"])
}

fn release_programs(places: &Places, packages: &[&str]) -> Result<()> {
    let packages = packages.iter().flat_map(|package| ["--package", package]);
    let words: Vec<&str> = ["build", "--release", "--bins"].into_iter().chain(packages).collect();
    run(places, &words, &[])
}

/// Runs cargo with its output on the terminal, and prints the duration.
pub(crate) fn run(places: &Places, words: &[&str], variables: &[(&str, &str)]) -> Result<()> {
    let start = Instant::now();
    let status = places.cargo()?.args(words).envs(variables.iter().copied()).status()?;
    let words = words.join(" ");
    if !status.success() {
        bail!("`cargo {words}` ended with {status}");
    }
    println!("`cargo {words}` took {} s", start.elapsed().as_secs());
    Ok(())
}
