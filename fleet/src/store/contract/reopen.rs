//! Stored values survive a restart.

use backstay_model::view::AuditQuery;
use backstay_model::{OpStatus, OutputLine, Role, Stream};

use super::Bench;
use super::fixture::{
    at, enrolled, entry, facts, new_session, queued, rollback_action, rollback_row, start, take, test_run,
    user_of,
};
use crate::store::{OpStep, TokenHash, UserRecord};

pub(super) async fn everything_is_there_after_reopening(bench: &mut impl Bench) {
    let store = bench.store();
    let id = enrolled(&*store, "gpc0").await.id;
    let reported = backstay_model::Facts { test_runs: vec![test_run(48, 0)], ..facts(1, &[48, 47]) };
    store.record_facts(id, &reported).await.unwrap();
    let op = queued(&*store, id, rollback_action()).await;
    take(&*store, op.id, &[OpStatus::Sent, OpStatus::Running]).await;
    let line = OutputLine { seq: 1, stream: Stream::Stdout, at: at(2), text: "switching".to_owned() };
    store.append_output(op.id, std::slice::from_ref(&line)).await.unwrap();
    let step = OpStep { rollback: Some(rollback_row(&op, true)), ..OpStep::to(OpStatus::Succeeded) };
    let op = store.step_op(op.id, &step).await.unwrap().unwrap();
    let waiting = queued(&*store, id, rollback_action()).await;
    let user = UserRecord { name: "maria".to_owned(), password_hash: "h".to_owned(), role: Role::Admin };
    store.put_user(&user, &entry("user.set")).await.unwrap();
    assert!(store.insert_session(&new_session("t", "maria", start()), &entry("login")).await.unwrap());
    let host = store.host(id).await.unwrap();
    let generations = store.generations(id).await.unwrap();
    let audit = store.audit(&AuditQuery::default(), 100).await.unwrap();
    drop(store);

    bench.reopen().await;
    let store = bench.store();
    assert_eq!(store.host(id).await.unwrap(), host);
    assert_eq!(store.host_by_token(&TokenHash::of("token of gpc0")).await.unwrap(), host);
    assert_eq!(store.generations(id).await.unwrap(), generations);
    assert_eq!(store.test_runs(id, 10).await.unwrap(), reported.test_runs);
    assert_eq!(store.op(op.id).await.unwrap().as_ref(), Some(&op));
    assert_eq!(store.last_system_op(id).await.unwrap(), Some(op.clone()));
    assert_eq!(store.open_op(id).await.unwrap(), Some(waiting), "a queued op stays queued");
    assert_eq!(store.append_output(op.id, &[]).await.unwrap().through, 1);
    assert_eq!(store.output(op.id, 0, 10).await.unwrap(), [line]);
    assert_eq!(store.rollbacks(id).await.unwrap(), [rollback_row(&op, true)]);
    assert_eq!(user_of(&*store, "t", 1).await.as_deref(), Some("maria"));
    assert_eq!(store.audit(&AuditQuery::default(), 100).await.unwrap(), audit);
    assert_eq!(store.verify_audit().await.unwrap(), None);
}
