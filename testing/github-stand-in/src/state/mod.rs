//! The state of a repository at GitHub, besides its commits.

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

/// All of it. One request at a time holds it.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) default_branch: String,
    pub(crate) private: bool,
    pub(crate) methods: MergeMethods,
    pub(crate) pulls: BTreeMap<u64, Pull>,
    pub(crate) next_number: u64,
    pub(crate) protection: HashMap<String, Protection>,
    /// New branches with this prefix are forbidden.
    pub(crate) no_branches: Option<String>,
    pub(crate) checks: HashMap<String, Vec<Check>>,
    pub(crate) statuses: HashMap<String, Vec<CommitStatus>>,
    /// How many more times mergeability is reported as not known yet.
    pub(crate) unknown_mergeability: u32,
}

impl State {
    /// Takes the number of the next pull request.
    pub(crate) fn take_number(&mut self, wanted: Option<u64>) -> u64 {
        let number = wanted.filter(|number| !self.pulls.contains_key(number)).unwrap_or(self.next_number);
        self.next_number = self.next_number.max(number + 1);
        number
    }

    /// Returns whether any check of a commit has not passed.
    pub(crate) fn has_open_checks(&self, sha: &str) -> bool {
        self.checks.get(sha).into_iter().flatten().any(|check| !check.has_passed())
            || self.statuses.get(sha).into_iter().flatten().any(|status| !status.has_passed())
    }

    /// Returns whether a required check passed on a commit; `None` if it has not run at all.
    pub(crate) fn passed(&self, sha: &str, name: &str) -> Option<bool> {
        let checks = self.checks.get(sha).into_iter().flatten();
        let statuses = self.statuses.get(sha).into_iter().flatten();
        let check = checks.filter(|check| check.name == name).map(Check::has_passed);
        check.chain(statuses.filter(|status| status.context == name).map(CommitStatus::has_passed)).last()
    }
}
