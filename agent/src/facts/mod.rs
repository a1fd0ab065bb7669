//! Reads the host: without root, without locks, and never failing as a whole.

pub(crate) mod build;
pub(crate) mod checkout;
mod fingerprint;
mod fit;
mod nix;
mod profile;
mod running;
mod trees;
mod units;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use backstay_model::{Clock, Facts, Generation, Platform, wire::limits};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::{Config, EXPOSED, is_exposed};
use crate::host_tests;
use crate::journal;
use build::Builds;
pub(crate) use profile::Profile;
use trees::Trees;

/// Reads the host that a configuration describes.
pub struct FactsReader {
    config: Arc<Config>,
    clock: Arc<dyn Clock>,
    builds: Builds,
    trees: Trees,
    turns: Arc<Semaphore>,
}

impl FactsReader {
    /// A reader that has read nothing yet.
    pub fn new(config: Arc<Config>, clock: Arc<dyn Clock>) -> Self {
        Self {
            config,
            clock,
            builds: Builds::default(),
            trees: Trees::default(),
            turns: Arc::new(Semaphore::new(1)),
        }
    }

    /// Waits for a turn to read the host in the background. There is one turn, which lasts until it is
    /// dropped.
    pub(crate) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        // The semaphore is never closed.
        Arc::clone(&self.turns).acquire_owned().await.ok()
    }

    /// Reads all facts. What cannot be read is reported in `problems`.
    pub fn read(&self) -> Facts {
        let mut facts = self.read_generations();
        let config = &self.config;
        part("The builds", &mut facts, |facts| self.builds.describe(config, facts));
        part("The checkout", &mut facts, |facts| self.read_checkout(facts));
        part("Failed units", &mut facts, |facts| {
            facts.failed_units = noted(units::failed(config), &mut facts.problems).unwrap_or_default();
        });
        facts.nix_version = nix::version(config);
        part("The tests", &mut facts, |facts| self.read_tests(facts));
        facts.problems.extend(journal::damage(&config.state_dir));
        facts.problems.extend(is_exposed(&config.server).then(|| EXPOSED.to_owned()));
        fit::fit(&mut facts);
        facts
    }

    fn read_checkout(&self, facts: &mut Facts) {
        if facts.observed {
            return;
        }
        facts.switch_flake.clone_from(&self.config.switch.flake);
        match checkout::read(&self.config) {
            Ok(checkout) => facts.checkout = Some(checkout),
            Err(none) => {
                let why = none.why.as_ref();
                let problem =
                    why.map(|why| format!("The checkout at {} could not be read: {why}.", none.path));
                facts.problems.extend(problem);
                facts.no_checkout = Some(none);
            }
        }
        self.trees.describe(&self.config, facts);
    }

    fn read_tests(&self, facts: &mut Facts) {
        match host_tests::list(&self.config) {
            Ok(tests) => {
                facts.tests_available = u32::try_from(tests.len()).unwrap_or(u32::MAX);
                facts.tests = Some(host_tests::tests_folder(&self.config.tests, &tests));
            }
            Err(error) => facts.problems.push(format!("The tests could not be listed: {error}.")),
        }
        let runs = host_tests::runs(&self.config.state_dir, &mut facts.problems);
        let known = |path: &str| facts.generations.iter().any(|g| g.store_path == path);
        facts.test_runs = runs.into_iter().filter(|run| known(&run.generation.store_path)).collect();
    }

    /// Reads only the generations, the current one, and what runs. This is quick, and is all that an op
    /// checks before it acts.
    pub fn read_generations(&self) -> Facts {
        let mut facts = Facts {
            read_at: self.clock.now(),
            profile: self.config.profile_path().to_string_lossy().into_owned(),
            generations: vec![],
            running: None,
            specialisation: None,
            booted: None,
            checkout: None,
            no_checkout: None,
            observed: self.config.observe,
            switch_flake: None,
            tests_available: 0,
            tests: None,
            test_runs: vec![],
            failed_units: vec![],
            nix_version: None,
            problems: vec![],
        };
        part("The generations", &mut facts, |facts| self.read_profile(facts));
        facts
    }

    fn read_profile(&self, facts: &mut Facts) {
        let profile = self.profile();
        let mut generations = noted(profile.generations(), &mut facts.problems).unwrap_or_default();
        keep_newest(&mut generations);
        if !generations.is_empty() && !generations.iter().any(|generation| generation.current) {
            facts.problems.push(profile.points_astray());
        }
        let part_of = |build: String| running::part_of(&generations, &build);
        let booted = self.config.booted_system().and_then(|link| store_path(&link));
        facts.booted = booted.map(part_of).map(|part| part.store_path);
        let running = self.running(&generations).map(part_of);
        if running.is_none() && !generations.is_empty() {
            let link = self.config.running_system();
            facts.problems.push(format!("The running build is unknown: {} points nowhere.", link.display()));
        }
        if let Some(running::Part { store_path, specialisation }) = running {
            (facts.running, facts.specialisation) = (Some(store_path), specialisation);
        }
        for generation in &mut generations {
            generation.booted = facts.booted.as_ref() == Some(&generation.store_path);
            generation.specialisations = self.specialisations(generation);
        }
        facts.generations = generations;
    }

    /// The specialisations that a rollback can activate. A home from before `gen-version` would make its
    /// specialisation a generation of its own.
    fn specialisations(&self, generation: &Generation) -> Vec<String> {
        let is_new = || Path::new(&generation.store_path).join("gen-version").exists();
        match self.config.platform {
            Platform::Nixos => running::specialisations(&generation.store_path),
            Platform::HomeManager if is_new() => running::specialisations(&generation.store_path),
            Platform::HomeManager | Platform::Darwin => vec![],
        }
    }

    /// A number that changes when the host does, computed from links and dates only.
    pub fn fingerprint(&self) -> u64 {
        catch_unwind(AssertUnwindSafe(|| fingerprint::of(&self.config, &self.profile()))).unwrap_or_default()
    }

    /// The profile whose generations are the host's.
    pub(crate) fn profile(&self) -> Profile {
        Profile::at(self.config.profile_path())
    }

    fn running(&self, generations: &[Generation]) -> Option<String> {
        let linked = store_path(&self.config.running_system());
        if self.config.platform != Platform::HomeManager {
            return linked;
        }
        // home-manager sets this link at the end of an activation, so it is the better source. Generations
        // from before `gen-version` do not touch it if another program switched their profile: for them the
        // profile decides.
        let current = generations.iter().find(|g| g.current)?;
        let tells = Path::new(&current.store_path).join("gen-version").exists();
        linked.filter(|_| tells).or_else(|| Some(current.store_path.clone()))
    }
}

/// Keeps the newest generations, and the current one even if it is old.
fn keep_newest(generations: &mut Vec<Generation>) {
    let current = generations.iter().position(|g| g.current);
    if let Some(current) = current.filter(|&at| at >= limits::GENERATIONS) {
        generations.swap(limits::GENERATIONS - 1, current);
    }
    generations.truncate(limits::GENERATIONS);
}

/// Reads one part of the facts. A bug in it is reported and does not affect the others.
fn part(what: &str, facts: &mut Facts, read: impl FnOnce(&mut Facts)) {
    if catch_unwind(AssertUnwindSafe(|| read(&mut *facts))).is_err() {
        facts.problems.push(format!(
            "{what} could not be read because of a bug in the agent. See its log on the host."
        ));
    }
}

/// Returns the value, or `None` after recording the problem.
fn noted<T>(result: Result<T, String>, problems: &mut Vec<String>) -> Option<T> {
    result.map_err(|problem| problems.push(problem)).ok()
}

/// Returns the build that a link points at, following links only until they enter the store.
fn store_path(link: &Path) -> Option<String> {
    let mut at = link.to_owned();
    // A profile is a link to a link; more than a few are a loop.
    for _ in 0..8 {
        let target = fs::read_link(&at).ok()?;
        let next = at.parent().unwrap_or(Path::new("/")).join(target);
        if !is_link(&next) {
            return Some(next.to_string_lossy().into_owned());
        }
        at = next;
    }
    None
}

fn is_link(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|found| found.file_type().is_symlink())
}

/// Returns the file at the end of a chain of links.
fn behind(path: &Path) -> Option<PathBuf> {
    fs::canonicalize(path).ok()
}

#[cfg(test)]
mod tests;
