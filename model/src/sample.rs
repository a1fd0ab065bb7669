//! Sample values for tests and for the gallery, to be adapted by struct update syntax.

use chrono::{DateTime, TimeDelta, Utc};

use crate::deployment::{Decision, Deployment, PullRequestRef};
use crate::rollback::Candidate;
use crate::rollout::{Rollout, RolloutHost, RolloutState};
use crate::wire::message::OpResult;
use crate::{
    Checkout, Commit, DeploymentId, Facts, Generation, HostId, HostView, Light, Lights, OpAction, OpId,
    OpKind, OpStatus, OpView, Outcome, Platform, RolloutId, State, TestResult, TestRun, TestSummary,
};

/// The present moment of all samples: Dec 28 2025, 14:40 UTC.
pub fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(1_766_932_800)
}

/// A NixOS generation that is present but not current.
pub fn generation(number: u32, days_old: i64) -> Generation {
    Generation {
        number,
        store_path: format!("/nix/store/{number:032}-nixos-system-gpc0"),
        commit: Some(Commit(format!("c{number}"))),
        tree: None,
        version: Some("25.11".into()),
        kernel: Some("6.18.17".into()),
        created_at: now() - TimeDelta::days(days_old),
        current: false,
        booted: false,
        present: true,
        needs_reboot: false,
        inhibitors: vec![],
        specialisations: vec![],
    }
}

/// A test that ran for a millisecond and wrote nothing.
pub fn test_result(name: &str, passed: bool) -> TestResult {
    TestResult { name: name.into(), passed, duration_ms: 1, tail: vec![] }
}

/// A run that took no time, with the name of each test and whether it passed.
pub fn run_on(generation: &Generation, at: DateTime<Utc>, results: &[(&str, bool)]) -> TestRun {
    TestRun {
        generation: generation.reference(),
        started_at: at,
        finished_at: at,
        results: results.iter().map(|&(name, passed)| test_result(name, passed)).collect(),
    }
}

/// A run of `total` tests; the first `passed` of them passed.
pub fn test_run(number: u32, passed: usize, total: usize) -> TestRun {
    TestRun {
        generation: generation(number, 0).reference(),
        started_at: now() - TimeDelta::hours(1),
        finished_at: now() - TimeDelta::minutes(59),
        results: (0..total).map(|i| test_result(&format!("t{i}"), i < passed)).collect(),
    }
}

/// A checkout at this commit, without its tree and lock file.
pub fn checkout(commit: &str) -> Checkout {
    Checkout {
        path: "/etc/nixos".into(),
        commit: Commit(commit.into()),
        tree: None,
        lock_hash: None,
        local: None,
    }
}

/// Facts of a host that runs the current one of these generations, and of nothing else.
pub fn facts_of(generations: Vec<Generation>) -> Facts {
    Facts {
        read_at: now(),
        profile: "/nix/var/nix/profiles/system".into(),
        running: generations.iter().find(|it| it.current).map(|it| it.store_path.clone()),
        booted: None,
        checkout: None,
        tests_available: 0,
        tests: None,
        test_runs: vec![],
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

/// Facts in which Gen 48 is current with 3/8 tests, Gen 47 and 46 passed, Gen 45 is garbage-collected, and
/// Gen 44 is old.
pub fn facts() -> Facts {
    let mut generations: Vec<_> =
        [(48, 0), (47, 1), (46, 2), (45, 10), (44, 40)].map(|(n, days)| generation(n, days)).into();
    generations[0].current = true;
    generations[3].present = false;
    Facts {
        booted: Some(generations[0].store_path.clone()),
        checkout: Some(Checkout { lock_hash: Some("l1".into()), ..checkout("c48") }),
        tests_available: 8,
        test_runs: vec![test_run(48, 3, 8), test_run(47, 8, 8), test_run(46, 8, 8)],
        nix_version: Some("Nix 2.31.2".into()),
        ..facts_of(generations)
    }
}

/// A rollback from Gen 48.
pub fn rollback_to(number: u32) -> OpAction {
    let [target, seen_current] = [number, 48].map(|number| generation(number, 0).reference());
    OpAction::Rollback { target, seen_current, specialisation: None }
}

/// An op that started at once, and ended if it is closed.
pub fn op(action: OpAction, status: OpStatus) -> OpView {
    OpView {
        id: OpId::new(),
        host: HostId::new(),
        host_name: "gpc0".into(),
        action,
        status,
        phase: None,
        requested_by: "admin".into(),
        reason: None,
        created_at: now(),
        due_at: None,
        cancel: None,
        retry_of: None,
        stops: None,
        waits: false,
        rollout: None,
        started_at: Some(now()),
        finished_at: (!status.is_open()).then(now),
        outcome: None,
        exit_code: None,
        failed_tests: vec![],
        message: None,
    }
}

/// A target of a rollback on which all eight tests passed, and the last known working one.
pub fn candidate(generation: Generation) -> Candidate {
    Candidate {
        generation,
        tests: Some(TestSummary { passed: 8, total: 8 }),
        last_known_working: true,
        newer: false,
        left: None,
        reverted: false,
        pin: None,
        marks: vec![],
        warnings: vec![],
    }
}

/// The deployment of a pull request on no host, merged at the epoch and not decided on.
pub fn deployment(number: u64, commit: &str) -> Deployment {
    Deployment {
        id: DeploymentId::new(),
        pull_request: PullRequestRef { number, title: "Update".into(), url: "u".into() },
        commit: Commit(commit.into()),
        merged_by: "maria".into(),
        merged_at: DateTime::UNIX_EPOCH,
        inputs: None,
        decision: Decision::Open,
        hosts: vec![],
    }
}

/// A running roll-out to these hosts, one at a time.
pub fn rollout(kind: OpKind, hosts: Vec<RolloutHost>) -> Rollout {
    Rollout {
        id: RolloutId::new(),
        kind,
        deployment: None,
        requested_by: "maria".into(),
        reason: None,
        created_at: now(),
        parallel: 1,
        stop_on_failure: true,
        pause_after: None,
        paused_at: None,
        paused_by: None,
        state: RolloutState::Running,
        hosts,
    }
}

/// How an op ended that took no time.
pub fn op_result(outcome: Outcome, message: &str, at: DateTime<Utc>) -> OpResult {
    OpResult {
        outcome,
        exit_code: None,
        commit: None,
        message: message.into(),
        started_at: at,
        finished_at: at,
    }
}

/// A connected NixOS host with five green lights and no generation.
pub fn host(name: &str) -> HostView {
    let light = || Light { state: State::Ok, words: "Fine".into(), hint: "Nothing to do.".into() };
    HostView {
        id: HostId::new(),
        name: name.into(),
        platform: Platform::Nixos,
        online: true,
        last_seen: None,
        agent_version: None,
        auto_test: true,
        observed: false,
        tags: vec![],
        note: String::new(),
        lights: Lights { agent: light(), git: light(), lock: light(), system: light(), tests: light() },
        generation: None,
        tests: None,
        op: None,
        trouble: None,
    }
}
