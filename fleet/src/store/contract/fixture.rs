//! Sample hosts, facts, ops and entries.

use backstay_model::view::AuditQuery;
use backstay_model::{
    Facts, Generation, HostId, OpAction, OpId, OpStatus, OpView, Role, SessionId, TestResult, TestRun, sample,
};
use chrono::{DateTime, TimeDelta, Utc};

use super::Bench;
use crate::store::{
    Client, HostRecord, NewAuditEntry, NewHost, NewJoinToken, NewOp, NewSession, OpStep, RollbackRecord,
    Store, TokenHash, UserRecord,
};
use crate::test_fleet;

/// The time at which tests begin.
pub(super) fn start() -> DateTime<Utc> {
    "2025-12-28T14:40:00.123456Z".parse().unwrap()
}

/// The time this many seconds after [`start`].
pub(super) fn at(seconds: i64) -> DateTime<Utc> {
    start() + TimeDelta::seconds(seconds)
}

/// Records a person.
pub(super) async fn put(store: &dyn Store, name: &str, hash: &str, role: Role) {
    let user = UserRecord { name: name.to_owned(), password_hash: hash.to_owned(), role };
    store.put_user(&user, &entry("user.set")).await.unwrap();
}

/// A session of a person whose password has the hash “h”; it lasts a minute.
pub(super) fn new_session(token: &str, user: &str, created_at: DateTime<Utc>) -> NewSession {
    NewSession {
        token: TokenHash::of(token),
        id: SessionId::new(),
        user: user.to_owned(),
        password_hash: "h".to_owned(),
        provider_session: None,
        client: Client::default(),
        replaces: None,
        created_at,
        expires_at: created_at + TimeDelta::minutes(1),
    }
}

/// The person of a session at this time.
pub(super) async fn user_of(store: &dyn Store, token: &str, seconds: i64) -> Option<String> {
    let session = store.session(&TokenHash::of(token), at(seconds)).await.unwrap();
    session.map(|session| session.person.name)
}

pub(super) fn join_token(text: &str) -> NewJoinToken {
    test_fleet::join_token(text, start())
}

pub(super) fn new_host(name: &str) -> NewHost {
    test_fleet::new_host(name, start())
}

/// Enrols a host with a join token of its own.
pub(super) async fn enrolled(store: &dyn Store, name: &str) -> HostRecord {
    test_fleet::enrolled(store, name, start()).await
}

pub(super) fn generation(number: u32) -> Generation {
    let inhibitors = vec!["systemd".to_owned()];
    Generation { created_at: at(i64::from(number)), inhibitors, ..sample::generation(number, 0) }
}

pub(super) fn test_run(number: u32, started: i64) -> TestRun {
    let tail = vec!["“no” answer".to_owned()];
    TestRun {
        generation: generation(number).reference(),
        started_at: at(started),
        finished_at: at(started + 10),
        results: vec![TestResult { duration_ms: 12, tail, ..sample::test_result("dns", false) }],
    }
}

/// Facts read this many seconds after [`start`], with these generations; the first is current.
pub(super) fn facts(read: i64, numbers: &[u32]) -> Facts {
    let mut generations: Vec<_> = numbers.iter().copied().map(generation).collect();
    if let Some(first) = generations.first_mut() {
        first.current = true;
    }
    Facts {
        read_at: at(read),
        checkout: Some(sample::checkout("c1")),
        tests_available: 1,
        ..sample::facts_of(generations)
    }
}

pub(super) fn rollback_action() -> OpAction {
    sample::rollback_to(47)
}

pub(super) fn new_op(host: HostId, action: OpAction) -> NewOp {
    NewOp {
        id: OpId::new(),
        host,
        action,
        status: OpStatus::Queued,
        requested_by: "maria".to_owned(),
        reason: Some("DNS is down".to_owned()),
        created_at: start(),
        due_at: Some(at(3600)),
        retry_of: None,
        stop_tests: false,
        message: None,
    }
}

/// Records a queued op.
pub(super) async fn queued(store: &dyn Store, host: HostId, action: OpAction) -> OpView {
    store.insert_op(&new_op(host, action), &entry("op.requested")).await.unwrap()
}

/// Steps an op through these statuses; each step must be allowed.
pub(super) async fn take(store: &dyn Store, id: OpId, statuses: &[OpStatus]) -> OpView {
    let mut last = None;
    for status in statuses {
        last = store.step_op(id, &OpStep::to(*status)).await.unwrap();
        assert!(last.is_some(), "to {status}");
    }
    last.unwrap()
}

pub(super) fn rollback_row(op: &OpView, success: bool) -> RollbackRecord {
    RollbackRecord {
        op: op.id,
        host: op.host,
        from_gen: 48,
        to_gen: 47,
        reason: op.reason.clone(),
        initiated_by: op.requested_by.clone(),
        rolled_back_at: at(60),
        success,
    }
}

pub(super) fn entry(action: &str) -> NewAuditEntry {
    NewAuditEntry::new(start(), "maria", action, "Requested.").host("gpc0").generations(Some((48, 47)))
}

/// The actions in the audit log, oldest first, without the join tokens and enrolments that a test starts
/// with.
pub(super) async fn audited(store: &dyn Store) -> Vec<String> {
    let mut entries = store.audit(&AuditQuery::default(), 1000).await.unwrap();
    entries.reverse();
    let is_start = |action: &String| ["host.enrolled", "join-token.created"].contains(&action.as_str());
    entries.into_iter().map(|e| e.action).filter(|action| !is_start(action)).collect()
}

/// Makes many writes, each in a transaction of its own, and reads all the while. Fails if a reading is ever torn.
pub(super) async fn read_while_writing<B: Bench>(
    bench: &B,
    write: impl Fn(u32) -> String,
    is_whole: impl AsyncFn() -> bool,
) {
    let writes = (0..500).map(|number| format!("{}; {} COMMIT;", B::BEGIN, write(number)));
    let writes = writes.collect::<Vec<_>>().join(" ");
    let reading = async {
        loop {
            assert!(is_whole().await, "half of it was read before a write, and half after it");
        }
    };
    tokio::select! {
        written = bench.run(&writes) => written.unwrap(),
        never = reading => never,
    }
}
