//! People who log in through an OpenID Connect provider.

use backstay_model::{InvitationId, Role};

use super::Bench;
use super::fixture::{at, audited, entry, new_session, put, start, user_of};
use crate::store::{
    ChangePersonError, ExternalIdentity, Invitation, NewInvitation, NewSession, PersonChange, ProviderRoles,
    Store, TokenHash, UserRecord,
};

fn identity(subject: &str) -> ExternalIdentity {
    ExternalIdentity { issuer: "https://id.example.org".to_owned(), subject: subject.to_owned() }
}

fn roles(role: Role, grants: &[&str]) -> ProviderRoles {
    ProviderRoles { role, grants: grants.iter().map(|grant| grant.parse().unwrap()).collect() }
}

async fn insert(store: &dyn Store, subject: &str, name: &str, role: Role) -> bool {
    let (identity, roles) = (identity(subject), roles(role, &[]));
    store.insert_external_person(&identity, name, &roles, &entry("user.joined")).await.unwrap()
}

/// A session of a person without password, in a session at the provider.
async fn log_in(store: &dyn Store, token: &str, name: &str, provider_session: Option<&str>) {
    let provider_session = provider_session.map(str::to_owned);
    let session =
        NewSession { password_hash: String::new(), provider_session, ..new_session(token, name, start()) };
    assert!(store.insert_session(&session, &entry("login")).await.unwrap());
}

pub(super) async fn a_person_of_a_provider_is_known_by_its_identifier(bench: &mut impl Bench) {
    let store = bench.store();
    assert!(insert(&*store, "1", "maria", Role::Operator).await);
    let known = store.external_person(&identity("1")).await.unwrap().unwrap();
    assert_eq!(
        (known.user.name.as_str(), known.user.role, known.is_disabled),
        ("maria", Role::Operator, false)
    );
    assert!(store.external_person(&identity("2")).await.unwrap().is_none());
    let elsewhere = ExternalIdentity { issuer: "https://id.example.com".to_owned(), ..identity("1") };
    assert!(
        store.external_person(&elsewhere).await.unwrap().is_none(),
        "another provider's people are others"
    );
    store.change_person("maria", PersonChange::Disable(at(1)), &entry("x")).await.unwrap();
    assert!(store.external_person(&identity("1")).await.unwrap().unwrap().is_disabled);
    let people = store.people(start()).await.unwrap();
    assert!(people.iter().any(|person| person.name == "maria" && person.is_external));
    store.change_person("maria", PersonChange::Delete, &entry("x")).await.unwrap();
    assert!(store.external_person(&identity("1")).await.unwrap().is_none());
    assert_eq!(audited(&*store).await.iter().filter(|action| *action == "user.joined").count(), 1);
}

pub(super) async fn a_name_is_never_taken_over(bench: &mut impl Bench) {
    let store = bench.store();
    put(&*store, "Maria", "h", Role::Admin).await;
    let invitation = Invitation {
        id: InvitationId::new(),
        name: "jonas".to_owned(),
        role: Role::Viewer,
        invited_by: "Maria".to_owned(),
        created_at: start(),
        expires_at: at(60),
    };
    let new = NewInvitation { token: TokenHash::of("i"), invitation };
    store.insert_invitation(&new, &entry("x")).await.unwrap();
    for name in ["maria", "Maria", "JONAS"] {
        assert!(!insert(&*store, "1", name, Role::Admin).await, "{name}");
    }
    assert!(store.external_person(&identity("1")).await.unwrap().is_none());
    assert!(insert(&*store, "1", "otto", Role::Viewer).await);
    assert!(!insert(&*store, "1", "another", Role::Viewer).await, "the identity is known");
    assert!(!insert(&*store, "2", "otto", Role::Viewer).await);
}

pub(super) async fn of_two_first_log_ins_at_once_one_makes_the_person(bench: &mut impl Bench) {
    let (one, other) = (bench.store(), bench.another().await);
    let made =
        tokio::join!(insert(&*one, "1", "maria", Role::Viewer), insert(&*other, "1", "maria", Role::Viewer));
    assert!(made.0 != made.1, "{made:?}");
}

pub(super) async fn the_provider_alone_decides_the_roles(bench: &mut impl Bench) {
    let store = bench.store();
    assert!(insert(&*store, "1", "maria", Role::Admin).await);
    for change in [
        PersonChange::Role(Role::Viewer),
        PersonChange::Grant("operator tag:lab".parse().unwrap()),
        PersonChange::Revoke("tag:lab".parse().unwrap()),
    ] {
        let refused = store.change_person("maria", change, &entry("x")).await;
        assert!(matches!(refused, Err(ChangePersonError::External)), "{refused:?}");
    }
    let fewer = roles(Role::Viewer, &["responder name:web-*", "operator tag:lab"]);
    store.set_external_roles(&identity("1"), &fewer, &entry("user.role")).await.unwrap();
    assert_eq!(
        store.external_person(&identity("1")).await.unwrap().unwrap().roles,
        fewer,
        "also of the last admin"
    );
    let other = roles(Role::Operator, &["responder tag:lab"]);
    store.set_external_roles(&identity("1"), &other, &entry("user.role")).await.unwrap();
    log_in(&*store, "t", "maria", None).await;
    let person = store.session(&TokenHash::of("t"), start()).await.unwrap().unwrap();
    assert!(person.is_external);
    assert_eq!((person.person.role, person.person.grants), (other.role, other.grants));
}

pub(super) async fn a_person_of_a_provider_gets_no_password(bench: &mut impl Bench) {
    let store = bench.store();
    assert!(insert(&*store, "1", "maria", Role::Viewer).await);
    let user = UserRecord { name: "maria".to_owned(), password_hash: "h".to_owned(), role: Role::Admin };
    let refused = store.put_user(&user, &entry("x")).await;
    assert!(matches!(refused, Err(ChangePersonError::External)), "{refused:?}");
    assert_eq!(store.user("maria").await.unwrap().unwrap().password_hash, "");
}

pub(super) async fn a_log_out_at_the_provider_ends_its_sessions(bench: &mut impl Bench) {
    let store = bench.store();
    for (subject, name) in [("1", "maria"), ("2", "otto")] {
        assert!(insert(&*store, subject, name, Role::Viewer).await);
    }
    for (token, name, session) in [
        ("a", "maria", Some("s1")),
        ("b", "maria", Some("s2")),
        ("c", "maria", None),
        ("d", "otto", Some("s1")),
    ] {
        log_in(&*store, token, name, session).await;
    }
    let end = async |subject: &str, session| {
        store.end_external_sessions(&identity(subject), session, at(1)).await.unwrap()
    };
    assert_eq!(end("1", Some("s1")).await, 1);
    assert_eq!(user_of(&*store, "a", 1).await, None);
    assert_eq!(user_of(&*store, "d", 1).await.as_deref(), Some("otto"), "a session of somebody else");
    assert_eq!(end("1", Some("s1")).await, 0, "again");
    assert_eq!(end("3", None).await, 0, "nobody");
    assert_eq!(end("1", None).await, 2);
    assert_eq!(audited(&*store).await.iter().filter(|action| *action == "login.ended").count(), 2);
}
