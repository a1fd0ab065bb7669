//! Roll-outs: one is running, each host begins once, no step is taken twice.

use backstay_model::rollout::{Rollout, RolloutHost, RolloutState, RolloutStep};
use backstay_model::{DeploymentId, OpAction, OpId, OpKind, OpStatus, RolloutId, sample};

use super::Bench;
use super::fixture::{
    audited, enrolled, entry, facts, new_op, queued, read_while_writing, rollback_action, start, take,
};
use crate::store::{HostRecord, InsertOpError, InsertRolloutError, NewAuditEntry, NewOp, OpStep, Store};

fn rollout(kind: OpKind, hosts: &[&HostRecord]) -> Rollout {
    let host = |host: &&HostRecord| RolloutHost::waiting(host.id, host.name.clone(), OpAction::Switch);
    Rollout {
        reason: Some("“new” kernel".to_owned()),
        created_at: start(),
        parallel: 2,
        ..sample::rollout(kind, hosts.iter().map(host).collect())
    }
}

async fn started(store: &dyn Store, hosts: &[&HostRecord]) -> Rollout {
    let rollout = rollout(OpKind::Switch, hosts);
    store.insert_rollout(&rollout, &entry("rollout.started")).await.unwrap();
    rollout
}

async fn begin(store: &dyn Store, rollout: &Rollout, op: &NewOp) -> Result<bool, InsertOpError> {
    let step = RolloutStep::Running { op: op.id };
    let begun = store.begin_in_rollout(rollout.id, &step, op, &entry("switch.requested")).await?;
    Ok(begun.is_some())
}

async fn step_of(store: &dyn Store, rollout: &Rollout, host: usize) -> RolloutStep {
    store.rollout(rollout.id).await.unwrap().unwrap().hosts[host].step.clone()
}

fn stopping() -> RolloutState {
    RolloutState::Stopping { why: "imac0: Tests FAIL (x11)".to_owned() }
}

fn stopped() -> RolloutState {
    RolloutState::Stopped { why: "imac0: Tests FAIL (x11)".to_owned() }
}

async fn state(store: &dyn Store, rollout: &Rollout, to: &RolloutState) -> bool {
    store.set_rollout_state(rollout.id, to, &entry("rollout.state")).await.unwrap().is_some()
}

pub(super) async fn a_rollout_is_recorded_with_its_audit_entry(bench: &mut impl Bench) {
    let store = bench.store();
    let (b, a) = (enrolled(&*store, "hsb0").await, enrolled(&*store, "gpc0").await);
    let rollout = started(&*store, &[&b, &a]).await;
    assert_eq!(store.rollout(rollout.id).await.unwrap(), Some(rollout.clone()), "in the order of its hosts");
    assert_eq!(store.rollout(RolloutId::new()).await.unwrap(), None);
    assert_eq!(store.open_rollouts().await.unwrap(), [rollout.id]);
    assert_eq!(audited(&*store).await, ["rollout.started"]);
    assert!(state(&*store, &rollout, &RolloutState::Done).await);
    assert_eq!(store.open_rollouts().await.unwrap(), []);
    let next = started(&*store, &[&a]).await;
    let ids =
        async |before| store.rollouts(before, 5).await.unwrap().iter().map(|it| it.id).collect::<Vec<_>>();
    assert_eq!(ids(None).await, [next.id, rollout.id]);
    assert_eq!(ids(Some(next.id)).await, [rollout.id]);
    let of_nothing =
        Rollout { deployment: Some(DeploymentId::new()), ..self::rollout(OpKind::Rollback, &[&a]) };
    assert!(state(&*store, &next, &RolloutState::Done).await);
    let refused = store.insert_rollout(&of_nothing, &entry("rollout.started")).await;
    assert!(matches!(refused, Err(InsertRolloutError::Store(_))), "{refused:?}");
}

pub(super) async fn of_many_rollouts_at_once_exactly_one_is_recorded(bench: &mut impl Bench) {
    let store = bench.store();
    let host = enrolled(&*store, "gpc0").await;
    let other = bench.another().await;
    let tasks: Vec<_> = (0..6)
        .map(|i| {
            let store = if i % 2 == 0 { store.clone() } else { other.clone() };
            let rollout = rollout(OpKind::Switch, &[&host]);
            tokio::spawn(async move {
                match store.insert_rollout(&rollout, &entry("rollout.started")).await {
                    Ok(()) => 1,
                    Err(InsertRolloutError::Another(first)) => {
                        assert_ne!(first.id, rollout.id);
                        0
                    }
                    Err(error) => panic!("{error}"),
                }
            })
        })
        .collect();
    let mut recorded = 0;
    for task in tasks {
        recorded += task.await.unwrap();
    }
    assert_eq!(recorded, 1);
    assert_eq!(audited(&*store).await, ["rollout.started"]);
}

pub(super) async fn a_rollback_need_not_wait_for_one_that_is_stopping(bench: &mut impl Bench) {
    let store = bench.store();
    let host = enrolled(&*store, "gpc0").await;
    let first = started(&*store, &[&host]).await;
    let insert = async |kind| {
        let rollout = rollout(kind, &[&host]);
        let inserted = store.insert_rollout(&rollout, &entry("rollout.started")).await;
        inserted.map(|()| rollout).map_err(|error| match error {
            InsertRolloutError::Another(another) => another.id,
            error => panic!("{error}"),
        })
    };
    assert_eq!(insert(OpKind::Rollback).await, Err(first.id));
    assert!(state(&*store, &first, &stopping()).await);
    assert_eq!(insert(OpKind::Switch).await, Err(first.id));
    let rollback = insert(OpKind::Rollback).await.unwrap();
    assert_eq!(store.open_rollouts().await.unwrap(), [first.id, rollback.id]);
}

pub(super) async fn a_host_begins_once_however_many_try(bench: &mut impl Bench) {
    let store = bench.store();
    let host = enrolled(&*store, "gpc0").await;
    let rollout = started(&*store, &[&host]).await;
    let other = bench.another().await;
    let tasks: Vec<_> = (0..6)
        .map(|i| {
            let store = if i % 2 == 0 { store.clone() } else { other.clone() };
            let (rollout, op) = (rollout.clone(), new_op(host.id, OpAction::Switch));
            tokio::spawn(async move { begin(&*store, &rollout, &op).await.unwrap().then_some(op.id) })
        })
        .collect();
    let mut begun = vec![];
    for task in tasks {
        begun.extend(task.await.unwrap());
    }
    let [op] = begun[..] else { panic!("{begun:?}") };
    assert_eq!(step_of(&*store, &rollout, 0).await, RolloutStep::Running { op });
    assert_eq!(store.open_op(host.id).await.unwrap().unwrap().id, op);
    assert!(store.is_sent_by_rollout(op).await.unwrap());
    assert_eq!(store.op(op).await.unwrap().unwrap().rollout, Some(rollout.id));
    assert!(!store.is_sent_by_rollout(OpId::new()).await.unwrap());
    assert_eq!(audited(&*store).await, ["rollout.started", "switch.requested"]);
}

pub(super) async fn a_busy_host_does_not_begin(bench: &mut impl Bench) {
    let store = bench.store();
    let host = enrolled(&*store, "gpc0").await;
    let first = queued(&*store, host.id, OpAction::Refresh).await;
    let rollout = started(&*store, &[&host]).await;
    let refused = begin(&*store, &rollout, &new_op(host.id, OpAction::Switch)).await;
    assert!(matches!(refused, Err(InsertOpError::HostBusy(by)) if by.id == first.id));
    assert_eq!(step_of(&*store, &rollout, 0).await, RolloutStep::Waiting, "nothing was written");
    let blocked = NewOp { status: OpStatus::Blocked, due_at: None, ..new_op(host.id, OpAction::Switch) };
    let skipped = RolloutStep::Skipped { why: "no checkout".to_owned() };
    let begun = store.begin_in_rollout(rollout.id, &skipped, &blocked, &entry("switch.blocked")).await;
    assert_eq!(begun.unwrap().unwrap().status, OpStatus::Blocked);
    assert_eq!(step_of(&*store, &rollout, 0).await, skipped);
}

pub(super) async fn no_host_begins_after_a_stop(bench: &mut impl Bench) {
    let store = bench.store();
    let host = enrolled(&*store, "gpc0").await;
    for states in [vec![stopping()], vec![stopping(), stopped()], vec![RolloutState::Done]] {
        let rollout = started(&*store, &[&host]).await;
        for to in &states {
            assert!(state(&*store, &rollout, to).await);
        }
        assert!(!begin(&*store, &rollout, &new_op(host.id, OpAction::Switch)).await.unwrap());
        assert_eq!(store.open_op(host.id).await.unwrap(), None);
        assert_eq!(step_of(&*store, &rollout, 0).await, RolloutStep::Waiting);
        state(&*store, &rollout, &stopped()).await;
    }
}

pub(super) async fn a_paused_rollout_starts_no_host_until_it_is_resumed(bench: &mut impl Bench) {
    let store = bench.store();
    let host = enrolled(&*store, "gpc0").await;
    let running = Rollout { pause_after: Some(2), ..rollout(OpKind::Switch, &[&host]) };
    store.insert_rollout(&running, &entry("rollout.started")).await.unwrap();
    let by = Some("maria".to_owned());
    let paused = Rollout { paused_at: Some(start()), paused_by: by, pause_after: None, ..running.clone() };
    let change = async |to| store.pause_rollout(to, &entry("rollout.paused")).await.unwrap();
    assert_eq!(change(&running).await, None, "it is not paused");
    assert_eq!(change(&paused).await.as_ref(), Some(&paused));
    assert_eq!(change(&paused).await, None, "it is paused already");
    assert!(!begin(&*store, &running, &new_op(host.id, OpAction::Switch)).await.unwrap());
    let recorded = bench.another().await.rollout(running.id).await.unwrap();
    assert_eq!(recorded.as_ref(), Some(&paused), "it is recorded");
    let another = store.insert_rollout(&rollout(OpKind::Switch, &[&host]), &entry("rollout.started")).await;
    assert!(matches!(another, Err(InsertRolloutError::Another(_))), "it is still the one that runs");
    assert_eq!(change(&running).await.as_ref(), Some(&running));
    assert!(begin(&*store, &running, &new_op(host.id, OpAction::Switch)).await.unwrap());
    assert!(state(&*store, &running, &stopping()).await);
    assert_eq!(change(&paused).await, None, "it is stopping");
    let audited = audited(&*store).await;
    assert_eq!(audited.iter().filter(|action| *action == "rollout.paused").count(), 2);
}

pub(super) async fn a_step_must_start_from_the_current_one(bench: &mut impl Bench) {
    let store = bench.store();
    let host = enrolled(&*store, "gpc0").await;
    let rollout = started(&*store, &[&host]).await;
    let op = new_op(host.id, OpAction::Switch);
    begin(&*store, &rollout, &op).await.unwrap();
    let running = RolloutStep::Running { op: op.id };
    let ok = RolloutStep::Ok { op: op.id };
    let step =
        async |from: &RolloutStep, to: &RolloutStep| store.step_rollout(rollout.id, host.id, from, to).await;
    let other = RolloutStep::Running { op: OpId::new() };
    for from in [&RolloutStep::Waiting, &other, &ok] {
        assert!(!step(from, &ok).await.unwrap(), "{from:?}");
    }
    assert!(step(&running, &ok).await.unwrap());
    assert_eq!(step_of(&*store, &rollout, 0).await, ok);
    assert!(!step(&running, &ok).await.unwrap());
    assert!(
        step(&ok, &RolloutStep::Waiting).await.is_err(),
        "the database itself enforces the order of steps"
    );
}

pub(super) async fn a_rollout_is_read_with_one_of_its_hosts(bench: &mut impl Bench) {
    let store = bench.store();
    let (one, other) = (enrolled(&*store, "gpc0").await, enrolled(&*store, "imac0").await);
    let whole = started(&*store, &[&one, &other]).await;
    let part = async |host| store.rollout_part(whole.id, host).await.unwrap().unwrap();
    assert_eq!(part(None).await, Rollout { hosts: vec![], ..whole.clone() });
    assert_eq!(part(Some(other.id)).await, Rollout { hosts: vec![whole.hosts[1].clone()], ..whole.clone() });
    assert_eq!(store.rollout_part(RolloutId::new(), None).await.unwrap(), None);
}

pub(super) async fn the_ops_that_a_rollout_waits_for_are_found_together(bench: &mut impl Bench) {
    let store = bench.store();
    let (one, other) = (enrolled(&*store, "gpc0").await, enrolled(&*store, "imac0").await);
    let rollout = started(&*store, &[&one, &other]).await;
    let ops = [new_op(one.id, OpAction::Switch), new_op(other.id, OpAction::Switch)];
    for op in &ops {
        assert!(begin(&*store, &rollout, op).await.unwrap());
    }
    let found = async || {
        let ops = store.rollout_ops(rollout.id).await.unwrap();
        ops.into_iter().map(|op| op.id).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(found().await, ops.iter().map(|op| op.id).collect());
    let (from, to) = (RolloutStep::Running { op: ops[0].id }, RolloutStep::Ok { op: ops[0].id });
    assert!(store.step_rollout(rollout.id, one.id, &from, &to).await.unwrap());
    assert_eq!(found().await, [ops[1].id].into(), "the other host is done");
    assert!(!store.is_sent_by_rollout(ops[0].id).await.unwrap());
    assert!(store.is_sent_by_rollout(ops[1].id).await.unwrap());
}

pub(super) async fn a_rollout_ends_once(bench: &mut impl Bench) {
    let store = bench.store();
    let host = enrolled(&*store, "gpc0").await;
    let rollout = started(&*store, &[&host]).await;
    assert!(!state(&*store, &rollout, &stopped()).await, "it must be stopping first");
    assert!(state(&*store, &rollout, &stopping()).await);
    assert!(!state(&*store, &rollout, &stopping()).await);
    assert!(!state(&*store, &rollout, &RolloutState::Done).await);
    assert!(state(&*store, &rollout, &stopped()).await);
    for over in [stopping(), stopped(), RolloutState::Done, RolloutState::Running] {
        assert!(!state(&*store, &rollout, &over).await);
    }
    assert_eq!(audited(&*store).await, ["rollout.started", "rollout.state", "rollout.state"]);
}

pub(super) async fn a_following_op_is_found_by_the_one_before(bench: &mut impl Bench) {
    let store = bench.store();
    let host = enrolled(&*store, "gpc0").await;
    let switch = queued(&*store, host.id, OpAction::Switch).await;
    store.step_op(switch.id, &OpStep::to(OpStatus::Sent)).await.unwrap().unwrap();
    let test = new_op(host.id, OpAction::Test);
    let then = Some(Box::new((test.clone(), entry("test.requested"))));
    let step = OpStep { then, ..OpStep::to(OpStatus::Succeeded) };
    store.step_op(switch.id, &step).await.unwrap().unwrap();
    assert_eq!(store.following_op(switch.id).await.unwrap().map(|op| op.id), Some(test.id));
    assert_eq!(store.following_op(test.id).await.unwrap(), None);
}

/// Rollbacks of these hosts, as a person confirmed them.
fn rollbacks(hosts: &[&HostRecord]) -> (Rollout, Vec<(NewOp, NewAuditEntry)>) {
    let mut rollout = rollout(OpKind::Rollback, hosts);
    let mut ops = vec![];
    for host in &mut rollout.hosts {
        let op = NewOp { stop_tests: true, ..new_op(host.host, rollback_action()) };
        host.step = RolloutStep::Running { op: op.id };
        ops.push((op, entry("rollback.requested")));
    }
    (rollout, ops)
}

/// A host on Gen 48.
async fn on_48(store: &dyn Store, name: &str) -> HostRecord {
    let host = enrolled(store, name).await;
    store.record_facts(host.id, &facts(1, &[48, 47])).await.unwrap();
    host
}

pub(super) async fn rollbacks_of_several_hosts_are_recorded_in_one_and_hold_every_host(
    bench: &mut impl Bench,
) {
    let store = bench.store();
    let (a, b) = (on_48(&*store, "gpc0").await, on_48(&*store, "imac0").await);
    let tests = queued(&*store, b.id, OpAction::Test).await.id;
    take(&*store, tests, &[OpStatus::Sent]).await;
    let (rollout, ops) = rollbacks(&[&a, &b]);
    store.begin_rollout(&rollout, &entry("rollout.started"), &ops).await.unwrap();
    assert_eq!(store.op(ops[0].0.id).await.unwrap().unwrap().rollout, Some(rollout.id));
    assert_eq!(store.rollout(rollout.id).await.unwrap(), Some(rollout));
    assert_eq!(store.open_op(a.id).await.unwrap().unwrap().id, ops[0].0.id);
    let waits = store.op(ops[1].0.id).await.unwrap().unwrap();
    assert_eq!((waits.status, waits.stops, waits.waits), (OpStatus::Queued, Some(tests), true));
    for host in [a.id, b.id] {
        let refused = store.insert_op(&new_op(host, OpAction::Switch), &entry("switch.requested")).await;
        assert!(matches!(refused, Err(InsertOpError::HostBusy(_))), "{refused:?}");
    }
    assert_eq!(store.waiting_ops().await.unwrap(), [], "they are sent when a slot is free");
}

pub(super) async fn if_one_host_is_busy_or_has_moved_none_is_rolled_back(bench: &mut impl Bench) {
    let store = bench.store();
    let a = on_48(&*store, "gpc0").await;
    let (moved, busy) = (on_48(&*store, "moved").await, on_48(&*store, "busy").await);
    let unknown = enrolled(&*store, "unknown").await;
    store.record_facts(moved.id, &facts(2, &[49, 48, 47])).await.unwrap();
    let holder = queued(&*store, busy.id, OpAction::Switch).await.id;
    for other in [&moved, &busy, &unknown] {
        let (rollout, ops) = rollbacks(&[&a, other]);
        let refused = store.begin_rollout(&rollout, &entry("rollout.started"), &ops).await.unwrap_err();
        match refused {
            InsertRolloutError::NotAsSeen { host, refusal } => {
                assert_eq!((host.as_str(), refusal.is_some()), (other.name.as_str(), other.id == moved.id));
            }
            InsertRolloutError::HostBusy(first) => assert_eq!((first.host, first.id), (busy.id, holder)),
            error => panic!("{error}"),
        }
        assert_eq!(store.rollout(rollout.id).await.unwrap(), None);
        assert_eq!(store.open_op(a.id).await.unwrap(), None);
    }
    assert_eq!(audited(&*store).await, ["op.requested"]);
}

pub(super) async fn a_rollout_is_read_at_one_moment(bench: &mut impl Bench) {
    let store = bench.store();
    let (one, other) = (enrolled(&*store, "gpc0").await, enrolled(&*store, "imac0").await);
    let id = started(&*store, &[&one, &other]).await.id;
    let write = |number| {
        format!("UPDATE rollouts SET reason = '{number}'; UPDATE rollout_hosts SET name = '{number}';")
    };
    bench.run(&write(0)).await.unwrap();
    let is_whole = |read: &Rollout| read.hosts.iter().all(|host| Some(&host.name) == read.reason.as_ref());
    read_while_writing(bench, write, async || {
        let listed = store.rollouts(None, 10).await.unwrap();
        let part = store.rollout_part(id, Some(other.id)).await.unwrap();
        let alone = store.rollout(id).await.unwrap();
        listed.iter().chain(&part).chain(&alone).all(is_whole)
    })
    .await;
}
