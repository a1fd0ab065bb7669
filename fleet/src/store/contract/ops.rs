//! Ops: one open for a host, each step once.

use backstay_model::view::Search;
use backstay_model::{HostId, OpAction, OpId, OpKind, OpStatus, Outcome, Phase};

use super::Bench;
use super::fixture::{
    at, audited, enrolled, entry, new_op, queued, rollback_action, rollback_row, start, take,
};
use crate::store::{InsertOpError, NewOp, OpFilter, OpStep};

pub(super) async fn an_op_is_recorded_with_its_audit_entry(bench: &mut impl Bench) {
    let store = bench.store();
    let host = enrolled(&*store, "gpc0").await;
    let new = new_op(host.id, rollback_action());
    let op = store.insert_op(&new, &entry("rollback.requested")).await.unwrap();
    assert_eq!((op.id, op.host, op.host_name.as_str()), (new.id, host.id, "gpc0"));
    assert_eq!((&op.action, op.status), (&new.action, OpStatus::Queued));
    assert_eq!((&op.requested_by, &op.reason, op.created_at), (&new.requested_by, &new.reason, start()));
    assert_eq!((op.phase, op.started_at, op.finished_at, op.outcome), (None, None, None, None));
    assert_eq!((op.exit_code, &op.message), (None, &None));
    assert_eq!(store.op(op.id).await.unwrap().as_ref(), Some(&op));
    assert_eq!(store.open_op(host.id).await.unwrap(), Some(op));
    assert_eq!(store.op(OpId::new()).await.unwrap(), None);
    assert_eq!(audited(&*store).await, ["rollback.requested"]);
}

pub(super) async fn a_second_open_op_is_refused_with_the_first(bench: &mut impl Bench) {
    let store = bench.store();
    let host = enrolled(&*store, "gpc0").await.id;
    let first = queued(&*store, host, rollback_action()).await;
    for status in [OpStatus::Sent, OpStatus::Running] {
        let refused = store.insert_op(&new_op(host, OpAction::Switch), &entry("switch.requested")).await;
        let Err(InsertOpError::HostBusy(holder)) = refused else { panic!("{refused:?}") };
        assert_eq!(holder.id, first.id);
        take(&*store, first.id, &[status]).await;
    }
    assert_eq!(audited(&*store).await, ["op.requested"], "a refusal here leaves no trace");
    take(&*store, first.id, &[OpStatus::Failed]).await;
    queued(&*store, host, OpAction::Switch).await;
}

pub(super) async fn a_blocked_op_holds_no_host(bench: &mut impl Bench) {
    let store = bench.store();
    let host = enrolled(&*store, "gpc0").await.id;
    let open = queued(&*store, host, OpAction::Test).await;
    let refusal = NewOp {
        status: OpStatus::Blocked,
        message: Some("The host is already on Gen 47.".to_owned()),
        ..new_op(host, rollback_action())
    };
    let blocked = store.insert_op(&refusal, &entry("rollback.blocked")).await.unwrap();
    assert_eq!((blocked.status, &blocked.message), (OpStatus::Blocked, &refusal.message));
    assert_eq!(store.open_op(host).await.unwrap(), Some(open));
}

pub(super) async fn hosts_do_not_wait_for_each_other(bench: &mut impl Bench) {
    let store = bench.store();
    for name in ["gpc0", "gpc1"] {
        let host = enrolled(&*store, name).await.id;
        assert_eq!(queued(&*store, host, OpAction::Pull).await.host_name, name);
    }
}

pub(super) async fn of_many_ops_at_once_exactly_one_is_recorded(bench: &mut impl Bench) {
    let (store, other) = (bench.store(), bench.another().await);
    let host = enrolled(&*store, "gpc0").await.id;
    let tasks: Vec<_> = (0..8)
        .map(|i| {
            let store = if i % 2 == 0 { store.clone() } else { other.clone() };
            tokio::spawn(async move {
                match store.insert_op(&new_op(host, rollback_action()), &entry("rollback.requested")).await {
                    Ok(op) => (true, op.id),
                    Err(InsertOpError::HostBusy(first)) => (false, first.id),
                    Err(error) => panic!("{error}"),
                }
            })
        })
        .collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    let winner = answers.iter().find(|(won, _)| *won).unwrap().1;
    assert_eq!(answers.iter().filter(|(won, _)| *won).count(), 1);
    assert!(answers.iter().all(|(_, id)| *id == winner), "each loser learns of the winner");
    assert_eq!(store.ops(&OpFilter { limit: 10, ..OpFilter::default() }).await.unwrap().len(), 1);
    assert_eq!(audited(&*store).await, ["rollback.requested"]);
}

pub(super) async fn an_op_for_an_unknown_host_is_not_recorded(bench: &mut impl Bench) {
    let store = bench.store();
    let refused = store.insert_op(&new_op(HostId::new(), OpAction::Pull), &entry("pull.requested")).await;
    assert!(matches!(refused, Err(InsertOpError::Store(_))), "{refused:?}");
    assert!(audited(&*store).await.is_empty());
}

pub(super) async fn a_step_leaves_the_fields_that_it_does_not_set(bench: &mut impl Bench) {
    let store = bench.store();
    let host = enrolled(&*store, "gpc0").await.id;
    let op = queued(&*store, host, rollback_action()).await;
    take(&*store, op.id, &[OpStatus::Sent]).await;
    let running =
        OpStep { started_at: Some(at(1)), message: Some("m".into()), ..OpStep::to(OpStatus::Running) };
    store.step_op(op.id, &running).await.unwrap().unwrap();
    let failed = OpStep {
        finished_at: Some(at(2)),
        outcome: Some(Outcome::TimedOut),
        exit_code: Some(-9),
        audit: Some(entry("rollback.failed")),
        rollback: Some(rollback_row(&op, false)),
        ..OpStep::to(OpStatus::Failed)
    };
    let closed = store.step_op(op.id, &failed).await.unwrap().unwrap();
    assert_eq!((closed.started_at, closed.finished_at), (Some(at(1)), Some(at(2))));
    assert_eq!((closed.outcome, closed.exit_code), (Some(Outcome::TimedOut), Some(-9)));
    assert_eq!(closed.message.as_deref(), Some("m"));
    assert_eq!(store.op(op.id).await.unwrap(), Some(closed));
    assert_eq!(store.rollbacks(host).await.unwrap(), [rollback_row(&op, false)]);
    assert_eq!(audited(&*store).await, ["op.requested", "rollback.failed"]);
}

pub(super) async fn of_many_closings_at_once_exactly_one_counts(bench: &mut impl Bench) {
    let (store, other) = (bench.store(), bench.another().await);
    let host = enrolled(&*store, "gpc0").await.id;
    let op = queued(&*store, host, rollback_action()).await;
    take(&*store, op.id, &[OpStatus::Sent, OpStatus::Running]).await;
    // Without `lost`, which another end may follow.
    let ends = [OpStatus::Succeeded, OpStatus::Failed, OpStatus::TimedOut, OpStatus::Cancelled];
    let tasks: Vec<_> = ends
        .into_iter()
        .enumerate()
        .map(|(i, end)| {
            let store = if i % 2 == 0 { store.clone() } else { other.clone() };
            let step = OpStep {
                audit: Some(entry(end.as_str())),
                rollback: Some(rollback_row(&op, end == OpStatus::Succeeded)),
                ..OpStep::to(end)
            };
            tokio::spawn(async move { store.step_op(op.id, &step).await.unwrap() })
        })
        .collect();
    let mut counted = Vec::new();
    for task in tasks {
        counted.extend(task.await.unwrap());
    }
    assert_eq!(counted.len(), 1, "{counted:?}");
    let status = counted[0].status;
    assert_eq!(store.op(op.id).await.unwrap().unwrap().status, status);
    assert_eq!(audited(&*store).await, ["op.requested", status.as_str()]);
    assert_eq!(store.rollbacks(host).await.unwrap(), [rollback_row(&op, status == OpStatus::Succeeded)]);
}

pub(super) async fn a_step_that_is_not_allowed_writes_nothing(bench: &mut impl Bench) {
    let store = bench.store();
    let host = enrolled(&*store, "gpc0").await.id;
    let op = queued(&*store, host, rollback_action()).await;
    let step = OpStep {
        message: Some("it went well".to_owned()),
        audit: Some(entry("rollback.succeeded")),
        rollback: Some(rollback_row(&op, true)),
        ..OpStep::to(OpStatus::Succeeded)
    };
    assert_eq!(store.step_op(op.id, &step).await.unwrap(), None);
    assert_eq!(store.step_op(OpId::new(), &step).await.unwrap(), None);
    assert_eq!(store.step_op(op.id, &OpStep::to(OpStatus::Queued)).await.unwrap(), None);
    assert_eq!(store.op(op.id).await.unwrap(), Some(op));
    assert_eq!(audited(&*store).await, ["op.requested"]);
    assert_eq!(store.rollbacks(host).await.unwrap(), []);
}

pub(super) async fn only_an_open_op_has_a_phase(bench: &mut impl Bench) {
    let store = bench.store();
    let host = enrolled(&*store, "gpc0").await.id;
    let op = queued(&*store, host, OpAction::Test).await.id;
    take(&*store, op, &[OpStatus::Sent, OpStatus::Running]).await;
    let phase = Phase::Testing { done: 3, total: 8 };
    let view = store.set_phase(op, phase).await.unwrap().unwrap();
    assert_eq!(view.phase, Some(phase));
    assert_eq!(store.op(op).await.unwrap(), Some(view));
    assert_eq!(take(&*store, op, &[OpStatus::Succeeded]).await.phase, None);
    assert_eq!(store.set_phase(op, Phase::Checking).await.unwrap(), None);
    assert_eq!(store.op(op).await.unwrap().unwrap().phase, None);
    assert_eq!(store.set_phase(OpId::new(), phase).await.unwrap(), None);
}

pub(super) async fn the_last_system_op_took_place_on_the_host(bench: &mut impl Bench) {
    use OpStatus::{Cancelled, Failed, Lost, Running, Sent, Succeeded, TimedOut};

    let store = bench.store();
    let host = enrolled(&*store, "gpc0").await.id;
    let last = async || store.last_system_op(host).await.unwrap().map(|op| op.id);
    let run = async |action, statuses: &[OpStatus]| {
        let op = queued(&*store, host, action).await.id;
        take(&*store, op, statuses).await;
        op
    };
    run(rollback_action(), &[Cancelled]).await;
    assert_eq!(last().await, None);
    let switch = run(OpAction::Switch, &[Sent, Running, Succeeded]).await;
    assert_eq!(last().await, Some(switch));
    for (action, statuses) in [
        (rollback_action(), &[Cancelled][..]),
        (rollback_action(), &[TimedOut]),
        (OpAction::Test, &[Sent, Running, Succeeded]),
        (OpAction::Pull, &[Sent, Succeeded]),
    ] {
        run(action, statuses).await;
        assert_eq!(last().await, Some(switch));
    }
    let blocked = NewOp { status: OpStatus::Blocked, ..new_op(host, rollback_action()) };
    store.insert_op(&blocked, &entry("rollback.blocked")).await.unwrap();
    assert_eq!(last().await, Some(switch));
    let vanished = run(rollback_action(), &[Sent, Lost]).await;
    assert_eq!(last().await, Some(vanished));
    let open = queued(&*store, host, OpAction::Switch).await.id;
    take(&*store, open, &[Sent, Running]).await;
    assert_eq!(last().await, Some(vanished), "an open op has not ended");
    let on_the_host = OpStep { outcome: Some(Outcome::Cancelled), ..OpStep::to(Cancelled) };
    store.step_op(open, &on_the_host).await.unwrap().unwrap();
    assert_eq!(last().await, Some(open), "one that was cancelled on the host reached it");
    run(OpAction::Switch, &[Sent, Cancelled]).await;
    assert_eq!(last().await, Some(open), "one that was cancelled on its way did not");
    let failed = run(OpAction::Switch, &[Sent, Running, Failed]).await;
    assert_eq!(last().await, Some(failed));
    for (action, way) in [(rollback_action(), &[Sent][..]), (OpAction::PullSwitch, &[Sent, Running])] {
        let refused = queued(&*store, host, action).await.id;
        take(&*store, refused, way).await;
        let step = OpStep { outcome: Some(Outcome::Refused), ..OpStep::to(Failed) };
        store.step_op(refused, &step).await.unwrap().unwrap();
        assert_eq!(last().await, Some(failed), "one that the host refused changed nothing");
    }
}

pub(super) async fn ops_are_filtered_newest_first(bench: &mut impl Bench) {
    let store = bench.store();
    let (a, b) = (enrolled(&*store, "a").await.id, enrolled(&*store, "b").await.id);
    let mut made = Vec::new();
    for (host, action) in [(a, OpAction::Pull), (b, OpAction::Pull), (a, OpAction::Switch)] {
        let op = queued(&*store, host, action).await.id;
        take(&*store, op, &[OpStatus::Cancelled]).await;
        made.push(op);
    }
    made.push(queued(&*store, a, OpAction::Pull).await.id);
    let all = OpFilter { limit: 10, ..OpFilter::default() };
    let text = |text: &str| Search { text: Some(text.into()), ..Search::default() };
    for (filter, expected) in [
        (all.clone(), vec![made[3], made[2], made[1], made[0]]),
        (OpFilter { host: Some(a), ..all.clone() }, vec![made[3], made[2], made[0]]),
        (OpFilter { kind: Some(OpKind::Pull), ..all.clone() }, vec![made[3], made[1], made[0]]),
        (OpFilter { statuses: vec![OpStatus::Queued, OpStatus::Sent], ..all.clone() }, vec![made[3]]),
        (OpFilter { by: Some("nobody".into()), ..all.clone() }, vec![]),
        (OpFilter { before: Some(made[2]), ..all.clone() }, vec![made[1], made[0]]),
        (OpFilter { search: text("PULL"), ..all.clone() }, vec![made[3], made[1], made[0]]),
        (OpFilter { search: text("nothing like it"), ..all.clone() }, vec![]),
        (
            OpFilter {
                search: Search { from: Some("9999-01-01".into()), ..Search::default() },
                ..all.clone()
            },
            vec![],
        ),
        (OpFilter { limit: 2, ..all.clone() }, vec![made[3], made[2]]),
        (OpFilter { host: Some(a), kind: Some(OpKind::Pull), before: Some(made[3]), ..all }, vec![made[0]]),
    ] {
        let found: Vec<_> = store.ops(&filter).await.unwrap().into_iter().map(|op| op.id).collect();
        assert_eq!(found, expected, "{filter:?}");
    }
}

pub(super) async fn rollbacks_come_newest_first(bench: &mut impl Bench) {
    let store = bench.store();
    let host = enrolled(&*store, "gpc0").await.id;
    let mut rows = Vec::new();
    for seconds in [1, 3, 2] {
        let op = queued(&*store, host, rollback_action()).await;
        take(&*store, op.id, &[OpStatus::Sent]).await;
        let row = crate::store::RollbackRecord { rolled_back_at: at(seconds), ..rollback_row(&op, true) };
        let step = OpStep { rollback: Some(row.clone()), ..OpStep::to(OpStatus::Succeeded) };
        store.step_op(op.id, &step).await.unwrap().unwrap();
        rows.push(row);
    }
    let found = store.rollbacks(host).await.unwrap();
    assert_eq!(found, [rows[1].clone(), rows[2].clone(), rows[0].clone()]);
}
