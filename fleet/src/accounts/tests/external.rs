//! People who come through a provider, and passwords beside it.

use super::super::ways_in::{Passwords, WaysIn};
use super::*;
use crate::sso::{Arrival, Sso, SsoConfig, SsoError};
use crate::store::{ExternalIdentity, ProviderRoles};

/// Somebody whom the provider has vouched for, with this role from their groups.
fn arrival(subject: &str, name: &str, role: Option<Role>) -> Arrival {
    let identity =
        ExternalIdentity { issuer: "https://id.example.org".to_owned(), subject: subject.to_owned() };
    let roles = role.map(|role| ProviderRoles { role, grants: vec![] });
    let name = Some(name.to_owned());
    Arrival { identity, name, roles, provider_session: None, proves: None, next: "/audit".to_owned() }
}

/// A provider that nobody asks anything.
fn sso(clock: Arc<FixedClock>) -> Arc<Sso> {
    let config = SsoConfig {
        issuer: "https://id.example.org".to_owned(),
        client_id: "backstay".to_owned(),
        client_secret: Secret::random(),
        name: "Company SSO".to_owned(),
        groups_claim: "groups".to_owned(),
        roles: vec![],
        scopes: vec![],
        public_url: "https://backstay.example.org".to_owned(),
    };
    Arc::new(Sso::new(config, clock).unwrap())
}

impl Bench {
    /// A bench with a provider, and with an administrator and maria, who have passwords.
    async fn with_sso() -> Self {
        let bench = Self::with_maria().await;
        let accounts = Arc::new(bench.with_passwords(Passwords::Everybody));
        Self { accounts, ..bench }
    }

    async fn arrive(&self, arrival: Arrival, token: Option<&str>) -> Result<Option<Secret>, SsoError> {
        let visitor = Visitor { token: token.map(str::to_owned), ..Visitor::default() };
        self.accounts.admit_external(arrival, &visitor).await.map(|returned| returned.session)
    }

    async fn enter(&self, subject: &str, name: &str, role: Role) -> Actor {
        let session = self.arrive(arrival(subject, name, Some(role)), None).await.unwrap().unwrap();
        self.accounts.session(session.reveal()).await.unwrap().unwrap()
    }

    /// Other accounts on the same store, where these may log in with a password.
    fn with_passwords(&self, passwords: Passwords) -> Accounts {
        let ways_in = WaysIn { passwords, sso: Some(sso(self.clock.clone())) };
        Accounts::new(self.store.clone(), self.clock.clone()).with_ways_in(ways_in)
    }
}

#[tokio::test]
async fn somebody_new_joins_with_the_roles_of_the_groups_and_keeps_the_name() {
    let bench = Bench::with_sso().await;
    let otto = bench.enter("1", "otto", Role::Operator).await;
    assert_eq!((otto.name(), otto.person().role, otto.is_external()), ("otto", Role::Operator, true));
    // The provider calls him something else, and has him in other groups.
    let otto = bench.enter("1", "anna", Role::Admin).await;
    assert_eq!((otto.name(), otto.person().role), ("otto", Role::Admin));
    let expected = [
        pair("otto", "user.joined"),
        pair("otto", "login"),
        pair("server", "user.role"),
        pair("otto", "login"),
    ];
    assert_eq!(bench.audited().await[2..], expected);
}

#[tokio::test]
async fn a_name_of_somebody_else_is_refused_and_never_linked() {
    let bench = Bench::with_sso().await;
    for name in ["maria", "MARIA", "boss"] {
        let refused = bench.arrive(arrival("1", name, Some(Role::Admin)), None).await.unwrap_err();
        assert!(matches!(&refused, SsoError::NameTaken(taken) if taken == name), "{refused:?}");
    }
    let reserved = bench.arrive(arrival("1", "console", Some(Role::Admin)), None).await.unwrap_err();
    assert!(matches!(reserved, SsoError::NoName), "{reserved:?}");
    assert_eq!(bench.log_in("maria").await.0.person().role, Role::Operator);
}

#[tokio::test]
async fn who_is_in_no_group_stays_out_and_who_left_them_is_out_at_once() {
    let bench = Bench::with_sso().await;
    let refused = bench.arrive(arrival("1", "otto", None), None).await.unwrap_err();
    assert!(matches!(refused, SsoError::NoRole), "{refused:?}");
    assert!(bench.store.user("otto").await.unwrap().is_none());
    let session = bench.arrive(arrival("1", "otto", Some(Role::Viewer)), None).await.unwrap().unwrap();
    bench.arrive(arrival("1", "otto", None), None).await.unwrap_err();
    assert!(bench.accounts.session(session.reveal()).await.unwrap().is_none());
}

#[tokio::test]
async fn without_the_provider_its_people_are_out() {
    let bench = Bench::with_sso().await;
    let session = bench.arrive(arrival("1", "otto", Some(Role::Viewer)), None).await.unwrap().unwrap();
    let without = Accounts::new(bench.store.clone(), bench.clock.clone());
    assert!(bench.accounts.session(session.reveal()).await.unwrap().is_some());
    assert!(without.session(session.reveal()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_disabled_person_stays_out_whatever_the_groups_say() {
    let bench = Bench::with_sso().await;
    bench.enter("1", "otto", Role::Admin).await;
    bench.accounts.disable(&Actor::console(), "otto").await.unwrap();
    let refused = bench.arrive(arrival("1", "otto", Some(Role::Admin)), None).await.unwrap_err();
    assert!(matches!(refused, SsoError::Disabled), "{refused:?}");
}

#[tokio::test]
async fn a_person_of_a_provider_has_no_password_no_second_factor_and_no_roles_of_ours() {
    let bench = Bench::with_sso().await;
    let otto = bench.enter("1", "otto", Role::Viewer).await;
    for password in ["", PASSWORD] {
        let refused = bench.refused("otto", password).await;
        assert!(matches!(refused, LogInError::WrongCredentials), "{refused:?}");
    }
    let console = Actor::console();
    for refused in [
        bench.accounts.set_password("otto", None, PASSWORD).await.map(drop),
        bench.accounts.set_role(&console, "otto", Role::Admin).await,
        bench.accounts.grant(&console, "otto", "operator tag:lab".parse().unwrap()).await,
    ] {
        assert!(matches!(&refused, Err(AccountError::External(name)) if name == "otto"), "{refused:?}");
    }
    assert!(bench.accounts.change_own_password(&otto, "", PASSWORD).await.is_err());
    assert!(bench.accounts.begin_second_factor(&otto).await.is_err());
}

#[tokio::test]
async fn the_provider_proves_again_who_somebody_is_in_that_session_alone() {
    let bench = Bench::with_sso().await;
    let session = bench.arrive(arrival("1", "anna", Some(Role::Admin)), None).await.unwrap().unwrap();
    let other = bench.arrive(arrival("2", "otto", Some(Role::Admin)), None).await.unwrap().unwrap();
    let anna = bench.accounts.session(session.reveal()).await.unwrap().unwrap();
    let proving = |subject: &str| {
        let proves = anna.session().map(|id| id.to_string());
        Arrival { proves, ..arrival(subject, "anna", Some(Role::Admin)) }
    };
    for (subject, token) in [("2", Some(session.reveal())), ("1", Some(other.reveal())), ("1", None)] {
        let refused = bench.arrive(proving(subject), token).await.unwrap_err();
        assert!(matches!(refused, SsoError::NotProved), "{subject}: {refused:?}");
    }
    let now = bench.clock.now() + chrono::TimeDelta::minutes(20);
    bench.clock.advance(chrono::TimeDelta::minutes(20));
    assert!(bench.arrive(proving("1"), Some(session.reveal())).await.unwrap().is_none(), "no new session");
    let proved = bench.accounts.own_sessions(&anna).await.unwrap();
    assert_eq!(proved.iter().find(|known| Some(known.id) == anna.session()).unwrap().proved_at, now);
}

#[tokio::test]
async fn where_only_administrators_use_passwords_each_such_log_in_stands_out() {
    let bench = Bench::with_maria().await;
    let (_, session) = bench.log_in("maria").await;
    let accounts = bench.with_passwords(Passwords::Administrators);
    let refused = accounts.log_in("maria", PASSWORD, &Visitor::default()).await.unwrap_err();
    assert!(matches!(refused, LogInError::NoPasswords), "{refused:?}");
    let wrong = accounts.log_in("maria", OTHER, &Visitor::default()).await.unwrap_err();
    assert!(matches!(wrong, LogInError::WrongCredentials), "a stranger learns no role: {wrong:?}");
    assert!(accounts.session(session.reveal()).await.unwrap().is_none(), "a session of before");
    accounts.log_in("boss", PASSWORD, &Visitor::default()).await.unwrap();
    assert_eq!(bench.audited().await.last(), Some(&pair("boss", "user.break-glass")));
    let console = Actor::console();
    let refused = accounts.invite(&console, "new", Role::Viewer).await;
    assert!(matches!(refused, Err(AccountError::NoPasswords)), "{refused:?}");
    accounts.invite(&console, "new", Role::Admin).await.unwrap();
}

#[tokio::test]
async fn where_nobody_uses_a_password_none_is_looked_at() {
    let bench = Bench::with_maria().await;
    let accounts = bench.with_passwords(Passwords::Never);
    for (name, password) in [("boss", PASSWORD), ("boss", OTHER), ("nobody", OTHER)] {
        let refused = accounts.log_in(name, password, &Visitor::default()).await.unwrap_err();
        assert!(matches!(refused, LogInError::NoPasswords), "{name}: {refused:?}");
    }
    assert_eq!(accounts.ways_in.passwords, Passwords::Never);
}
