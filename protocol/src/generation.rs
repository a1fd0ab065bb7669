//! One numbered build in a Nix profile.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A commit of the configuration repository, as the host or the repository gives it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Commit(pub String);

impl Commit {
    /// The first seven characters, as people quote commits.
    pub fn short(&self) -> &str {
        self.0.char_indices().nth(7).map_or(self.0.as_str(), |(end, _)| &self.0[..end])
    }

    /// Whether both name the same commit. `nixos-version` appends `-dirty` to the revision of a tree with local
    /// changes, and such a build is *not* the commit that it started from, so the comparison is exact.
    pub fn is(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl fmt::Display for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.short())
    }
}

/// One numbered build in a Nix profile.
///
/// Read from the profile's `PROFILE-N-link` links and from the files of the build they point at; nothing here needs
/// root or takes the profile's lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generation {
    /// Its number in the profile.
    pub number: u32,
    /// The build in the Nix store.
    pub store_path: String,
    /// The configuration revision that was built, where the build records one.
    pub commit: Option<Commit>,
    /// The tree of that commit, where the host's checkout knows it: two commits with one tree hold the same files.
    #[serde(default)]
    pub tree: Option<Commit>,
    /// The version of the system, such as `25.11.20260307.0116424`.
    pub version: Option<String>,
    /// The version of its kernel.
    pub kernel: Option<String>,
    /// When the generation was made.
    pub created_at: DateTime<Utc>,
    /// Whether the profile points at it now.
    pub current: bool,
    /// Whether the host was booted with it.
    pub booted: bool,
    /// Whether its store path is still there, that is, not garbage-collected.
    pub present: bool,
    /// Whether running it fully takes a reboot: its kernel, initrd or modules are not the booted ones.
    pub needs_reboot: bool,
    /// The switch inhibitors that would stop an activation of it on the running system, by name.
    pub inhibitors: Vec<String>,
}

impl Generation {
    /// What a request says to mean exactly this generation.
    pub fn reference(&self) -> GenerationRef {
        GenerationRef { number: self.number, store_path: self.store_path.clone() }
    }
}

/// Means exactly one generation: its number, and the store path that a person saw under that number.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct GenerationRef {
    /// The number in the profile.
    pub number: u32,
    /// The build behind the number.
    pub store_path: String,
}

impl fmt::Display for GenerationRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gen {}", self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_commit_of_any_text() {
        assert_eq!(Commit("d0cafe1234567890".into()).short(), "d0cafe1");
        assert_eq!(Commit("abc".into()).short(), "abc");
        assert_eq!(Commit("äöüäöüäöü".into()).short(), "äöüäöüä");
    }
}
