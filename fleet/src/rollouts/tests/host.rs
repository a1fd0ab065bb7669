//! A simulated host and its state.

use std::collections::HashSet;

use backstay_model::wire::message::AgentMessage;
use backstay_model::{Checkout, Commit, Facts, Generation, OpAction, OpId, TestRun, sample};
use chrono::{DateTime, Utc};

use super::bench::OLD;
use crate::state::hub::Connection;
use crate::store::HostRecord;

/// A simulated host.
pub(super) struct Host {
    pub(super) record: HostRecord,
    pub(super) connection: Option<Connection>,
    /// The ops that it received.
    pub(super) received: Vec<(OpId, OpAction)>,
    /// The ops in its journal.
    pub(super) journal: HashSet<OpId>,
    /// Results that the server has not acknowledged.
    pub(super) unheard: Vec<AgentMessage>,
    pub(super) generations: Vec<Generation>,
    pub(super) checkout: &'static str,
    pub(super) runs: Vec<TestRun>,
}

impl Host {
    /// A run of its tests on the current generation. These tests fail.
    pub(super) fn runs_its_tests(&mut self, now: DateTime<Utc>, failed: &[&str]) {
        let current = self.generations.iter().find(|it| it.current).unwrap();
        let run = test_run(current, now, failed);
        self.runs.push(run);
    }

    /// Builds a new generation from the checkout.
    pub(super) fn takes_up_its_checkout(&mut self, now: DateTime<Utc>) {
        self.generations.iter_mut().for_each(|it| it.current = false);
        let number = self.generations[0].number + 1;
        let made = Generation { commit: Some(Commit(self.checkout.into())), ..generation(number, now, true) };
        self.generations.insert(0, made);
    }

    pub(super) fn facts(&self, now: DateTime<Utc>) -> Facts {
        let tree = Some(Commit(format!("tree of {}", self.checkout)));
        Facts {
            read_at: now,
            checkout: Some(Checkout { tree, ..sample::checkout(self.checkout) }),
            tests_available: 2,
            test_runs: self.runs.clone(),
            ..sample::facts_of(self.generations.clone())
        }
    }
}

pub(super) fn generation(number: u32, created_at: DateTime<Utc>, current: bool) -> Generation {
    Generation { commit: Some(Commit(OLD.into())), created_at, current, ..sample::generation(number, 0) }
}

pub(super) fn test_run(generation: &Generation, at: DateTime<Utc>, failed: &[&str]) -> TestRun {
    let results: Vec<_> =
        std::iter::once(("dns", true)).chain(failed.iter().map(|&name| (name, false))).collect();
    sample::run_on(generation, at, &results)
}
