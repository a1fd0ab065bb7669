//! How long sessions last, and who notices their end.

use backstay_model::{Grant, Person};

use super::*;

#[tokio::test]
async fn a_session_ends_a_week_after_its_last_use_and_a_month_after_the_log_in() {
    let bench = Bench::with_maria().await;
    let (person, token) = bench.log_in("maria").await;
    let session = async || bench.accounts.session(token.reveal()).await.unwrap();
    assert_eq!(bench.accounts.session("something else").await.unwrap(), None);
    for _ in 0..4 {
        bench.clock.advance(TimeDelta::days(7) - TimeDelta::seconds(1));
        assert_eq!(session().await.as_ref(), Some(&person), "it was used in time");
    }
    bench.clock.advance(TimeDelta::days(2) + TimeDelta::seconds(3));
    assert!(session().await.is_some());
    bench.clock.advance(TimeDelta::seconds(1));
    assert_eq!(session().await, None, "thirty days are over");
    let (_, unused) = bench.log_in("maria").await;
    bench.clock.advance(TimeDelta::days(7) - TimeDelta::seconds(1));
    assert!(bench.accounts.peek(unused.reveal()).await.unwrap().is_some(), "an open page is no use of it");
    bench.clock.advance(TimeDelta::seconds(1));
    assert_eq!(bench.accounts.session(unused.reveal()).await.unwrap(), None);
}

#[tokio::test]
async fn a_new_administrator_has_the_shorter_limits_at_once() {
    let bench = Bench::with_maria().await;
    let (_, token) = bench.log_in("maria").await;
    bench.clock.advance(TimeDelta::days(2));
    bench.accounts.set_role(&Actor::console(), "maria", Role::Admin).await.unwrap();
    assert_eq!(bench.accounts.session(token.reveal()).await.unwrap(), None);
}

#[tokio::test]
async fn the_use_of_a_session_is_recorded_once_a_minute() {
    let bench = Bench::with_maria().await;
    let (maria, token) = bench.log_in("maria").await;
    let began = bench.clock.now();
    let last_seen = async || bench.accounts.own_sessions(&maria).await.unwrap()[0].last_seen - began;
    for (wait, recorded) in [(59, 0), (1, 60), (30, 60), (31, 121)] {
        bench.clock.advance(TimeDelta::seconds(wait));
        bench.accounts.session(token.reveal()).await.unwrap();
        assert_eq!(last_seen().await, TimeDelta::seconds(recorded));
    }
}

#[tokio::test]
async fn logging_out_ends_that_session_alone() {
    let bench = Bench::with_maria().await;
    let (maria, one) = bench.log_in("maria").await;
    let (_, two) = bench.log_in("maria").await;
    bench.accounts.log_out(&maria).await.unwrap();
    assert_eq!(bench.accounts.session(one.reveal()).await.unwrap(), None);
    assert!(bench.accounts.session(two.reveal()).await.unwrap().is_some());
    assert_eq!(bench.audited().await.last(), Some(&pair("maria", "login.ended")));
}

#[tokio::test]
async fn a_log_in_ends_the_session_that_the_browser_had() {
    let bench = Bench::with_maria().await;
    let (_, old) = bench.log_in("maria").await;
    let (_, elsewhere) = bench.log_in("maria").await;
    let visitor = Visitor { token: Some(old.reveal().to_owned()), ..Visitor::default() };
    let new = bench.accounts.log_in("boss", PASSWORD, &visitor).await.unwrap().session;
    assert_eq!(bench.accounts.session(old.reveal()).await.unwrap(), None);
    assert!(bench.accounts.session(new.reveal()).await.unwrap().is_some());
    assert!(bench.accounts.session(elsewhere.reveal()).await.unwrap().is_some());
}

#[tokio::test]
async fn an_open_page_hears_of_another_role_and_of_the_end_at_once() {
    let bench = Bench::with_maria().await;
    let (_, token) = bench.log_in("maria").await;
    // Longer than any test: a look-up after this time would fail the test.
    let next = async |person| bench.accounts.next_session_event(token.reveal(), person, Duration::MAX).await;
    let [operator, viewer] = [Role::Operator, Role::Viewer].map(|role| Person::new("maria", role));
    let lab: Grant = "operator tag:lab".parse().unwrap();
    let granted = Person { grants: vec![lab.clone()], ..viewer.clone() };
    let mut waits = pin!(next(&operator));
    let looked = tokio::time::timeout(Duration::from_millis(50), &mut waits).await;
    assert!(looked.is_err(), "nothing has changed");
    bench.accounts.set_role(&Actor::console(), "maria", Role::Viewer).await.unwrap();
    assert_eq!(waits.await, SessionEvent::Changed(viewer.clone()));
    bench.accounts.grant(&Actor::console(), "maria", lab).await.unwrap();
    assert_eq!(next(&viewer).await, SessionEvent::Changed(granted.clone()));
    let mut waits = pin!(next(&granted));
    assert!(tokio::time::timeout(Duration::from_millis(50), &mut waits).await.is_err());
    bench.accounts.disable(&Actor::console(), "maria").await.unwrap();
    assert_eq!(waits.await, SessionEvent::Ended);
}

#[tokio::test]
async fn an_open_page_hears_of_what_another_process_changes() {
    let bench = Bench::with_maria().await;
    let (_, token) = bench.log_in("maria").await;
    let (often, operator) = (Duration::from_millis(1), Person::new("maria", Role::Operator));
    let waits = bench.accounts.next_session_event(token.reveal(), &operator, often);
    let command = Accounts::new(bench.store.clone(), bench.clock.clone());
    command.delete_person(&Actor::console(), "maria").await.unwrap();
    assert_eq!(waits.await, SessionEvent::Ended);
}

#[tokio::test]
async fn a_person_ends_their_own_sessions_and_nobody_elses() {
    let bench = Bench::with_maria().await;
    let (boss, _) = bench.log_in("boss").await;
    let (maria, _) = bench.log_in("maria").await;
    let (other, token) = bench.log_in("maria").await;
    bench.log_in("maria").await;
    let foreign = bench.accounts.end_own_session(&maria, boss.session().unwrap()).await;
    assert!(matches!(foreign, Err(AccountError::SessionGone)), "{foreign:?}");
    bench.accounts.end_own_session(&maria, other.session().unwrap()).await.unwrap();
    assert_eq!(bench.accounts.session(token.reveal()).await.unwrap(), None);
    assert_eq!(bench.accounts.end_other_sessions(&maria).await.unwrap(), 1);
    assert_eq!(bench.accounts.end_other_sessions(&maria).await.unwrap(), 0);
    let left = bench.accounts.own_sessions(&maria).await.unwrap();
    assert_eq!(left.iter().map(|session| Some(session.id)).collect::<Vec<_>>(), [maria.session()]);
    assert_eq!(bench.accounts.own_sessions(&boss).await.unwrap().len(), 1);
}
