//! The trees of commits. Two commits with one tree hold the same files: a revert has the tree of what was
//! before.

use parking_lot::Mutex;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

use backstay_model::{Commit, Facts};

use super::checkout::git;
use crate::command;
use crate::config::Config;

/// Time limit for git to list the trees.
const GIT_TIMEOUT: Duration = Duration::from_secs(20);
/// The lengths of a full commit name: SHA-1 and SHA-256.
const NAME_LENGTHS: [usize; 2] = [40, 64];

/// Cached trees. The tree of a commit never changes.
#[derive(Debug, Default)]
pub(super) struct Trees(Mutex<TreeCache>);

#[derive(Debug, Default)]
struct TreeCache {
    trees: HashMap<String, Commit>,
    /// Commits that the checkout did not have when it was at `unknown_at`. It may get them when it moves.
    unknown: HashSet<String>,
    unknown_at: Option<Commit>,
}

impl Trees {
    /// Adds the trees of the checkout's commit and of the generations' commits, if the checkout has them. One
    /// git reports all new ones.
    pub(super) fn describe(&self, config: &Config, facts: &mut Facts) {
        let Some(checkout) = &mut facts.checkout else { return };
        let mut known = self.0.lock();
        let built = facts.generations.iter().filter_map(|generation| generation.commit.as_ref());
        let names: HashSet<_> =
            built.chain([&checkout.commit]).filter(|commit| is_name(commit)).map(|c| c.0.clone()).collect();
        known.keep(&names, &checkout.commit);
        if let Err(why) = known.learn(config, names) {
            facts.problems.push(format!("The trees of commits could not be read: {why}."));
        }
        checkout.tree = known.trees.get(&checkout.commit.0).cloned();
        for generation in &mut facts.generations {
            generation.tree =
                generation.commit.as_ref().and_then(|commit| known.trees.get(&commit.0)).cloned();
        }
    }
}

impl TreeCache {
    /// Forgets trees that are no longer needed, and unknown commits that may be known by now.
    fn keep(&mut self, names: &HashSet<String>, at: &Commit) {
        self.trees.retain(|name, _| names.contains(name));
        if self.unknown_at.as_ref() != Some(at) {
            self.unknown.clear();
            self.unknown_at = Some(at.clone());
        }
    }

    fn learn(&mut self, config: &Config, names: HashSet<String>) -> Result<(), String> {
        let is_new = |name: &String| !self.trees.contains_key(name) && !self.unknown.contains(name);
        let new: Vec<_> = names.into_iter().filter(is_new).collect();
        if new.is_empty() {
            return Ok(());
        }
        let first = ["rev-list", "--no-walk=unsorted", "--ignore-missing", "--format=%H %T"];
        let words = first.into_iter().chain(new.iter().map(String::as_str)).chain(["--"]);
        // A partial clone would fetch what it lacks from its remote.
        let output = command::read(&git(config, words).with("GIT_NO_LAZY_FETCH", "1"), GIT_TIMEOUT)?;
        self.trees.extend(output.lines().filter_map(commit_and_tree));
        self.unknown.extend(new.into_iter().filter(|name| !self.trees.contains_key(name)));
        Ok(())
    }
}

/// Whether this is the full name of a commit. It comes from a build: anything else, such as a name with
/// `-dirty`, never reaches git.
fn is_name(commit: &Commit) -> bool {
    NAME_LENGTHS.contains(&commit.0.len())
        && commit.0.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// Parses a line of git's output. Returns `None` for the header of each commit.
fn commit_and_tree(line: &str) -> Option<(String, Commit)> {
    let (commit, tree) = line.split_once(' ')?;
    let (commit, tree) = (Commit(commit.to_owned()), Commit(tree.to_owned()));
    (is_name(&commit) && is_name(&tree)).then_some((commit.0, tree))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_full_names_reach_git() {
        let full = "021d5d850154a0ba58eb2f9a707e2c380ebf1a25";
        assert!(is_name(&Commit(full.into())));
        for other in [&format!("{full}-dirty"), "021d5d8", "", "--all", &"-".repeat(40), &"A".repeat(40)] {
            assert!(!is_name(&Commit(other.to_string())), "{other}");
        }
    }
}
