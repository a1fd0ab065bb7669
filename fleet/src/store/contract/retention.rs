//! Retention: what is old goes, unless something needs it.

use std::collections::HashSet;

use backstay_model::deployment::{Decision, HostEvent, PullRequestRef};
use backstay_model::rollout::{RolloutHost, RolloutState, RolloutStep};
use backstay_model::view::AuditQuery;
use backstay_model::{
    Commit, DeploymentId, Facts, HostId, OpAction, OpId, OpKind, OpStatus, OutputLine, RolloutId, Stream,
    sample,
};

use super::Bench;
use super::fixture::{
    at, enrolled, entry, facts, new_op, queued, rollback_action, rollback_row, take, test_run,
};
use crate::store::{
    AuditCheck, MERGES_OF_PAST, NewDeployment, NewOp, OPS_OF_PAST, OpFilter, OpStep, RUNS_OF_PAST, Removed,
    Store,
};

/// Old things end before this many seconds.
const OLD: i64 = 1_000;
/// More than there is.
const ALL: u32 = 10_000;

fn lines(count: u64) -> Vec<OutputLine> {
    let line = |seq| OutputLine { seq, stream: Stream::Stdout, at: at(1), text: format!("line {seq}") };
    (1..=count).map(line).collect()
}

/// Records an op that ended at this time, after these statuses.
async fn ended(store: &dyn Store, op: NewOp, way: &[OpStatus], seconds: i64) -> OpId {
    let id = op.id;
    store.insert_op(&op, &entry("op.requested")).await.unwrap();
    let (last, first) = way.split_last().unwrap();
    if !first.is_empty() {
        take(store, id, first).await;
    }
    let step = OpStep { finished_at: Some(at(seconds)), ..OpStep::to(*last) };
    store.step_op(id, &step).await.unwrap().unwrap();
    id
}

/// Records tests that were cancelled before they reached their host, which is the shortest life of an op.
async fn cancelled(store: &dyn Store, host: HostId, seconds: i64) -> OpId {
    ended(store, new_op(host, OpAction::Test), &[OpStatus::Cancelled], seconds).await
}

/// Records ops that ended at this time. Hundreds of them would take long through the store.
async fn many(bench: &impl Bench, host: HostId, action: &OpAction, count: u32, seconds: i64) -> Vec<OpId> {
    let ids: Vec<_> = (0..count).map(|_| OpId::new()).collect();
    let (kind, action) = (action.kind(), serde_json::to_string(action).unwrap());
    let ended = at(seconds).to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    let row = |id: &OpId| {
        format!("('{id}', '{host}', '{kind}', '{action}', 'cancelled', 'maria', '{ended}', '{ended}')")
    };
    let rows = ids.iter().map(row).collect::<Vec<_>>().join(", ");
    let columns = "id, host_id, kind, action, status, requested_by, created_at, finished_at";
    bench.run(&format!("INSERT INTO ops ({columns}) VALUES {rows}")).await.unwrap();
    ids
}

/// Of these ops, those that are there.
async fn there(store: &dyn Store, ops: &[OpId]) -> Vec<bool> {
    let mut there = vec![];
    for op in ops {
        there.push(store.op(*op).await.unwrap().is_some());
    }
    there
}

pub(super) async fn output_goes_and_its_op_says_when(bench: &mut impl Bench) {
    use OpStatus::{Lost, Running, Sent, Succeeded};

    let store = bench.store();
    let host = enrolled(&*store, "gpc0").await.id;
    let switch = || new_op(host, OpAction::Switch);
    let old = ended(&*store, switch(), &[Sent, Running, Succeeded], 10).await;
    let silent = cancelled(&*store, host, 11).await;
    let lost = ended(&*store, switch(), &[Sent, Lost], 12).await;
    let new = ended(&*store, switch(), &[Sent, Running, Succeeded], OLD).await;
    let open = queued(&*store, host, OpAction::Switch).await.id;
    for op in [old, lost, new, open] {
        store.append_output(op, &lines(5)).await.unwrap();
    }
    let before = store.op(old).await.unwrap();

    let mut steps = 1;
    while store.remove_output(at(OLD), at(2_000), 2).await.unwrap() {
        steps += 1;
    }
    assert!(steps > 2, "a little at a time");
    assert_eq!(store.output(old, 0, 10).await.unwrap(), []);
    assert_eq!(store.output_removed(old).await.unwrap(), Some((at(10), at(2_000))));
    assert_eq!(store.op(old).await.unwrap(), before, "the op itself stays");
    assert_eq!(store.output_removed(silent).await.unwrap(), None, "it had none");
    for op in [lost, new, open] {
        assert_eq!(store.output(op, 0, 10).await.unwrap(), lines(5));
        assert_eq!(store.output_removed(op).await.unwrap(), None);
    }
    let told = store.report_removals(at(2_000)).await.unwrap();
    assert_eq!(told.iter().map(|it| (it.kind, it.count)).collect::<Vec<_>>(), [(Removed::Lines, 5)]);
}

pub(super) async fn lines_that_come_after_the_removal_go_too(bench: &mut impl Bench) {
    let store = bench.store();
    let host = enrolled(&*store, "gpc0").await.id;
    let op = cancelled(&*store, host, 10).await;
    store.append_output(op, &lines(2)).await.unwrap();
    assert!(!store.remove_output(at(OLD), at(2_000), ALL).await.unwrap());
    assert_eq!(store.append_output(op, &lines(3)).await.unwrap().through, 3, "the agent may forget them");
    assert!(!store.remove_output(at(OLD), at(3_000), ALL).await.unwrap());
    assert_eq!(store.output(op, 0, 10).await.unwrap(), []);
    assert_eq!(store.output_removed(op).await.unwrap(), Some((at(10), at(3_000))));
}

pub(super) async fn an_old_op_stays_if_something_needs_it(bench: &mut impl Bench) {
    use OpStatus::{Cancelled, Failed, Lost, Running, Sent, Succeeded};

    let store = bench.store();
    let host = enrolled(&*store, "gpc0").await;
    let of = |action| new_op(host.id, action);
    let mut old = vec![];
    // These go: a rollback with its row, and tests that nothing needs.
    let rollback = of(rollback_action());
    let row = rollback_row(&store.insert_op(&rollback, &entry("op.requested")).await.unwrap(), true);
    take(&*store, rollback.id, &[Sent, Running]).await;
    let step = OpStep { finished_at: Some(at(9)), rollback: Some(row), ..OpStep::to(Succeeded) };
    store.step_op(rollback.id, &step).await.unwrap().unwrap();
    old.push(rollback.id);
    old.push(cancelled(&*store, host.id, 10).await);
    // These stay.
    let retried = ended(&*store, of(OpAction::Pull), &[Sent, Running, Failed], 11).await;
    old.push(retried);
    old.push(ended(&*store, of(OpAction::Pull), &[Sent, Lost], 12).await);
    old.push(cancelled(&*store, host.id, 13).await);
    store.append_output(old[4], &lines(1)).await.unwrap();
    old.push(in_open_rollout(&*store, &host.name, host.id).await);
    old.push(named_by_a_deployment(&*store, host.id).await);
    let tests = queued(&*store, host.id, OpAction::Test).await.id;
    let stopper = NewOp { stop_tests: true, ..of(rollback_action()) };
    store.insert_op(&stopper, &entry("op.requested")).await.unwrap();
    old.push(tests);
    take(&*store, stopper.id, &[Cancelled]).await;
    old.push(ended(&*store, of(OpAction::Switch), &[Sent, Running, Succeeded], 14).await);
    assert_eq!(store.last_system_op(host.id).await.unwrap().map(|op| op.id), old.last().copied());
    let retry = NewOp { retry_of: Some(retried), ..of(OpAction::Pull) };
    ended(&*store, retry, &[Cancelled], OLD).await;
    for action in [rollback_action(), OpAction::Test, OpAction::Refresh] {
        many(bench, host.id, &action, OPS_OF_PAST, 20).await;
    }

    store.remove_ops(host.id, at(OLD), ALL).await.unwrap();
    let expected: Vec<_> = (0..old.len()).map(|nth| nth > 1).collect();
    assert_eq!(there(&*store, &old).await, expected);
    assert_eq!(store.rollbacks(host.id).await.unwrap(), [], "with its op");
}

/// An op that ended in a roll-out that goes on.
async fn in_open_rollout(store: &dyn Store, name: &str, host: HostId) -> OpId {
    let hosts = vec![RolloutHost::waiting(host, name.to_owned(), OpAction::Pull)];
    let rollout = sample::rollout(OpKind::Pull, hosts);
    store.insert_rollout(&rollout, &entry("rollout.started")).await.unwrap();
    let op = new_op(host, OpAction::Pull);
    let step = RolloutStep::Running { op: op.id };
    store.begin_in_rollout(rollout.id, &step, &op, &entry("pull.requested")).await.unwrap().unwrap();
    let step = OpStep { finished_at: Some(at(10)), ..OpStep::to(OpStatus::Cancelled) };
    store.step_op(op.id, &step).await.unwrap().unwrap();
    op.id
}

/// A deployment of the time at which tests begin.
fn merge(number: u64) -> NewDeployment {
    NewDeployment {
        id: DeploymentId::new(),
        pull_request: PullRequestRef { number, title: "Update".into(), url: "u".into() },
        commit: Commit(format!("{number:040}")),
        merged_by: "maria".into(),
        merged_at: at(0),
        inputs: None,
    }
}

async fn named_by_a_deployment(store: &dyn Store, host: HostId) -> OpId {
    let merge = merge(1);
    store.open_deployment(&merge, &entry("pr.merged")).await.unwrap().unwrap();
    let op = cancelled(store, host, 10).await;
    store.apply_host_event(merge.id, host, "gpc0", op, &HostEvent::SwitchStarted).await.unwrap().unwrap();
    op
}

pub(super) async fn the_ops_that_a_hosts_past_is_read_from_stay(bench: &mut impl Bench) {
    let store = bench.store();
    let (host, other) = (enrolled(&*store, "gpc0").await.id, enrolled(&*store, "imac0").await.id);
    let of_other = many(bench, other, &OpAction::Refresh, OPS_OF_PAST, 1).await;
    let rollbacks = many(bench, host, &rollback_action(), OPS_OF_PAST + 3, 1).await;
    let tests = many(bench, host, &OpAction::Test, OPS_OF_PAST + 4, 2).await;
    let refreshes = many(bench, host, &OpAction::Refresh, OPS_OF_PAST + 5, 3).await;

    assert!(store.remove_ops(host, at(OLD), 2).await.unwrap(), "a little at a time");
    while store.remove_ops(host, at(OLD), 5).await.unwrap() {}
    store.remove_ops(other, at(OLD), ALL).await.unwrap();
    for (ops, gone) in [(rollbacks, 3), (tests, 4), (refreshes, 5), (of_other, 0)] {
        let expected: Vec<_> = (0..ops.len()).map(|nth| nth >= gone).collect();
        assert_eq!(there(&*store, &ops).await, expected);
    }
}

pub(super) async fn young_ops_stay(bench: &mut impl Bench) {
    let store = bench.store();
    let host = enrolled(&*store, "gpc0").await.id;
    let old = many(bench, host, &OpAction::Refresh, 2, OLD - 1).await;
    let young = many(bench, host, &OpAction::Refresh, OPS_OF_PAST + 2, OLD).await;
    store.remove_ops(host, at(OLD), ALL).await.unwrap();
    assert_eq!(there(&*store, &old).await, [false, false]);
    assert!(there(&*store, &young).await.iter().all(|there| *there));
}

pub(super) async fn the_latest_run_of_each_build_in_the_profile_stays(bench: &mut impl Bench) {
    let store = bench.store();
    let host = enrolled(&*store, "gpc0").await.id;
    let old = [(46, 1), (47, 2), (47, 3), (48, 4)].map(|(number, started)| test_run(number, started));
    let newest = (0..RUNS_OF_PAST).map(|nth| test_run(49, 10 + i64::from(nth)));
    let test_runs: Vec<_> = old.iter().cloned().chain(newest).collect();
    store.record_facts(host, &Facts { test_runs, ..facts(1, &[49, 48, 47, 46]) }).await.unwrap();
    // Gen 46 leaves the profile; the build of Gen 48 stays there as Gen 50.
    let mut now = facts(2, &[50, 49, 47]);
    now.generations[0].store_path = test_run(48, 4).generation.store_path;
    store.record_facts(host, &now).await.unwrap();

    assert!(store.remove_test_runs(host, at(OLD), 1).await.unwrap(), "a little at a time");
    while store.remove_test_runs(host, at(OLD), 1).await.unwrap() {}
    let runs = store.test_runs(host, ALL).await.unwrap();
    assert_eq!(runs.len(), RUNS_OF_PAST as usize + 2);
    assert_eq!(runs[RUNS_OF_PAST as usize..], [old[3].clone(), old[2].clone()]);
    let none_young = at(13);
    assert!(!store.remove_test_runs(host, none_young, ALL).await.unwrap());
}

pub(super) async fn a_rollout_stays_while_it_is_open_or_has_an_op(bench: &mut impl Bench) {
    let store = bench.store();
    let host = enrolled(&*store, "gpc0").await;
    let record = async |is_open: bool, has_op: bool, seconds| {
        let hosts = vec![RolloutHost::waiting(host.id, host.name.clone(), OpAction::Pull)];
        let rollout = backstay_model::rollout::Rollout {
            created_at: at(seconds),
            ..sample::rollout(OpKind::Pull, hosts)
        };
        store.insert_rollout(&rollout, &entry("rollout.started")).await.unwrap();
        if has_op {
            let op = new_op(host.id, OpAction::Pull);
            let step = RolloutStep::Running { op: op.id };
            store.begin_in_rollout(rollout.id, &step, &op, &entry("pull.requested")).await.unwrap().unwrap();
            take(&*store, op.id, &[OpStatus::Cancelled]).await;
        }
        if !is_open {
            let done = RolloutState::Done;
            store.set_rollout_state(rollout.id, &done, &entry("rollout.done")).await.unwrap().unwrap();
        }
        rollout.id
    };
    let old = [record(false, false, 0).await, record(false, true, 0).await, record(false, false, OLD).await];
    let mut newest = vec![];
    for _ in 1..MERGES_OF_PAST {
        newest.push(record(false, false, 0).await);
    }
    newest.push(record(true, false, 0).await);

    store.remove_rollouts(at(OLD), ALL).await.unwrap();
    let left: HashSet<RolloutId> =
        store.rollouts(None, ALL).await.unwrap().iter().map(|rollout| rollout.id).collect();
    assert!(!left.contains(&old[0]));
    assert_eq!(left.len(), 2 + newest.len());
}

pub(super) async fn only_deployments_that_are_over_go(bench: &mut impl Bench) {
    let store = bench.store();
    enrolled(&*store, "gpc0").await;
    let mut deployments = vec![];
    for number in 1..=u64::from(MERGES_OF_PAST) + 4 {
        let young = NewDeployment { merged_at: at(OLD), ..merge(number) };
        let new = if number == 4 { young } else { merge(number) };
        deployments.push(store.open_deployment(&new, &entry("pr.merged")).await.unwrap().unwrap());
        if number == 1 {
            let decision = Decision::Reverting {
                by: "maria".into(),
                at: at(1),
                before: Box::new(Decision::Open),
                reason: None,
            };
            store.decide(new.id, &decision, &entry("pr.reverting")).await.unwrap().unwrap();
            let reverted = Decision::Reverted {
                by: "maria".into(),
                at: at(2),
                commit: Commit("r".into()),
                reason: None,
            };
            store.decide(new.id, &reverted, &entry("pr.reverted")).await.unwrap().unwrap();
        }
    }
    let of_second = backstay_model::rollout::Rollout {
        deployment: Some(deployments[1].id),
        ..sample::rollout(OpKind::Pull, vec![])
    };
    store.insert_rollout(&of_second, &entry("rollout.started")).await.unwrap();
    let reverted = store.reverted_commits().await.unwrap();

    store.remove_deployments(at(OLD), ALL).await.unwrap();
    let mut left = vec![];
    for deployment in &deployments {
        left.push(store.deployment(deployment.id).await.unwrap().is_some());
    }
    let expected: Vec<_> = (0..deployments.len()).map(|nth| nth != 2).collect();
    assert_eq!(left, expected, "the first is reverted, the second has a roll-out, the fourth is young");
    assert_eq!(store.reverted_commits().await.unwrap(), reverted);
}

pub(super) async fn a_removed_host_goes_with_its_last_op(bench: &mut impl Bench) {
    use OpStatus::{Lost, Running, Sent, Succeeded};

    let store = bench.store();
    let [old, new] = [enrolled(&*store, "gpc0").await, enrolled(&*store, "imac0").await].map(|host| host.id);
    for (host, removed) in [(old, OLD - 1), (new, OLD)] {
        let lost = ended(&*store, new_op(host, OpAction::Pull), &[Sent, Lost], 10).await;
        store.append_output(lost, &lines(3)).await.unwrap();
        ended(&*store, new_op(host, OpAction::Switch), &[Sent, Running, Succeeded], 11).await;
        assert!(store.remove_host(host, at(removed), &entry("host.removed")).await.unwrap());
    }
    store.remove_hosts(at(OLD), ALL).await.unwrap();
    assert_eq!(store.hosts_with_history().await.unwrap().len(), 2, "both have ops");
    store.remove_output(at(OLD), at(OLD), ALL).await.unwrap();
    for host in [old, new] {
        store.remove_ops(host, at(OLD), ALL).await.unwrap();
    }
    store.remove_hosts(at(OLD), ALL).await.unwrap();
    assert_eq!(store.hosts_with_history().await.unwrap(), [new]);
    let filter = OpFilter { limit: ALL, ..OpFilter::default() };
    assert_eq!(store.ops(&filter).await.unwrap().len(), 2, "those of the host that left later");
}

pub(super) async fn one_audit_entry_tells_what_was_removed(bench: &mut impl Bench) {
    let store = bench.store();
    let host = enrolled(&*store, "gpc0").await.id;
    assert_eq!(store.report_removals(at(1)).await.unwrap(), []);
    many(bench, host, &OpAction::Refresh, OPS_OF_PAST + 7, 1).await;
    while store.remove_ops(host, at(OLD), 3).await.unwrap() {}
    let told = store.report_removals(at(2_000)).await.unwrap();
    assert_eq!(told.iter().map(|it| (it.kind, it.count)).collect::<Vec<_>>(), [(Removed::Ops, 7)]);
    assert_eq!(store.report_removals(at(3_000)).await.unwrap(), []);

    let entries = store.audit(&AuditQuery::default(), 1).await.unwrap();
    let said = (entries[0].action.as_str(), entries[0].detail.as_str(), entries[0].at);
    assert_eq!(said, ("retention.removed", "Removed because of their age: ops: 7.", at(2_000)));
    let check = store.verify_audit_after(&crate::store::AuditMark::default(), 1_000).await.unwrap();
    assert!(matches!(check, AuditCheck::Intact { end: true, .. }), "{check:?}");
}

pub(super) async fn the_space_is_measured_by_kind(bench: &mut impl Bench) {
    let store = bench.store();
    let host = enrolled(&*store, "gpc0").await.id;
    let op = cancelled(&*store, host, 10).await;
    let before = store.disk_use().await.unwrap();
    store.append_output(op, &lines(2_000)).await.unwrap();
    let after = store.disk_use().await.unwrap();
    let grown = after.output - before.output;
    assert!(grown > 2_000 * 40 && after.total >= before.total + grown, "{before:?} {after:?}");
    assert_eq!(after.audit_entries, store.audit_head().await.unwrap().seq);
    let parts = [after.ops, after.test_runs, after.deployments, after.hosts, after.audit, after.rest()];
    assert!(parts.iter().all(|part| *part > 0), "{after:?}");
    assert_eq!(parts.iter().sum::<u64>() + after.output + after.free, after.total);
}
