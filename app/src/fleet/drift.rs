//! Hosts that run something else than most of the fleet.

use std::collections::{BTreeSet, HashMap};

use backstay_model::{Commit, Generation};

/// Counts which commits the hosts' current generations were built from. Those that record none do not count.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    by_commit: HashMap<Commit, Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    hosts: usize,
    /// The commit's tree, where one of the hosts knows it.
    tree: Option<Commit>,
}

/// What most of the fleet runs.
///
/// It is more than half of all hosts whose commit is known, whatever their platform. Of all, because one repository
/// describes the whole fleet: a lone Mac that stayed behind has nobody of its kind to be held against. More than half,
/// rather than the most frequent: of three commits on three, two and two hosts, none is what “most” run, and to mark four
/// of seven hosts would tell nobody where to look. So in the middle of a roll-out nothing is marked for a moment, and
/// then those that are still to come.
///
/// Commits with one tree hold the same files, as after a revert of a revert, and count as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Majority {
    /// The commit that most of them name; the others have the same files.
    commit: Commit,
    commits: BTreeSet<String>,
    hosts: usize,
    of: usize,
}

impl Tally {
    /// Counts a host.
    pub(crate) fn add(&mut self, generation: &Generation) {
        let Some(commit) = &generation.commit else { return };
        // Most hosts run what another one runs: nothing is copied for those.
        if !self.by_commit.contains_key(commit) {
            self.by_commit.insert(commit.clone(), Seen::default());
        }
        if let Some(seen) = self.by_commit.get_mut(commit) {
            seen.hosts += 1;
            if seen.tree.is_none() {
                seen.tree.clone_from(&generation.tree);
            }
        }
    }

    /// What more than half of the hosts run, if there is such a thing.
    pub(crate) fn majority(&self) -> Option<Majority> {
        let of: usize = self.by_commit.values().map(|seen| seen.hosts).sum();
        let mut by_files = HashMap::<&Commit, usize>::new();
        for (commit, seen) in &self.by_commit {
            *by_files.entry(seen.files(commit)).or_default() += seen.hosts;
        }
        let (files, hosts) = by_files.into_iter().find(|(_, hosts)| hosts * 2 > of)?;
        let same: Vec<_> =
            self.by_commit.iter().filter(|(commit, seen)| seen.files(commit) == files).collect();
        let (commit, _) =
            same.iter().max_by_key(|(commit, seen)| (seen.hosts, std::cmp::Reverse(&commit.0)))?;
        let commits = same.iter().map(|(commit, _)| commit.0.clone()).collect();
        Some(Majority { commit: (*commit).clone(), commits, hosts, of })
    }
}

impl Seen {
    /// What stands for the files: the tree, or the commit itself where that is not known.
    fn files<'a>(&'a self, commit: &'a Commit) -> &'a Commit {
        self.tree.as_ref().unwrap_or(commit)
    }
}

impl Majority {
    /// Whether a host with this generation runs something else. Of one whose commit is not known, that cannot be said.
    pub(crate) fn differs_from(&self, generation: &Generation) -> bool {
        generation.commit.as_ref().is_some_and(|commit| !self.commits.contains(&commit.0))
    }

    /// “abc1234 on 5 of 7”.
    pub(crate) fn words(&self) -> String {
        format!("{} on {} of {}", self.commit, self.hosts, self.of)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::sample::generation;
    use super::*;

    fn built(commit: &str, tree: Option<&str>) -> Generation {
        Generation { tree: tree.map(|tree| Commit(tree.to_owned())), ..generation(48, Some(commit)) }
    }

    fn majority(generations: &[Generation]) -> Option<Majority> {
        let mut tally = Tally::default();
        for generation in generations {
            tally.add(generation);
        }
        tally.majority()
    }

    #[test]
    fn a_host_that_runs_something_else_than_most_has_left_them() {
        let hosts =
            [built("aaaaaaaaaa", None), built("aaaaaaaaaa", None), built("b", None), generation(3, None)];
        let majority = majority(&hosts).unwrap();
        assert_eq!(majority.words(), "aaaaaaa on 2 of 3");
        assert_eq!(hosts.map(|host| majority.differs_from(&host)), [false, false, true, false]);
    }

    #[test]
    fn where_no_commit_is_on_more_than_half_nothing_is_most() {
        for commits in [&["a", "b"][..], &["a", "a", "b", "b"], &["a", "a", "a", "b", "b", "c", "c"], &[]] {
            let hosts: Vec<_> = commits.iter().map(|commit| built(commit, None)).collect();
            assert_eq!(majority(&hosts), None, "{commits:?}");
        }
    }

    #[test]
    fn the_same_files_are_the_same_whatever_the_commit() {
        let hosts =
            [built("a", Some("t")), built("revert", Some("t")), built("a", None), built("b", Some("u"))];
        let majority = majority(&hosts).unwrap();
        assert_eq!(majority.words(), "a on 3 of 4");
        assert_eq!(hosts.map(|host| majority.differs_from(&host)), [false, false, false, true]);
    }

    proptest! {
        #[test]
        fn most_is_more_than_half(commits in proptest::collection::vec(proptest::option::of(0_u8..4), 0..30)) {
            let hosts: Vec<_> = commits
                .iter()
                .map(|commit| generation(1, commit.map(|c| format!("c{c}")).as_deref()))
                .collect();
            let known = commits.iter().flatten().count();
            let found = majority(&hosts);
            let expected = (0..4).find(|c| commits.iter().flatten().filter(|k| *k == c).count() * 2 > known);
            prop_assert_eq!(found.as_ref().map(|m| m.commit.0.clone()), expected.map(|c| format!("c{c}")));
            if let Some(found) = found {
                let left = hosts.iter().filter(|host| found.differs_from(host)).count();
                prop_assert_eq!(left + found.hosts, known);
                prop_assert!(left < found.hosts);
            }
        }

        /// In whichever order hosts are counted.
        #[test]
        fn the_order_does_not_matter(
            hosts in proptest::collection::vec((0_u8..4, proptest::option::of(0_u8..2)), 0..12).prop_shuffle(),
        ) {
            // One commit has one tree, which some of the hosts know.
            let built: Vec<_> = hosts
                .iter()
                .map(|(commit, known)| built(&format!("c{commit}"), known.map(|_| ["t", "u", "t", "v"][usize::from(*commit)])))
                .collect();
            let turned: Vec<_> = built.iter().rev().cloned().collect();
            prop_assert_eq!(majority(&built), majority(&turned));
        }
    }
}
