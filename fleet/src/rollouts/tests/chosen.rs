//! Rolls back hosts that a person chose, all in one action.

use backstay_model::Outcome;
use backstay_model::rollout::{ConfirmedRollback, OTHERS, PlannedRollback, RolloutState};
use backstay_model::{OpAction, OpKind, OpStatus, Role};

use super::super::{Pacing, RolloutError};
use super::bench::{Bench, together};
use super::host::generation;
use crate::accounts::Actor;

const TWO: [&str; 2] = ["gpc0", "imac0"];

async fn planned(bench: &Bench, names: &[&str]) -> Vec<PlannedRollback> {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    bench.fleet.planned_rollbacks_of(&names).await.unwrap()
}

/// The plan in words: from where to where or why not, and the other candidates.
async fn told(bench: &Bench, names: &[&str]) -> Vec<String> {
    let told = |plan: PlannedRollback| {
        let others: Vec<_> = plan.others.iter().map(|other| other.generation.number).collect();
        let from = plan.from.map(|from| from.number);
        match plan.to {
            Ok(to) => format!("{} {from:?} to {} or {others:?}", plan.host_name, to.generation.number),
            Err(why) => format!("{} {from:?} {why} {others:?}", plan.host_name),
        }
    };
    planned(bench, names).await.into_iter().map(told).collect()
}

/// The dialog's defaults.
async fn confirmed(bench: &Bench, names: &[&str]) -> Vec<ConfirmedRollback> {
    let confirm = |plan: PlannedRollback| ConfirmedRollback {
        host_name: plan.host_name,
        target: plan.to.unwrap().generation.reference(),
        seen_current: plan.from.unwrap().reference(),
    };
    planned(bench, names).await.into_iter().map(confirm).collect()
}

async fn roll_back(bench: &mut Bench, confirmed: Vec<ConfirmedRollback>) {
    let reason = Some("the disk is full".to_owned());
    let rollout = bench.fleet.roll_back_hosts(&bench.maria, confirmed, together(), reason).await.unwrap();
    bench.rollout = Some(rollout.id);
    bench.fleet.settle().await;
}

#[tokio::test]
async fn each_goes_to_its_last_known_working_generation_and_the_log_says_who_asked() {
    let mut bench = Bench::new(&TWO).await;
    assert_eq!(
        told(&bench, &["imac0", "GPC0"]).await,
        ["imac0 Some(48) to 47 or []", "gpc0 Some(48) to 47 or []"],
        "in the requested order"
    );
    assert_eq!(planned(&bench, &vec!["gpc0"; 5_000]).await.len(), 1, "each once, however often it is named");
    let confirmed = confirmed(&bench, &TWO).await;
    roll_back(&mut bench, confirmed).await;
    let rollout = bench.rollout().await;
    assert_eq!((rollout.kind, rollout.deployment), (OpKind::Rollback, None));
    assert_eq!(rollout.reason.as_deref(), Some("the disk is full"));
    for name in TWO {
        bench.rolls_back(name).await;
        bench.tests(name, &[]).await;
    }
    assert_eq!(bench.rollout().await.state, RolloutState::Done);
    assert_eq!(bench.notices().last().unwrap(), "2 of 2 hosts rolled back");
    assert_eq!(bench.audited("rollout").await, ["rollout.started by maria", "rollout.done by server"]);
    assert_eq!(
        told(&bench, &["gpc0"]).await,
        ["gpc0 Some(47) It was already rolled back to Gen 47. [48]"],
        "a second click takes it no further, though somebody may choose to"
    );
}

#[tokio::test]
async fn a_host_that_became_busy_is_named_and_nothing_is_begun_on_any() {
    let mut bench = Bench::new(&TWO).await;
    let seen = confirmed(&bench, &TWO).await;
    bench.ask("imac0", OpAction::Switch).await;
    let error = bench
        .fleet
        .roll_back_hosts(&bench.maria, seen.clone(), together(), None)
        .await
        .unwrap_err()
        .to_string();
    assert_eq!(error, "imac0 is busy (Switch, requested by maria). No host was rolled back.");
    assert!(!bench.hosts_with_work().contains(&"gpc0".to_owned()));
    assert_eq!(bench.begun("gpc0").await, 0);
    assert_eq!(bench.store.open_rollouts().await.unwrap(), []);
    assert_eq!(
        told(&bench, &["imac0"]).await,
        ["imac0 Some(48) It is busy (Switch, requested by maria). []"],
        "and the dialog leaves it out"
    );

    bench.takes_it_well("imac0").await;
    let error =
        bench.fleet.roll_back_hosts(&bench.maria, seen, together(), None).await.unwrap_err().to_string();
    assert!(error.starts_with("imac0: The host is on Gen 49 now; you saw Gen 48"), "{error}");
    assert_eq!(bench.store.open_rollouts().await.unwrap(), []);
}

#[tokio::test]
async fn another_generation_may_be_chosen_where_none_is_known_to_work() {
    let mut bench = Bench::new(&["gpc0"]).await;
    bench.all_tests_fail("gpc0").await;
    let none_known = "No earlier generation is known to work.";
    assert_eq!(told(&bench, &["gpc0"]).await, [format!("gpc0 Some(48) {none_known} [47]")]);
    let plan = planned(&bench, &["gpc0"]).await.remove(0);
    let chosen = ConfirmedRollback {
        host_name: plan.host_name,
        target: plan.others[0].generation.reference(),
        seen_current: plan.from.unwrap().reference(),
    };
    roll_back(&mut bench, vec![chosen]).await;
    bench.rolls_back("gpc0").await;
    bench.tests("gpc0", &[]).await;
    assert_eq!(bench.rollout().await.state, RolloutState::Done);
}

#[tokio::test]
async fn what_is_offered_is_there_and_not_too_much() {
    let mut bench = Bench::new(&["gpc0"]).await;
    let at = bench.host("gpc0").generations[1].created_at;
    let older = (30..47).rev().map(|number| generation(number, at, false));
    bench.host("gpc0").generations.extend(older);
    bench.host("gpc0").generations[2].present = false;
    bench.ask("gpc0", OpAction::Refresh).await;
    bench.ends_as_asked("gpc0").await;
    let offered = told(&bench, &["gpc0"]).await;
    assert_eq!(offered, ["gpc0 Some(48) to 47 or [45, 44, 43, 42, 41, 40]"], "46 was garbage-collected");
    assert_eq!(planned(&bench, &["gpc0"]).await[0].others.len(), OTHERS);
}

#[tokio::test]
async fn hosts_that_are_gone_or_named_twice_or_not_at_all_are_refused_and_so_is_who_may_only_look() {
    let mut bench = Bench::new(&TWO).await;
    let seen = confirmed(&bench, &TWO).await;
    assert_eq!(told(&bench, &["nowhere"]).await, ["nowhere None It is no longer in the fleet. []"]);
    let refused = async |confirmed, actor: &Actor| {
        bench.fleet.roll_back_hosts(actor, confirmed, together(), None).await.unwrap_err()
    };
    let gone = ConfirmedRollback { host_name: "nowhere".into(), ..seen[0].clone() };
    assert!(matches!(refused(vec![seen[0].clone(), gone], &bench.maria).await, RolloutError::NoSuchHost(_)));
    let twice = vec![seen[0].clone(), seen[0].clone()];
    assert!(matches!(refused(twice, &bench.maria).await, RolloutError::Twice(_)));
    assert!(matches!(refused(vec![], &bench.maria).await, RolloutError::NoHosts));
    let viewer = Actor::unchecked("eve", Role::Viewer);
    assert!(matches!(refused(seen.clone(), &viewer).await, RolloutError::NotAllowed(_)));
    let long =
        bench.fleet.roll_back_hosts(&bench.maria, seen.clone(), together(), Some("x".repeat(501))).await;
    assert!(matches!(long, Err(RolloutError::ReasonTooLong)));
    assert!(bench.hosts_with_work().is_empty());

    bench.start(OpKind::Test, &["gpc0"], 1).await;
    let another = bench.fleet.roll_back_hosts(&bench.maria, vec![seen[1].clone()], together(), None).await;
    assert!(matches!(another, Err(RolloutError::Another { .. })), "one roll-out goes on at a time");
}

#[tokio::test]
async fn one_that_is_away_waits_until_it_connects() {
    let mut bench = Bench::new(&TWO).await;
    bench.leave("imac0").await;
    let seen = confirmed(&bench, &TWO).await;
    assert_eq!(planned(&bench, &TWO).await.iter().map(|plan| plan.online).collect::<Vec<_>>(), [true, false]);
    roll_back(&mut bench, seen).await;
    bench.rolls_back("gpc0").await;
    bench.tests("gpc0", &[]).await;
    assert_eq!(bench.rollout().await.state, RolloutState::Running);
    let waits = bench.store.open_op(bench.id("imac0")).await.unwrap().unwrap();
    assert_eq!(waits.status, OpStatus::Queued);
    bench.connect("imac0").await;
    bench.rolls_back("imac0").await;
    bench.tests("imac0", &[]).await;
    assert_eq!(bench.rollout().await.state, RolloutState::Done);
}

#[tokio::test]
async fn tests_that_run_on_a_host_are_stopped_for_its_rollback() {
    let mut bench = Bench::new(&TWO).await;
    let tests = bench.ask("imac0", OpAction::Test).await;
    bench.begin("imac0").await;
    let seen = confirmed(&bench, &TWO).await;
    roll_back(&mut bench, seen).await;
    assert_eq!(bench.received("gpc0"), [OpKind::Rollback]);
    assert!(bench.received("imac0").is_empty(), "it waits for the tests");
    bench.rolls_back("gpc0").await;
    bench.tests("gpc0", &[]).await;
    assert_eq!(bench.rollout().await.state, RolloutState::Running);
    bench.end("imac0", tests, Outcome::Cancelled, "The tests were cancelled after 1 of 2.").await;
    assert_eq!(bench.received("imac0"), [OpKind::Rollback]);
    bench.rolls_back("imac0").await;
    bench.tests("imac0", &[]).await;
    assert_eq!(bench.rollout().await.state, RolloutState::Done);
}

#[tokio::test]
async fn one_at_a_time_until_one_fails_leaves_the_others_where_they_are() {
    let mut bench = Bench::new(&["gpc0", "hsb0", "imac0"]).await;
    let seen = confirmed(&bench, &["gpc0", "hsb0", "imac0"]).await;
    let careful = Pacing { parallel: 1, stop_on_failure: true, pause_after: Some(1) };
    let rollout = bench.fleet.roll_back_hosts(&bench.maria, seen, careful, None).await.unwrap();
    bench.rollout = Some(rollout.id);
    bench.fleet.settle().await;
    assert_eq!(bench.hosts_with_work(), ["gpc0"]);
    assert!(bench.store.open_op(bench.id("imac0")).await.unwrap().is_some(), "all hosts are reserved");
    bench.rolls_back("gpc0").await;
    bench.tests("gpc0", &[]).await;
    assert!(bench.rollout().await.is_paused());
    assert!(bench.hosts_with_work().is_empty());
    bench.fleet.resume_rollout(&bench.maria, rollout.id).await.unwrap();
    bench.fleet.settle().await;
    bench.rolls_back("hsb0").await;
    bench.tests("hsb0", &["x11"]).await;
    assert_eq!(
        bench.steps().await,
        ["gpc0 ok", "hsb0 failed: Tests FAIL (x11)", "imac0 skipped: stopped: hsb0: Tests FAIL (x11)"]
    );
    assert!(bench.store.open_op(bench.id("imac0")).await.unwrap().is_none());
}
