//! The server dies between any two of its writes, and the next one continues from what is recorded.

use std::time::Duration;

use backstay_model::Outcome;
use backstay_model::rollout::{Rollout, RolloutHost, RolloutState, RolloutStep};
use backstay_model::{OpAction, OpKind, OpStatus, sample};

use super::bench::Bench;
use crate::ops::record::request_entry;
use crate::ops::request::NewRequest;
use crate::store::OpStep;

const THREE: [&str; 3] = ["gpc0", "imac0", "hsb0"];

/// Records a roll-out, and ends the server.
async fn recorded(bench: &mut Bench) -> Rollout {
    let host = |name: &&str| RolloutHost::waiting(bench.id(name), (*name).to_owned(), OpAction::Switch);
    let rollout = sample::rollout(OpKind::Switch, THREE.iter().map(host).collect());
    bench.store.insert_rollout(&rollout, &bench.entry("rollout.started")).await.unwrap();
    bench.rollout = Some(rollout.id);
    rollout
}

async fn restarted(bench: &mut Bench) {
    bench.restart().await;
    for name in THREE {
        bench.connect(name).await;
    }
}

/// Lets the roll-out finish, and checks that each host began once.
async fn goes_on_to_its_end(mut bench: Bench) {
    for name in THREE {
        while !bench.received(name).is_empty() {
            if bench.received(name) == [OpKind::Test] {
                bench.tests(name, &[]).await;
            } else {
                bench.switches(name).await;
            }
        }
        assert_eq!(bench.begun(name).await, 1, "{name}");
    }
    assert_eq!(bench.steps().await, ["gpc0 ok", "imac0 ok", "hsb0 ok"]);
    assert_eq!(bench.rollout().await.state, RolloutState::Done);
    assert_eq!(bench.audited("rollout").await, ["rollout.started by maria", "rollout.done by server"]);
}

#[tokio::test]
async fn after_the_roll_out_was_recorded() {
    let mut bench = Bench::new(&THREE).await;
    recorded(&mut bench).await;
    restarted(&mut bench).await;
    goes_on_to_its_end(bench).await;
}

#[tokio::test]
async fn hosts_have_time_to_connect_before_they_count_as_away() {
    let mut bench = Bench::new(&THREE).await;
    recorded(&mut bench).await;
    bench.restart().await;
    let waiting = ["gpc0 waiting", "imac0 waiting", "hsb0 waiting"];
    assert_eq!(bench.steps().await, waiting);
    bench.connect("imac0").await;
    assert_eq!(bench.hosts_with_work(), ["imac0"]);
    bench.connect("hsb0").await;
    bench.takes_it_well("imac0").await;
    assert_eq!(bench.steps().await, ["gpc0 waiting", "imac0 ok", "hsb0 running"]);
    bench.after(Duration::from_mins(1)).await;
    assert_eq!(bench.steps().await[0], "gpc0 waiting", "the slot is held");
    bench.takes_it_well("hsb0").await;
    assert_eq!(bench.steps().await[0], "gpc0 running");
    bench.connect("gpc0").await;
    goes_on_to_its_end(bench).await;
}

#[tokio::test]
async fn after_the_op_was_recorded_with_its_hosts_step() {
    let mut bench = Bench::new(&THREE).await;
    let rollout = recorded(&mut bench).await;
    let host = bench.store.host(bench.id("gpc0")).await.unwrap().unwrap();
    let asked = NewRequest { by: "maria".into(), ..NewRequest::of(OpAction::Switch) };
    let (op, _) = bench.fleet.validated(&host, asked);
    let step = RolloutStep::Running { op: op.id };
    let entry = request_entry(&op, "gpc0");
    bench.store.begin_in_rollout(rollout.id, &step, &op, &entry).await.unwrap().unwrap();
    restarted(&mut bench).await;
    goes_on_to_its_end(bench).await;
}

#[tokio::test]
async fn after_the_op_was_marked_as_sent_and_never_was() {
    let mut bench = Bench::new(&THREE).await;
    bench.start(OpKind::Switch, &THREE, 1).await;
    bench.lose_message("gpc0");
    restarted(&mut bench).await;
    goes_on_to_its_end(bench).await;
}

#[tokio::test]
async fn while_the_host_is_at_work() {
    let mut bench = Bench::new(&THREE).await;
    bench.start(OpKind::Switch, &THREE, 1).await;
    let (op, _) = bench.begin("gpc0").await;
    restarted(&mut bench).await;
    assert!(bench.hosts_with_work().is_empty(), "the host holds its slot");
    bench.resume_work("gpc0", op).await;
    goes_on_to_its_end(bench).await;
}

/// The op has ended, with its tests or without, and the roll-out does not know it yet.
#[tokio::test]
async fn after_the_end_of_the_op_was_recorded() {
    for with_tests in [true, false] {
        let mut bench = Bench::new(&THREE).await;
        bench.start(OpKind::Switch, &THREE, 1).await;
        let (op, _) = bench.begin("gpc0").await;
        let host = bench.store.host(bench.id("gpc0")).await.unwrap().unwrap();
        let asked = NewRequest { by: "auto-test".into(), ..NewRequest::of(OpAction::Test) };
        let (tests, _) = bench.fleet.validated(&host, asked);
        let entry = request_entry(&tests, "gpc0");
        let step = OpStep {
            outcome: Some(Outcome::Completed),
            message: Some("Switched.".into()),
            then: with_tests.then(|| Box::new((tests, entry))),
            ..OpStep::to(OpStatus::Succeeded)
        };
        bench.store.step_op(op, &step).await.unwrap().unwrap();
        assert_eq!(bench.steps().await[0], "gpc0 running");
        restarted(&mut bench).await;
        assert_eq!(bench.steps().await[0], if with_tests { "gpc0 testing" } else { "gpc0 ok" });
        goes_on_to_its_end(bench).await;
    }
}

#[tokio::test]
async fn after_a_failure_was_recorded_nothing_further_is_begun() {
    let mut bench = Bench::new(&THREE).await;
    bench.start(OpKind::Switch, &THREE, 1).await;
    let (op, _) = bench.begin("gpc0").await;
    let failed = OpStep {
        outcome: Some(Outcome::Failed),
        message: Some("The build ended with 1.".into()),
        ..OpStep::to(OpStatus::Failed)
    };
    bench.store.step_op(op, &failed).await.unwrap().unwrap();
    // Or after the host's step and before the roll-out's.
    for also_step in [false, true] {
        if also_step {
            let from = RolloutStep::Running { op };
            let to =
                RolloutStep::Failed { op: Some(op), why: "The build ended with 1".into(), in_tests: false };
            let id = bench.rollout.unwrap();
            bench.store.step_rollout(id, bench.id("gpc0"), &from, &to).await.unwrap();
        }
    }
    restarted(&mut bench).await;
    assert!(bench.hosts_with_work().is_empty());
    let why = "gpc0: The build ended with 1".to_owned();
    assert_eq!(bench.rollout().await.state, RolloutState::Stopped { why });
}

#[tokio::test]
async fn while_it_is_being_stopped() {
    let mut bench = Bench::new(&THREE).await;
    bench.start(OpKind::Switch, &THREE, 1).await;
    let stopping = RolloutState::Stopping { why: "otto stopped it".into() };
    bench
        .store
        .set_rollout_state(bench.rollout.unwrap(), &stopping, &bench.entry("rollout.stopping"))
        .await
        .unwrap()
        .unwrap();
    restarted(&mut bench).await;
    assert_eq!(bench.hosts_with_work(), ["gpc0"]);
    bench.takes_it_well("gpc0").await;
    assert_eq!(bench.rollout().await.state, RolloutState::Stopped { why: "otto stopped it".into() });
    assert!(bench.hosts_with_work().is_empty());
}

#[tokio::test]
async fn the_deployment_hears_of_the_op_that_it_waits_for() {
    let mut bench = Bench::new(&["gpc0"]).await;
    bench.merge().await;
    bench.ask("gpc0", OpAction::PullSwitch).await;
    let (op, _) = bench.begin("gpc0").await;
    let step = OpStep {
        outcome: Some(Outcome::Failed),
        message: Some("The build ended with 1. Nothing was changed.".into()),
        ..OpStep::to(OpStatus::Failed)
    };
    bench.store.step_op(op, &step).await.unwrap().unwrap();
    assert_eq!(bench.outcomes().await, ["gpc0: Switching"]);
    bench.restart().await;
    assert_eq!(bench.outcomes().await, ["gpc0: Switch FAIL (The build ended with 1)"]);
}
