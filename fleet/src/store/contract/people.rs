//! People and their sessions.

use backstay_model::{Column, Density, PersonView, Role};

use super::Bench;
use super::fixture::{at, audited, entry, start};
use crate::store::{Store, TokenHash, UserRecord};

async fn put(store: &dyn Store, name: &str, hash: &str, role: Role) {
    let user = UserRecord { name: name.to_owned(), password_hash: hash.to_owned(), role };
    store.put_user(&user, &entry("user.set")).await.unwrap();
}

async fn user_of(store: &dyn Store, token: &str, seconds: i64) -> Option<String> {
    store.session_user(&TokenHash::of(token), at(seconds)).await.unwrap().map(|user| user.name)
}

pub(super) async fn a_person_is_found_by_name(bench: &mut impl Bench) {
    let store = bench.store();
    assert_eq!(store.count_users().await.unwrap(), 0);
    put(&*store, "maria", "h1", Role::Viewer).await;
    put(&*store, "jonas", "h2", Role::Admin).await;
    put(&*store, "maria", "h3", Role::Operator).await;
    assert_eq!(store.count_users().await.unwrap(), 2);
    let maria = store.user("maria").await.unwrap().unwrap();
    assert_eq!((maria.name.as_str(), maria.password_hash.as_str()), ("maria", "h3"));
    assert_eq!(maria.role, Role::Operator);
    assert!(store.user("nobody").await.unwrap().is_none());
    assert_eq!(audited(&*store).await, ["user.set"; 3]);
}

pub(super) async fn a_new_password_ends_the_sessions(bench: &mut impl Bench) {
    let store = bench.store();
    for name in ["maria", "jonas"] {
        put(&*store, name, "h", Role::Viewer).await;
        store.insert_session(&TokenHash::of(name), name, start(), at(60)).await.unwrap();
    }
    put(&*store, "maria", "h2", Role::Viewer).await;
    assert_eq!(user_of(&*store, "maria", 1).await, None);
    assert_eq!(user_of(&*store, "jonas", 1).await.as_deref(), Some("jonas"));
}

pub(super) async fn a_session_lasts_until_it_expires(bench: &mut impl Bench) {
    let store = bench.store();
    put(&*store, "maria", "h", Role::Viewer).await;
    store.insert_session(&TokenHash::of("t"), "maria", start(), at(60)).await.unwrap();
    assert_eq!(user_of(&*store, "t", 59).await.as_deref(), Some("maria"));
    assert_eq!(user_of(&*store, "t", 60).await, None);
    assert_eq!(user_of(&*store, "other", 0).await, None);
}

pub(super) async fn an_ended_session_is_over(bench: &mut impl Bench) {
    let store = bench.store();
    put(&*store, "maria", "h", Role::Viewer).await;
    for token in ["one", "two"] {
        store.insert_session(&TokenHash::of(token), "maria", start(), at(60)).await.unwrap();
    }
    store.delete_session(&TokenHash::of("one")).await.unwrap();
    store.delete_session(&TokenHash::of("one")).await.unwrap();
    assert_eq!(user_of(&*store, "one", 1).await, None);
    assert_eq!(user_of(&*store, "two", 1).await.as_deref(), Some("maria"));
}

pub(super) async fn an_unknown_person_gets_no_session(bench: &mut impl Bench) {
    let store = bench.store();
    assert!(store.insert_session(&TokenHash::of("t"), "nobody", start(), at(60)).await.is_err());
    assert!(audited(&*store).await.is_empty(), "nor the entry of a log-in");
}

pub(super) async fn expired_sessions_are_deleted(bench: &mut impl Bench) {
    let store = bench.store();
    put(&*store, "maria", "h", Role::Viewer).await;
    store.insert_session(&TokenHash::of("short"), "maria", start(), at(60)).await.unwrap();
    store.insert_session(&TokenHash::of("long"), "maria", start(), at(61)).await.unwrap();
    store.delete_expired(at(60)).await.unwrap();
    assert_eq!(user_of(&*store, "short", 0).await, None);
    assert_eq!(user_of(&*store, "long", 0).await.as_deref(), Some("maria"));
}

pub(super) async fn a_view_is_kept_for_its_person(bench: &mut impl Bench) {
    let store = bench.store();
    for name in ["maria", "jonas"] {
        put(&*store, name, "h", Role::Viewer).await;
    }
    assert_eq!(store.person_view("maria").await.unwrap(), PersonView::default());
    let view = PersonView::showing(Some(Density::Compact), [Column::System, Column::Now]);
    store.set_person_view("maria", &view).await.unwrap();
    store.set_person_view("nobody", &view).await.unwrap();
    // A new password does not reset the view.
    put(&*store, "maria", "h2", Role::Operator).await;
    bench.reopen().await;
    let store = bench.store();
    assert_eq!(store.person_view("maria").await.unwrap(), view);
    assert_eq!(store.person_view("jonas").await.unwrap(), PersonView::default());
    assert_eq!(store.person_view("nobody").await.unwrap(), PersonView::default());
}

pub(super) async fn an_unreadable_view_becomes_the_default(bench: &mut impl Bench) {
    let store = bench.store();
    put(&*store, "maria", "h", Role::Viewer).await;
    bench.run("UPDATE users SET fleet_view = 'nonsense'").await.unwrap();
    assert_eq!(store.person_view("maria").await.unwrap(), PersonView::default());
}

pub(super) async fn the_database_itself_bounds_a_view(bench: &mut impl Bench) {
    let store = bench.store();
    put(&*store, "maria", "h", Role::Viewer).await;
    let long = format!("UPDATE users SET fleet_view = '{}'", "x".repeat(1001));
    assert!(bench.run(&long).await.is_err());
}
