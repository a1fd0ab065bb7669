//! “Stop the tests and roll back”: one request, whatever happens between the two.

use std::time::Duration;

use backstay_model::wire::message::{AgentMessage, ServerMessage};
use backstay_model::{OpAction, OpId, OpKind, OpStatus, Outcome, sample};

use super::{Agent, Bench, policy};
use crate::ops::request::{RequestError, RequestedRollback};
use crate::{Fleet, test_fleet};
use backstay_model::rollback::Specialisation;

fn asked(stop_tests: bool) -> RequestedRollback {
    let reference = |number| sample::generation(number, 0).reference();
    let reason = Some("DNS is down".to_owned());
    RequestedRollback {
        target: reference(47),
        seen_current: reference(48),
        specialisation: Specialisation::Keep,
        reason,
        stop_tests,
        give_up_after: None,
    }
}

impl Bench {
    /// Starts tests on the host.
    async fn testing(&self, agent: &mut Agent<'_>) -> OpId {
        let tests = self.ask(OpAction::Test).await;
        assert_eq!(agent.runs(), [tests]);
        agent.say(AgentMessage::Accepted { op: tests }).await;
        tests
    }

    async fn stop_tests_and_roll_back(&self) -> OpId {
        let op = self.fleet.request_rollback(&self.person, "gpc0", asked(true)).await.unwrap();
        assert_eq!((op.status, op.waits), (OpStatus::Queued, true));
        op.id
    }

    /// Another server on the same database.
    fn restart(&mut self) {
        self.fleet = Fleet::new(test_fleet::config(self.fleet.store.clone(), &self.clock));
    }
}

#[tokio::test]
async fn the_tests_are_cancelled_and_the_rollback_begins_when_they_have_ended() {
    let bench = Bench::new().await;
    let mut agent = bench.connect(&[]).await;
    let tests = bench.testing(&mut agent).await;
    let busy = bench.fleet.request_rollback(&bench.person, "gpc0", asked(false)).await;
    assert!(
        matches!(busy, Err(RequestError::HostBusy { .. })),
        "without that wish the host is busy: {busy:?}"
    );
    let rollback = bench.stop_tests_and_roll_back().await;
    assert_eq!(agent.messages(), [ServerMessage::Cancel { op: tests }]);
    bench.after(Duration::from_secs(1)).await;
    assert!(agent.messages().is_empty(), "it is not sent while the tests run");
    agent.finish(tests, Outcome::Cancelled, 0, 48).await;
    assert_eq!(agent.runs(), [rollback]);
    assert_eq!(bench.op(tests).await.status, OpStatus::Cancelled);
    agent.finish(rollback, Outcome::Completed, 0, 47).await;
    assert_eq!(bench.op(rollback).await.status, OpStatus::Succeeded);
    assert_eq!(
        bench.audited().await,
        [
            "test.requested",
            "test.cancel-requested",
            "rollback.requested",
            "test.cancelled",
            "rollback.succeeded",
            "test.requested"
        ]
    );
}

#[tokio::test]
async fn tests_that_end_before_the_cancel_arrives_end_as_they_did() {
    let bench = Bench::new().await;
    let mut agent = bench.connect(&[]).await;
    let tests = bench.testing(&mut agent).await;
    let rollback = bench.stop_tests_and_roll_back().await;
    agent.messages();
    agent.finish(tests, Outcome::Completed, 0, 48).await;
    assert_eq!(bench.op(tests).await.status, OpStatus::Succeeded);
    assert_eq!(agent.runs(), [rollback]);
}

#[tokio::test]
async fn tests_that_wait_for_their_host_are_taken_back() {
    let bench = Bench::new().await;
    let tests = bench.ask(OpAction::Test).await;
    let op = bench.fleet.request_rollback(&bench.person, "gpc0", asked(true)).await.unwrap();
    assert_eq!((op.waits, op.stops), (false, Some(tests)));
    assert_eq!(bench.op(tests).await.status, OpStatus::Cancelled);
    assert_eq!(bench.connect(&[]).await.runs(), [op.id]);
}

#[tokio::test]
async fn a_host_that_is_away_hears_of_both_when_it_is_back_also_from_another_server() {
    for restart in [false, true] {
        let mut bench = Bench::new().await;
        let mut agent = bench.connect(&[]).await;
        let tests = bench.testing(&mut agent).await;
        agent.leave().await;
        let rollback = bench.stop_tests_and_roll_back().await;
        if restart {
            bench.restart();
        }
        let mut agent = bench.connect(&[tests]).await;
        assert_eq!(agent.messages(), [ServerMessage::Cancel { op: tests }]);
        agent.finish(tests, Outcome::Cancelled, 0, 48).await;
        assert_eq!(agent.runs(), [rollback]);
    }
}

#[tokio::test]
async fn tests_that_never_arrived_are_taken_back_when_the_host_is_back() {
    let bench = Bench::new().await;
    let agent = bench.connect(&[]).await;
    let tests = bench.ask(OpAction::Test).await;
    agent.leave().await;
    let rollback = bench.stop_tests_and_roll_back().await;
    assert_eq!(bench.connect(&[]).await.runs(), [rollback]);
    assert_eq!(bench.op(tests).await.status, OpStatus::Cancelled);
}

#[tokio::test]
async fn a_rollback_does_not_wait_for_tests_that_are_lost() {
    let bench = Bench::new().await;
    let mut agent = bench.connect(&[]).await;
    let tests = bench.testing(&mut agent).await;
    agent.leave().await;
    let rollback = bench.stop_tests_and_roll_back().await;
    bench.after(policy::of(OpKind::Test).timeout + Duration::from_mins(10)).await;
    assert_eq!(bench.op(tests).await.status, OpStatus::Lost);
    assert_eq!(bench.connect(&[]).await.runs(), [rollback]);
}

#[tokio::test]
async fn a_rollback_that_waits_for_tests_can_be_taken_back() {
    let bench = Bench::new().await;
    let mut agent = bench.connect(&[]).await;
    let tests = bench.testing(&mut agent).await;
    let rollback = bench.stop_tests_and_roll_back().await;
    bench.fleet.cancel_op(&bench.person, rollback).await.unwrap();
    assert_eq!(bench.op(rollback).await.status, OpStatus::Cancelled);
    agent.messages();
    agent.finish(tests, Outcome::Cancelled, 0, 48).await;
    assert!(agent.runs().is_empty());
    assert_eq!(bench.open().await, None);
}

#[tokio::test]
async fn a_rollback_that_is_refused_leaves_the_tests_alone() {
    let bench = Bench::new().await;
    let mut agent = bench.connect(&[]).await;
    let tests = bench.testing(&mut agent).await;
    let gone = RequestedRollback { seen_current: asked(true).target, ..asked(true) };
    let refused = bench.fleet.request_rollback(&bench.person, "gpc0", gone).await;
    assert!(matches!(refused, Err(RequestError::Blocked(_))), "{refused:?}");
    assert!(agent.messages().is_empty());
    assert_eq!(bench.op(tests).await.cancel, None);
}

#[tokio::test]
async fn a_journal_that_loses_the_tests_publishes_their_host_once() {
    let bench = Bench::new().await;
    let mut agent = bench.connect(&[]).await;
    let tests = bench.testing(&mut agent).await;
    let rollback = bench.stop_tests_and_roll_back().await;
    agent.leave().await;
    let mut agent = bench.handshake().await;
    let before = bench.fleet.events.last();
    agent.reports(&[]).await;
    assert_eq!((bench.op(tests).await.status, agent.runs()), (OpStatus::Lost, vec![rollback]));
    let missed = bench.fleet.events.subscribe(Some(before)).missed;
    assert_eq!(missed.iter().filter(|event| event.name == "host").count(), 1);
}
