//! Logging in, and strangers who guess.

use super::*;

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
