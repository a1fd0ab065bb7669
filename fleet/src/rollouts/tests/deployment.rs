//! What roll-outs and single ops mean for a deployment.

use backstay_model::Outcome;
use backstay_model::rollout::RolloutState;
use backstay_model::{OpAction, OpKind};

use super::FOUR;
use super::bench::{Bench, MERGED, OLD};

#[tokio::test]
async fn a_pull_request_breaks_two_hosts_and_a_fourth_is_not_attempted() {
    let mut bench = Bench::new(&FOUR).await;
    let deployment = bench.merge().await;
    assert!(bench.outcomes().await.iter().all(|told| told.ends_with(": Not attempted")));
    let rollout = bench.start(OpKind::PullSwitch, &FOUR, 3).await;
    assert_eq!(rollout.deployment, Some(deployment));
    bench.takes_it("imac0", &["X11"]).await;
    bench.takes_it("gpc0", &[]).await;
    bench.takes_it("hsb0", &["X11", "dns-public"]).await;
    assert_eq!(
        bench.outcomes().await,
        [
            "csb0: Not attempted",
            "gpc0: Switch OK, Tests OK",
            "hsb0: Switch OK, Tests FAIL (X11, dns-public)",
            "imac0: Switch OK, Tests FAIL (X11)",
        ]
    );
    let why = "imac0: Tests FAIL (X11)".to_owned();
    assert_eq!(bench.rollout().await.state, RolloutState::Stopped { why });
    assert_eq!(bench.notices().last().unwrap(), "Roll-out of PR #42 stopped: imac0: Tests FAIL (X11)");
    assert_eq!(bench.steps().await[3], "csb0 skipped: stopped: imac0: Tests FAIL (X11)");
    assert!(bench.deployment().await.needs_decision());
}

#[tokio::test]
async fn every_step_of_a_host_is_told_to_the_pages() {
    let mut bench = Bench::new(&["gpc0"]).await;
    bench.merge().await;
    bench.ask("gpc0", OpAction::PullSwitch).await;
    let mut told = vec![];
    let before = bench.fleet.events.last();
    bench.takes_it_well("gpc0").await;
    for event in bench.fleet.events.subscribe(Some(before)).missed {
        if event.name == "deployment" {
            let event: serde_json::Value = serde_json::from_str(&event.json).unwrap();
            let outcome = event["deployment"]["hosts"][0].clone();
            let outcome: backstay_model::deployment::HostOutcome = serde_json::from_value(outcome).unwrap();
            told.push(outcome.to_string());
        }
    }
    assert_eq!(told, ["Switching", "Switch OK", "Switch OK, testing", "Switch OK, Tests OK"]);
}

#[tokio::test]
async fn a_pull_and_switch_counts_from_its_beginning_and_fails_as_a_switch() {
    let mut bench = Bench::new(&["gpc0"]).await;
    bench.merge().await;
    bench.ask("gpc0", OpAction::PullSwitch).await;
    let (op, _) = bench.begin("gpc0").await;
    assert_eq!(bench.outcomes().await, ["gpc0: Switching"], "its checkout is where it was before");
    let message = "The checkout is on try, not on main. Check main out on the host. Nothing was changed.";
    bench.end("gpc0", op, Outcome::Refused, message).await;
    assert_eq!(bench.outcomes().await, ["gpc0: Switch FAIL (The checkout is on try, not on main)"]);
}

#[tokio::test]
async fn a_switch_counts_where_the_checkout_has_what_was_merged() {
    let mut bench = Bench::new(&["gpc0"]).await;
    bench.merge().await;
    bench.ask("gpc0", OpAction::Switch).await;
    bench.takes_it_well("gpc0").await;
    assert_eq!(bench.outcomes().await, ["gpc0: Not attempted"], "it switched to what was there before");
    bench.ask("gpc0", OpAction::Pull).await;
    bench.pulls("gpc0").await;
    bench.ask("gpc0", OpAction::Test).await;
    bench.tests("gpc0", &[]).await;
    assert_eq!(bench.outcomes().await, ["gpc0: Not attempted"], "and tested that");
    bench.ask("gpc0", OpAction::Switch).await;
    bench.takes_it_well("gpc0").await;
    assert_eq!(bench.outcomes().await, ["gpc0: Switch OK, Tests OK"]);
}

#[tokio::test]
async fn a_branch_that_has_moved_on_is_what_was_merged_and_more() {
    for branch in ["later", MERGED] {
        let mut bench = Bench::new(&["gpc0"]).await;
        bench.merge().await;
        bench.branch_at(branch);
        bench.checkout_at("gpc0", branch).await;
        bench.ask("gpc0", OpAction::Switch).await;
        bench.switches("gpc0").await;
        assert_eq!(bench.outcomes().await, ["gpc0: Switch OK"], "at {branch}");
    }
    let mut bench = Bench::new(&["gpc0"]).await;
    bench.merge().await;
    bench.checkout_at("gpc0", "elsewhere").await;
    bench.ask("gpc0", OpAction::Switch).await;
    bench.switches("gpc0").await;
    assert_eq!(bench.outcomes().await, ["gpc0: Not attempted"]);
}

#[tokio::test]
async fn an_op_that_never_reached_its_host_attempted_nothing() {
    let mut bench = Bench::new(&["gpc0"]).await;
    bench.merge().await;
    bench.leave("gpc0").await;
    let op = bench.ask("gpc0", OpAction::PullSwitch).await;
    bench.fleet.cancel_op(&bench.maria, op).await.unwrap();
    bench.ask("gpc0", OpAction::PullSwitch).await;
    bench.after(super::QUEUE_TIME).await;
    assert_eq!(bench.outcomes().await, ["gpc0: Not attempted"]);
}

#[tokio::test]
async fn tests_after_a_rollback_are_not_those_of_what_was_merged() {
    let mut bench = Bench::new(&["gpc0"]).await;
    bench.merge().await;
    bench.ask("gpc0", OpAction::PullSwitch).await;
    bench.switches("gpc0").await;
    bench.tests("gpc0", &["x11"]).await;
    let broken = ["gpc0: Switch OK, Tests FAIL (x11)"];
    assert_eq!(bench.outcomes().await, broken);
    let rollback = bench.rollback_to("gpc0", 48).await;
    bench.ask("gpc0", rollback).await;
    bench.rolls_back("gpc0").await;
    bench.tests("gpc0", &[]).await;
    assert_eq!(bench.outcomes().await, broken, "the tests that passed are those of Gen 48");
    bench.ask("gpc0", OpAction::Test).await;
    bench.tests("gpc0", &[]).await;
    assert_eq!(bench.outcomes().await, broken);
    bench.ask("gpc0", OpAction::Switch).await;
    bench.takes_it_well("gpc0").await;
    assert_eq!(bench.outcomes().await, ["gpc0: Switch OK, Tests OK"], "switched again, they count again");
}

#[tokio::test]
async fn a_rollback_that_the_host_refused_took_nothing_away() {
    let mut bench = Bench::new(&["gpc0"]).await;
    bench.merge().await;
    bench.ask("gpc0", OpAction::PullSwitch).await;
    bench.switches("gpc0").await;
    bench.tests("gpc0", &["x11"]).await;
    let rollback = bench.rollback_to("gpc0", 48).await;
    bench.ask("gpc0", rollback).await;
    let (op, _) = bench.begin("gpc0").await;
    bench.end("gpc0", op, Outcome::Refused, "Another op is at work. Nothing was changed.").await;
    bench.ask("gpc0", OpAction::Test).await;
    bench.tests("gpc0", &[]).await;
    assert_eq!(bench.outcomes().await, ["gpc0: Switch OK, Tests OK"]);
}

#[tokio::test]
async fn how_a_lost_switch_ended_is_not_told_in_the_place_of_a_later_one() {
    let mut bench = Bench::new(&["gpc0"]).await;
    bench.merge().await;
    bench.ask("gpc0", OpAction::PullSwitch).await;
    let (lost, _) = bench.begin("gpc0").await;
    bench.leave("gpc0").await;
    bench.after(super::QUEUE_TIME * 2).await;
    let outcomes = bench.outcomes().await;
    assert!(outcomes[0].starts_with("gpc0: Switch FAIL (The host did not report"), "{outcomes:?}");
    bench.connect("gpc0").await;
    bench.ask("gpc0", OpAction::PullSwitch).await;
    bench.takes_it_well("gpc0").await;
    bench.end("gpc0", lost, Outcome::Failed, "The build ended with 1.").await;
    assert_eq!(bench.outcomes().await, ["gpc0: Switch OK, Tests OK"]);
}

#[tokio::test]
async fn what_was_reverted_is_filled_no_more() {
    let mut bench = Bench::new(&["gpc0"]).await;
    let id = bench.merge().await;
    bench.revert(id).await;
    bench.branch_at(OLD);
    let rollout = bench.start(OpKind::PullSwitch, &["gpc0"], 1).await;
    assert_eq!(rollout.deployment, None);
    bench.takes_it_well("gpc0").await;
    assert_eq!(bench.outcomes().await, ["gpc0: Not attempted"]);
    assert_eq!(bench.notices().last().unwrap(), "1 of 1 host pulled and switched");
}
