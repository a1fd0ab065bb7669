//! Turns run in a task of their own: nobody else waits for one that is slow or fails.

use std::time::Duration;

use backstay_model::wire::message::{AgentMessage, ServerMessage};
use backstay_model::{OpKind, Outcome, sample};

use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};

use super::bench::Bench;

/// Ends the switch of gpc0, whose tests do not run automatically, and returns whether the server answers.
async fn ends_and_is_answered(bench: &mut Bench) -> bool {
    let (op, _) = bench.begin("gpc0").await;
    let now = bench.later();
    bench.host("gpc0").takes_up_its_checkout(now);
    let host = &bench.hosts["gpc0"];
    let result = sample::op_result(Outcome::Completed, "Switched to Gen 49.", now);
    let end = AgentMessage::Finished { op, result, lines: 0, facts: Box::new(host.facts(now)) };
    let answer = bench.fleet.handle_message(host.connection.as_ref().unwrap(), end);
    match tokio::time::timeout(Duration::from_secs(20), answer).await {
        Ok(answer) => answer.unwrap() == Some(ServerMessage::FinishStored { op }),
        Err(_) => false,
    }
}

/// Changes the database behind the server's back.
async fn run(bench: &Bench, sql: &'static str) {
    let pool = SqlitePool::connect_with(SqliteConnectOptions::new().filename(bench.file())).await.unwrap();
    sqlx::raw_sql(sql).execute(&pool).await.unwrap();
    pool.close().await;
}

/// A roll-out on gpc0 and imac0, one after the other.
async fn bench() -> Bench {
    let mut bench = Bench::new(&["gpc0", "imac0"]).await;
    bench.fleet.set_auto_test(&bench.maria, "gpc0", false).await.unwrap();
    bench.start(OpKind::Switch, &["gpc0", "imac0"], 1).await;
    bench
}

#[tokio::test]
async fn an_agent_is_answered_while_a_turn_waits_for_another_host() {
    let mut bench = bench().await;
    let turns = tokio::spawn(bench.fleet.clone().advance_rollouts());
    let lock = bench.fleet.hub.dispatch_lock(bench.id("imac0"));
    let slow = lock.lock().await;
    assert!(ends_and_is_answered(&mut bench).await);
    while bench.steps().await != ["gpc0 ok", "imac0 running"] {
        tokio::task::yield_now().await;
    }
    assert!(bench.received("imac0").is_empty(), "the turn has not sent it yet");
    drop(slow);
    while bench.received("imac0").is_empty() {
        tokio::task::yield_now().await;
    }
    turns.abort();
}

#[tokio::test]
async fn an_agent_is_answered_though_the_turn_fails_and_a_later_turn_makes_up_for_it() {
    let mut bench = bench().await;
    run(
        &bench,
        "CREATE TRIGGER broken BEFORE UPDATE ON rollout_hosts BEGIN SELECT RAISE(ABORT, 'broken'); END",
    )
    .await;
    assert!(ends_and_is_answered(&mut bench).await);
    bench.fleet.settle().await;
    assert_eq!(bench.steps().await, ["gpc0 running", "imac0 waiting"]);
    run(&bench, "DROP TRIGGER broken").await;
    bench.after(Duration::from_secs(1)).await;
    assert_eq!(bench.steps().await, ["gpc0 ok", "imac0 running"]);
}
