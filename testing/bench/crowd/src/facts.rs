//! The facts that a made-up host reports.

use backstay_model::{
    Checkout, Clock as _, Commit, Facts, Generation, Platform, SystemClock, TestResult, TestRun,
};
use chrono::TimeDelta;

/// Number of generations of a host: a month of weekly updates, and some days with two.
const GENERATIONS: u32 = 8;
/// Number of tests of a host.
const TESTS: u32 = 8;

/// The state of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct State {
    /// Its current generation.
    pub(crate) generation: u32,
    /// Number of failing tests.
    pub(crate) failing: u32,
}

impl State {
    /// The first state of the host with this number: most are fine, one in twenty fails.
    pub(crate) fn first(number: u32) -> Self {
        Self { generation: 40 + number % 9, failing: if number % 20 == 7 { 1 + number % 5 } else { 0 } }
    }

    /// The same host after another test run, with the opposite result.
    pub(crate) fn after_tests(self) -> Self {
        Self { failing: if self.failing == 0 { 2 } else { 0 }, ..self }
    }
}

/// The platform of the host with this number.
pub(crate) fn platform(number: u32) -> Platform {
    match number % 10 {
        8 => Platform::Darwin,
        9 => Platform::HomeManager,
        _ => Platform::Nixos,
    }
}

/// The name of the host with this number. Names sort like the numbers within each kind.
pub(crate) fn name(number: u32) -> String {
    let kind = match platform(number) {
        Platform::Darwin => "mac",
        Platform::HomeManager => "home",
        Platform::Nixos => ["build", "db", "edge", "web"][(number / 10 % 4) as usize],
    };
    format!("{kind}-{number:04}")
}

/// The labels of the host with this number.
pub(crate) fn tags(number: u32) -> Vec<String> {
    let place = ["berlin", "graz", "vienna"][(number % 3) as usize];
    let mut tags = vec![place.to_owned()];
    if number.is_multiple_of(4) {
        tags.push("canary".to_owned());
    }
    tags
}

/// The facts of the host in this state.
pub(crate) fn facts(number: u32, state: State) -> Facts {
    let now = SystemClock.now();
    let first = state.generation.saturating_sub(GENERATIONS - 1).max(1);
    let generations: Vec<Generation> =
        (first..=state.generation).rev().map(|count| generation(number, count, state)).collect();
    let current = generations.first().map(|generation| generation.store_path.clone());
    Facts {
        read_at: now,
        profile: "/nix/var/nix/profiles/system".to_owned(),
        running: current.clone(),
        booted: current,
        checkout: Some(Checkout {
            path: "/etc/nixos".to_owned(),
            commit: commit(state.generation),
            tree: None,
            lock_hash: Some(format!("sha256-{:064}", state.generation)),
            local: None,
        }),
        tests_available: TESTS,
        tests: None,
        test_runs: generations.iter().take(3).map(|generation| test_run(generation, state)).collect(),
        failed_units: vec![],
        nix_version: None,
        specialisation: None,
        no_checkout: None,
        observed: false,
        switch_flake: None,
        problems: vec![],
        generations,
    }
}

fn generation(number: u32, count: u32, state: State) -> Generation {
    let age = TimeDelta::days(i64::from(state.generation - count) * 4) + TimeDelta::hours(2);
    Generation {
        number: count,
        store_path: format!("/nix/store/{number:016}{count:016}-nixos-system-{}-25.11", name(number)),
        commit: Some(commit(count)),
        tree: None,
        version: Some("25.11.20260307.0116424".to_owned()),
        kernel: Some("6.18.17".to_owned()),
        created_at: SystemClock.now() - age,
        current: count == state.generation,
        booted: count == state.generation,
        present: true,
        needs_reboot: false,
        inhibitors: vec![],
        specialisations: vec![],
    }
}

fn commit(count: u32) -> Commit {
    Commit(format!("{:08x}{:032x}", count.wrapping_mul(2_654_435_761), count))
}

fn test_run(generation: &Generation, state: State) -> TestRun {
    let now = SystemClock.now();
    let failing = if generation.current { state.failing } else { 0 };
    TestRun {
        generation: generation.reference(),
        started_at: now - TimeDelta::seconds(9),
        finished_at: now,
        results: (1..=TESTS)
            .map(|test| TestResult {
                name: format!("T{test:02}-service-answers"),
                passed: test > failing,
                duration_ms: 40,
                tail: if test > failing { vec![] } else { vec!["no answer within 5 s".to_owned()] },
            })
            .collect(),
    }
}
