//! A host as a plan says it: which generations it has, how old they are, and which of them runs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::build::Build;
use super::describe::{Description, describe};
use super::{NixHost, repository, workshop};

/// What a host is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Platform {
    /// A NixOS machine.
    Nixos,
    /// A user's home.
    HomeManager,
}

impl Platform {
    /// The name as its own project writes it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Nixos => "NixOS",
            Self::HomeManager => "home-manager",
        }
    }
}

/// One host.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HostPlan {
    /// Its name.
    pub(crate) name: String,
    /// What it is.
    pub(crate) platform: Platform,
    /// The number of its first generation.
    #[serde(default = "one")]
    pub(crate) first: u32,
    /// Its generations, oldest first.
    pub(crate) generations: Vec<GenerationPlan>,
    /// The generation that the profile points at and that runs; the last, where nothing is said.
    #[serde(default)]
    pub(crate) running: Option<u32>,
    /// The generation that was booted; the running one, where nothing is said.
    #[serde(default)]
    pub(crate) booted: Option<u32>,
    /// Builds that become generations when the host switches, by their commit.
    #[serde(default)]
    pub(crate) ready: Vec<Build>,
    /// What the host builds when it switches to any other commit, by the revision of nixpkgs that the checkout pins.
    #[serde(default)]
    pub(crate) pins: BTreeMap<String, Build>,
    /// The names of its own tests.
    #[serde(default)]
    pub(crate) tests: Vec<String>,
    /// Its checkout of the configuration.
    #[serde(default)]
    pub(crate) checkout: Option<CheckoutPlan>,
}

/// One generation.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct GenerationPlan {
    /// What it holds.
    #[serde(flatten)]
    pub(crate) build: Build,
    /// How long ago it was made, in minutes.
    #[serde(default)]
    pub(crate) age_minutes: u64,
    /// Whether its build has been garbage-collected.
    #[serde(default)]
    pub(crate) collected: bool,
}

/// A checkout of the configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CheckoutPlan {
    /// Where it was cloned from.
    pub(crate) upstream: PathBuf,
    /// The commit that is checked out.
    pub(crate) commit: String,
}

fn one() -> u32 {
    1
}

impl HostPlan {
    /// Makes the host in a folder.
    pub(crate) fn make(&self, folder: &Path) -> Result<Description> {
        self.live_through(folder, |_, _| Ok(()))
    }

    /// Makes the host in a folder, and does something on it while each of its generations runs, oldest first.
    pub(crate) fn live_through(
        &self,
        folder: &Path,
        each: impl FnMut(&Description, u32) -> Result<()>,
    ) -> Result<Description> {
        let host = NixHost::create(folder, &self.name, self.platform)?;
        host.write_tests(&self.tests)?;
        if let Some(checkout) = &self.checkout {
            repository::clone(&checkout.upstream, &checkout.commit, &host.checkout())?;
        }
        let builds = self.make_generations(&host, each)?;
        self.set_links(&host, &builds)?;
        self.collect_garbage(&host)?;
        for build in &self.ready {
            let commit = build.commit.as_deref().context("a build that is to be ready needs a commit")?;
            host.ready(&host.add(build)?, commit)?;
        }
        workshop::open(&host, &self.pins)?;
        Ok(describe(&host))
    }

    fn make_generations(
        &self,
        host: &NixHost,
        mut each: impl FnMut(&Description, u32) -> Result<()>,
    ) -> Result<BTreeMap<u32, PathBuf>> {
        let profile = host.profile()?;
        let mut builds = BTreeMap::new();
        for (planned, plan) in (self.first..).zip(&self.generations) {
            let build = host.add(&plan.build)?;
            let number = if builds.is_empty() {
                profile.set_first(&build, self.first)?
            } else {
                profile.set(&build)?
            };
            // Nix makes no new generation of the build that the latest one has already.
            if number != planned {
                bail!("generation {planned} is the same build as the one before it");
            }
            profile.set_age(number, Duration::from_mins(plan.age_minutes))?;
            host.set_running(&build)?;
            each(&describe(host), number)?;
            builds.insert(number, build);
        }
        Ok(builds)
    }

    fn set_links(&self, host: &NixHost, builds: &BTreeMap<u32, PathBuf>) -> Result<()> {
        let Some(last) = builds.keys().last() else { return Ok(()) };
        let running = self.running.unwrap_or(*last);
        let build = |number: u32| builds.get(&number).with_context(|| format!("no generation {number}"));
        host.profile()?.switch_to(running)?;
        host.set_running(build(running)?)?;
        if self.platform == Platform::Nixos {
            host.set_booted(build(self.booted.unwrap_or(running))?)?;
        }
        Ok(())
    }

    fn collect_garbage(&self, host: &NixHost) -> Result<()> {
        let profile = host.profile()?;
        for (number, _) in (self.first..).zip(&self.generations).filter(|(_, plan)| plan.collected) {
            profile.collect(number)?;
        }
        Ok(())
    }
}

/// `cargo xtask host`: makes the host of a plan file and describes it as JSON.
pub(crate) fn run(plan: &Path, folder: &Path) -> Result<()> {
    let text = fs::read_to_string(plan).with_context(|| format!("cannot read {}", plan.display()))?;
    let plan: HostPlan = serde_json::from_str(&text).context("the plan is not as it should be")?;
    println!("{}", serde_json::to_string_pretty(&plan.make(folder)?)?);
    Ok(())
}
