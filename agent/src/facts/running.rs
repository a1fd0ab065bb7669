//! Finds the generation that a link points at: directly, through the system inside it, or through one of its
//! specialisations.

use std::fs;
use std::path::{Path, PathBuf};

use backstay_model::Generation;
use backstay_model::wire::limits::{SPECIALISATIONS, VERSION_BYTES};

use super::behind;

/// Files at the top of a system that it contains itself. Deployment tools such as deploy-rs wrap a system in
/// an environment, in which these are links into the system.
const OWN_FILES: [&str; 4] = ["activate", "nixos-version", "darwin-version", "init"];

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

/// Returns the names of the generation's specialisations, in order. Every name is one that fits into a path
/// and a form.
pub(super) fn specialisations(generation: &str) -> Vec<String> {
    let entries = fs::read_dir(folder(generation)).into_iter().flatten().flatten().take(SPECIALISATIONS);
    let names = entries
        .filter(|entry| entry.path().is_dir())
        .filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<_> =
        names.filter(|name| name.len() <= VERSION_BYTES && !name.contains(char::is_control)).collect();
    names.sort();
    names
}

/// Returns the name of the generation's specialisation that this build is.
fn specialisation(generation: &str, build: &str) -> Option<String> {
    let build = behind(Path::new(build))?;
    let is_it = |name: &String| behind(&folder(generation).join(name)).as_ref() == Some(&build);
    specialisations(generation).into_iter().find(is_it)
}

fn folder(generation: &str) -> PathBuf {
    Path::new(generation).join("specialisation")
}
