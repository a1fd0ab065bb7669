//! The results of ops depend on the state of the host, and on nothing known before.

use std::time::Duration;

use backstay_model::wire::message::{AgentMessage, OpResult, ServerMessage};
use backstay_model::{Facts, OpAction, OpId, OpStatus, OpView, Outcome, State, TestRun, sample};
use chrono::{DateTime, Utc};

use super::{Agent, Bench, policy, rollback};
use backstay_model::Clock as _;

fn run(facts: &Facts, at: DateTime<Utc>, results: &[(&str, bool)]) -> TestRun {
    sample::run_on(facts.current().unwrap(), at, results)
}

impl Agent<'_> {
    /// Ends the op with this result and facts with these runs.
    async fn ends(&self, op: OpId, outcome: Outcome, runs: Vec<TestRun>) -> OpView {
        let facts = Box::new(Facts { test_runs: runs, ..self.bench.facts(48) });
        let message = "1 of 2 tests passed on Gen 48. Failed: gpu.".to_owned();
        let result = OpResult { message, ..self.bench.result(outcome) };
        let stored = self.say(AgentMessage::Finished { op, result, lines: 0, facts }).await;
        assert_eq!(stored, Some(ServerMessage::FinishStored { op }));
        self.bench.op(op).await
    }
}

#[tokio::test]
async fn tests_of_which_one_failed_did_not_succeed() {
    let bench = Bench::new().await;
    let agent = bench.connect(&[]).await;
    let op = bench.ask(OpAction::Test).await;
    agent.say(AgentMessage::Accepted { op }).await;
    let own = run(&bench.facts(48), bench.clock.now(), &[("dns", true), ("gpu", false)]);
    let op = agent.ends(op, Outcome::Failed, vec![own]).await;
    assert_eq!((op.status, op.failed_tests), (OpStatus::Failed, vec!["gpu".to_owned()]));
    assert_eq!(op.message.as_deref(), Some("1 of 2 tests passed on Gen 48. Failed: gpu."));
    assert_eq!(bench.audited().await, ["test.requested", "test.failed"]);
    bench.fleet.retry_op(&bench.person, op.id).await.unwrap();
}

#[tokio::test]
async fn tests_are_judged_by_their_own_run() {
    for (outcome, passed, status) in [
        (Outcome::Completed, true, OpStatus::Succeeded),
        (Outcome::Completed, false, OpStatus::Failed),
        (Outcome::Failed, false, OpStatus::Failed),
    ] {
        let bench = Bench::new().await;
        let agent = bench.connect(&[]).await;
        let before = bench.clock.now();
        bench.clock.advance(chrono::TimeDelta::hours(1));
        let op = bench.ask(OpAction::Test).await;
        agent.say(AgentMessage::Accepted { op }).await;
        // What was known before shows the opposite.
        let old = run(&bench.facts(48), before, &[("gpu", !passed)]);
        let own = run(&bench.facts(48), bench.clock.now(), &[("gpu", passed)]);
        let op = agent.ends(op, outcome, vec![old, own]).await;
        assert_eq!((op.status, op.failed_tests.is_empty()), (status, passed));
    }
}

#[tokio::test]
async fn a_run_that_the_facts_do_not_hold_is_judged_by_the_agents_word() {
    for (outcome, status) in [(Outcome::Completed, OpStatus::Succeeded), (Outcome::Failed, OpStatus::Failed)]
    {
        let bench = Bench::new().await;
        let agent = bench.connect(&[]).await;
        let before = bench.clock.now();
        bench.clock.advance(chrono::TimeDelta::hours(1));
        let op = bench.ask(OpAction::Test).await;
        agent.say(AgentMessage::Accepted { op }).await;
        let old = run(&bench.facts(48), before, &[("gpu", outcome != Outcome::Completed)]);
        assert_eq!(agent.ends(op, outcome, vec![old]).await.status, status);
    }
}

#[tokio::test]
async fn tests_whose_end_comes_on_a_connection_that_was_given_up_are_judged_by_it() {
    let bench = Bench::new().await;
    let old = bench.connect(&[]).await;
    let op = bench.ask(OpAction::Test).await;
    old.say(AgentMessage::Accepted { op }).await;
    let _new = bench.connect(&[op]).await;
    let own = run(&bench.facts(48), bench.clock.now(), &[("gpu", false)]);
    let op = old.ends(op, Outcome::Completed, vec![own]).await;
    assert_eq!((op.status, op.failed_tests), (OpStatus::Failed, vec!["gpu".to_owned()]));
}

#[tokio::test]
async fn a_rollback_that_got_there_is_a_success_in_the_list_of_rollbacks_and_is_tested_however_it_ended() {
    for outcome in [Outcome::TimedOut, Outcome::Failed] {
        let bench = Bench::new().await;
        let agent = bench.connect(&[]).await;
        let op = bench.ask(rollback()).await;
        agent.finish(op, outcome, 0, 47).await;
        assert!(!matches!(bench.op(op).await.status, OpStatus::Succeeded));
        let rows = bench.fleet.store.rollbacks(bench.host.id).await.unwrap();
        assert_eq!(rows.iter().map(|row| row.success).collect::<Vec<_>>(), [true], "the host reached it");
        let tests = bench.open().await.expect("what came back has to prove itself");
        assert_eq!(tests.action, OpAction::Test);
    }
}

#[tokio::test]
async fn a_lost_rollback_that_got_there_is_tested_when_the_host_is_back() {
    let bench = Bench::new().await;
    let agent = bench.connect(&[]).await;
    let op = bench.ask(rollback()).await;
    agent.say(AgentMessage::Accepted { op }).await;
    agent.leave().await;
    bench.after(policy::of(backstay_model::OpKind::Rollback).timeout + Duration::from_mins(10)).await;
    assert_eq!(bench.op(op).await.status, OpStatus::Lost);
    let agent = bench.connect(&[op]).await;
    agent.finish(op, Outcome::Failed, 0, 47).await;
    assert_eq!(bench.open().await.unwrap().action, OpAction::Test);
}

#[tokio::test]
async fn a_rollback_that_moved_nothing_is_none() {
    for outcome in [Outcome::Failed, Outcome::Cancelled, Outcome::TimedOut, Outcome::Refused] {
        let bench = Bench::new().await;
        let agent = bench.connect(&[]).await;
        let op = bench.ask(rollback()).await;
        agent.finish(op, outcome, 0, 48).await;
        assert_eq!(bench.fleet.store.rollbacks(bench.host.id).await.unwrap(), [], "{outcome:?}");
        assert_eq!(bench.open().await, None, "nothing came back, so nothing is tested");
        assert_eq!(bench.audited().await.len(), 2, "the audit log has it");
    }
}

#[tokio::test]
async fn a_refused_rollback_does_not_hide_that_the_switch_before_it_failed() {
    let bench = Bench::new().await;
    let agent = bench.connect(&[]).await;
    let switch = bench.ask(OpAction::Switch).await;
    agent.finish(switch, Outcome::Failed, 0, 48).await;
    let refused = bench.ask(rollback()).await;
    agent.finish(refused, Outcome::Refused, 0, 48).await;
    let host = &bench.fleet.snapshot().await.unwrap().hosts[0];
    assert_eq!(host.lights.system.words, "Switch failed");
    assert_eq!(host.lights.system.state, State::Failed);
}
