//! What a repository at GitHub has beside its commits.

mod access;
mod app_key;
mod check;
mod protection;
mod pull;
mod settings;

use std::collections::{BTreeMap, HashMap};

pub use access::{App, Permission, Token};
pub use app_key::AppKey;
pub use check::{Check, CommitStatus};
pub use protection::{Protection, ProtectionKind};
pub use settings::MergeMethods;

pub(crate) use access::Kind as TokenKind;
pub(crate) use pull::{Merged, Pull, TestMerge};

/// All of it. One request at a time has it.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) default_branch: String,
    pub(crate) private: bool,
    pub(crate) methods: MergeMethods,
    pub(crate) pulls: BTreeMap<u64, Pull>,
    pub(crate) next_number: u64,
    pub(crate) protection: HashMap<String, Protection>,
    /// Branches that begin so may not be made.
    pub(crate) no_branches: Option<String>,
    pub(crate) checks: HashMap<String, Vec<Check>>,
    pub(crate) statuses: HashMap<String, Vec<CommitStatus>>,
    /// How many more times a pull request's mergeability is said to be unknown yet.
    pub(crate) unknown_mergeability: u32,
}

impl State {
    /// The number of the next pull request, which is taken now.
    pub(crate) fn take_number(&mut self, wanted: Option<u64>) -> u64 {
        let number = wanted.filter(|number| !self.pulls.contains_key(number)).unwrap_or(self.next_number);
        self.next_number = self.next_number.max(number + 1);
        number
    }

    /// Whether anything that ran on a commit has not passed.
    pub(crate) fn has_open_checks(&self, sha: &str) -> bool {
        self.checks.get(sha).into_iter().flatten().any(|check| !check.has_passed())
            || self.statuses.get(sha).into_iter().flatten().any(|status| !status.has_passed())
    }

    /// Whether a required check of this name passed on a commit; none where it has not been there at all.
    pub(crate) fn passed(&self, sha: &str, name: &str) -> Option<bool> {
        let checks = self.checks.get(sha).into_iter().flatten();
        let statuses = self.statuses.get(sha).into_iter().flatten();
        let check = checks.filter(|check| check.name == name).map(Check::has_passed);
        check.chain(statuses.filter(|status| status.context == name).map(CommitStatus::has_passed)).last()
    }
}
