//! Who can log in, for how long, and what the audit log records.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use backstay_model::view::AuditQuery;
use backstay_model::{FixedClock, Role};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::secret::Secret;
use crate::store::EnrolError;
use crate::test_fleet::{self, Database, new_host};
use crate::{Fleet, Schedule};

const PASSWORD: &str = "lamp otter seven violin";
const OTHER: &str = "quarry mint banjo eleven";

struct Bench {
    accounts: Arc<Accounts>,
    store: Arc<dyn Store>,
    clock: Arc<FixedClock>,
    _database: Database,
}

impl Bench {
    async fn new() -> Self {
        let database = Database::new();
        let store: Arc<dyn Store> = Arc::new(database.open().await);
        let clock = test_fleet::clock();
        let accounts = Arc::new(Accounts::new(store.clone(), clock.clone()));
        Self { accounts, store, clock, _database: database }
    }

    /// A bench with an administrator and maria, an operator.
    async fn with_maria() -> Self {
        let bench = Self::new().await;
        bench.accounts.set_password("boss", Some(Role::Admin), PASSWORD).await.unwrap();
        bench.accounts.set_password("maria", Some(Role::Operator), PASSWORD).await.unwrap();
        bench
    }

    /// The actor and action of each audit entry, oldest first.
    async fn audited(&self) -> Vec<(String, String)> {
        let mut entries = self.store.audit(&AuditQuery::default(), 100).await.unwrap();
        entries.reverse();
        entries.into_iter().map(|e| (e.actor, e.action)).collect()
    }

    async fn log_in(&self, name: &str) -> (Actor, Secret) {
        let LoggedIn { actor, session, .. } = self.from(&Origin::default(), name, PASSWORD).await.unwrap();
        (actor, session)
    }

    async fn from(&self, origin: &Origin, name: &str, password: &str) -> Result<LoggedIn, LogInError> {
        let visitor = Visitor { origin: origin.clone(), ..Visitor::default() };
        self.accounts.log_in(name, password, &visitor).await
    }

    async fn refused(&self, name: &str, password: &str) -> LogInError {
        self.from(&Origin::default(), name, password).await.unwrap_err()
    }
}

fn pair(actor: &str, action: &str) -> (String, String) {
    (actor.to_owned(), action.to_owned())
}

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
async fn an_unknown_name_and_a_wrong_password_get_the_same_answer() {
    let bench = Bench::with_maria().await;
    let wrong = bench.refused("maria", "a wrong one").await;
    let unknown = bench.refused("nobody", PASSWORD).await;
    assert!(
        matches!((&wrong, &unknown), (LogInError::WrongCredentials, LogInError::WrongCredentials)),
        "{wrong} {unknown}"
    );
    assert_eq!(wrong.to_string(), unknown.to_string());
    bench.accounts.report_refused(true).await.unwrap();
    let expected = [pair("server", "login.refused"), pair("server", "login.refused")];
    assert_eq!(bench.audited().await[2..], expected);
}

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
    let next = async |role| bench.accounts.next_session_event(token.reveal(), role, Duration::MAX).await;
    let mut waits = pin!(next(Role::Operator));
    let looked = tokio::time::timeout(Duration::from_millis(50), &mut waits).await;
    assert!(looked.is_err(), "nothing has changed");
    bench.accounts.set_role(&Actor::console(), "maria", Role::Viewer).await.unwrap();
    assert_eq!(waits.await, SessionEvent::Role(Role::Viewer));
    let mut waits = pin!(next(Role::Viewer));
    assert!(tokio::time::timeout(Duration::from_millis(50), &mut waits).await.is_err());
    bench.accounts.disable(&Actor::console(), "maria").await.unwrap();
    assert_eq!(waits.await, SessionEvent::Ended);
}

#[tokio::test]
async fn an_open_page_hears_of_what_another_process_changes() {
    let bench = Bench::with_maria().await;
    let (_, token) = bench.log_in("maria").await;
    let often = Duration::from_millis(1);
    let waits = bench.accounts.next_session_event(token.reveal(), Role::Operator, often);
    let command = Accounts::new(bench.store.clone(), bench.clock.clone());
    command.delete_person(&Actor::console(), "maria").await.unwrap();
    assert_eq!(waits.await, SessionEvent::Ended);
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
async fn after_five_wrong_passwords_the_right_one_must_wait_too() {
    let bench = Bench::with_maria().await;
    for _ in 0..5 {
        assert!(matches!(bench.refused("maria", "a wrong one").await, LogInError::WrongCredentials));
    }
    let error = bench.refused("maria", PASSWORD).await;
    let text = "Too many wrong passwords for this name. Try again in 15 seconds.";
    assert_eq!(error.to_string(), text);
    assert_eq!(bench.audited().await.len(), 2, "the audit log gets a summary, later");
    bench.clock.advance(TimeDelta::seconds(15));
    assert!(bench.accounts.log_in("maria", PASSWORD, &Visitor::default()).await.is_ok());
    assert!(
        matches!(bench.refused("maria", "a wrong one").await, LogInError::WrongCredentials),
        "the count starts again"
    );
}

#[tokio::test]
async fn an_unknown_name_must_wait_like_a_known_one() {
    let bench = Bench::with_maria().await;
    for _ in 0..5 {
        assert!(matches!(bench.refused("nobody", "a wrong one").await, LogInError::WrongCredentials));
    }
    assert!(matches!(bench.refused("nobody", "a wrong one").await, LogInError::TooManyAttempts(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_guesses_do_not_avoid_the_wait() {
    let bench = Bench::with_maria().await;
    let guesses: Vec<_> = (0..20)
        .map(|_| {
            let accounts = bench.accounts.clone();
            tokio::spawn(async move {
                accounts.log_in("maria", "a wrong one", &Visitor::default()).await.map(|_| ())
            })
        })
        .collect();
    let mut refused = 0;
    for guess in guesses {
        match guess.await.unwrap() {
            Err(LogInError::WrongCredentials) => refused += 1,
            Err(LogInError::TooManyAttempts(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(refused, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn log_ins_beyond_the_queue_are_rejected() {
    let bench = Bench::with_maria().await;
    let crowd: Vec<_> = (0..60)
        .map(|i| {
            let accounts = bench.accounts.clone();
            tokio::spawn(async move {
                accounts.log_in(&format!("n{i}"), PASSWORD, &Visitor::default()).await.map(|_| ())
            })
        })
        .collect();
    let mut busy = 0;
    for one in crowd {
        busy += u32::from(matches!(one.await.unwrap(), Err(LogInError::Busy)));
    }
    assert!(busy > 0, "60 do not fit into the queue");
    assert!(
        bench.accounts.log_in("maria", PASSWORD, &Visitor::default()).await.is_ok(),
        "there is room again afterwards"
    );
}

#[tokio::test]
async fn strangers_write_little_into_the_log_and_only_as_a_claim() {
    let bench = Bench::new().await;
    for number in 0..50 {
        bench.refused(&format!("console\n{number}"), PASSWORD).await;
    }
    bench.refused(&"x".repeat(1000), PASSWORD).await;
    bench.accounts.report_refused(false).await.unwrap();
    assert!(bench.audited().await.is_empty(), "the span is not over");
    bench.clock.advance(TimeDelta::minutes(10));
    bench.accounts.report_refused(false).await.unwrap();
    let entries = bench.store.audit(&AuditQuery::default(), 100).await.unwrap();
    assert_eq!(entries.len(), 9);
    for entry in &entries {
        assert_eq!((entry.actor.as_str(), entry.action.as_str()), ("server", "login.refused"));
        assert!(entry.detail.len() < 200 && !entry.detail.contains('\n'), "{}", entry.detail);
    }
    assert!(entries[1].detail.contains("claiming to be “console"), "{}", entries[1].detail);
}

#[tokio::test]
async fn refused_log_ins_are_recorded_before_the_server_stops() {
    let bench = Bench::new().await;
    let fleet = Fleet::new(test_fleet::config(bench.store.clone(), &bench.clock));
    let stop = CancellationToken::new();
    let schedule = Schedule { repository: None, poll: Duration::from_mins(1) };
    let background = tokio::spawn(fleet.start_background(schedule, stop.clone()).await.unwrap());
    fleet.accounts().log_in("nobody", PASSWORD, &Visitor::default()).await.unwrap_err();
    stop.cancel();
    background.await.unwrap();
    assert_eq!(bench.audited().await, [pair("server", "login.refused")]);
}

/// A client at an address of the network 192.0.2.0/24.
fn at(last: u8) -> Origin {
    Origin { address: Some([192, 0, 2, last].into()), device: None }
}

#[tokio::test]
async fn one_stranger_keeps_nobody_else_from_logging_in() {
    let bench = Bench::with_maria().await;
    let log_in = async |origin: &Origin, name: &str, password: &str| bench.from(origin, name, password).await;
    for _ in 0..20 {
        let _ = log_in(&at(1), "maria", "wrong horse").await;
    }
    let refused = log_in(&at(1), "maria", PASSWORD).await;
    assert!(matches!(refused, Err(LogInError::TooManyAttempts(_))), "{refused:?}");
    assert!(log_in(&at(2), "maria", PASSWORD).await.is_ok(), "from another address");
    for number in 0..20 {
        let _ = log_in(&at(1), &format!("n{number}"), "wrong horse").await;
    }
    let refused = log_in(&at(1), "jonas", PASSWORD).await.unwrap_err();
    assert_eq!(refused.to_string(), "Too many wrong passwords from your address. Try again in 15 seconds.");
}

#[tokio::test]
async fn on_a_known_device_a_person_gets_in_while_a_crowd_guesses_at_the_name() {
    let bench = Bench::with_maria().await;
    let device = bench.from(&at(1), "maria", PASSWORD).await.unwrap().device;
    let mut last = Ok(());
    for stranger in 2..=110 {
        last = bench.from(&at(stranger), "maria", "wrong horse").await.map(|_| ());
    }
    assert!(matches!(last, Err(LogInError::TooManyAttempts(_))), "all of them together: {last:?}");
    assert!(bench.from(&at(1), "maria", PASSWORD).await.is_err(), "without the device");
    let known = Origin { device: Some(device.clone()), ..at(1) };
    let again = bench.from(&known, "maria", PASSWORD).await.unwrap();
    assert_eq!(again.device, device);
    for _ in 0..5 {
        let wrong = bench.from(&known, "maria", "wrong horse").await.unwrap_err();
        assert!(matches!(wrong, LogInError::WrongCredentials), "{wrong}");
    }
    let wrong = bench.from(&known, "maria", PASSWORD).await.unwrap_err();
    assert!(
        matches!(wrong, LogInError::TooManyAttempts(_)),
        "a stolen device cannot guess for ever: {wrong}"
    );
}

#[tokio::test]
async fn a_device_is_known_for_its_person_only_and_a_planted_one_is_not_taken() {
    let bench = Bench::with_maria().await;
    bench.accounts.set_password("jonas", Some(Role::Viewer), PASSWORD).await.unwrap();
    let planted = Origin { device: Some(Secret::from_text("planted")), ..at(1) };
    let device = bench.from(&planted, "maria", PASSWORD).await.unwrap().device;
    assert_ne!(device.reveal(), "planted");
    let marias = Origin { device: Some(device.clone()), ..at(1) };
    let jonas = bench.from(&marias, "jonas", PASSWORD).await.unwrap().device;
    assert_ne!(jonas, device);
    bench.clock.advance(DEVICE_LIFETIME);
    assert_ne!(bench.from(&marias, "maria", PASSWORD).await.unwrap().device, device);
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
