//! Join tokens.

use super::*;

#[tokio::test]
async fn a_join_token_admits_only_its_host_and_only_in_time() {
    let bench = Bench::new().await;
    let hour = TimeDelta::hours(1);
    let secret = bench.accounts.new_join_token(Some("gpc0".to_owned()), hour).await.unwrap();
    let host = |name: &str| new_host(name, bench.clock.now());
    let refused = bench.store.enrol(&host("gpc1"), &secret.hash()).await;
    assert!(matches!(refused, Err(EnrolError::InvalidToken)));
    bench.store.enrol(&host("gpc0"), &secret.hash()).await.unwrap();
    let any = bench.accounts.new_join_token(None, hour).await.unwrap();
    bench.clock.advance(hour);
    let late = bench.store.enrol(&host("gpc2"), &any.hash()).await;
    assert!(matches!(late, Err(EnrolError::InvalidToken)));
    let entry = &bench.store.audit(&AuditQuery::default(), 10).await.unwrap()[2];
    assert_eq!((entry.action.as_str(), entry.host_name.as_deref()), ("join-token.created", Some("gpc0")));
    assert_eq!(entry.detail, "For gpc0, valid for 1 h.");
}

#[tokio::test]
async fn a_join_token_needs_a_valid_name_and_lifetime() {
    let bench = Bench::new().await;
    let bad_name = bench.accounts.new_join_token(Some("../x".to_owned()), TimeDelta::hours(1)).await;
    assert!(matches!(bad_name, Err(AccountError::HostName(_))), "{bad_name:?}");
    for time in [TimeDelta::zero(), TimeDelta::hours(-1), MAX_JOIN_TOKEN_LIFETIME + TimeDelta::seconds(1)] {
        let refused = bench.accounts.new_join_token(None, time).await;
        assert!(matches!(refused, Err(AccountError::JoinTokenLifetime)), "{refused:?}");
    }
    assert!(bench.audited().await.is_empty());
}

#[tokio::test]
async fn an_administrator_makes_a_join_token_and_the_log_names_them() {
    let bench = Bench::new().await;
    let person = |role| Actor::unchecked("maria", role);
    let hour = TimeDelta::hours(1);
    for role in [Role::Viewer, Role::Operator] {
        let refused = bench.accounts.join_token_for(&person(role), None, hour).await;
        assert!(matches!(refused, Err(AccountError::NotAllowed(_))), "{refused:?}");
    }
    assert!(bench.audited().await.is_empty());
    let name = Some("gpc0".to_owned());
    let secret = bench.accounts.join_token_for(&person(Role::Admin), name, hour).await.unwrap();
    assert_eq!(bench.audited().await, [pair("maria", "join-token.created")]);
    let host = new_host("gpc0", bench.clock.now());
    bench.store.enrol(&host, &secret.hash()).await.unwrap();
    let again = bench.accounts.join_token_for(&person(Role::Admin), Some("GPC0".to_owned()), hour).await;
    assert!(matches!(&again, Err(AccountError::HostNameTaken(name)) if name == "gpc0"), "{again:?}");
}
