//! Rolls back hosts that failed in a deployment, all in one action.

use backstay_model::Outcome;
use backstay_model::rollout::{ConfirmedRollback, PlannedRollback, RolloutState};
use backstay_model::{DeploymentId, OpAction, OpKind, Role};

use super::super::RolloutError;
use super::FOUR;
use super::bench::{Bench, together};
use crate::accounts::Actor;

/// A deployment on four hosts; imac0 and hsb0 failed their tests.
async fn broken() -> (Bench, DeploymentId) {
    let mut bench = Bench::new(&FOUR).await;
    let deployment = bench.merge().await;
    bench.start(OpKind::PullSwitch, &FOUR, 3).await;
    for (name, failed) in [("imac0", &["x11"][..]), ("gpc0", &[]), ("hsb0", &["x11"])] {
        bench.takes_it(name, failed).await;
    }
    (bench, deployment)
}

async fn planned(bench: &Bench, id: DeploymentId) -> Vec<PlannedRollback> {
    bench.fleet.planned_rollbacks(id).await.unwrap()
}

fn confirmed(planned: &[PlannedRollback]) -> Vec<ConfirmedRollback> {
    let confirm = |plan: &PlannedRollback| ConfirmedRollback {
        host_name: plan.host_name.clone(),
        target: plan.to.as_ref().unwrap().generation.reference(),
        seen_current: plan.from.as_ref().unwrap().reference(),
    };
    planned.iter().map(confirm).collect()
}

/// Why the only planned host is left out.
async fn left_out(bench: &Bench, id: DeploymentId) -> String {
    let planned = planned(bench, id).await;
    assert_eq!(planned.len(), 1);
    planned[0].to.clone().unwrap_err()
}

#[tokio::test]
async fn each_goes_to_its_last_known_working_generation() {
    let (mut bench, id) = broken().await;
    bench.leave("hsb0").await;
    let planned = planned(&bench, id).await;
    let told: Vec<_> = planned
        .iter()
        .map(|plan| {
            let to = plan.to.as_ref().unwrap();
            let (from, why) = (plan.from.as_ref().unwrap().number, plan.why.as_ref().unwrap());
            let (to, tests) = (to.generation.number, to.tests.unwrap());
            format!("{} {} {why}: {from} to {to} ({tests})", plan.host_name, plan.online)
        })
        .collect();
    assert_eq!(
        told,
        [
            "hsb0 false Switch OK, Tests FAIL (x11): 49 to 47 (1/1)",
            "imac0 true Switch OK, Tests FAIL (x11): 49 to 47 (1/1)"
        ]
    );
    bench.connect("hsb0").await;
    let asked = bench.fleet.roll_back_failed(
        &bench.maria,
        id,
        confirmed(&planned),
        together(),
        Some("x11 is gone".into()),
    );
    let rollout = asked.await.unwrap();
    assert_eq!((rollout.kind, rollout.deployment), (OpKind::Rollback, Some(id)));
    bench.rollout = Some(rollout.id);
    bench.fleet.settle().await;
    assert_eq!(bench.hosts_with_work(), ["hsb0", "imac0"]);
    for name in ["hsb0", "imac0"] {
        bench.rolls_back(name).await;
        bench.tests(name, &[]).await;
    }
    assert_eq!(bench.rollout().await.state, RolloutState::Done);
    assert_eq!(bench.notices().last().unwrap(), "2 of 2 hosts rolled back");
    assert_eq!(
        bench.outcomes().await[2..],
        ["hsb0: Switch OK, Tests FAIL (x11)", "imac0: Switch OK, Tests FAIL (x11)"],
        "how they fared is not forgotten"
    );
    let planned = self::planned(&bench, id).await;
    assert_eq!(planned[0].to.clone().unwrap_err(), "It was already rolled back to Gen 47.");
}

#[tokio::test]
async fn where_one_is_not_as_it_was_seen_none_is_rolled_back() {
    let (mut bench, id) = broken().await;
    let seen = confirmed(&planned(&bench, id).await);
    bench.ask("imac0", OpAction::Switch).await;
    let error = bench
        .fleet
        .roll_back_failed(&bench.maria, id, seen.clone(), together(), None)
        .await
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("imac0 is busy (Switch") && error.ends_with("No host was rolled back."));
    bench.switches("imac0").await;
    bench.tests("imac0", &["x11"]).await;
    let error = bench
        .fleet
        .roll_back_failed(&bench.maria, id, seen.clone(), together(), None)
        .await
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("imac0: The host is on Gen 50 now; you saw Gen 49"), "{error}");
    assert!(bench.hosts_with_work().is_empty());
    assert_eq!(bench.store.open_rollouts().await.unwrap(), []);

    let refused = async |confirmed, actor: &Actor| {
        bench.fleet.roll_back_failed(actor, id, confirmed, together(), None).await.unwrap_err()
    };
    let other = ConfirmedRollback { host_name: "gpc0".into(), ..seen[0].clone() };
    assert!(matches!(refused(vec![other], &bench.maria).await, RolloutError::NotFailed(_)));
    let twice = vec![seen[0].clone(), seen[0].clone()];
    assert!(matches!(refused(twice, &bench.maria).await, RolloutError::Twice(_)));
    assert!(matches!(refused(vec![], &bench.maria).await, RolloutError::NoHosts));
    let viewer = Actor::unchecked("eve", Role::Viewer);
    assert!(matches!(refused(seen.clone(), &viewer).await, RolloutError::NotAllowed(_)));
    let nothing =
        bench.fleet.roll_back_failed(&bench.maria, DeploymentId::new(), seen, together(), None).await;
    assert!(matches!(nothing, Err(RolloutError::NoSuchDeployment)));
    assert!(matches!(
        bench.fleet.planned_rollbacks(DeploymentId::new()).await,
        Err(RolloutError::NoSuchDeployment)
    ));
}

#[tokio::test]
async fn it_need_not_wait_for_a_roll_out_that_is_stopping() {
    let mut bench = Bench::new(&["gpc0", "imac0", "hsb0"]).await;
    let id = bench.merge().await;
    bench.start(OpKind::PullSwitch, &["gpc0", "imac0", "hsb0"], 2).await;
    bench.switches("gpc0").await;
    let other = bench.begin("imac0").await;
    bench.tests("gpc0", &["x11"]).await;
    assert!(matches!(bench.rollout().await.state, RolloutState::Stopping { .. }));
    let seen = confirmed(&planned(&bench, id).await);
    bench.fleet.roll_back_failed(&bench.maria, id, seen, together(), None).await.unwrap();
    bench.fleet.settle().await;
    assert_eq!(bench.hosts_with_work(), ["gpc0"]);
    bench.rolls_back("gpc0").await;
    bench.resume_work("imac0", other.0).await;
    bench.tests("imac0", &[]).await;
    assert!(matches!(bench.rollout().await.state, RolloutState::Stopped { .. }));
}

#[tokio::test]
async fn who_cannot_or_need_not_go_back_is_left_out_with_the_reason() {
    let mut bench = Bench::new(&["gpc0"]).await;
    let id = bench.merge().await;
    bench.ask("gpc0", OpAction::PullSwitch).await;
    bench.fails("gpc0", "The build ended with 1. Nothing was changed.").await;
    assert_eq!(left_out(&bench, id).await, "The switch left it on Gen 48, as before.");
    bench.ask("gpc0", OpAction::Refresh).await;
    assert_eq!(left_out(&bench, id).await, "It is busy (Refresh, requested by maria).");
    bench.ends_as_asked("gpc0").await;

    bench.ask("gpc0", OpAction::PullSwitch).await;
    bench.switches("gpc0").await;
    bench.tests("gpc0", &["x11"]).await;
    bench.all_tests_fail("gpc0").await;
    let said = left_out(&bench, id).await;
    assert!(said.starts_with("No earlier generation is known to work."), "{said}");
}

#[tokio::test]
async fn a_host_that_refused_the_switch_has_nothing_to_go_back_from() {
    let mut bench = Bench::new(&["gpc0"]).await;
    let id = bench.merge().await;
    bench.ask("gpc0", OpAction::PullSwitch).await;
    let (op, _) = bench.begin("gpc0").await;
    bench.end("gpc0", op, Outcome::Refused, "The disk is full. Nothing was changed.").await;
    assert_eq!(bench.outcomes().await, ["gpc0: Switch FAIL (The disk is full)"]);
    assert_eq!(left_out(&bench, id).await, "The switch left it on Gen 48, as before.");
}
