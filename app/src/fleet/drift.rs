//! Hosts that differ from most of the fleet.

use std::collections::{BTreeSet, HashMap};

use backstay_model::{Commit, Generation};

/// Counts the commits of the hosts' current generations. Generations without a commit do not count.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    by_commit: HashMap<Commit, Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    hosts: usize,
    /// The commit's tree, if one of the hosts knows it.
    tree: Option<Commit>,
}

/// What most of the fleet runs: the files of more than half of all hosts with a known commit, on any
/// platform.
///
/// Of all hosts, because one repository describes the whole fleet: a lone Mac that stayed behind has no other
/// Mac to be compared with. More than half rather than the most frequent: of three commits on three, two and
/// two hosts, none is on “most”, and marking four of seven hosts would help nobody. So in the middle of a
/// roll-out nothing is marked for a moment, and after that the remaining hosts.
///
/// Commits with one tree hold the same files, as after a revert of a revert, and count as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Majority {
    /// The most frequent commit of them; the others have the same files.
    commit: Commit,
    commits: BTreeSet<String>,
    hosts: usize,
    of: usize,
}

impl Tally {
    /// Counts a host.
    pub(crate) fn add(&mut self, generation: &Generation) {
        let Some(commit) = &generation.commit else { return };
        // Most hosts run a commit that is counted already: nothing is copied for those.
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

    /// Each commit, in short, and its number of hosts, the most frequent first.
    pub(crate) fn commits(&self) -> Vec<(String, usize)> {
        let mut commits: Vec<_> =
            self.by_commit.iter().map(|(commit, seen)| (commit.to_string(), seen.hosts)).collect();
        commits.sort_by(|(one, few), (other, many)| many.cmp(few).then_with(|| one.cmp(other)));
        commits
    }

    /// What more than half of the hosts run, if anything.
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
    /// The key for the files: the tree, or the commit itself if the tree is unknown.
    fn files<'a>(&'a self, commit: &'a Commit) -> &'a Commit {
        self.tree.as_ref().unwrap_or(commit)
    }
}

impl Majority {
    /// Returns whether this generation differs from the majority. False if its commit is unknown.
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
    use backstay_model::sample::generation;
    use proptest::prelude::*;

    use super::*;

    fn on(commit: Option<&str>) -> Generation {
        Generation { commit: commit.map(|commit| Commit(commit.to_owned())), ..generation(48, 0) }
    }

    fn built(commit: &str, tree: Option<&str>) -> Generation {
        Generation { tree: tree.map(|tree| Commit(tree.to_owned())), ..on(Some(commit)) }
    }

    fn majority(generations: &[Generation]) -> Option<Majority> {
        let mut tally = Tally::default();
        for generation in generations {
            tally.add(generation);
        }
        tally.majority()
    }

    #[test]
    fn a_host_on_another_commit_differs_from_the_majority() {
        let hosts = [built("aaaaaaaaaa", None), built("aaaaaaaaaa", None), built("b", None), on(None)];
        let majority = majority(&hosts).unwrap();
        assert_eq!(majority.words(), "aaaaaaa on 2 of 3");
        assert_eq!(hosts.map(|host| majority.differs_from(&host)), [false, false, true, false]);
    }

    #[test]
    fn the_most_frequent_commit_is_the_first() {
        let mut tally = Tally::default();
        for commit in ["b", "aaaaaaaaaa", "aaaaaaaaaa", "c"] {
            tally.add(&built(commit, None));
        }
        let commits = tally.commits();
        assert_eq!(commits, [("aaaaaaa", 2), ("b", 1), ("c", 1)].map(|(commit, n)| (commit.to_owned(), n)));
    }

    #[test]
    fn without_more_than_half_there_is_no_majority() {
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
                .map(|commit| on(commit.map(|c| format!("c{c}")).as_deref()))
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

        /// The order of counting does not matter.
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
