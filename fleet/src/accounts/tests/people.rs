//! The first administrator, passwords, invitations, and changes to people.

use super::*;

#[tokio::test]
async fn the_first_admin_gets_a_random_password_that_works() {
    let bench = Bench::new().await;
    let password = bench.accounts.ensure_first_admin("admin", None).await.unwrap().unwrap();
    let person = bench.from(&Origin::default(), "admin", &password).await.unwrap().actor;
    assert_eq!((person.name(), person.person().role), ("admin", Role::Admin));
    assert_eq!(bench.accounts.ensure_first_admin("admin", None).await.unwrap(), None, "not a second time");
    assert_eq!(bench.audited().await, [pair("console", "user.first-admin"), pair("admin", "login")]);
}

#[tokio::test]
async fn a_given_password_makes_the_first_admin_and_changes_nothing_later() {
    let bench = Bench::new().await;
    let given = |text: &str| Some(text.to_owned());
    assert_eq!(bench.accounts.ensure_first_admin("admin", given(PASSWORD)).await.unwrap(), None);
    assert_eq!(bench.accounts.ensure_first_admin("admin", given(OTHER)).await.unwrap(), None);
    assert_eq!(bench.accounts.ensure_first_admin("other", given(OTHER)).await.unwrap(), None);
    assert!(bench.accounts.log_in("admin", PASSWORD, &Visitor::default()).await.is_ok());
    assert_eq!(bench.store.count_users().await.unwrap(), 1);
}

#[tokio::test]
async fn a_new_password_ends_the_sessions_and_the_old_password() {
    let bench = Bench::with_maria().await;
    let (_, token) = bench.log_in("maria").await;
    bench.accounts.set_password("maria", Some(Role::Admin), OTHER).await.unwrap();
    assert_eq!(bench.accounts.session(token.reveal()).await.unwrap(), None);
    assert!(matches!(bench.refused("maria", PASSWORD).await, LogInError::WrongCredentials));
    assert_eq!(
        bench.accounts.log_in("maria", OTHER, &Visitor::default()).await.unwrap().actor.person().role,
        Role::Admin
    );
}

#[tokio::test]
async fn a_new_password_keeps_the_role_unless_one_is_given() {
    let bench = Bench::with_maria().await;
    for (name, role, expected) in [
        ("maria", Some(Role::Admin), Role::Admin),
        ("maria", None, Role::Admin),
        ("maria", Some(Role::Viewer), Role::Viewer),
        ("jonas", None, Role::Operator),
    ] {
        assert_eq!(bench.accounts.set_password(name, role, PASSWORD).await.unwrap(), expected);
        assert_eq!(
            bench.accounts.log_in(name, PASSWORD, &Visitor::default()).await.unwrap().actor.person().role,
            expected
        );
    }
}

#[tokio::test]
async fn invalid_names_and_passwords_are_rejected() {
    let bench = Bench::new().await;
    for password in ["", "fourteen chars", "maria-maria-maria", &"x".repeat(MAX_PASSWORD_BYTES + 1)] {
        let refused = bench.accounts.set_password("maria", Some(Role::Viewer), password).await;
        assert!(matches!(refused, Err(AccountError::Password(_))), "{refused:?}");
    }
    for name in [
        "",
        " maria",
        "ma\nria",
        "m\u{430}ria",
        "@maria",
        "console",
        "server",
        "auto-test",
        &"x".repeat(MAX_NAME_CHARS + 1),
    ] {
        let refused = bench.accounts.set_password(name, Some(Role::Viewer), PASSWORD).await;
        assert!(matches!(refused, Err(AccountError::Name(_))), "{refused:?}");
    }
    assert!(matches!(
        bench.refused("maria", &"x".repeat(MAX_PASSWORD_BYTES + 1)).await,
        LogInError::WrongCredentials
    ));
    assert_eq!(bench.store.count_users().await.unwrap(), 0);
    assert!(bench.audited().await.is_empty());
    bench
        .accounts
        .set_password(
            "Ana María",
            Some(Role::Viewer),
            &format!("{PASSWORD}{}", " ".repeat(MAX_PASSWORD_BYTES - PASSWORD.len())),
        )
        .await
        .unwrap();
}

#[tokio::test]
async fn an_invited_person_joins_once_with_a_password_of_their_own() {
    let bench = Bench::with_maria().await;
    let boss = bench.log_in("boss").await.0;
    let replaced = bench.accounts.invite(&boss, "jonas", Role::Admin).await.unwrap();
    let secret = bench.accounts.invite(&boss, "jonas", Role::Viewer).await.unwrap();
    let visitor = Visitor::default();
    let accept = async |secret: &Secret, password| {
        bench.accounts.accept_invitation(secret.reveal(), password, &visitor).await.map(|(actor, _)| actor)
    };
    assert!(matches!(accept(&replaced, OTHER).await, Err(AccountError::InvitationGone)));
    assert!(matches!(accept(&secret, "too short").await, Err(AccountError::Password(PasswordFault::Short))));
    let jonas = accept(&secret, OTHER).await.unwrap();
    assert_eq!(jonas.person().role, Role::Viewer);
    assert!(matches!(accept(&secret, OTHER).await, Err(AccountError::InvitationGone)), "only once");
    assert!(bench.accounts.invitations(&boss).await.unwrap().is_empty());
    let expected = [
        pair("boss", "user.invited"),
        pair("boss", "user.invited"),
        pair("jonas", "user.joined"),
        pair("jonas", "login"),
    ];
    assert_eq!(bench.audited().await[3..], expected);
}

#[tokio::test]
async fn an_invitation_expires_and_can_be_revoked_and_falls_with_who_made_it() {
    let bench = Bench::with_maria().await;
    let boss = bench.log_in("boss").await.0;
    let late = bench.accounts.invite(&boss, "late", Role::Viewer).await.unwrap();
    bench.clock.advance(INVITATION_LIFETIME);
    assert_eq!(bench.accounts.invitation(late.reveal()).await.unwrap(), None);
    let revoked = bench.accounts.invite(&boss, "revoked", Role::Viewer).await.unwrap();
    let id = bench.accounts.invitation(revoked.reveal()).await.unwrap().unwrap().id;
    bench.accounts.revoke_invitation(&boss, id).await.unwrap();
    let again = bench.accounts.revoke_invitation(&boss, id).await;
    assert!(matches!(again, Err(AccountError::InvitationGone)), "{again:?}");
    assert_eq!(bench.accounts.invitation(revoked.reveal()).await.unwrap(), None);
    bench.accounts.set_role(&boss, "maria", Role::Admin).await.unwrap();
    let maria = bench.log_in("maria").await.0;
    let orphaned = bench.accounts.invite(&maria, "orphaned", Role::Admin).await.unwrap();
    bench.accounts.set_role(&boss, "maria", Role::Operator).await.unwrap();
    assert_eq!(bench.accounts.invitation(orphaned.reveal()).await.unwrap(), None);
}

#[tokio::test]
async fn nobody_is_invited_under_a_name_that_looks_taken() {
    let bench = Bench::with_maria().await;
    let console = Actor::console();
    let taken = bench.accounts.invite(&console, "Maria", Role::Viewer).await.unwrap_err();
    assert_eq!(
        taken.to_string(),
        "A person named Maria already exists. Nothing was changed. Choose another name."
    );
    assert!(matches!(
        bench.accounts.invite(&console, "console", Role::Viewer).await,
        Err(AccountError::Name(_))
    ));
}

#[tokio::test]
async fn only_an_administrator_manages_people() {
    let bench = Bench::with_maria().await;
    let before = bench.audited().await.len();
    for role in [Role::Viewer, Role::Operator] {
        let actor = Actor::unchecked("maria", role);
        let accounts = &bench.accounts;
        let refused = [
            accounts.people(&actor).await.map(drop),
            accounts.invitations(&actor).await.map(drop),
            accounts.invite(&actor, "jonas", Role::Viewer).await.map(drop),
            accounts.revoke_invitation(&actor, backstay_model::InvitationId::new()).await,
            accounts.set_role(&actor, "maria", Role::Admin).await,
            accounts.disable(&actor, "boss").await,
            accounts.enable(&actor, "boss").await,
            accounts.delete_person(&actor, "boss").await,
        ];
        for refused in refused {
            let error = refused.unwrap_err();
            assert_eq!(error.to_string(), "This requires the admin role. Nothing was changed.");
        }
    }
    assert_eq!(bench.audited().await.len(), before);
}

#[tokio::test]
async fn the_last_administrator_stays_by_every_path() {
    let bench = Bench::with_maria().await;
    let (accounts, console) = (&bench.accounts, Actor::console());
    let all = async || {
        [
            accounts.set_role(&console, "boss", Role::Operator).await,
            accounts.disable(&console, "boss").await,
            accounts.delete_person(&console, "boss").await,
            accounts.set_password("boss", Some(Role::Viewer), OTHER).await.map(drop),
        ]
    };
    for refused in all().await {
        assert!(matches!(&refused, Err(AccountError::LastAdmin(name)) if name == "boss"), "{refused:?}");
    }
    accounts.set_role(&console, "maria", Role::Admin).await.unwrap();
    accounts.disable(&console, "maria").await.unwrap();
    for refused in all().await {
        assert!(
            matches!(refused, Err(AccountError::LastAdmin(_))),
            "a disabled one does not count: {refused:?}"
        );
    }
    let (boss, _) = bench.log_in("boss").await;
    assert_eq!(boss.person().role, Role::Admin, "the password was not changed either");
    accounts.enable(&console, "maria").await.unwrap();
    accounts.delete_person(&boss, "boss").await.unwrap();
}

#[tokio::test]
async fn a_disabled_person_is_out_at_once_and_cannot_log_in() {
    let bench = Bench::with_maria().await;
    let (_, token) = bench.log_in("maria").await;
    bench.accounts.disable(&Actor::console(), "maria").await.unwrap();
    assert_eq!(bench.accounts.session(token.reveal()).await.unwrap(), None);
    assert!(matches!(bench.refused("maria", PASSWORD).await, LogInError::Disabled));
    assert!(
        matches!(bench.refused("maria", "a wrong one").await, LogInError::WrongCredentials),
        "only who knows the password learns that"
    );
    bench.accounts.enable(&Actor::console(), "maria").await.unwrap();
    assert_eq!(bench.accounts.session(token.reveal()).await.unwrap(), None, "the old session stays ended");
    bench.log_in("maria").await;
}

#[tokio::test]
async fn ones_own_password_takes_the_current_one_and_ends_the_other_sessions() {
    let bench = Bench::with_maria().await;
    let (maria, here) = bench.log_in("maria").await;
    let (_, there) = bench.log_in("maria").await;
    let wrong = bench.accounts.change_own_password(&maria, "a wrong one", OTHER).await.unwrap_err();
    assert_eq!(wrong.to_string(), "The current password is wrong. Nothing was changed.");
    let weak = bench.accounts.change_own_password(&maria, PASSWORD, "backstaybackstay").await.unwrap_err();
    assert!(weak.to_string().starts_with("The password is easy to guess. Nothing was changed."), "{weak}");
    assert!(bench.accounts.session(there.reveal()).await.unwrap().is_some());
    bench.accounts.change_own_password(&maria, PASSWORD, OTHER).await.unwrap();
    assert!(bench.accounts.session(here.reveal()).await.unwrap().is_some());
    assert_eq!(bench.accounts.session(there.reveal()).await.unwrap(), None);
    assert!(matches!(bench.refused("maria", PASSWORD).await, LogInError::WrongCredentials));
    let audited = bench.audited().await;
    assert!(audited.contains(&pair("maria", "password.refused")), "{audited:?}");
    assert!(audited.contains(&pair("maria", "password.changed")), "{audited:?}");
}
