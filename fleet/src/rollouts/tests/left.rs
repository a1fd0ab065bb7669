//! A generation that somebody left by a rollback, or whose commit was reverted, is not offered again.

use backstay_model::OpAction;
use backstay_model::rollback::{Candidate, RollbackPlan};

use super::bench::Bench;

async fn plan(bench: &Bench) -> RollbackPlan {
    bench.fleet.rollback_plan("gpc0").await.unwrap().unwrap()
}

/// The default target in both dialogs.
async fn offered(bench: &Bench) -> (Option<u32>, Option<u32>) {
    let of_several = bench.fleet.planned_rollbacks_of(&["gpc0".to_owned()]).await.unwrap().remove(0);
    let number = |candidate: Candidate| candidate.generation.number;
    (plan(bench).await.preselected, of_several.to.ok().map(number))
}

async fn switches(bench: &mut Bench, failed: &[&str]) {
    bench.ask("gpc0", OpAction::Switch).await;
    bench.switches("gpc0").await;
    bench.tests("gpc0", failed).await;
}

async fn goes_to(bench: &mut Bench, number: u32) {
    let action = bench.rollback_to("gpc0", number).await;
    let why = Some("X11 is dead".to_owned());
    bench.fleet.request_op(&bench.maria, "gpc0", action, why).await.unwrap();
    bench.fleet.settle().await;
    bench.rolls_back("gpc0").await;
    bench.tests("gpc0", &[]).await;
}

#[tokio::test]
async fn what_somebody_fled_from_is_not_offered_though_its_tests_passed() {
    let mut bench = Bench::new(&["gpc0"]).await;
    switches(&mut bench, &[]).await;
    goes_to(&mut bench, 47).await;
    let plan = plan(&bench).await;
    assert_eq!(plan.preselected, None, "there is nothing older");
    let fled = plan.candidate(49).unwrap();
    assert!(fled.newer && !fled.last_known_working);
    let left = fled.left.clone().unwrap();
    assert_eq!((left.by.as_str(), left.reason.as_deref()), ("maria", Some("X11 is dead")));

    // Not after a later switch either, until a person has run its tests.
    switches(&mut bench, &["x11"]).await;
    assert_eq!(offered(&bench).await, (Some(47), Some(47)));
    goes_to(&mut bench, 49).await;
    switches(&mut bench, &["x11"]).await;
    assert_eq!(offered(&bench).await, (Some(47), Some(47)), "automatic tests change nothing");
    goes_to(&mut bench, 49).await;
    bench.ask("gpc0", OpAction::Test).await;
    bench.tests("gpc0", &[]).await;
    switches(&mut bench, &["x11"]).await;
    assert_eq!(offered(&bench).await, (Some(49), Some(49)));
}

#[tokio::test]
async fn what_was_reverted_is_not_offered_though_its_tests_passed() {
    let mut bench = Bench::new(&["gpc0"]).await;
    let id = bench.merge().await;
    bench.ask("gpc0", OpAction::PullSwitch).await;
    bench.takes_it_well("gpc0").await;
    switches(&mut bench, &["x11"]).await;
    assert_eq!(offered(&bench).await, (Some(49), Some(49)));
    bench.revert(id).await;
    assert_eq!(offered(&bench).await, (Some(47), Some(47)));
    assert!(plan(&bench).await.candidate(49).unwrap().reverted);
}

#[tokio::test]
async fn what_an_agent_forgot_of_its_tests_still_counts() {
    let mut bench = Bench::new(&["gpc0"]).await;
    bench.forgets_its_runs("gpc0").await;
    assert_eq!(offered(&bench).await, (Some(47), Some(47)));
}

#[tokio::test]
async fn a_host_whose_tests_all_pass_is_left_out_unless_somebody_chooses_otherwise() {
    let mut bench = Bench::new(&["gpc0"]).await;
    switches(&mut bench, &[]).await;
    let planned = bench.fleet.planned_rollbacks_of(&["gpc0".to_owned()]).await.unwrap().remove(0);
    assert!(planned.fine);
    assert_eq!(planned.to.unwrap_err(), "All its tests pass now.");
    assert_eq!(planned.others[0].generation.number, 47, "which may be chosen");
}
