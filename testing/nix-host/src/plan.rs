//! A host as planned: its generations, their ages, and the one that runs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::build::Build;
use crate::describe::{Description, describe};
use crate::{NixHost, repository, workshop};

/// The platform of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Platform {
    /// A NixOS machine.
    Nixos,
    /// A user's home.
    HomeManager,
}

impl Platform {
    /// The name as its project writes it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Nixos => "NixOS",
            Self::HomeManager => "home-manager",
        }
    }
}

/// One host.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostPlan {
    /// Its name.
    pub name: String,
    /// Its platform.
    pub platform: Platform,
    /// The number of its first generation.
    #[serde(default = "one")]
    pub first: u32,
    /// Its generations, oldest first.
    pub generations: Vec<GenerationPlan>,
    /// The current and running generation. By default the last.
    #[serde(default)]
    pub running: Option<u32>,
    /// The booted generation. By default the running one.
    #[serde(default)]
    pub booted: Option<u32>,
    /// Builds that become generations when the host switches, by their commit.
    #[serde(default)]
    pub ready: Vec<Build>,
    /// Builds for a switch to any other commit, by the revision of nixpkgs that the checkout pins.
    #[serde(default)]
    pub pins: BTreeMap<String, Build>,
    /// The names of its tests.
    #[serde(default)]
    pub tests: Vec<String>,
    /// Its checkout of the configuration.
    #[serde(default)]
    pub checkout: Option<CheckoutPlan>,
}

/// One generation.
#[derive(Debug, Clone, Deserialize)]
pub struct GenerationPlan {
    /// Its content.
    #[serde(flatten)]
    pub build: Build,
    /// Its age in minutes.
    #[serde(default)]
    pub age_minutes: u64,
    /// True if its build was garbage-collected.
    #[serde(default)]
    pub collected: bool,
}

/// A checkout of the configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckoutPlan {
    /// The repository it was cloned from.
    pub upstream: PathBuf,
    /// The commit that is checked out.
    pub commit: String,
}

fn one() -> u32 {
    1
}

impl HostPlan {
    /// Creates the host in a folder.
    pub fn make(&self, folder: &Path) -> Result<Description> {
        self.live_through(folder, |_, _| Ok(()))
    }

    /// Creates the host in a folder, and calls `each` while each of its generations runs, oldest first.
    pub fn live_through(
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
            let commit = build.commit.as_deref().context("a ready build needs a commit")?;
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
            // Nix makes no new generation of the latest generation's build.
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

/// Creates the host of a plan file and prints its description as JSON (`cargo xtask host`).
pub fn make_from_file(plan: &Path, folder: &Path) -> Result<()> {
    let text = fs::read_to_string(plan).with_context(|| format!("cannot read {}", plan.display()))?;
    let plan: HostPlan = serde_json::from_str(&text).context("the plan is malformed")?;
    println!("{}", serde_json::to_string_pretty(&plan.make(folder)?)?);
    Ok(())
}
