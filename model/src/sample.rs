//! Facts and ops as tests need them.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    Checkout, Commit, Facts, Generation, GenerationRef, HostId, OpAction, OpId, OpStatus, OpView, TestResult,
    TestRun,
};

pub(crate) fn now() -> DateTime<Utc> {
    "2025-12-28T14:40:00Z".parse().unwrap()
}

pub(crate) fn generation(number: u32, days_old: i64) -> Generation {
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
    }
}

pub(crate) fn test_run(number: u32, passed: usize, total: usize) -> TestRun {
    TestRun {
        generation: generation(number, 0).reference(),
        started_at: now() - TimeDelta::hours(1),
        finished_at: now() - TimeDelta::minutes(59),
        results: (0..total)
            .map(|i| TestResult { name: format!("t{i}"), passed: i < passed, duration_ms: 1, tail: vec![] })
            .collect(),
    }
}

/// Gen 48 is current with 3/8, Gen 47 and 46 passed, Gen 45 is collected, Gen 44 is old.
pub(crate) fn facts() -> Facts {
    let mut generations: Vec<_> =
        [(48, 0), (47, 1), (46, 2), (45, 10), (44, 40)].map(|(n, days)| generation(n, days)).into();
    generations[0].current = true;
    generations[3].present = false;
    Facts {
        read_at: now(),
        profile: "/nix/var/nix/profiles/system".into(),
        running: Some(generations[0].store_path.clone()),
        booted: Some(generations[0].store_path.clone()),
        checkout: Some(Checkout {
            path: "/etc/nixos".into(),
            commit: Commit("c48".into()),
            tree: None,
            lock_hash: Some("l1".into()),
            local: None,
        }),
        tests_available: 8,
        tests: None,
        test_runs: vec![test_run(48, 3, 8), test_run(47, 8, 8), test_run(46, 8, 8)],
        failed_units: vec![],
        nix_version: Some("Nix 2.31.2".into()),
        specialisation: None,
        no_checkout: None,
        switch_flake: None,
        problems: vec![],
        generations,
    }
}

pub(crate) fn rollback_to(number: u32) -> OpAction {
    OpAction::Rollback {
        target: generation(number, 0).reference(),
        seen_current: GenerationRef { number: 48, store_path: generation(48, 0).store_path },
    }
}

pub(crate) fn op(action: OpAction, status: OpStatus) -> OpView {
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
        started_at: Some(now()),
        finished_at: (!status.is_open()).then(now),
        outcome: None,
        exit_code: None,
        failed_tests: vec![],
        message: None,
    }
}
