//! The gallery's data: an invented fleet at a fixed moment.

mod fleet;
mod host;
mod ops;
mod pulls;

use backstay_model::view::FleetSnapshot;
use backstay_model::{
    Checkout, Commit, Facts, Generation, GenerationRef, Person, Role, TestResult, TestRun, sample,
};
use chrono::{DateTime, TimeDelta, Utc};

use crate::api::{Address, Start};

pub(super) use fleet::{Situation, fleet};
pub(super) use host::{comparison, gpc0, odd};
pub(super) use ops::{closed, every_op, op, output, rollback_to, running};
pub(super) use pulls::{deployment, outcomes, paused, pull_requests, rollout, steps};

/// The version of the server and of current agents.
pub(super) const VERSION: &str = "0.1.0";

/// The gallery's present moment: Feb 25 2026, 06:13 UTC.
pub(super) fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(1_772_000_000)
}

/// The start of a page: the whole sample fleet, seen by an operator.
pub(super) fn start() -> Start {
    Start {
        person: Person::new("maria", Role::Operator),
        view: backstay_model::PersonView::default(),
        saved_views: String::new(),
        address: Address { origin: "https://backstay.example.org".into(), is_configured: true },
        snapshot: FleetSnapshot {
            hosts: fleet(),
            pull_requests: backstay_model::pull_request::PullRequests::default(),
            deployment: None,
            rollout: None,
            last_event: 0,
            newest_notices: vec![],
            server_version: VERSION.into(),
        },
    }
}

/// A realistic commit, always the same for the same number.
pub(super) fn commit(number: u32) -> Commit {
    let mixed = u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    Commit(format!("{mixed:016x}{:024x}", u128::from(mixed) * 0x00c0_ffee))
}

/// A generation made `days_old` days ago.
pub(super) fn generation(number: u32, days_old: i64) -> Generation {
    Generation {
        store_path: format!("/nix/store/{number:032}-nixos-system"),
        commit: Some(commit(number)),
        created_at: now() - TimeDelta::days(days_old) - TimeDelta::minutes(95),
        ..sample::generation(number, 0)
    }
}

pub(super) fn reference(number: u32) -> GenerationRef {
    generation(number, 0).reference()
}

const TESTS: [&str; 8] = ["network", "dns", "disk", "gpu", "x11", "audio", "login", "backup"];

/// A run of the eight tests; the first `passed` of them passed.
pub(super) fn test_run(number: u32, passed: usize) -> TestRun {
    let result = |(place, name): (usize, &&str)| TestResult {
        name: (*name).to_owned(),
        passed: place < passed,
        duration_ms: 140,
        tail: if place < passed { vec![] } else { vec![format!("{name}: cannot open display :0")] },
    };
    TestRun {
        generation: reference(number),
        started_at: now() - TimeDelta::minutes(62),
        finished_at: now() - TimeDelta::minutes(61),
        results: TESTS.iter().enumerate().map(result).collect(),
    }
}

/// Gen 48 is current and fine; Gen 45 was garbage-collected, Gen 44 is old and has another kernel.
pub(super) fn facts() -> Facts {
    let mut generations: Vec<_> =
        [(48, 0), (47, 1), (46, 2), (45, 33), (44, 40)].map(|(number, days)| generation(number, days)).into();
    generations[0].current = true;
    generations[0].booted = true;
    generations[3].present = false;
    generations[4].needs_reboot = true;
    let path = Some(generations[0].store_path.clone());
    Facts {
        read_at: now() - TimeDelta::minutes(2),
        running: path.clone(),
        booted: path,
        checkout: Some(Checkout {
            path: "/etc/nixos".into(),
            commit: commit(48),
            tree: None,
            lock_hash: Some("l48".into()),
            local: None,
        }),
        test_runs: vec![test_run(48, 8), test_run(47, 8), test_run(46, 8)],
        generations,
        ..sample::facts()
    }
}
