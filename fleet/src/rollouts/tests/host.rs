//! A simulated host and its state.

use std::collections::HashSet;

use backstay_model::wire::message::AgentMessage;
use backstay_model::{Checkout, Commit, Facts, Generation, OpAction, OpId, TestResult, TestRun};
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
        let current = self.generations.iter().find(|it| it.current).unwrap();
        Facts {
            read_at: now,
            profile: "/nix/var/nix/profiles/system".into(),
            running: Some(current.store_path.clone()),
            booted: None,
            checkout: Some(Checkout {
                path: "/etc/nixos".into(),
                commit: Commit(self.checkout.into()),
                tree: Some(Commit(format!("tree of {}", self.checkout))),
                lock_hash: None,
                local: None,
            }),
            tests_available: 2,
            tests: None,
            test_runs: self.runs.clone(),
            failed_units: vec![],
            nix_version: None,
            specialisation: None,
            no_checkout: None,
            switch_flake: None,
            problems: vec![],
            generations: self.generations.clone(),
        }
    }
}

pub(super) fn generation(number: u32, created_at: DateTime<Utc>, current: bool) -> Generation {
    Generation {
        number,
        store_path: format!("/nix/store/{number:032}-nixos-system"),
        commit: Some(Commit(OLD.into())),
        tree: None,
        version: None,
        kernel: None,
        created_at,
        current,
        booted: false,
        present: true,
        needs_reboot: false,
        inhibitors: vec![],
    }
}

pub(super) fn test_run(generation: &Generation, at: DateTime<Utc>, failed: &[&str]) -> TestRun {
    let result =
        |name: &str, passed| TestResult { name: name.to_owned(), passed, duration_ms: 1, tail: vec![] };
    let failed = failed.iter().map(|name| result(name, false));
    TestRun {
        generation: generation.reference(),
        started_at: at,
        finished_at: at,
        results: std::iter::once(result("dns", true)).chain(failed).collect(),
    }
}
