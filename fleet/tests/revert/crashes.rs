//! The server dies between any two of its requests, and the branch moves in between.

use backstay_fleet::github::revert::Reverted;
use backstay_github_stand_in::{Change, Moment};

use crate::bench::{Bench, MESSAGE};

/// Upper bound on the requests of one revert.
const REQUESTS: usize = 24;

#[tokio::test]
async fn a_server_that_dies_between_any_two_requests_reverts_once() {
    let mut stopped = 0;
    for number in 0..REQUESTS {
        for moment in [Moment::Before, Moment::After] {
            let bench = Bench::merged().await;
            stopped += usize::from(die_at(&bench, number, moment).await);
            // The next server resumes it.
            let again = bench.revert().await.unwrap();
            assert!(
                matches!(again, Reverted::Pushed(_) | Reverted::Already(_)),
                "{number} {moment:?}: {again:?}"
            );
            assert_eq!(bench.reverts(), 1, "{number} {moment:?}");
            assert_eq!(bench.git.say(&["show", "main:flake.lock"]), "old");
            assert_eq!(bench.git.say(&["show", "main:later"]), "l");
            bench.no_scratch_branch();
            // And a second click does nothing.
            assert!(matches!(bench.revert().await.unwrap(), Reverted::Already(_)));
            assert_eq!(bench.reverts(), 1);
        }
    }
    assert!(stopped > 20, "a revert was stopped {stopped} times only");
}

/// Lets a revert continue up to its request of this number. Returns whether it came that far.
async fn die_at(bench: &Bench, number: usize, moment: Moment) -> bool {
    let mut gate = bench.stand_in.gate(moment, |_| true);
    let revert = bench.revert();
    tokio::pin!(revert);
    for _ in 0..number {
        tokio::select! {
            _ = &mut revert => return false,
            stopped = gate.stops() => stopped.let_go(),
        }
    }
    tokio::select! {
        _ = &mut revert => false,
        stopped = gate.stops() => {
            stopped.hang_up();
            true
        }
    }
}

#[tokio::test]
async fn a_branch_that_moves_meanwhile_is_reverted_as_it_is_then() {
    let bench = Bench::merged().await;
    let mut gate = bench.stand_in.gate(Moment::Before, |asked| asked.is("PATCH", "git/refs/heads/main"));
    let moving = async {
        for number in 0..2 {
            let stopped = gate.stops().await;
            let path = format!("in-between-{number}");
            bench.commit("In between", &[Change::write(path, "m\n")]).await;
            stopped.let_go();
        }
        gate.stops().await.let_go();
    };
    let (reverted, ()) = tokio::join!(bench.revert(), moving);
    let Reverted::Pushed(revert) = reverted.unwrap() else { panic!("it was not pushed") };
    assert_eq!(bench.head().await, revert.0);
    assert_eq!(bench.reverts(), 1);
    for file in ["later", "in-between-0", "in-between-1"] {
        bench.git.say(&["cat-file", "-e", &format!("main:{file}")]);
    }
    assert_eq!(bench.git.say(&["show", "main:flake.lock"]), "old");
    bench.no_scratch_branch();
}

#[tokio::test]
async fn two_clicks_at_once_on_one_record_make_one_revert_at_a_time() {
    let bench = Bench::merged().await;
    bench.revert().await.unwrap();
    let again = bench.revert().await.unwrap();
    assert!(matches!(again, Reverted::Already(_)), "{again:?}");
    assert_eq!(bench.git.say(&["log", "-1", "--format=%s", "main"]), MESSAGE);
}
