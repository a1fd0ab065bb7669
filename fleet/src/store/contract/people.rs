//! People and their invitations.

use backstay_model::people::GRANTS;
use backstay_model::{Column, Density, InvitationId, PersonView, Role};

use super::Bench;
use super::fixture::{at, audited, entry, new_session, put, start, user_of};
use crate::store::{
    ChangePersonError, Invitation, InviteError, NewAuditEntry, NewInvitation, PersonChange, Store, TokenHash,
};

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

fn invitation(name: &str, by: &str) -> NewInvitation {
    let invitation = Invitation {
        id: InvitationId::new(),
        name: name.to_owned(),
        role: Role::Viewer,
        invited_by: by.to_owned(),
        created_at: start(),
        expires_at: at(60),
    };
    NewInvitation { token: TokenHash::of(name), invitation }
}

async fn names(store: &dyn Store) -> Vec<(String, Role, bool)> {
    let people = store.people(start()).await.unwrap();
    people.into_iter().map(|person| (person.name, person.role, person.disabled_at.is_some())).collect()
}

pub(super) async fn everybody_is_listed_with_what_is_known_of_their_sessions(bench: &mut impl Bench) {
    let store = bench.store();
    put(&*store, "maria", "h", Role::Viewer).await;
    put(&*store, "Jonas", "h", Role::Admin).await;
    for (token, seconds) in [("one", 0), ("two", 30)] {
        let session = new_session(token, "maria", at(seconds));
        assert!(store.insert_session(&session, &entry("login")).await.unwrap());
    }
    let people = store.people(at(60)).await.unwrap();
    let shown: Vec<_> = people.iter().map(|p| (p.name.as_str(), p.last_seen, p.sessions)).collect();
    assert_eq!(shown, [("Jonas", None, 0), ("maria", Some(at(30)), 1)]);
}

pub(super) async fn a_person_is_changed_with_the_audit_entry(bench: &mut impl Bench) {
    let store = bench.store();
    for (name, role) in [("boss", Role::Admin), ("maria", Role::Viewer)] {
        put(&*store, name, "h", role).await;
    }
    for (change, expected) in [
        (PersonChange::Role(Role::Operator), Some((Role::Operator, false))),
        (PersonChange::Disable(at(1)), Some((Role::Operator, true))),
        (PersonChange::Enable, Some((Role::Operator, false))),
        (PersonChange::Delete, None),
    ] {
        store.change_person("maria", change, &entry("user.changed")).await.unwrap();
        let maria = names(&*store).await.into_iter().find(|(name, ..)| name == "maria");
        assert_eq!(maria.map(|(_, role, disabled)| (role, disabled)), expected);
    }
    let unknown = store.change_person("maria", PersonChange::Enable, &entry("user.changed")).await;
    assert!(matches!(unknown, Err(ChangePersonError::Unknown)), "{unknown:?}");
    assert_eq!(audited(&*store).await.iter().filter(|action| *action == "user.changed").count(), 4);
}

pub(super) async fn a_person_has_one_role_on_each_scope(bench: &mut impl Bench) {
    let store = bench.store();
    for name in ["boss", "maria"] {
        put(&*store, name, "h", Role::Admin).await;
    }
    assert!(store.insert_session(&new_session("t", "maria", start()), &entry("login")).await.unwrap());
    let grants = async || {
        let person = store.session(&TokenHash::of("t"), at(1)).await.unwrap().unwrap().person;
        let listed = store.people(at(1)).await.unwrap().into_iter().find(|p| p.name == "maria").unwrap();
        assert_eq!(listed.grants, person.grants);
        person.grants.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(grants().await, Vec::<String>::new());
    for grant in ["responder tag:lab", "operator name:web-*", "operator tag:lab"] {
        let change = PersonChange::Grant(grant.parse().unwrap());
        store.change_person("maria", change, &entry("user.granted")).await.unwrap();
    }
    assert_eq!(grants().await, ["operator name:web-*", "operator tag:lab"]);
    let revoke = PersonChange::Revoke("tag:lab".parse().unwrap());
    store.change_person("maria", revoke.clone(), &entry("user.grant-revoked")).await.unwrap();
    assert_eq!(grants().await, ["operator name:web-*"]);
    assert!(matches!(
        store.change_person("nobody", revoke, &entry("x")).await,
        Err(ChangePersonError::Unknown)
    ));
    for number in 0..GRANTS {
        let change = PersonChange::Grant(format!("operator name:h{number}").parse().unwrap());
        let granted = store.change_person("maria", change, &entry("user.granted")).await;
        assert_eq!(granted.is_ok(), number + 1 < GRANTS, "{granted:?}");
    }
    assert_eq!(grants().await.len(), GRANTS);
    store.change_person("maria", PersonChange::Delete, &entry("x")).await.unwrap();
    put(&*store, "maria", "h", Role::Viewer).await;
    let again = store.people(at(1)).await.unwrap();
    assert!(again.iter().all(|person| person.grants.is_empty()), "a new person of the name has none");
}

pub(super) async fn the_last_enabled_administrator_stays(bench: &mut impl Bench) {
    let store = bench.store();
    for (name, role) in [("boss", Role::Admin), ("away", Role::Admin), ("maria", Role::Operator)] {
        put(&*store, name, "h", role).await;
    }
    store.change_person("away", PersonChange::Disable(at(1)), &entry("x")).await.unwrap();
    assert!(store.insert_session(&new_session("t", "boss", start()), &entry("login")).await.unwrap());
    let before = audited(&*store).await.len();
    for change in [PersonChange::Role(Role::Operator), PersonChange::Disable(at(2)), PersonChange::Delete] {
        let refused = store.change_person("boss", change.clone(), &entry("x")).await;
        assert!(matches!(refused, Err(ChangePersonError::LastAdmin)), "{change:?}: {refused:?}");
    }
    let demoted = crate::store::UserRecord {
        name: "boss".to_owned(),
        password_hash: "h2".to_owned(),
        role: Role::Viewer,
    };
    let refused = store.put_user(&demoted, &entry("x")).await;
    assert!(matches!(refused, Err(ChangePersonError::LastAdmin)), "{refused:?}");
    assert_eq!(store.user("boss").await.unwrap().unwrap().password_hash, "h");
    assert_eq!(user_of(&*store, "t", 1).await.as_deref(), Some("boss"), "the session goes on");
    assert_eq!(audited(&*store).await.len(), before);
    store.change_person("maria", PersonChange::Delete, &entry("x")).await.unwrap();
}

pub(super) async fn of_two_administrators_who_disable_each_other_one_stays(bench: &mut impl Bench) {
    let (one, other) = (bench.store(), bench.another().await);
    for name in ["one", "two"] {
        put(&*one, name, "h", Role::Admin).await;
    }
    let disable = async |store: std::sync::Arc<dyn Store>, name: &str| {
        store.change_person(name, PersonChange::Disable(at(1)), &entry("x")).await
    };
    let results = tokio::join!(disable(one, "one"), disable(other, "two"));
    assert_eq!([results.0.is_ok(), results.1.is_ok()].iter().filter(|done| **done).count(), 1);
}

pub(super) async fn a_disabled_person_has_no_session(bench: &mut impl Bench) {
    let store = bench.store();
    for (name, role) in [("boss", Role::Admin), ("maria", Role::Viewer)] {
        put(&*store, name, "h", role).await;
        assert!(store.insert_session(&new_session(name, name, start()), &entry("login")).await.unwrap());
    }
    store.change_person("maria", PersonChange::Disable(at(1)), &entry("x")).await.unwrap();
    assert_eq!(user_of(&*store, "maria", 1).await, None);
    assert_eq!(user_of(&*store, "boss", 1).await.as_deref(), Some("boss"));
    assert!(!store.insert_session(&new_session("again", "maria", at(1)), &entry("login")).await.unwrap());
    store.change_person("maria", PersonChange::Enable, &entry("x")).await.unwrap();
    assert!(store.insert_session(&new_session("again", "maria", at(1)), &entry("login")).await.unwrap());
}

pub(super) async fn a_password_is_changed_from_the_one_that_was_checked(bench: &mut impl Bench) {
    let store = bench.store();
    put(&*store, "maria", "h", Role::Viewer).await;
    let (keep, end) = (new_session("keep", "maria", start()), new_session("end", "maria", start()));
    for session in [&keep, &end] {
        assert!(store.insert_session(session, &entry("login")).await.unwrap());
    }
    let checked = store.user("maria").await.unwrap().unwrap();
    assert!(store.change_password(&checked, "h2", Some(keep.id), &entry("x")).await.unwrap());
    assert!(!store.change_password(&checked, "h3", Some(keep.id), &entry("x")).await.unwrap());
    assert_eq!(store.user("maria").await.unwrap().unwrap().password_hash, "h2");
    assert_eq!(user_of(&*store, "keep", 1).await.as_deref(), Some("maria"));
    assert_eq!(user_of(&*store, "end", 1).await, None);
}

pub(super) async fn an_invitation_is_used_once_and_in_time(bench: &mut impl Bench) {
    let store = bench.store();
    store.insert_invitation(&invitation("maria", "console"), &entry("user.invited")).await.unwrap();
    let token = TokenHash::of("maria");
    let accept = |seconds| NewAuditEntry::new(at(seconds), "maria", "user.joined", "");
    assert_eq!(store.invitations(at(59)).await.unwrap().len(), 1);
    assert!(store.invitation(&token, at(60)).await.unwrap().is_none());
    assert!(store.accept_invitation(&token, "h", &accept(60)).await.unwrap().is_none());
    let maria = store.accept_invitation(&token, "h", &accept(59)).await.unwrap().unwrap();
    assert_eq!((maria.name.as_str(), maria.role), ("maria", Role::Viewer));
    assert!(store.accept_invitation(&token, "h2", &accept(59)).await.unwrap().is_none());
    assert_eq!(store.user("maria").await.unwrap().unwrap().password_hash, "h");
    assert_eq!(audited(&*store).await, ["user.invited", "user.joined"]);
}

pub(super) async fn an_invitation_is_void_once_it_is_replaced_or_revoked_or_the_name_is_taken(
    bench: &mut impl Bench,
) {
    let store = bench.store();
    let open = async || store.invitations(start()).await.unwrap();
    store.insert_invitation(&invitation("maria", "console"), &entry("x")).await.unwrap();
    let newer = NewInvitation { token: TokenHash::of("newer"), ..invitation("maria", "console") };
    store.insert_invitation(&newer, &entry("x")).await.unwrap();
    assert_eq!(open().await, std::slice::from_ref(&newer.invitation));
    assert!(store.delete_invitation(newer.invitation.id, &entry("x")).await.unwrap());
    assert!(!store.delete_invitation(newer.invitation.id, &entry("x")).await.unwrap());
    store.insert_invitation(&invitation("jonas", "console"), &entry("x")).await.unwrap();
    put(&*store, "Jonas", "h", Role::Viewer).await;
    assert!(open().await.is_empty());
    let taken = store.insert_invitation(&invitation("jonas", "console"), &entry("x")).await;
    assert!(matches!(taken, Err(InviteError::NameTaken)), "{taken:?}");
}

pub(super) async fn the_invitations_of_a_former_administrator_are_void(bench: &mut impl Bench) {
    let store = bench.store();
    for (name, role) in [("boss", Role::Admin), ("maria", Role::Admin)] {
        put(&*store, name, "h", role).await;
        store.insert_invitation(&invitation(&format!("by-{name}"), name), &entry("x")).await.unwrap();
    }
    store.change_person("maria", PersonChange::Role(Role::Admin), &entry("x")).await.unwrap();
    assert_eq!(store.invitations(start()).await.unwrap().len(), 2);
    store.change_person("maria", PersonChange::Disable(at(1)), &entry("x")).await.unwrap();
    let left = store.invitations(start()).await.unwrap();
    assert_eq!(left.iter().map(|i| i.invited_by.as_str()).collect::<Vec<_>>(), ["boss"]);
}
