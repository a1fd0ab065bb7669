//! The store's part in delivery: steps from one required status, due ops, and the op that follows an end.

use backstay_model::{CancelRequest, OpAction, OpStatus};

use super::Bench;
use super::fixture::{
    at, audited, enrolled, entry, new_op, queued, rollback_action, rollback_row, start, take,
};
use crate::store::{NewAuditEntry, NewOp, OpStep, RollbackRecord};

pub(super) async fn a_step_can_require_one_status(bench: &mut impl Bench) {
    let store = bench.store();
    let host = enrolled(&*store, "gpc0").await.id;
    let op = queued(&*store, host, OpAction::Switch).await.id;
    take(&*store, op, &[OpStatus::Sent]).await;
    let step = OpStep {
        only_from: Some(OpStatus::Queued),
        audit: Some(entry("switch.cancelled")),
        ..OpStep::to(OpStatus::Cancelled)
    };
    assert_eq!(store.step_op(op, &step).await.unwrap(), None, "it is sent already");
    assert_eq!(audited(&*store).await, ["op.requested"]);
    let step = OpStep { only_from: Some(OpStatus::Sent), ..step };
    assert_eq!(store.step_op(op, &step).await.unwrap().unwrap().status, OpStatus::Cancelled);
}

pub(super) async fn the_database_itself_knows_the_table_of_steps(bench: &mut impl Bench) {
    use OpStatus::{Blocked, Lost, Queued, Running, Sent};

    let store = bench.store();
    for from in OpStatus::ALL {
        let way: &[OpStatus] = match from {
            Queued | Blocked => &[],
            Sent => &[Sent],
            Running => &[Sent, Running],
            Lost => &[Sent, Lost],
            end => &[Sent, Running, end],
        };
        for to in OpStatus::ALL.into_iter().filter(|to| *to != from) {
            let host = enrolled(&*store, &format!("{from}-{to}")).await.id;
            let status = if from == Blocked { Blocked } else { Queued };
            let new = NewOp { status, ..new_op(host, OpAction::Pull) };
            let op = store.insert_op(&new, &entry("op.requested")).await.unwrap().id;
            for step in way {
                take(&*store, op, &[*step]).await;
            }
            let forced = bench.run(&format!("UPDATE ops SET status = '{to}' WHERE id = '{op}'")).await;
            assert_eq!(forced.is_ok(), from.to(to).is_ok(), "{from} to {to}: {forced:?}");
        }
    }
}

pub(super) async fn only_an_op_with_its_host_takes_a_cancel_request(bench: &mut impl Bench) {
    let store = bench.store();
    let host = enrolled(&*store, "gpc0").await.id;
    let op = queued(&*store, host, OpAction::Switch).await.id;
    let asked = NewAuditEntry { at: at(5), ..entry("switch.cancel-requested") };
    assert_eq!(store.request_cancel(op, &asked).await.unwrap(), None, "it is still queued");
    take(&*store, op, &[OpStatus::Sent]).await;
    let first = Some(CancelRequest { by: "maria".into(), at: at(5) });
    assert_eq!(store.request_cancel(op, &asked).await.unwrap().unwrap().cancel, first);
    take(&*store, op, &[OpStatus::Running]).await;
    let second = NewAuditEntry { at: at(9), actor: "otto".into(), ..asked.clone() };
    assert_eq!(store.request_cancel(op, &second).await.unwrap().unwrap().cancel, first);
    assert_eq!(take(&*store, op, &[OpStatus::Succeeded]).await.cancel, first);
    assert_eq!(store.request_cancel(op, &asked).await.unwrap(), None, "it is over");
    let entries = audited(&*store).await;
    assert_eq!(entries, ["op.requested", "switch.cancel-requested", "switch.cancel-requested"]);
}

pub(super) async fn ops_are_due_when_their_time_is_up(bench: &mut impl Bench) {
    let store = bench.store();
    let due = async |seconds| -> Vec<_> {
        store.due_ops(at(seconds)).await.unwrap().into_iter().map(|op| op.id).collect()
    };
    let mut ops = vec![];
    for (name, seconds) in [("a", 60), ("b", 120)] {
        let host = enrolled(&*store, name).await.id;
        let new = NewOp { due_at: Some(at(seconds)), ..new_op(host, OpAction::Pull) };
        ops.push(store.insert_op(&new, &entry("pull.requested")).await.unwrap().id);
    }
    assert_eq!(due(59).await, []);
    assert_eq!(due(60).await, [ops[0]]);
    assert_eq!(due(120).await, ops);
    let sent = OpStep { due_at: Some(at(600)), ..OpStep::to(OpStatus::Sent) };
    assert_eq!(store.step_op(ops[0], &sent).await.unwrap().unwrap().due_at, Some(at(600)));
    assert_eq!(due(599).await, [ops[1]]);
    assert_eq!(take(&*store, ops[0], &[OpStatus::Running]).await.due_at, Some(at(600)), "left unchanged");
    assert_eq!(take(&*store, ops[0], &[OpStatus::Lost]).await.due_at, None);
    assert_eq!(due(600).await, [ops[1]], "a closed op is never due");
}

pub(super) async fn a_following_op_is_recorded_with_the_step(bench: &mut impl Bench) {
    let store = bench.store();
    let host = enrolled(&*store, "gpc0").await.id;
    let op = queued(&*store, host, rollback_action()).await.id;
    take(&*store, op, &[OpStatus::Sent, OpStatus::Running]).await;
    let test = new_op(host, OpAction::Test);
    let step = OpStep {
        then: Some(Box::new((test.clone(), entry("test.requested")))),
        ..OpStep::to(OpStatus::Succeeded)
    };
    store.step_op(op, &step).await.unwrap().unwrap();
    assert_eq!(store.open_op(host).await.unwrap().unwrap().id, test.id);
    assert_eq!(audited(&*store).await, ["op.requested", "test.requested"]);
    // A step that is not allowed records no following op, and neither does the same end again.
    assert_eq!(store.step_op(op, &step).await.unwrap(), None);
    assert_eq!(audited(&*store).await.len(), 2);
}

pub(super) async fn a_following_op_gives_way_to_one_that_holds_the_host(bench: &mut impl Bench) {
    let store = bench.store();
    let host = enrolled(&*store, "gpc0").await.id;
    let lost = queued(&*store, host, rollback_action()).await.id;
    take(&*store, lost, &[OpStatus::Sent, OpStatus::Lost]).await;
    let holder = queued(&*store, host, OpAction::Pull).await.id;
    let step = OpStep {
        then: Some(Box::new((new_op(host, OpAction::Test), entry("test.requested")))),
        ..OpStep::to(OpStatus::Succeeded)
    };
    let found = store.step_op(lost, &step).await.unwrap().unwrap();
    assert_eq!(found.status, OpStatus::Succeeded);
    assert_eq!(store.open_op(host).await.unwrap().unwrap().id, holder);
    assert_eq!(audited(&*store).await, ["op.requested", "op.requested"]);
}

pub(super) async fn a_lost_rollback_is_recorded_again_with_its_real_end(bench: &mut impl Bench) {
    let store = bench.store();
    let host = enrolled(&*store, "gpc0").await.id;
    let op = queued(&*store, host, rollback_action()).await;
    take(&*store, op.id, &[OpStatus::Sent]).await;
    let lost = OpStep { rollback: Some(rollback_row(&op, false)), ..OpStep::to(OpStatus::Lost) };
    store.step_op(op.id, &lost).await.unwrap().unwrap();
    let row = RollbackRecord { rolled_back_at: start(), ..rollback_row(&op, true) };
    let found = OpStep { rollback: Some(row.clone()), ..OpStep::to(OpStatus::Succeeded) };
    store.step_op(op.id, &found).await.unwrap().unwrap();
    assert_eq!(store.rollbacks(host).await.unwrap(), [row]);
    let next = queued(&*store, host, rollback_action()).await;
    take(&*store, next.id, &[OpStatus::Sent]).await;
    let lost = OpStep { rollback: Some(rollback_row(&next, false)), ..OpStep::to(OpStatus::Lost) };
    store.step_op(next.id, &lost).await.unwrap().unwrap();
    take(&*store, next.id, &[OpStatus::Failed]).await;
    assert_eq!(
        store.rollbacks(host).await.unwrap().len(),
        1,
        "one that never moved its host is not recorded"
    );
}

pub(super) async fn an_op_records_which_one_it_retries(bench: &mut impl Bench) {
    let store = bench.store();
    let host = enrolled(&*store, "gpc0").await.id;
    let first = queued(&*store, host, OpAction::Pull).await.id;
    take(&*store, first, &[OpStatus::Cancelled]).await;
    let again = NewOp { retry_of: Some(first), ..new_op(host, OpAction::Pull) };
    let op = store.insert_op(&again, &entry("pull.requested")).await.unwrap();
    assert_eq!(store.op(op.id).await.unwrap().unwrap().retry_of, Some(first));
}
