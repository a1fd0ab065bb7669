//! The database fails right after a write: what was recorded is still carried out and published.

use std::sync::atomic::Ordering;
use std::time::Duration;

use backstay_model::wire::event::Event;
use backstay_model::{Commit, DesiredState, OpAction, OpStatus, Outcome};

use tokio_util::sync::CancellationToken;

use super::Bench;
use crate::background::Schedule;
use crate::store::OpFilter;

impl Bench {
    /// Runs a statement behind the server's back.
    async fn run(&self, sql: &'static str) {
        let pool = self.database.connect().await;
        sqlx::raw_sql(sql).execute(&pool).await.unwrap();
        pool.close().await;
    }

    /// No op takes a step until [`Self::steps_again`].
    async fn no_step(&self) {
        self.run(
            "CREATE TRIGGER no_step BEFORE UPDATE OF status ON ops
                 BEGIN SELECT RAISE(ABORT, 'the disk is full'); END",
        )
        .await;
    }

    async fn steps_again(&self) {
        self.run("DROP TRIGGER no_step").await;
    }

    /// No host can be read until [`Self::hosts_again`].
    async fn no_host_is_read(&self) {
        self.run("UPDATE hosts SET tags = 'x' || tags").await;
    }

    async fn hosts_again(&self) {
        self.run("UPDATE hosts SET tags = substr(tags, 2)").await;
    }

    /// Returns whether new pages show the host as connected.
    async fn is_shown_online(&self) -> bool {
        self.fleet.snapshot().await.unwrap().hosts[0].online
    }
}

#[tokio::test]
async fn an_op_that_was_recorded_is_answered_as_such_and_sent_with_the_next_look() {
    let bench = Bench::new().await;
    let mut agent = bench.connect(&[]).await;
    bench.no_step().await;
    let op = bench.fleet.request_op(&bench.person, "gpc0", OpAction::Refresh, None).await.unwrap();
    assert_eq!((op.status, agent.runs()), (OpStatus::Queued, vec![]));
    bench.steps_again().await;
    bench.after(Duration::from_secs(1)).await;
    assert_eq!(agent.runs(), [op.id]);
    bench.after(Duration::from_secs(1)).await;
    assert!(agent.runs().is_empty(), "once");
}

#[tokio::test]
async fn a_cancel_that_was_recorded_is_answered_as_such_though_no_page_can_be_told() {
    let bench = Bench::new().await;
    let agent = bench.connect(&[]).await;
    let op = bench.ask(OpAction::Refresh).await;
    bench.no_host_is_read().await;
    bench.fleet.cancel_op(&bench.person, op).await.unwrap();
    bench.hosts_again().await;
    agent.finish(op, Outcome::Cancelled, 0, 48).await;
    assert_eq!(bench.op(op).await.status, OpStatus::Cancelled);
}

#[tokio::test]
async fn a_host_that_left_while_the_database_failed_is_shown_as_away_with_the_next_look() {
    let bench = Bench::new().await;
    let agent = bench.connect(&[]).await;
    assert!(bench.is_shown_online().await);
    bench.no_host_is_read().await;
    agent.leave().await;
    assert!(bench.is_shown_online().await, "nobody could be notified");
    bench.hosts_again().await;
    bench.after(Duration::from_secs(1)).await;
    assert!(!bench.is_shown_online().await);
}

#[tokio::test]
async fn a_branch_that_moved_while_the_database_failed_is_told_with_the_next_look() {
    let bench = Bench::new().await;
    bench.fleet.snapshot().await.unwrap();
    let commit = Commit("c49".into());
    let read_at = "2026-01-01T00:00:00Z".parse().unwrap();
    let moved = DesiredState::Known { tree: commit.clone(), commit, lock_hash: None, read_at };
    assert!(bench.fleet.set_desired(moved));
    bench.no_host_is_read().await;
    bench.fleet.publish_all().await;
    bench.hosts_again().await;
    bench.after(Duration::from_secs(1)).await;
    assert_eq!(bench.fleet.snapshot().await.unwrap().hosts[0].lights.git.words, "Behind");
}

#[tokio::test]
async fn a_deployment_that_missed_an_op_is_told_until_it_has_heard() {
    let bench = Bench::new().await;
    let missed = &bench.fleet.deployment_is_behind;
    missed.store(true, Ordering::SeqCst);
    bench.run("ALTER TABLE deployments RENAME TO away").await;
    assert!(bench.fleet.tick().await.is_err());
    assert!(missed.load(Ordering::SeqCst), "it is not forgotten");
    bench.run("ALTER TABLE away RENAME TO deployments").await;
    bench.fleet.tick().await.unwrap();
    assert!(!missed.load(Ordering::SeqCst));
}

#[tokio::test]
async fn pages_hear_of_an_op_as_it_is_however_late_they_are_told() {
    let bench = Bench::new().await;
    let _agent = bench.connect(&[]).await;
    let sent = bench.op(bench.ask(OpAction::Refresh).await).await;
    assert_eq!(sent.status, OpStatus::Sent);
    bench.fleet.op_accepted(bench.host.id, sent.id).await.unwrap();
    let before = bench.fleet.events().last();
    bench.fleet.publish_op(&sent).await;
    let told = bench.fleet.events().subscribe(Some(before)).missed;
    let op = told.iter().find_map(|event| match serde_json::from_str(&event.json).unwrap() {
        Event::Op { op } => Some(op),
        _ => None,
    });
    assert_eq!(op.unwrap().status, OpStatus::Running, "nothing older comes after it");
}

/// The lights follow the newest op of a host, and ids say which that is.
#[tokio::test]
async fn a_new_op_is_the_newest_although_the_clock_was_ahead_before_the_server_started() {
    let bench = Bench::new().await;
    let op = bench.ask(OpAction::Test).await;
    bench.fleet.cancel_op(&bench.person, op).await.unwrap();
    bench.run("UPDATE ops SET id = '02bb1f5a-d3e7-7fff-bfff-ffffffffffff'").await;
    let schedule = Schedule { repository: None, poll: Duration::from_mins(1) };
    drop(bench.fleet.start_background(schedule, CancellationToken::new()).await.unwrap());
    let later = bench.ask(OpAction::Test).await;
    let newest = bench.fleet.store.ops(&OpFilter { limit: 1, ..OpFilter::default() }).await.unwrap();
    assert_eq!(newest[0].id, later);
}
