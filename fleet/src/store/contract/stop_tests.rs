//! A rollback that stops the tests that hold its host.

use backstay_model::{CancelRequest, HostId, OpAction, OpStatus, OpView};

use super::Bench;
use super::fixture::{at, audited, enrolled, entry, new_op, queued, rollback_action, take};
use crate::store::{InsertOpError, NewOp, OpStep, Store};

fn stopping(host: HostId) -> NewOp {
    NewOp { stop_tests: true, created_at: at(5), ..new_op(host, rollback_action()) }
}

async fn insert(store: &dyn Store, op: &NewOp) -> Result<OpView, InsertOpError> {
    store.insert_op(op, &entry("rollback.requested")).await
}

/// Records tests that hold the host and steps them through these statuses.
async fn tests(store: &dyn Store, host: HostId, statuses: &[OpStatus]) -> OpView {
    let tests = queued(store, host, OpAction::Test).await;
    if statuses.is_empty() { tests } else { take(store, tests.id, statuses).await }
}

pub(super) async fn tests_that_were_not_sent_are_cancelled(bench: &mut impl Bench) {
    let store = bench.store();
    let host = enrolled(&*store, "gpc0").await.id;
    let tests = tests(&*store, host, &[]).await;
    let op = insert(&*store, &stopping(host)).await.unwrap();
    assert_eq!((op.stops, op.waits), (Some(tests.id), false));
    let tests = store.op(tests.id).await.unwrap().unwrap();
    assert_eq!((tests.status, tests.finished_at), (OpStatus::Cancelled, Some(at(5))));
    assert!(tests.message.unwrap().ends_with("No test ran."));
    assert_eq!(store.open_op(host).await.unwrap(), Some(op));
    assert_eq!(audited(&*store).await, ["op.requested", "test.cancelled", "rollback.requested"]);
}

pub(super) async fn a_rollback_waits_for_tests_that_are_with_their_host(bench: &mut impl Bench) {
    use OpStatus::{Cancelled, Failed, Lost, Running, Sent, Succeeded, TimedOut};

    let store = bench.store();
    for (way, end) in [
        (&[Sent][..], Cancelled),
        (&[Sent, Running], Cancelled),
        (&[Sent, Running], Succeeded),
        (&[Sent, Running], Failed),
        (&[Sent, Running], TimedOut),
        (&[Sent], Lost),
    ] {
        let host = enrolled(&*store, &format!("{way:?}-{end}").replace(['[', ']', ',', ' '], "")).await.id;
        let tests = tests(&*store, host, way).await;
        let op = insert(&*store, &stopping(host)).await.unwrap();
        assert_eq!((op.status, op.stops, op.waits), (OpStatus::Queued, Some(tests.id), true));
        let holder = store.open_op(host).await.unwrap().unwrap();
        assert_eq!((holder.id, holder.status), (tests.id, tests.status), "the tests still hold the host");
        assert_eq!(holder.cancel, Some(CancelRequest { by: "maria".into(), at: at(5) }));
        assert_eq!(
            store.step_op(op.id, &OpStep::to(Sent)).await.unwrap(),
            None,
            "it is not sent before they end"
        );
        take(&*store, tests.id, &[end]).await;
        let released = store.open_op(host).await.unwrap().unwrap();
        assert_eq!((released.id, released.waits), (op.id, false), "{end}");
        take(&*store, op.id, &[Sent, Running, Succeeded]).await;
    }
    let log = audited(&*store).await;
    assert_eq!(log[..3], ["op.requested", "test.cancel-requested", "rollback.requested"]);
}

pub(super) async fn one_op_waits_for_the_tests_and_the_next_is_refused(bench: &mut impl Bench) {
    let store = bench.store();
    let host = enrolled(&*store, "gpc0").await.id;
    let tests = tests(&*store, host, &[OpStatus::Sent, OpStatus::Running]).await;
    let first = insert(&*store, &stopping(host)).await.unwrap();
    for next in [stopping(host), new_op(host, OpAction::Switch)] {
        let refused = insert(&*store, &next).await;
        let Err(InsertOpError::HostBusy(holder)) = refused else { panic!("{refused:?}") };
        assert_eq!(holder.id, first.id);
    }
    assert_eq!(audited(&*store).await.len(), 3, "a refusal leaves no trace");
    take(&*store, first.id, &[OpStatus::Cancelled]).await;
    assert!(!store.op(first.id).await.unwrap().unwrap().waits);
    insert(&*store, &stopping(host)).await.unwrap();
    assert_eq!(store.op(tests.id).await.unwrap().unwrap().status, OpStatus::Running);
}

pub(super) async fn no_other_op_gives_way_to_a_rollback(bench: &mut impl Bench) {
    let store = bench.store();
    for (name, action) in [("a", OpAction::Switch), ("b", OpAction::Refresh)] {
        let host = enrolled(&*store, name).await.id;
        let holder = queued(&*store, host, action).await;
        let refused = insert(&*store, &stopping(host)).await;
        let Err(InsertOpError::HostBusy(first)) = refused else { panic!("{refused:?}") };
        assert_eq!(first.id, holder.id);
        assert_eq!(store.op(holder.id).await.unwrap(), Some(holder));
    }
    let free = enrolled(&*store, "free").await.id;
    let op = insert(&*store, &stopping(free)).await.unwrap();
    assert_eq!((op.stops, op.waits), (None, false));
}

/// Whichever comes first, the end of the tests or the rollback that stops them: the rollback holds the host
/// afterwards.
pub(super) async fn tests_that_end_at_that_moment_leave_no_rollback_waiting(bench: &mut impl Bench) {
    let (store, other) = (bench.store(), bench.another().await);
    for round in 0..12 {
        let host = enrolled(&*store, &format!("gpc{round}")).await.id;
        let tests = tests(&*store, host, &[OpStatus::Sent, OpStatus::Running]).await.id;
        let end = {
            let other = other.clone();
            tokio::spawn(async move { other.step_op(tests, &OpStep::to(OpStatus::Succeeded)).await.unwrap() })
        };
        let op = insert(&*store, &stopping(host)).await.unwrap();
        end.await.unwrap().unwrap();
        let open = store.open_op(host).await.unwrap().unwrap();
        assert_eq!((open.id, open.waits), (op.id, false));
    }
}
