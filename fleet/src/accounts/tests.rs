//! Who can log in, for how long, and what the audit log records.

use std::pin::pin;
use std::sync::Arc;

use backstay_model::view::AuditQuery;
use backstay_model::{FixedClock, Role};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::secret::Secret;
use crate::store::EnrolError;
use crate::test_fleet::{self, Database, new_host};
use crate::{Fleet, Schedule};

const PASSWORD: &str = "correct horse";

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

    /// A bench with maria, an operator.
    async fn with_maria() -> Self {
        let bench = Self::new().await;
        bench.accounts.set_password("maria", Some(Role::Operator), PASSWORD).await.unwrap();
        bench
    }

    /// The actor and action of each audit entry, oldest first.
    async fn audited(&self) -> Vec<(String, String)> {
        let mut entries = self.store.audit(&AuditQuery::default(), 100).await.unwrap();
        entries.reverse();
        entries.into_iter().map(|e| (e.actor, e.action)).collect()
    }

    async fn refused(&self, name: &str, password: &str) -> LogInError {
        self.accounts.log_in(name, password).await.map(|(person, _)| person).unwrap_err()
    }
}

fn pair(actor: &str, action: &str) -> (String, String) {
    (actor.to_owned(), action.to_owned())
}

#[tokio::test]
async fn the_first_admin_gets_a_random_password_that_works() {
    let bench = Bench::new().await;
    let password = bench.accounts.ensure_first_admin("admin", None).await.unwrap().unwrap();
    let (person, _) = bench.accounts.log_in("admin", &password).await.unwrap();
    assert_eq!(person, Actor::unchecked("admin", Role::Admin));
    assert_eq!(bench.accounts.ensure_first_admin("admin", None).await.unwrap(), None, "not a second time");
    assert_eq!(bench.audited().await, [pair("console", "user.first-admin"), pair("admin", "login")]);
}

#[tokio::test]
async fn a_given_password_makes_the_first_admin_and_changes_nothing_later() {
    let bench = Bench::new().await;
    let given = |text: &str| Some(text.to_owned());
    assert_eq!(bench.accounts.ensure_first_admin("admin", given(PASSWORD)).await.unwrap(), None);
    assert_eq!(bench.accounts.ensure_first_admin("admin", given("another horse")).await.unwrap(), None);
    assert_eq!(bench.accounts.ensure_first_admin("other", given("another horse")).await.unwrap(), None);
    assert!(bench.accounts.log_in("admin", PASSWORD).await.is_ok());
    assert_eq!(bench.store.count_users().await.unwrap(), 1);
}

#[tokio::test]
async fn an_unknown_name_and_a_wrong_password_get_the_same_answer() {
    let bench = Bench::with_maria().await;
    let wrong = bench.refused("maria", "wrong horse").await;
    let unknown = bench.refused("nobody", PASSWORD).await;
    assert!(
        matches!((&wrong, &unknown), (LogInError::WrongCredentials, LogInError::WrongCredentials)),
        "{wrong} {unknown}"
    );
    assert_eq!(wrong.to_string(), unknown.to_string());
    bench.accounts.report_refused(true).await.unwrap();
    let expected =
        [pair("console", "user.set"), pair("server", "login.refused"), pair("server", "login.refused")];
    assert_eq!(bench.audited().await, expected);
}

#[tokio::test]
async fn a_session_lasts_thirty_days() {
    let bench = Bench::with_maria().await;
    let (person, token) = bench.accounts.log_in("maria", PASSWORD).await.unwrap();
    assert_eq!(bench.accounts.session(token.reveal()).await.unwrap().as_ref(), Some(&person));
    assert_eq!(bench.accounts.session("something else").await.unwrap(), None);
    bench.clock.advance(SESSION_LIFETIME - TimeDelta::seconds(1));
    assert_eq!(bench.accounts.session(token.reveal()).await.unwrap(), Some(person));
    bench.clock.advance(TimeDelta::seconds(1));
    assert_eq!(bench.accounts.session(token.reveal()).await.unwrap(), None);
}

#[tokio::test]
async fn logging_out_ends_that_session_alone() {
    let bench = Bench::with_maria().await;
    let (_, one) = bench.accounts.log_in("maria", PASSWORD).await.unwrap();
    let (_, two) = bench.accounts.log_in("maria", PASSWORD).await.unwrap();
    bench.accounts.log_out(one.reveal()).await.unwrap();
    assert_eq!(bench.accounts.session(one.reveal()).await.unwrap(), None);
    assert!(bench.accounts.session(two.reveal()).await.unwrap().is_some());
}

#[tokio::test]
async fn a_wait_for_the_end_of_a_session_returns_when_it_ends() {
    let bench = Bench::with_maria().await;
    let (_, token) = bench.accounts.log_in("maria", PASSWORD).await.unwrap();
    let mut over = pin!(bench.accounts.wait_for_session_end(token.reveal(), Duration::from_millis(1)));
    let looked = tokio::time::timeout(Duration::from_millis(50), &mut over).await;
    assert!(looked.is_err(), "the session continues, however often it is looked up");
    bench.accounts.set_password("maria", Some(Role::Operator), "another horse").await.unwrap();
    over.await;
}

#[tokio::test]
async fn a_new_password_ends_the_sessions_and_the_old_password() {
    let bench = Bench::with_maria().await;
    let (_, token) = bench.accounts.log_in("maria", PASSWORD).await.unwrap();
    bench.accounts.set_password("maria", Some(Role::Admin), "another horse").await.unwrap();
    assert_eq!(bench.accounts.session(token.reveal()).await.unwrap(), None);
    assert!(matches!(bench.refused("maria", PASSWORD).await, LogInError::WrongCredentials));
    assert_eq!(bench.accounts.log_in("maria", "another horse").await.unwrap().0.person().role, Role::Admin);
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
        assert_eq!(bench.accounts.log_in(name, PASSWORD).await.unwrap().0.person().role, expected);
    }
}

#[tokio::test]
async fn after_five_wrong_passwords_the_right_one_must_wait_too() {
    let bench = Bench::with_maria().await;
    for _ in 0..5 {
        assert!(matches!(bench.refused("maria", "wrong horse").await, LogInError::WrongCredentials));
    }
    let error = bench.refused("maria", PASSWORD).await;
    let text = "Too many wrong passwords for this name. Try again in 15 seconds.";
    assert_eq!(error.to_string(), text);
    assert_eq!(bench.audited().await.len(), 1, "the audit log gets a summary, later");
    bench.clock.advance(TimeDelta::seconds(15));
    assert!(bench.accounts.log_in("maria", PASSWORD).await.is_ok());
    assert!(
        matches!(bench.refused("maria", "wrong horse").await, LogInError::WrongCredentials),
        "the count starts again"
    );
}

#[tokio::test]
async fn an_unknown_name_must_wait_like_a_known_one() {
    let bench = Bench::with_maria().await;
    for _ in 0..5 {
        assert!(matches!(bench.refused("nobody", "wrong horse").await, LogInError::WrongCredentials));
    }
    assert!(matches!(bench.refused("nobody", "wrong horse").await, LogInError::TooManyAttempts(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_guesses_do_not_avoid_the_wait() {
    let bench = Bench::with_maria().await;
    let guesses: Vec<_> = (0..20)
        .map(|_| {
            let accounts = bench.accounts.clone();
            tokio::spawn(async move { accounts.log_in("maria", "wrong horse").await.map(|_| ()) })
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
            tokio::spawn(async move { accounts.log_in(&format!("n{i}"), PASSWORD).await.map(|_| ()) })
        })
        .collect();
    let mut busy = 0;
    for one in crowd {
        busy += u32::from(matches!(one.await.unwrap(), Err(LogInError::Busy)));
    }
    assert!(busy > 0, "60 do not fit into the queue");
    assert!(bench.accounts.log_in("maria", PASSWORD).await.is_ok(), "there is room again afterwards");
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
    fleet.accounts().log_in("nobody", PASSWORD).await.unwrap_err();
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
    let log_in = async |origin: &Origin, name: &str, password: &str| {
        bench.accounts.log_in_from(origin, name, password).await
    };
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
    let device = bench.accounts.log_in_from(&at(1), "maria", PASSWORD).await.unwrap().device;
    let mut last = Ok(());
    for stranger in 2..=110 {
        last = bench.accounts.log_in_from(&at(stranger), "maria", "wrong horse").await.map(|_| ());
    }
    assert!(matches!(last, Err(LogInError::TooManyAttempts(_))), "all of them together: {last:?}");
    assert!(bench.accounts.log_in_from(&at(1), "maria", PASSWORD).await.is_err(), "without the device");
    let known = Origin { device: Some(device.clone()), ..at(1) };
    let again = bench.accounts.log_in_from(&known, "maria", PASSWORD).await.unwrap();
    assert_eq!(again.device, device);
    for _ in 0..5 {
        let wrong = bench.accounts.log_in_from(&known, "maria", "wrong horse").await.unwrap_err();
        assert!(matches!(wrong, LogInError::WrongCredentials), "{wrong}");
    }
    let wrong = bench.accounts.log_in_from(&known, "maria", PASSWORD).await.unwrap_err();
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
    let device = bench.accounts.log_in_from(&planted, "maria", PASSWORD).await.unwrap().device;
    assert_ne!(device.reveal(), "planted");
    let marias = Origin { device: Some(device.clone()), ..at(1) };
    let jonas = bench.accounts.log_in_from(&marias, "jonas", PASSWORD).await.unwrap().device;
    assert_ne!(jonas, device);
    bench.clock.advance(DEVICE_LIFETIME);
    assert_ne!(bench.accounts.log_in_from(&marias, "maria", PASSWORD).await.unwrap().device, device);
}

#[tokio::test]
async fn invalid_names_and_passwords_are_rejected() {
    let bench = Bench::new().await;
    for password in ["", "1234567", &"x".repeat(MAX_PASSWORD_BYTES + 1)] {
        let refused = bench.accounts.set_password("maria", Some(Role::Viewer), password).await;
        assert!(matches!(refused, Err(AccountError::Password)), "{refused:?}");
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
        .set_password("Ana María", Some(Role::Viewer), &"x".repeat(MAX_PASSWORD_BYTES))
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
