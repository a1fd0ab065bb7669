//! Sessions of people.

use backstay_model::{Role, SessionId};

use super::Bench;
use super::fixture::{at, audited, entry, new_session, put, start, user_of};
use crate::store::{Client, NewSession, SESSIONS_KEPT, TokenHash};

pub(super) async fn a_new_password_ends_the_sessions(bench: &mut impl Bench) {
    let store = bench.store();
    for name in ["maria", "jonas"] {
        put(&*store, name, "h", Role::Viewer).await;
        assert!(store.insert_session(&new_session(name, name, start()), &entry("login")).await.unwrap());
    }
    put(&*store, "maria", "h2", Role::Viewer).await;
    assert_eq!(user_of(&*store, "maria", 1).await, None);
    assert_eq!(user_of(&*store, "jonas", 1).await.as_deref(), Some("jonas"));
}

pub(super) async fn a_session_lasts_until_it_expires(bench: &mut impl Bench) {
    let store = bench.store();
    put(&*store, "maria", "h", Role::Viewer).await;
    let client = Client::new("192.0.2.1", "a browser\nwith a line");
    let session = NewSession { client: client.clone(), ..new_session("t", "maria", start()) };
    assert!(store.insert_session(&session, &entry("login")).await.unwrap());
    assert_eq!(user_of(&*store, "t", 59).await.as_deref(), Some("maria"));
    assert_eq!(user_of(&*store, "t", 60).await, None);
    assert_eq!(user_of(&*store, "other", 0).await, None);
    let listed = store.sessions("maria", at(59)).await.unwrap();
    assert_eq!((listed.len(), listed[0].id, &listed[0].client), (1, session.id, &client));
    assert_eq!(listed[0].created_at, start());
    assert!(store.sessions("maria", at(60)).await.unwrap().is_empty());
}

pub(super) async fn a_used_session_lasts_longer(bench: &mut impl Bench) {
    let store = bench.store();
    put(&*store, "maria", "h", Role::Viewer).await;
    let session = new_session("t", "maria", start());
    assert!(store.insert_session(&session, &entry("login")).await.unwrap());
    store.touch_session(session.id, at(30), at(90)).await.unwrap();
    assert_eq!(user_of(&*store, "t", 89).await.as_deref(), Some("maria"));
    assert_eq!(user_of(&*store, "t", 90).await, None);
    store.touch_session(session.id, at(20), at(80)).await.unwrap();
    assert_eq!(store.sessions("maria", at(85)).await.unwrap()[0].last_seen, at(30), "never back in time");
    assert_eq!(store.people(start()).await.unwrap()[0].last_seen, Some(at(30)));
}

pub(super) async fn a_session_belongs_to_the_password_that_was_checked(bench: &mut impl Bench) {
    let store = bench.store();
    put(&*store, "maria", "h2", Role::Viewer).await;
    assert!(!store.insert_session(&new_session("t", "maria", start()), &entry("login")).await.unwrap());
    assert!(!store.insert_session(&new_session("t", "nobody", start()), &entry("login")).await.unwrap());
    assert_eq!(user_of(&*store, "t", 0).await, None);
    assert_eq!(audited(&*store).await, ["user.set"], "nor the entry of a log-in");
}

pub(super) async fn an_ended_session_is_over(bench: &mut impl Bench) {
    let store = bench.store();
    put(&*store, "maria", "h", Role::Viewer).await;
    let (one, two) = (new_session("one", "maria", start()), new_session("two", "maria", start()));
    for session in [&one, &two] {
        assert!(store.insert_session(session, &entry("login")).await.unwrap());
    }
    assert!(!store.end_session("jonas", one.id, &entry("x")).await.unwrap(), "it is not theirs");
    assert!(store.end_session("maria", one.id, &entry("login.ended")).await.unwrap());
    assert!(!store.end_session("maria", one.id, &entry("login.ended")).await.unwrap());
    assert_eq!(user_of(&*store, "one", 1).await, None);
    assert_eq!(user_of(&*store, "two", 1).await.as_deref(), Some("maria"));
    assert_eq!(audited(&*store).await.iter().filter(|action| *action == "login.ended").count(), 1);
}

pub(super) async fn all_sessions_but_one_are_ended(bench: &mut impl Bench) {
    let store = bench.store();
    for name in ["maria", "jonas"] {
        put(&*store, name, "h", Role::Viewer).await;
    }
    let keep = new_session("keep", "maria", start());
    assert!(store.insert_session(&keep, &entry("login")).await.unwrap());
    for (token, name) in [("a", "maria"), ("b", "maria"), ("jonas", "jonas")] {
        assert!(store.insert_session(&new_session(token, name, start()), &entry("login")).await.unwrap());
    }
    assert_eq!(store.end_other_sessions("maria", Some(keep.id), &entry("x")).await.unwrap(), 2);
    assert_eq!(store.end_other_sessions("maria", Some(keep.id), &entry("x")).await.unwrap(), 0);
    assert_eq!(user_of(&*store, "keep", 1).await.as_deref(), Some("maria"));
    assert_eq!(user_of(&*store, "jonas", 1).await.as_deref(), Some("jonas"));
    assert_eq!(audited(&*store).await.iter().filter(|action| *action == "x").count(), 1);
}

pub(super) async fn a_session_replaces_another(bench: &mut impl Bench) {
    let store = bench.store();
    put(&*store, "maria", "h", Role::Viewer).await;
    assert!(store.insert_session(&new_session("old", "maria", start()), &entry("login")).await.unwrap());
    let new = NewSession { replaces: Some(TokenHash::of("old")), ..new_session("new", "maria", start()) };
    assert!(store.insert_session(&new, &entry("login")).await.unwrap());
    assert_eq!(user_of(&*store, "old", 1).await, None);
    assert_eq!(user_of(&*store, "new", 1).await.as_deref(), Some("maria"));
}

pub(super) async fn the_sessions_used_last_are_kept(bench: &mut impl Bench) {
    let store = bench.store();
    put(&*store, "maria", "h", Role::Viewer).await;
    let mut ids: Vec<SessionId> = vec![];
    for number in 0..=SESSIONS_KEPT {
        let session = new_session(&number.to_string(), "maria", start());
        ids.push(session.id);
        if number == 1 {
            store.touch_session(ids[0], at(1), at(61)).await.unwrap();
        }
        assert!(store.insert_session(&session, &entry("login")).await.unwrap());
    }
    let kept = store.sessions("maria", start()).await.unwrap();
    assert_eq!(kept.len(), usize::try_from(SESSIONS_KEPT).unwrap());
    assert!(
        kept.iter().any(|session| session.id == ids[0]) && kept.iter().all(|session| session.id != ids[1])
    );
}

pub(super) async fn what_has_expired_is_deleted(bench: &mut impl Bench) {
    let store = bench.store();
    put(&*store, "maria", "h", Role::Viewer).await;
    assert!(store.insert_session(&new_session("short", "maria", start()), &entry("login")).await.unwrap());
    assert!(store.insert_session(&new_session("long", "maria", at(1)), &entry("login")).await.unwrap());
    store.delete_expired(at(60)).await.unwrap();
    assert_eq!(user_of(&*store, "short", 0).await, None);
    assert_eq!(user_of(&*store, "long", 0).await.as_deref(), Some("maria"));
}
