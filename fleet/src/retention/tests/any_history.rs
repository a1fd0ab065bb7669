//! After any history, what people see is the same before and after a removal.

use std::sync::atomic::{AtomicUsize, Ordering};

use backstay_model::deployment::{HostEvent, PullRequestRef};
use backstay_model::rollout::RolloutHost;
use backstay_model::{
    Clock as _, Commit, DeploymentId, Facts, HostId, OpAction, OpId, OpKind, RolloutId, TestRun, sample,
};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use sqlx::AssertSqlSafe;
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use super::{Bench, Retention};
use crate::store::{AuditCheck, AuditMark, NewAuditEntry, NewDeployment, OpFilter};

/// The generations of the host; the newest is current.
const GENERATIONS: [u32; 8] = [48, 47, 46, 45, 44, 43, 42, 41];

/// An op: its kind, its end, the hours since the one before, and a generation.
type AnyOp = (usize, usize, i64, usize);

#[derive(Debug, Clone)]
struct AnyHistory {
    ops: Vec<AnyOp>,
    /// Hours before the present, a generation, and whether all tests passed.
    runs: Vec<(i64, usize, bool)>,
    /// Ops that deployments name, and ops of the open roll-out.
    named: Vec<prop::sample::Index>,
    of_rollout: Vec<prop::sample::Index>,
    days: i64,
}

fn any_history() -> impl Strategy<Value = AnyHistory> {
    let op = (0..KINDS, 0..ENDS.len(), 1..100_i64, 0..GENERATIONS.len());
    let run = (0..20_000_i64, 0..GENERATIONS.len(), any::<bool>());
    (
        prop::collection::vec(op, 250..700),
        prop::collection::vec(run, 0..400),
        prop::collection::vec(any::<prop::sample::Index>(), 0..4),
        prop::collection::vec(any::<prop::sample::Index>(), 0..3),
        20..400_i64,
    )
        .prop_map(|(ops, runs, named, of_rollout, days)| AnyHistory {
            ops,
            runs,
            named,
            of_rollout,
            days,
        })
}

const KINDS: usize = 6;
const ENDS: [(&str, i64); 6] =
    [("succeeded", 1), ("succeeded", 1), ("failed", 1), ("lost", 1), ("timed-out", 0), ("blocked", 0)];

fn action(kind: usize, generation: usize) -> OpAction {
    let reference = |number: u32| sample::generation(number, 0).reference();
    match kind {
        0 => OpAction::Switch,
        1 => OpAction::Pull,
        2 => OpAction::Rollback {
            target: reference(GENERATIONS[generation]),
            seen_current: reference(GENERATIONS[(generation + 3) % GENERATIONS.len()]),
            specialisation: None,
        },
        3 => OpAction::Refresh,
        _ => OpAction::Test,
    }
}

fn stored(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// Records the ops, oldest first. Hundreds of them would take long through the store.
async fn record_ops(bench: &Bench, host: HostId, history: &AnyHistory) -> Vec<OpId> {
    let hours: i64 = history.ops.iter().map(|(_, _, hours, _)| hours).sum();
    let mut at = bench.clock.now() - TimeDelta::hours(hours);
    let mut rows = vec![];
    let mut ids = vec![];
    for &(kind, end, hours, generation) in &history.ops {
        let (id, action, (status, sent)) = (OpId::new(), action(kind, generation), ENDS[end]);
        let json = serde_json::to_string(&action).unwrap();
        let (by, when) = (if kind == 5 { "server" } else { "maria" }, stored(at));
        let failed = if status == "failed" { "[\"dns\"]" } else { "[]" };
        let kind = action.kind();
        rows.push(format!(
            "('{id}', '{host}', '{kind}', '{json}', '{status}', {sent}, '{by}', '{when}', '{when}', '{when}', '{failed}')"
        ));
        ids.push(id);
        at += TimeDelta::hours(hours);
    }
    let columns = "id, host_id, kind, action, status, was_sent, requested_by, created_at, started_at, finished_at, failed_tests";
    run(bench, &format!("INSERT INTO ops ({columns}) VALUES {}", rows.join(", "))).await;
    ids
}

async fn run(bench: &Bench, sql: &str) {
    sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&bench.database.connect().await).await.unwrap();
}

async fn record_runs(bench: &Bench, host: HostId, history: &AnyHistory) {
    let now = bench.clock.now();
    let of = |&(hours, generation, passed): &(i64, usize, bool)| {
        let generation = sample::generation(GENERATIONS[generation], 0);
        sample::run_on(&generation, now - TimeDelta::hours(hours), &[("dns", true), ("x11", passed)])
    };
    let mut runs: Vec<TestRun> = history.runs.iter().map(of).collect();
    runs.sort_by_key(|run| std::cmp::Reverse(run.finished_at));
    let mut generations: Vec<_> = GENERATIONS.map(|number| sample::generation(number, 1)).into();
    generations[0].current = true;
    let facts = sample::facts_of(generations);
    let store = &bench.fleet.store;
    store.record_facts(host, &Facts { test_runs: runs.clone(), ..facts.clone() }).await.unwrap();
    // An agent reports the latest on each generation.
    let mut latest: Vec<TestRun> = vec![];
    for run in runs {
        if !latest.iter().any(|known| known.generation == run.generation) {
            latest.push(run);
        }
    }
    store.record_facts(host, &Facts { test_runs: latest, ..facts }).await.unwrap();
}

/// Records a deployment that is over, one that is open, and a roll-out that is paused.
async fn record_merges(bench: &Bench, host: HostId, ops: &[OpId], history: &AnyHistory) -> RolloutId {
    let store = &bench.fleet.store;
    let entry = || NewAuditEntry::new(bench.clock.now(), "maria", "test", "");
    for number in [1, 2] {
        let new = NewDeployment {
            id: DeploymentId::new(),
            pull_request: PullRequestRef { number, title: "Update".into(), url: "u".into() },
            commit: Commit(format!("{number:040}")),
            merged_by: "maria".into(),
            merged_at: bench.clock.now() - TimeDelta::days(2_000),
            inputs: None,
        };
        store.open_deployment(&new, &entry()).await.unwrap().unwrap();
        for named in &history.named {
            let op = *named.get(ops);
            store.apply_host_event(new.id, host, "gpc0", op, &HostEvent::SwitchStarted).await.unwrap();
        }
    }
    let hosts = vec![RolloutHost::waiting(host, "gpc0".into(), OpAction::Pull)];
    let rollout = sample::rollout(OpKind::Pull, hosts);
    store.insert_rollout(&rollout, &entry()).await.unwrap();
    for op in history.of_rollout.iter().map(|of| of.get(ops)) {
        run(bench, &format!("UPDATE ops SET rollout_id = '{}' WHERE id = '{op}'", rollout.id)).await;
    }
    rollout.id
}

/// All that people see of the host, of merges and of roll-outs, and what decides about them.
async fn seen(bench: &Bench, host: HostId, rollout: RolloutId) -> impl PartialEq + std::fmt::Debug + use<> {
    let (fleet, store) = (&bench.fleet, &bench.fleet.store);
    let builds = GENERATIONS.map(|number| sample::generation(number, 0).store_path);
    let builds: Vec<_> = builds.iter().map(String::as_str).collect();
    let deployments = fleet.deployments(None).await.unwrap();
    let mut ops = vec![];
    for outcome in deployments.iter().flat_map(|deployment| &deployment.hosts) {
        for op in [outcome.switch.op(), outcome.tests.op()].into_iter().flatten() {
            ops.push(store.op(op).await.unwrap());
        }
    }
    (
        fleet.host_detail("gpc0").await.unwrap(),
        fleet.rollback_plan("gpc0").await.unwrap(),
        store.last_system_op(host).await.unwrap(),
        store.latest_test_runs(host, &builds).await.unwrap(),
        (deployments, ops),
        store.rollout(rollout).await.unwrap(),
        store.reverted_commits().await.unwrap(),
    )
}

/// Checks one history, and returns the number of ops that were removed.
async fn check(history: AnyHistory) -> usize {
    let age = Some(TimeDelta::days(history.days));
    let bench = Bench::new(Retention { output: age, history: age }).await;
    let host = bench.enrol("gpc0").await;
    let ops = record_ops(&bench, host, &history).await;
    record_runs(&bench, host, &history).await;
    let rollout = record_merges(&bench, host, &ops, &history).await;
    let before = seen(&bench, host, rollout).await;
    for _ in 0..2 {
        bench.remove_old().await;
        assert_eq!(seen(&bench, host, rollout).await, before);
    }
    for op in history.of_rollout.iter().map(|of| of.get(&ops)) {
        assert!(bench.fleet.store.op(*op).await.unwrap().is_some(), "its roll-out is open");
    }
    let log = bench.fleet.store.verify_audit_after(&AuditMark::default(), 1_000).await.unwrap();
    assert!(matches!(log, AuditCheck::Intact { end: true, .. }), "{log:?}");
    let left = OpFilter { limit: 1_000, ..OpFilter::default() };
    ops.len() - bench.fleet.store.ops(&left).await.unwrap().len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_people_see_is_the_same_after_a_removal() {
    let mut runner = TestRunner::new(Config { cases: 16, failure_persistence: None, ..Config::default() });
    let removed = AtomicUsize::new(0);
    let outcome = runner.run(&any_history(), |history| {
        let some = block_in_place(|| Handle::current().block_on(check(history)));
        removed.fetch_add(some, Ordering::Relaxed);
        Ok(())
    });
    outcome.unwrap();
    assert!(removed.into_inner() > 500, "there was something to remove");
}
