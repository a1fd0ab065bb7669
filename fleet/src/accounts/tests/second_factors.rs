//! Second factors, with codes as Debian's `oathtool` computes them.

use std::process::Command;

use super::*;
use crate::accounts::{MasterKey, OwnSecondFactor, SecondFactorError};

const WRONG: &str = "000000";

/// The code of this seed at the bench's time, as `oathtool` computes it.
fn oathtool(bench: &Bench, base32: &str) -> String {
    let now = bench.clock.now().format("%Y-%m-%d %H:%M:%S UTC").to_string();
    let output = Command::new("oathtool").args(["--totp", "--base32", "--now", &now, base32]).output();
    let output = output.expect("oathtool is installed: `cargo xtask setup`");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A bench with a master key, whose maria has a second factor: its seed, and her recovery codes.
async fn with_factor() -> (Bench, tempfile::TempDir, String, Vec<String>) {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::with_maria().await;
    let key = MasterKey::open_or_make(dir.path().join("key")).unwrap();
    let accounts = Accounts::new(bench.store.clone(), bench.clock.clone()).with_master_key(Some(key));
    let bench = Bench { accounts: Arc::new(accounts), ..bench };
    let (maria, _) = bench.log_in("maria").await;
    bench.accounts.begin_second_factor(&maria).await.unwrap();
    let OwnSecondFactor::SettingUp(seed) = bench.accounts.own_second_factor(&maria).await.unwrap() else {
        panic!("it is being set up");
    };
    assert!(bench.accounts.log_in("maria", PASSWORD, &Visitor::default()).await.is_ok(), "not yet");
    let confirm =
        async |password: &str, code: &str| bench.accounts.confirm_second_factor(&maria, password, code).await;
    let code = oathtool(&bench, &seed.base32);
    assert!(matches!(confirm(PASSWORD, WRONG).await, Err(SecondFactorError::Check(LogInError::WrongCode))));
    assert!(matches!(
        confirm(OTHER, &code).await,
        Err(SecondFactorError::Check(LogInError::WrongCredentials))
    ));
    let codes = confirm(PASSWORD, &code).await.unwrap();
    assert!(matches!(confirm(PASSWORD, &code).await, Err(SecondFactorError::Changed)));
    assert_eq!(bench.accounts.own_second_factor(&maria).await.unwrap(), OwnSecondFactor::On(8));
    (bench, dir, seed.base32, codes)
}

/// The token of a log-in that waits for its code.
async fn pending(bench: &Bench) -> Secret {
    match bench.accounts.log_in("maria", PASSWORD, &Visitor::default()).await {
        Err(LogInError::CodeNeeded(token)) => token,
        other => panic!("{other:?}"),
    }
}

async fn enter(bench: &Bench, token: &Secret, code: &str) -> Result<(), LogInError> {
    bench.accounts.log_in_with_code(token.reveal(), code, &Visitor::default()).await.map(drop)
}

/// Maria, logged in with a recovery code.
async fn recovered(bench: &Bench, code: &str) -> Actor {
    let token = pending(bench).await;
    bench.accounts.log_in_with_code(token.reveal(), code, &Visitor::default()).await.unwrap().actor
}

#[tokio::test]
async fn a_log_in_takes_the_code_of_this_moment_once() {
    let (bench, _dir, seed, _) = with_factor().await;
    let token = pending(&bench).await;
    let confirmed_with = oathtool(&bench, &seed);
    assert!(
        matches!(enter(&bench, &token, &confirmed_with).await, Err(LogInError::WrongCode)),
        "it was used"
    );
    bench.clock.advance(TimeDelta::seconds(30));
    let code = oathtool(&bench, &seed);
    assert!(matches!(enter(&bench, &Secret::random(), &code).await, Err(LogInError::TooLate)));
    enter(&bench, &token, &format!(" {} {}", &code[..3], &code[3..])).await.unwrap();
    assert!(matches!(enter(&bench, &token, &code).await, Err(LogInError::TooLate)), "the log-in is over");
    let again = pending(&bench).await;
    assert!(matches!(enter(&bench, &again, &code).await, Err(LogInError::WrongCode)), "a replay");
    bench.clock.advance(TimeDelta::minutes(5));
    let code = oathtool(&bench, &seed);
    assert!(matches!(enter(&bench, &again, &code).await, Err(LogInError::TooLate)), "five minutes are over");
    let wrong = bench.accounts.log_in("maria", OTHER, &Visitor::default()).await;
    assert!(
        matches!(wrong, Err(LogInError::WrongCredentials)),
        "a wrong password does not reveal the factor"
    );
}

#[tokio::test]
async fn codes_cannot_be_guessed_and_a_right_password_does_not_reset_the_wait() {
    let (bench, _dir, seed, _) = with_factor().await;
    bench.clock.advance(TimeDelta::seconds(30));
    for _ in 0..5 {
        let token = pending(&bench).await;
        assert!(matches!(enter(&bench, &token, WRONG).await, Err(LogInError::WrongCode)));
    }
    let token = pending(&bench).await;
    let code = oathtool(&bench, &seed);
    assert!(matches!(enter(&bench, &token, &code).await, Err(LogInError::TooManyCodes(_))));
    bench.accounts.report_refused(true).await.unwrap();
    assert_eq!(bench.audited().await.last().unwrap().1, "login.refused");
    bench.clock.advance(TimeDelta::seconds(15));
    enter(&bench, &token, &oathtool(&bench, &seed)).await.unwrap();
}

#[tokio::test]
async fn a_recovery_code_works_once_without_the_device() {
    let (bench, _dir, _, codes) = with_factor().await;
    let spelled = codes[0].to_uppercase().replace('-', " ");
    enter(&bench, &pending(&bench).await, &spelled).await.unwrap();
    assert!(matches!(enter(&bench, &pending(&bench).await, &codes[0]).await, Err(LogInError::WrongCode)));
    let maria = recovered(&bench, &codes[1]).await;
    assert_eq!(bench.accounts.own_second_factor(&maria).await.unwrap(), OwnSecondFactor::On(6));
    assert!(bench.audited().await.contains(&pair("maria", "second-factor.recovery")));
    bench.accounts.remove_own_second_factor(&maria, &codes[2]).await.unwrap();
    bench.log_in("maria").await;
}

#[tokio::test]
async fn an_administrator_removes_a_lost_second_factor_and_the_log_says_so() {
    let (bench, _dir, _, codes) = with_factor().await;
    let maria = recovered(&bench, &codes[0]).await;
    let refused = bench.accounts.reset_second_factor(&maria, "maria").await;
    assert!(matches!(refused, Err(SecondFactorError::Account(AccountError::NotAllowed(_)))), "{refused:?}");
    bench.accounts.reset_second_factor(&Actor::console(), "maria").await.unwrap();
    assert_eq!(bench.audited().await.last(), Some(&pair("console", "user.second-factor-removed")));
    bench.log_in("maria").await;
}

#[tokio::test]
async fn seeds_stay_readable_when_the_master_key_is_rotated() {
    let (bench, dir, seed, _) = with_factor().await;
    let file = dir.path().join("key");
    let old = std::fs::read_to_string(&file).unwrap();
    let key = MasterKey::open(&file).unwrap();
    key.add().unwrap();
    assert_eq!(bench.accounts.reseal_seeds().await.unwrap(), 1);
    key.drop_others().unwrap();
    assert!(!std::fs::read_to_string(&file).unwrap().contains(old.trim()));
    bench.clock.advance(TimeDelta::seconds(30));
    enter(&bench, &pending(&bench).await, &oathtool(&bench, &seed)).await.unwrap();
    std::fs::write(&file, old).unwrap();
    bench.clock.advance(TimeDelta::seconds(30));
    let failed = enter(&bench, &pending(&bench).await, &oathtool(&bench, &seed)).await.unwrap_err();
    assert!(failed.to_string().contains("the file is not the one that sealed it"), "{failed}");
}
