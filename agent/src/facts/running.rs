//! Finds the generation that a link points at: directly, through the system inside it, or through one of its
//! specialisations.

use std::fs;
use std::path::Path;

use backstay_model::Generation;

use super::behind;

/// Files at the top of a system that it contains itself. Deployment tools such as deploy-rs wrap a system in
/// an environment, in which these are links into the system.
const OWN_FILES: [&str; 4] = ["activate", "nixos-version", "darwin-version", "init"];
/// Upper bound on the specialisations of one generation that are checked.
const SPECIALISATIONS: usize = 64;

/// The relation of a build to a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// The store path of its generation, or its own if it belongs to none.
    pub(super) store_path: String,
    /// The specialisation of the generation that it is.
    pub(super) specialisation: Option<String>,
}

/// Relates `build` to these generations. The current one is preferred, then the newest.
pub(super) fn part_of(generations: &[Generation], build: &str) -> Part {
    let itself = |path: &str| Part { store_path: path.to_owned(), specialisation: None };
    if generations.iter().any(|generation| generation.store_path == build) {
        return itself(build);
    }
    let mut present: Vec<_> = generations.iter().filter(|generation| generation.present).collect();
    present.sort_by_key(|generation| !generation.current);
    if let Some(around) = present.iter().find(|generation| is_around(&generation.store_path, build)) {
        return itself(&around.store_path);
    }
    let special = present.iter().find_map(|generation| {
        let specialisation = Some(specialisation(&generation.store_path, build)?);
        Some(Part { specialisation, ..itself(&generation.store_path) })
    });
    special.unwrap_or_else(|| itself(build))
}

fn is_around(generation: &str, build: &str) -> bool {
    let leads_into = |name: &str| {
        fs::read_link(Path::new(generation).join(name)).is_ok_and(|to| to.parent() == Some(Path::new(build)))
    };
    OWN_FILES.into_iter().any(leads_into)
}

/// Returns the name of the generation's specialisation that this build is.
fn specialisation(generation: &str, build: &str) -> Option<String> {
    let build = behind(Path::new(build))?;
    let entries = fs::read_dir(Path::new(generation).join("specialisation")).ok()?;
    let found =
        entries.flatten().take(SPECIALISATIONS).find(|entry| behind(&entry.path()).as_ref() == Some(&build));
    found.map(|entry| entry.file_name().to_string_lossy().into_owned())
}
