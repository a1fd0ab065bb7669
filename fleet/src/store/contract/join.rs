//! How a host enters the fleet.

use backstay_model::HostId;
use backstay_model::view::AuditQuery;

use super::Bench;
use super::fixture::{at, enrolled, join_token, new_host};
use crate::store::{EnrolError, NewHost, NewJoinToken, TokenHash};

pub(super) async fn a_join_token_enrols_a_host(bench: &mut impl Bench) {
    let store = bench.store();
    let (token, new) = (join_token("j"), new_host("gpc0"));
    store.insert_join_token(&token).await.unwrap();
    let host = store.enrol(&new, &token.token).await.unwrap();
    assert_eq!((host.id, &host.name, host.platform), (new.id, &new.name, new.platform));
    assert_eq!((host.auto_test, host.created_at), (new.auto_test, new.at));
    assert_eq!((host.agent_version, host.last_seen, host.facts), (None, None, None));
}

pub(super) async fn an_enrolment_is_recorded_with_its_audit_entry(bench: &mut impl Bench) {
    let store = bench.store();
    let (token, new) = (join_token("j"), new_host("gpc0"));
    store.insert_join_token(&token).await.unwrap();
    for _ in 0..2 {
        store.enrol(&new, &token.token).await.unwrap();
    }
    assert!(store.enrol(&new_host("gpc1"), &token.token).await.is_err());
    let entries = store.audit(&AuditQuery::default(), 10).await.unwrap();
    let shown: Vec<_> = entries.iter().map(|e| (e.action.as_str(), e.host_name.as_deref())).collect();
    assert_eq!(
        shown,
        [("host.enrolled", Some("gpc0")), ("join-token.created", None)],
        "once, and never for a refusal"
    );
}

pub(super) async fn the_same_host_may_enrol_again(bench: &mut impl Bench) {
    let store = bench.store();
    let (token, new) = (join_token("j"), new_host("gpc0"));
    store.insert_join_token(&token).await.unwrap();
    let first = store.enrol(&new, &token.token).await.unwrap();
    let again = NewHost { id: HostId::new(), name: "renamed".to_owned(), at: at(1_000_000), ..new };
    assert_eq!(store.enrol(&again, &token.token).await.unwrap(), first, "also when the token has expired");
    assert_eq!(store.hosts().await.unwrap(), [first]);
}

pub(super) async fn a_used_token_admits_no_other_host(bench: &mut impl Bench) {
    let store = bench.store();
    let token = join_token("j");
    store.insert_join_token(&token).await.unwrap();
    store.enrol(&new_host("gpc0"), &token.token).await.unwrap();
    for name in ["gpc1", "GPC0"] {
        let refused = store.enrol(&new_host(name), &token.token).await;
        assert!(matches!(refused, Err(EnrolError::InvalidToken)), "{name}: {refused:?}");
    }
    // Nor a host that enrolled with another token.
    enrolled(&*store, "gpc2").await;
    let refused = store.enrol(&new_host("gpc2"), &token.token).await;
    assert!(matches!(refused, Err(EnrolError::InvalidToken)), "{refused:?}");
}

pub(super) async fn an_expired_token_admits_no_host(bench: &mut impl Bench) {
    let store = bench.store();
    let token = join_token("j");
    store.insert_join_token(&token).await.unwrap();
    let late = NewHost { at: token.expires_at, ..new_host("gpc0") };
    let refused = store.enrol(&late, &token.token).await;
    assert!(matches!(refused, Err(EnrolError::InvalidToken)), "{refused:?}");
    let unknown = store.enrol(&new_host("gpc0"), &TokenHash::of("unknown")).await;
    assert!(matches!(unknown, Err(EnrolError::InvalidToken)), "{unknown:?}");
    let just = NewHost { at: token.expires_at - chrono::TimeDelta::microseconds(1), ..late };
    assert!(store.enrol(&just, &token.token).await.is_ok());
}

pub(super) async fn a_token_for_one_host_admits_no_other(bench: &mut impl Bench) {
    let store = bench.store();
    let token = NewJoinToken { host_name: Some("gpc0".to_owned()), ..join_token("j") };
    store.insert_join_token(&token).await.unwrap();
    let refused = store.enrol(&new_host("gpc1"), &token.token).await;
    assert!(matches!(refused, Err(EnrolError::InvalidToken)), "{refused:?}");
    assert_eq!(store.enrol(&new_host("GPC0"), &token.token).await.unwrap().name, "GPC0");
}

pub(super) async fn names_are_unique_ignoring_case(bench: &mut impl Bench) {
    let store = bench.store();
    let first = enrolled(&*store, "gpc0").await;
    let token = join_token("j");
    store.insert_join_token(&token).await.unwrap();
    let other = NewHost { token: TokenHash::of("another's"), ..new_host("GPC0") };
    let refused = store.enrol(&other, &token.token).await;
    assert!(matches!(&refused, Err(EnrolError::NameTaken(name)) if name == "GPC0"), "{refused:?}");
    assert_eq!(store.hosts().await.unwrap(), [first]);
    assert!(store.enrol(&new_host("gpc1"), &token.token).await.is_ok(), "the token is not used up");
}

pub(super) async fn one_token_enrols_one_of_many_hosts_at_once(bench: &mut impl Bench) {
    let (store, other) = (bench.store(), bench.another().await);
    let token = join_token("j");
    store.insert_join_token(&token).await.unwrap();
    let tasks = (0..8).map(|i| {
        let store = if i % 2 == 0 { store.clone() } else { other.clone() };
        let (host, join) = (new_host(&format!("gpc{i}")), token.token.clone());
        tokio::spawn(async move { store.enrol(&host, &join).await.is_ok() })
    });
    let tasks: Vec<_> = tasks.collect();
    let mut won = 0;
    for task in tasks {
        won += usize::from(task.await.unwrap());
    }
    assert_eq!(won, 1);
    assert_eq!(store.hosts().await.unwrap().len(), 1);
}

pub(super) async fn the_same_host_enrolling_twice_at_once_is_enrolled_once(bench: &mut impl Bench) {
    let (store, other) = (bench.store(), bench.another().await);
    let token = join_token("j");
    store.insert_join_token(&token).await.unwrap();
    let (one, two) = (new_host("gpc0"), new_host("gpc0"));
    let (first, second) = tokio::join!(store.enrol(&one, &token.token), other.enrol(&two, &token.token));
    assert_eq!(first.unwrap(), second.unwrap());
    assert_eq!(store.hosts().await.unwrap().len(), 1);
}

pub(super) async fn expired_tokens_are_deleted(bench: &mut impl Bench) {
    let store = bench.store();
    let token = join_token("j");
    store.insert_join_token(&token).await.unwrap();
    store.delete_expired(at(3599)).await.unwrap();
    assert!(store.insert_join_token(&token).await.is_err(), "it is still there");
    store.delete_expired(token.expires_at).await.unwrap();
    store.insert_join_token(&token).await.unwrap();
}
