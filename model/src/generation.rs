//! One numbered build in a Nix profile.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A commit of the configuration repository, as the host or the repository reports it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Commit(pub String);

impl Commit {
    /// The first seven characters, as people quote commits.
    pub fn short(&self) -> &str {
        self.0.char_indices().nth(7).map_or(self.0.as_str(), |(end, _)| &self.0[..end])
    }

    /// How two revisions relate. Decided here only.
    ///
    /// A checkout names its full commit. A build records what its flake chooses: `self.rev` or
    /// `self.shortRev` (seven digits or more), either with `-dirty` if there were local changes, or a bare
    /// word such as `dirty`, which names no commit at all.
    pub fn compare(&self, other: &Self) -> SameCommit {
        let (one, other) = (Revision::of(&self.0), Revision::of(&other.0));
        match one.relation(other) {
            Some(false) => SameCommit::Different,
            Some(true) if one.changed || other.changed => SameCommit::SameWithChanges,
            Some(true) => SameCommit::Same,
            None => SameCommit::Unknown,
        }
    }

    /// Returns whether both certainly name the same commit, without local changes.
    pub fn is(&self, other: &Self) -> bool {
        self.compare(other) == SameCommit::Same
    }
}

/// How two revisions relate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SameCommit {
    /// Both name the same commit.
    Same,
    /// Both start from the same commit, and at least one has local changes that no commit holds.
    SameWithChanges,
    /// They name different commits.
    Different,
    /// At least one names no commit.
    Unknown,
}

/// What Nix appends to the revision of a tree with local changes.
const CHANGED: &str = "-dirty";
/// Minimum number of digits that name a commit: the length of `self.shortRev`.
const FEWEST_DIGITS: usize = 7;
/// Words that flakes record if there is no revision.
const NO_NAMES: [&str; 4] = ["", "dirty", "unknown", "none"];

/// A parsed revision.
#[derive(Clone, Copy)]
struct Revision<'a> {
    name: &'a str,
    changed: bool,
}

impl<'a> Revision<'a> {
    fn of(text: &'a str) -> Self {
        let text = text.trim();
        text.strip_suffix(CHANGED)
            .map_or(Self { name: text, changed: false }, |name| Self { name, changed: true })
    }

    fn is_digits(self) -> bool {
        self.name.len() >= FEWEST_DIGITS
            && self.name.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    }

    /// Returns whether both are based on one commit; `None` if at least one names no commit.
    fn relation(self, other: Self) -> Option<bool> {
        if NO_NAMES.contains(&self.name) || NO_NAMES.contains(&other.name) {
            return None;
        }
        match (self.is_digits(), other.is_digits()) {
            (true, true) => Some(self.name.starts_with(other.name) || other.name.starts_with(self.name)),
            (false, false) => Some(self.name == other.name),
            _ => None,
        }
    }
}

impl fmt::Display for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.short())
    }
}

/// One numbered build in a Nix profile.
///
/// Read from the profile's `PROFILE-N-link` links and the files of the builds behind them, without root and
/// without the profile's lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generation {
    /// Its number in the profile.
    pub number: u32,
    /// The build in the Nix store.
    pub store_path: String,
    /// The configuration revision that was built, if the build records one.
    pub commit: Option<Commit>,
    /// The tree of that commit, if the host's checkout has it: two commits with one tree hold the same files.
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
    /// Whether its store path still exists, that is, was not garbage-collected.
    pub present: bool,
    /// Whether it needs a reboot to run fully: its kernel, initrd or modules are not the booted ones.
    pub needs_reboot: bool,
    /// Names of the switch inhibitors that would prevent its activation on the running system.
    pub inhibitors: Vec<String>,
    /// The names of its specialisations, in order: variants of the system (NixOS) or of the home that it
    /// holds in its folder `specialisation`. Old agents do not report them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub specialisations: Vec<String>,
}

impl Generation {
    /// The reference by which a request names exactly this generation.
    pub fn reference(&self) -> GenerationRef {
        GenerationRef { number: self.number, store_path: self.store_path.clone() }
    }

    /// Returns whether it has the specialisation of this name.
    pub fn has_specialisation(&self, name: &str) -> bool {
        self.specialisations.iter().any(|own| own == name)
    }
}

/// Names exactly one generation: its number, and the store path that a person saw under that number.
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

impl GenerationRef {
    /// The name of this generation with one of its specialisations: “Gen 47 (gaming)”.
    pub fn with(&self, specialisation: Option<&str>) -> String {
        match specialisation {
            Some(name) => format!("{self} ({name})"),
            None => self.to_string(),
        }
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

    #[test]
    fn recorded_revisions_are_compared_with_full_commits() {
        const FULL: &str = "07f74d4be34a2bd1b4b6e4f6e2c31d3dba9c0a11";
        const OTHER: &str = "b45f6cdbe34a2bd1b4b6e4f6e2c31d3dba9c0a11";
        for (recorded, relation) in [
            (FULL.to_owned(), SameCommit::Same),
            ("07f74d4".to_owned(), SameCommit::Same),
            ("07f74d4be3".to_owned(), SameCommit::Same),
            (format!("{FULL}-dirty"), SameCommit::SameWithChanges),
            ("07f74d4-dirty".to_owned(), SameCommit::SameWithChanges),
            (OTHER.to_owned(), SameCommit::Different),
            ("b45f6cd".to_owned(), SameCommit::Different),
            ("b45f6cd-dirty".to_owned(), SameCommit::Different),
            ("dirty".to_owned(), SameCommit::Unknown),
            (String::new(), SameCommit::Unknown),
            ("unknown".to_owned(), SameCommit::Unknown),
            // Six digits are too few to name a commit, and a version is not one.
            ("07f74d".to_owned(), SameCommit::Unknown),
            ("25.11.20260307".to_owned(), SameCommit::Unknown),
        ] {
            let (recorded, full) = (Commit(recorded), Commit(FULL.into()));
            assert_eq!(recorded.compare(&full), relation, "{recorded:?}");
            assert_eq!(full.compare(&recorded), relation, "{recorded:?}, the other way round");
            assert_eq!(recorded.is(&full), relation == SameCommit::Same);
        }
    }
}
