//! What the host holds: generations, checkout, tests, space.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use backstay_model::{Facts, SystemClock};

use super::Finding;
use crate::config::Config;
use crate::facts::FactsReader;
use crate::host_tests::ROOM;
use crate::probe::{MIB, free_bytes};
use crate::storage;

const PROFILE: &str = "Profile";
const CHECKOUT: &str = "Checkout";
const TESTS: &str = "Tests";

pub(super) fn findings(config: &Arc<Config>) -> Vec<Finding> {
    let facts = FactsReader::new(Arc::clone(config), Arc::new(SystemClock)).read();
    let mut findings = vec![profile(&facts), revision(&facts), tests(config, &facts)];
    findings.extend(checkout(config, &facts));
    findings.extend(facts.problems.iter().map(|problem| {
        Finding::warning("Facts", problem.clone(), "As it says; the host's page shows it too.")
    }));
    findings.extend(space(config));
    findings
}

fn profile(facts: &Facts) -> Finding {
    let path = &facts.profile;
    let to_do = "Set profile.path and profile.running_system in the configuration.";
    let Some(current) = facts.current() else {
        let what = match facts.generations.len() {
            0 => format!("{path} has no generations: there is nothing to roll back to"),
            _ => format!("{path} points at none of its generations"),
        };
        return Finding::broken(PROFILE, what, to_do);
    };
    let count = facts.generations.len();
    match facts.running_generation() {
        None => Finding::warning(PROFILE, format!("what runs is no generation of {path}"), to_do),
        Some(_) if count == 1 => Finding::warning(
            PROFILE,
            format!("{path} has one generation: nothing to roll back to yet"),
            "Nothing: the next switch makes a second one.",
        ),
        Some(running) => Finding::fine(
            PROFILE,
            format!(
                "{path}: {count} generations, Gen {} is current, Gen {} runs",
                current.number, running.number
            ),
        ),
    }
}

/// Whether generations name their commit.
fn revision(facts: &Facts) -> Finding {
    const ABOUT: &str = "Commit";
    match facts.current().map(|current| &current.commit) {
        Some(Some(commit)) => Finding::fine(ABOUT, format!("the current generation was built from {commit}")),
        _ => Finding::warning(
            ABOUT,
            "the current generation does not name the commit that it was built from",
            "Set system.configurationRevision = self.rev or self.dirtyRev or null; in the flake.",
        ),
    }
}

fn tests(config: &Config, facts: &Facts) -> Finding {
    let folder = config.tests.dir.display();
    let idle = idle_files(&config.tests.dir);
    if !idle.is_empty() {
        let names = idle.join(", ");
        return Finding::warning(
            TESTS,
            format!("not executable, so never run: {names}"),
            format!("chmod +x them in {folder}, or move them away."),
        );
    }
    match facts.tests_available {
        0 => Finding::warning(
            TESTS,
            format!("none in {folder}: nothing says whether a generation works"),
            "Put executables there; a test passes by exiting with 0.",
        ),
        count => Finding::fine(TESTS, format!("{count}, those in {folder} among them")),
    }
}

/// The names of files that look like tests and are not executable.
fn idle_files(folder: &Path) -> Vec<String> {
    use std::os::unix::fs::PermissionsExt as _;
    let is_idle = |path: &PathBuf| {
        path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 == 0)
    };
    let names = storage::names_in(folder).unwrap_or_default().into_iter().filter(is_idle);
    let names = names.filter_map(|path| path.file_name().map(|name| name.to_string_lossy().into_owned()));
    names.filter(|name| !name.starts_with('.')).collect()
}

fn checkout(config: &Config, facts: &Facts) -> Option<Finding> {
    if config.observe {
        return Some(Finding::fine(CHECKOUT, "none needed: something else deploys this host"));
    }
    if let Some(flake) = &facts.switch_flake {
        return Some(Finding::fine(CHECKOUT, format!("none needed: a switch builds {flake}")));
    }
    let to_do = "Clone the configuration repository there, set checkout.path, or set `observe = true` if something else deploys this host.";
    let Some(checkout) = &facts.checkout else {
        let none = facts.no_checkout.as_ref()?;
        let why = none.why.clone().unwrap_or_else(|| "it is no git checkout".to_owned());
        return Some(Finding::broken(
            CHECKOUT,
            format!("{}: {why}. Pull and switch would fail", none.path),
            to_do,
        ));
    };
    let path = Path::new(&checkout.path);
    Some(if path.join("flake.nix").exists() {
        Finding::fine(
            CHECKOUT,
            format!("{} at {}; a switch builds {}", checkout.path, checkout.commit, config.flake()),
        )
    } else {
        Finding::broken(
            CHECKOUT,
            format!("{} has no flake.nix: a switch would fail", checkout.path),
            "Set switch.flake, or `observe = true`.",
        )
    })
}

/// Free space where an op writes.
fn space(config: &Config) -> Vec<Finding> {
    let [(store, for_store), (boot, for_boot)] = ROOM;
    let places = [
        (Path::new(store), for_store * MIB, "a switch may not fit"),
        (Path::new(boot), for_boot * MIB, "a switch may not be able to install its kernel"),
        (config.state_dir.as_path(), 64 * MIB, "the output of ops may not fit"),
    ];
    places.into_iter().filter_map(|(place, least, what)| full(place, least, what)).collect()
}

fn full(place: &Path, least: u64, what: &str) -> Option<Finding> {
    let free = free_bytes(place)?;
    (free < least).then(|| {
        Finding::warning(
            "Space",
            format!("{} MiB are free in {}: {what}", free / MIB, place.display()),
            "Remove old generations (nix-collect-garbage --delete-older-than 30d), or make room.",
        )
    })
}

#[cfg(test)]
mod tests_of_host {
    use std::fs;

    use backstay_model::sample;

    use super::*;

    fn facts() -> Facts {
        sample::facts_of(vec![sample::generation(48, 0), sample::generation(47, 0)])
    }

    #[test]
    fn a_profile_that_leads_nowhere_is_broken() {
        let mut facts = facts();
        facts.generations[0].current = true;
        facts.running = Some(facts.generations[0].store_path.clone());
        assert!(profile(&facts).to_string().starts_with("ok"), "{}", profile(&facts));
        facts.running = None;
        assert!(profile(&facts).to_string().contains("what runs is no generation"));
        facts.generations.iter_mut().for_each(|generation| generation.current = false);
        assert!(profile(&facts).to_string().starts_with("BROKEN"));
        facts.generations.clear();
        assert!(profile(&facts).to_string().contains("nothing to roll back to"));
    }

    #[test]
    fn a_file_that_was_meant_as_a_test_is_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("x11"), "").unwrap();
        fs::write(folder.path().join(".hidden"), "").unwrap();
        assert_eq!(idle_files(folder.path()), ["x11"]);
        assert_eq!(idle_files(&folder.path().join("none")), Vec::<String>::new());
    }

    #[test]
    fn little_space_is_told_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(full(folder.path(), 0, "x"), None);
        let said = full(folder.path(), u64::MAX, "a switch may not fit").unwrap().to_string();
        assert!(said.contains("MiB are free in") && said.contains("a switch may not fit"), "{said}");
        assert_eq!(full(Path::new("/does/not/exist"), u64::MAX, "x"), None);
    }
}
