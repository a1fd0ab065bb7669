//! A number that changes when the host does, computed from links and dates alone because it is needed every
//! few seconds.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use super::{Profile, checkout};
use crate::config::Config;
use crate::host_tests;
use crate::storage::names_in;

/// Computes the fingerprint of the host.
pub(super) fn of(config: &Config, profile: &Profile) -> u64 {
    let mut hasher = DefaultHasher::new();
    let mut look = |path: &Path| look_at(path, &mut hasher);
    look(profile.path());
    for number in profile.numbers().unwrap_or_default() {
        let link = profile.link(number);
        look(&link);
        // A garbage-collected build leaves its link unchanged.
        if let Ok(build) = fs::read_link(&link) {
            look(&build);
        }
    }
    look(&config.running_system());
    config.booted_system().iter().for_each(|link| look(link));
    for file in checkout::files(config) {
        look(&file);
    }
    for folder in [&config.tests.dir, &host_tests::runs_folder(&config.state_dir)] {
        names_in(folder).unwrap_or_default().iter().for_each(|file| look(file));
    }
    hasher.finish()
}

fn look_at(path: &Path, hasher: &mut DefaultHasher) {
    path.hash(hasher);
    let Ok(found) = path.symlink_metadata() else { return };
    found.file_type().hash(hasher);
    if found.file_type().is_symlink() {
        fs::read_link(path).ok().hash(hasher);
    }
    found.modified().ok().hash(hasher);
    found.len().hash(hasher);
    std::os::unix::fs::MetadataExt::mode(&found).hash(hasher);
}

/// Returns git's folder: `.git`, or the one that a file of that name points to (in a worktree or submodule).
pub(crate) fn git_folder(checkout: &Path) -> PathBuf {
    let dot_git = checkout.join(".git");
    let elsewhere = fs::read_to_string(&dot_git)
        .ok()
        .and_then(|text| text.trim().strip_prefix("gitdir: ").map(|to| checkout.join(to)));
    elsewhere.unwrap_or(dot_git)
}
