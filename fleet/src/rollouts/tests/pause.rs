//! A roll-out is paused by a person or automatically, and starts nothing until a person resumes it.

use backstay_model::rollout::{RolloutRequest, RolloutState};
use backstay_model::{OpKind, Role, RolloutId};

use super::super::RolloutError;
use super::FOUR;
use super::bench::{Bench, request};
use crate::accounts::Actor;

#[tokio::test]
async fn while_it_is_paused_no_host_starts_and_what_runs_goes_on_even_after_a_restart() {
    let mut bench = Bench::new(&FOUR).await;
    let id = bench.start(OpKind::Switch, &FOUR, 1).await.id;
    let otto = Actor::unchecked("otto", Role::Operator);
    bench.fleet.pause_rollout(&otto, id).await.unwrap();
    bench.fleet.pause_rollout(&bench.maria, id).await.unwrap();
    let paused = bench.rollout().await;
    assert_eq!(
        (paused.is_paused(), paused.paused_by.as_deref()),
        (true, Some("otto")),
        "the first one counts"
    );
    bench.takes_it_well("gpc0").await;
    bench.restart().await;
    for name in FOUR {
        bench.connect(name).await;
    }
    assert!(bench.hosts_with_work().is_empty());
    assert_eq!(bench.steps().await, ["gpc0 ok", "imac0 waiting", "hsb0 waiting", "csb0 waiting"]);
    bench.fleet.resume_rollout(&bench.maria, id).await.unwrap();
    bench.fleet.resume_rollout(&bench.maria, id).await.unwrap();
    bench.fleet.settle().await;
    for name in &FOUR[1..] {
        assert_eq!(bench.hosts_with_work(), [*name]);
        bench.takes_it_well(name).await;
    }
    assert_eq!(bench.rollout().await.state, RolloutState::Done);
    assert_eq!(
        bench.audited("rollout").await,
        [
            "rollout.started by maria",
            "rollout.paused by otto",
            "rollout.resumed by maria",
            "rollout.done by server"
        ]
    );
}

#[tokio::test]
async fn it_pauses_automatically_after_the_first_hosts() {
    let mut bench = Bench::new(&FOUR).await;
    let asked = RolloutRequest { pause_after: Some(2), ..request(OpKind::Switch, &FOUR, 3) };
    let id = bench.start_as(asked).await.id;
    assert_eq!(bench.hosts_with_work(), ["gpc0", "imac0"], "a third slot is free");
    for name in &FOUR[..2] {
        assert!(!bench.rollout().await.is_paused());
        bench.takes_it_well(name).await;
    }
    let paused = bench.rollout().await;
    assert_eq!((paused.is_paused(), paused.paused_by), (true, None));
    let told = "Switch on 4 hosts is paused: 2 of 4 hosts switched";
    assert_eq!(bench.notices().last().unwrap(), told);
    assert!(bench.hosts_with_work().is_empty());
    bench.fleet.resume_rollout(&bench.maria, id).await.unwrap();
    bench.fleet.settle().await;
    assert_eq!(bench.hosts_with_work(), ["csb0", "hsb0"]);
}

#[tokio::test]
async fn who_resumes_it_is_not_paused_again_at_once() {
    let mut bench = Bench::new(&FOUR).await;
    let asked = RolloutRequest { pause_after: Some(1), ..request(OpKind::Switch, &FOUR, 1) };
    let id = bench.start_as(asked).await.id;
    bench.fleet.pause_rollout(&bench.maria, id).await.unwrap();
    bench.fleet.resume_rollout(&bench.maria, id).await.unwrap();
    assert_eq!(bench.rollout().await.pause_after, Some(1), "the first host is still running");
    bench.fleet.pause_rollout(&bench.maria, id).await.unwrap();
    bench.takes_it_well("gpc0").await;
    bench.fleet.resume_rollout(&bench.maria, id).await.unwrap();
    bench.fleet.settle().await;
    assert_eq!(bench.hosts_with_work(), ["imac0"]);
}

#[tokio::test]
async fn what_cannot_be_paused_is_refused() {
    let mut bench = Bench::new(&["gpc0", "imac0"]).await;
    let none = RolloutRequest { pause_after: Some(0), ..request(OpKind::Switch, &["gpc0"], 1) };
    let none = bench.fleet.start_rollout(&bench.maria, none).await;
    assert!(matches!(none, Err(RolloutError::PauseAfter)));
    let id = bench.start(OpKind::Switch, &["gpc0", "imac0"], 1).await.id;
    let viewer = Actor::unchecked("eve", Role::Viewer);
    let refused = bench.fleet.pause_rollout(&viewer, id).await;
    assert!(matches!(refused, Err(RolloutError::NotAllowed(_))));
    let refused = bench.fleet.resume_rollout(&viewer, id).await;
    assert!(matches!(refused, Err(RolloutError::NotAllowed(_))));
    let unknown = bench.fleet.pause_rollout(&bench.maria, RolloutId::new()).await;
    assert!(matches!(unknown, Err(RolloutError::NoSuchRollout)));
    bench.takes_it_well("gpc0").await;
    let all_started = bench.fleet.pause_rollout(&bench.maria, id).await;
    assert!(matches!(all_started, Err(RolloutError::NothingToStop)));
    bench.takes_it_well("imac0").await;
    let over = bench.fleet.pause_rollout(&bench.maria, id).await;
    assert!(matches!(over, Err(RolloutError::Over)));
}

#[tokio::test]
async fn it_can_be_stopped_while_it_is_paused() {
    let mut bench = Bench::new(&["gpc0", "imac0"]).await;
    let id = bench.start(OpKind::Switch, &["gpc0", "imac0"], 1).await.id;
    bench.fleet.pause_rollout(&bench.maria, id).await.unwrap();
    bench.fleet.stop_rollout(&bench.maria, id).await.unwrap();
    bench.fleet.settle().await;
    let resumed = bench.fleet.resume_rollout(&bench.maria, id).await;
    assert!(matches!(resumed, Err(RolloutError::Stopping)));
    assert_eq!(bench.steps().await[1], "imac0 skipped: stopped: maria stopped it");
}
