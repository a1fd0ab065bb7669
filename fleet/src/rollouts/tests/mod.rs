//! Roll-outs from their start to their end.

use std::time::Duration;

use backstay_model::Outcome;
use backstay_model::rollout::{RolloutRequest, RolloutState};
use backstay_model::{NotAllowed, OpAction, OpKind, OpStatus, Role, RolloutId};

use super::RolloutError;
use crate::accounts::Actor;
use crate::test_fleet::QUEUE_TIME;
use bench::{Bench, request};

mod any_write;
mod at_once;
mod bench;
mod chosen;
mod crash;
mod deployment;
mod host;
mod left;
mod pause;
mod play;
mod rollback;
mod turns;

const FOUR: [&str; 4] = ["gpc0", "imac0", "hsb0", "csb0"];

#[tokio::test]
async fn hosts_are_begun_as_slots_are_free_and_hold_them_until_their_tests_have_ended() {
    let mut bench = Bench::new(&FOUR).await;
    bench.start(OpKind::Switch, &FOUR, 2).await;
    assert_eq!(bench.hosts_with_work(), ["gpc0", "imac0"]);
    bench.switches("gpc0").await;
    assert_eq!(bench.steps().await, ["gpc0 testing", "imac0 running", "hsb0 waiting", "csb0 waiting"]);
    assert_eq!(bench.hosts_with_work(), ["gpc0", "imac0"], "its tests hold the slot");
    bench.tests("gpc0", &[]).await;
    assert_eq!(bench.hosts_with_work(), ["hsb0", "imac0"]);
    for name in ["imac0", "hsb0", "csb0"] {
        bench.takes_it_well(name).await;
    }
    assert_eq!(bench.steps().await, ["gpc0 ok", "imac0 ok", "hsb0 ok", "csb0 ok"]);
    assert_eq!(bench.rollout().await.state, RolloutState::Done);
    assert_eq!(bench.notices().last().unwrap(), "4 of 4 hosts switched");
    assert_eq!(bench.audited("rollout").await, ["rollout.started by maria", "rollout.done by server"]);
    assert_eq!(bench.fleet.snapshot().await.unwrap().rollout.unwrap().id, bench.rollout.unwrap());
}

#[tokio::test]
async fn pages_receive_the_one_host_that_took_a_step() {
    let mut bench = Bench::new(&FOUR).await;
    bench.merge().await;
    let before = bench.fleet.events.last();
    bench.start(OpKind::PullSwitch, &FOUR, 2).await;
    for name in FOUR {
        bench.takes_it_well(name).await;
    }
    let heard = bench.fleet.events.subscribe(Some(before)).missed;
    let hosts = |name: &str| -> Vec<usize> {
        let parsed = heard.iter().filter(|event| event.name == name).map(|event| &event.json);
        parsed
            .map(|json| {
                let event: serde_json::Value = serde_json::from_str(json).unwrap();
                event[name]["hosts"].as_array().unwrap().len()
            })
            .collect()
    };
    let rollout = hosts("rollout");
    // Whole at its start and at its end; begun, tested and done on each host.
    assert_eq!((rollout[0], *rollout.last().unwrap(), rollout.len()), (4, 4, 2 + 3 * 4));
    assert!(rollout[1..rollout.len() - 1].iter().all(|hosts| *hosts == 1), "{rollout:?}");
    let deployment = hosts("deployment");
    assert!(deployment.len() >= 3 * 4 && deployment.iter().all(|hosts| *hosts == 1), "{deployment:?}");
}

#[tokio::test]
async fn where_tests_do_not_run_by_themselves_the_op_alone_counts() {
    let mut bench = Bench::new(&["gpc0", "imac0"]).await;
    bench.fleet.set_auto_test(&bench.maria, "gpc0", false).await.unwrap();
    bench.start(OpKind::Switch, &["gpc0", "imac0"], 1).await;
    bench.switches("gpc0").await;
    assert_eq!(bench.steps().await, ["gpc0 ok", "imac0 running"]);
}

#[tokio::test]
async fn each_kind_is_rolled_out() {
    for kind in [OpKind::Pull, OpKind::Test] {
        let mut bench = Bench::new(&["gpc0", "imac0"]).await;
        bench.start(kind, &["gpc0", "imac0"], 2).await;
        for name in ["gpc0", "imac0"] {
            match kind {
                OpKind::Pull => bench.pulls(name).await,
                _ => bench.tests(name, &[]).await,
            }
        }
        assert_eq!(bench.rollout().await.state, RolloutState::Done);
        assert_eq!(bench.rollout().await.deployment, None);
    }
}

#[tokio::test]
async fn tests_that_fail_are_named_whether_they_were_rolled_out_or_followed() {
    let mut bench = Bench::new(&["gpc0", "imac0"]).await;
    bench.start(OpKind::Test, &["gpc0", "imac0"], 1).await;
    bench.tests("gpc0", &["x11", "gpu"]).await;
    let why = "gpc0: Tests FAIL (x11, gpu)".to_owned();
    assert_eq!(bench.rollout().await.state, RolloutState::Stopped { why });
    let told = "Run Tests on 2 hosts stopped: gpc0: Tests FAIL (x11, gpu)";
    assert_eq!(bench.notices().last().unwrap(), told);
}

#[tokio::test]
async fn the_first_failure_lets_no_further_host_begin_and_sees_the_others_through() {
    let mut bench = Bench::new(&FOUR).await;
    bench.leave("hsb0").await;
    bench.start(OpKind::Switch, &["gpc0", "hsb0", "imac0", "csb0"], 2).await;
    assert_eq!(bench.hosts_with_work(), ["gpc0", "imac0"], "one that is away holds no slot");
    bench.fails("gpc0", "The build ended with 1. Nothing was changed. The host is on Gen 48.").await;
    let stopped = "stopped: gpc0: The build ended with 1";
    let skipped = |name: &str| format!("{name} skipped: {stopped}");
    assert_eq!(
        bench.steps().await,
        [
            "gpc0 failed: The build ended with 1".to_owned(),
            skipped("hsb0"),
            "imac0 running".to_owned(),
            skipped("csb0")
        ]
    );
    assert!(matches!(bench.rollout().await.state, RolloutState::Stopping { .. }));
    bench.connect("hsb0").await;
    assert_eq!(bench.hosts_with_work(), ["imac0"], "what waited was taken back");
    bench.takes_it_well("imac0").await;
    let why = "gpc0: The build ended with 1".to_owned();
    assert_eq!(bench.rollout().await.state, RolloutState::Stopped { why });
    assert_eq!(
        bench.audited("rollout").await,
        ["rollout.started by maria", "rollout.stopping by server", "rollout.stopped by server"]
    );
    assert_eq!(bench.audited("switch.cancelled").await, ["switch.cancelled by server"]);
}

#[tokio::test]
async fn without_stop_on_failure_every_host_is_tried() {
    let mut bench = Bench::new(&["gpc0", "imac0"]).await;
    let asked = RolloutRequest { stop_on_failure: false, ..request(OpKind::Switch, &["gpc0", "imac0"], 1) };
    bench.start_as(asked).await;
    bench.fails("gpc0", "The build ended with 1.").await;
    bench.switches("imac0").await;
    bench.tests("imac0", &["x11"]).await;
    assert_eq!(bench.rollout().await.state, RolloutState::Done);
    let told =
        "1 of 2 hosts switched; failed on 1: gpc0 (The build ended with 1); tests failed on 1: imac0 (x11)";
    assert_eq!(bench.notices().last().unwrap(), told);
}

#[tokio::test]
async fn a_host_that_is_away_is_begun_when_it_is_there_and_a_slot_is_free() {
    let mut bench = Bench::new(&["gpc0", "imac0"]).await;
    bench.leave("gpc0").await;
    bench.start(OpKind::Switch, &["gpc0", "imac0"], 1).await;
    assert_eq!(bench.hosts_with_work(), ["imac0"]);
    bench.connect("gpc0").await;
    assert_eq!(bench.hosts_with_work(), ["imac0"], "there is one slot");
    bench.takes_it_well("imac0").await;
    assert_eq!(bench.hosts_with_work(), ["gpc0"]);
    bench.takes_it_well("gpc0").await;
    assert_eq!(bench.rollout().await.state, RolloutState::Done);
}

#[tokio::test]
async fn a_host_that_stays_away_is_left_out_and_fails_nothing() {
    let mut bench = Bench::new(&["gpc0", "imac0", "hsb0"]).await;
    bench.leave("gpc0").await;
    bench.start(OpKind::Switch, &["gpc0", "imac0", "hsb0"], 1).await;
    bench.takes_it_well("imac0").await;
    bench.after(QUEUE_TIME).await;
    assert_eq!(bench.hosts_with_work(), ["hsb0"]);
    let steps = bench.steps().await;
    assert!(steps[0].starts_with("gpc0 skipped: The host did not connect"), "{steps:?}");
    bench.takes_it_well("hsb0").await;
    assert_eq!(bench.notices().last().unwrap(), "2 of 3 hosts switched");
}

#[tokio::test]
async fn a_host_that_falls_silent_fails_it() {
    let mut bench = Bench::new(&["gpc0", "imac0"]).await;
    bench.start(OpKind::Switch, &["gpc0", "imac0"], 1).await;
    bench.begin("gpc0").await;
    bench.leave("gpc0").await;
    bench.after(QUEUE_TIME * 2).await;
    let steps = bench.steps().await;
    assert!(steps[0].starts_with("gpc0 failed: The host did not report"), "{steps:?}");
    assert!(steps[1].starts_with("imac0 skipped: stopped"), "{steps:?}");
}

#[tokio::test]
async fn who_is_busy_or_refused_is_left_out_with_the_reason() {
    let mut bench = Bench::new(&FOUR).await;
    bench.ask("gpc0", OpAction::Refresh).await;
    let mut facts = bench.store.host(bench.id("imac0")).await.unwrap().unwrap().facts.unwrap();
    facts.checkout = None;
    bench.store.record_facts(bench.id("imac0"), &facts).await.unwrap();
    let asked = request(OpKind::Switch, &["gpc0", "imac0", "hsb0"], 3);
    bench.start_as(asked).await;
    let steps = bench.steps().await;
    assert!(steps[0].starts_with("gpc0 skipped: It is busy (Refresh, requested by maria)."), "{steps:?}");
    assert!(steps[1].starts_with("imac0 skipped: The host reports no checkout"), "{steps:?}");
    bench.takes_it_well("hsb0").await;
    assert_eq!(bench.rollout().await.state, RolloutState::Done);
    assert_eq!(bench.notices().last().unwrap(), "1 of 3 hosts switched");
}

#[tokio::test]
async fn a_person_stops_it_and_what_is_under_way_goes_on() {
    let mut bench = Bench::new(&FOUR).await;
    let id = bench.start(OpKind::Switch, &FOUR, 1).await.id;
    let otto = Actor::unchecked("otto", Role::Operator);
    let stopping = bench.fleet.stop_rollout(&otto, id).await.unwrap();
    assert_eq!(stopping.state, RolloutState::Stopping { why: "otto stopped it".into() });
    assert_eq!(bench.fleet.stop_rollout(&bench.maria, id).await.unwrap(), stopping, "it is so already");
    bench.fleet.settle().await;
    let steps = bench.steps().await;
    assert_eq!(steps[0], "gpc0 running");
    assert_eq!(steps[3], "csb0 skipped: stopped: otto stopped it");
    bench.takes_it_well("gpc0").await;
    assert_eq!(bench.notices().last().unwrap(), "Switch on 4 hosts stopped: otto stopped it");
    assert!(matches!(bench.fleet.stop_rollout(&otto, id).await, Err(RolloutError::Over)));
    assert_eq!(
        bench.audited("rollout").await,
        ["rollout.started by maria", "rollout.stopping by otto", "rollout.stopped by server"]
    );
    assert!(bench.audited("switch.cancel").await.is_empty());
}

#[tokio::test]
async fn where_every_host_is_begun_there_is_nothing_to_stop() {
    let mut bench = Bench::new(&["gpc0"]).await;
    let id = bench.start(OpKind::Switch, &["gpc0"], 1).await.id;
    let stopped = bench.fleet.stop_rollout(&bench.maria, id).await;
    assert!(matches!(stopped, Err(RolloutError::NothingToStop)));
    let viewer = Actor::unchecked("eve", Role::Viewer);
    let stopped = bench.fleet.stop_rollout(&viewer, id).await;
    assert!(matches!(stopped, Err(RolloutError::NotAllowed(_))));
    let unknown = bench.fleet.stop_rollout(&bench.maria, RolloutId::new()).await;
    assert!(matches!(unknown, Err(RolloutError::NoSuchRollout)));
}

#[tokio::test]
async fn an_op_that_somebody_takes_back_or_cancels_counts_as_what_it_is() {
    let mut bench = Bench::new(&["gpc0", "imac0", "hsb0"]).await;
    bench.leave("gpc0").await;
    bench.start(OpKind::Switch, &["gpc0", "imac0", "hsb0"], 1).await;
    let waits = bench.store.open_op(bench.id("gpc0")).await.unwrap().unwrap().id;
    bench.fleet.cancel_op(&bench.maria, waits).await.unwrap();
    bench.fleet.settle().await;
    assert!(bench.steps().await[0].starts_with("gpc0 skipped: Cancelled by maria"));
    let (op, _) = bench.begin("imac0").await;
    bench.fleet.cancel_op(&bench.maria, op).await.unwrap();
    bench.end("imac0", op, Outcome::Cancelled, "The build was cancelled. Nothing was changed.").await;
    let steps = bench.steps().await;
    assert_eq!(steps[1], "imac0 failed: The build was cancelled");
    assert_eq!(steps[2], "hsb0 skipped: stopped: imac0: The build was cancelled");
}

#[tokio::test]
async fn one_goes_on_at_a_time() {
    let mut bench = Bench::new(&["gpc0", "imac0"]).await;
    bench.start(OpKind::Switch, &["gpc0"], 1).await;
    let error =
        bench.fleet.start_rollout(&bench.maria, request(OpKind::Pull, &["imac0"], 1)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "Another roll-out is running (Switch on 1 host, started by maria). Nothing was changed. Wait for its end, or stop it."
    );
    bench.takes_it_well("gpc0").await;
    bench.start(OpKind::Pull, &["imac0"], 1).await;
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_and_begins_nothing() {
    let mut bench = Bench::new(&["gpc0", "imac0"]).await;
    let both = ["gpc0", "imac0"];
    let refused = async |request| bench.fleet.start_rollout(&bench.maria, request).await.unwrap_err();
    for (request, said) in [
        (request(OpKind::Rollback, &both, 1), "Rollback System cannot be rolled out"),
        (request(OpKind::Refresh, &both, 1), "Refresh cannot be rolled out"),
        (request(OpKind::Switch, &[], 1), "No host was chosen"),
        (request(OpKind::Switch, &["gpc0", "GPC0"], 1), "gpc0 was named twice"),
        (request(OpKind::Switch, &["gpc0", "nowhere"], 1), "There is no host named nowhere"),
        (request(OpKind::Switch, &both, 0), "1 to 100 hosts at once"),
        (request(OpKind::Switch, &both, 101), "1 to 100 hosts at once"),
        (
            RolloutRequest { reason: Some("x".repeat(501)), ..request(OpKind::Switch, &both, 1) },
            "A reason has at most 500 characters",
        ),
    ] {
        let error = refused(request).await.to_string();
        assert!(error.contains(said) && error.contains("Nothing was changed"), "{error}");
    }
    let many: Vec<_> = (0..51).map(|number| format!("h{number}")).collect();
    let many = RolloutRequest { hosts: many, ..request(OpKind::Switch, &both, 1) };
    for (typed, said) in
        [(None, "Type the number"), (Some(50), "Type the number"), (Some(51), "no host named h0")]
    {
        let error = refused(RolloutRequest { typed, ..many.clone() }).await.to_string();
        assert!(error.contains(said), "{error}");
    }
    let viewer = Actor::unchecked("eve", Role::Viewer);
    let refused = bench.fleet.start_rollout(&viewer, request(OpKind::Switch, &both, 1)).await;
    assert!(matches!(refused, Err(RolloutError::NotAllowed(NotAllowed::Role(Role::Operator)))));
    assert!(bench.hosts_with_work().is_empty());
    assert_eq!(bench.fleet.newest_rollout().await.unwrap(), None);
    assert!(bench.audited("rollout").await.is_empty());
}

#[tokio::test]
async fn its_ops_are_those_of_who_started_it_with_the_reason() {
    let mut bench = Bench::new(&["gpc0"]).await;
    let asked =
        RolloutRequest { reason: Some(" New kernel ".into()), ..request(OpKind::Switch, &["GPC0"], 1) };
    bench.start_as(asked).await;
    let op = bench.store.open_op(bench.id("gpc0")).await.unwrap().unwrap();
    assert_eq!((op.requested_by.as_str(), op.reason.as_deref()), ("maria", Some("New kernel")));
    assert_eq!((op.status, bench.received("gpc0")), (OpStatus::Sent, vec![OpKind::Switch]));
}

#[tokio::test]
async fn a_host_that_left_the_fleet_holds_nothing_up() {
    let mut bench = Bench::new(&["gpc0", "imac0", "hsb0"]).await;
    let asked =
        RolloutRequest { stop_on_failure: false, ..request(OpKind::Switch, &["gpc0", "imac0", "hsb0"], 1) };
    bench.start_as(asked).await;
    bench.remove("gpc0").await;
    bench.remove("imac0").await;
    bench.after(Duration::from_secs(1)).await;
    bench.takes_it_well("hsb0").await;
    assert_eq!(
        bench.steps().await,
        [
            "gpc0 failed: It is no longer in the fleet.",
            "imac0 skipped: It is no longer in the fleet.",
            "hsb0 ok"
        ]
    );
}

#[tokio::test]
async fn a_host_that_a_person_rolls_back_before_its_turn_is_left_where_it_went() {
    let mut bench = Bench::new(&["gpc0", "imac0", "hsb0"]).await;
    bench.start(OpKind::Switch, &["gpc0", "imac0", "hsb0"], 1).await;
    let action = bench.rollback_to("imac0", 47).await;
    bench.ask("imac0", action).await;
    bench.rolls_back("imac0").await;
    bench.tests("imac0", &[]).await;
    bench.takes_it_well("gpc0").await;
    let steps = bench.steps().await;
    assert!(
        steps[1].starts_with("imac0 skipped: maria requested Rollback to Gen 47 after this roll-out began."),
        "{steps:?}"
    );
    bench.takes_it_well("hsb0").await;
    assert_eq!(bench.rollout().await.state, RolloutState::Done);
}

#[tokio::test]
async fn what_a_host_refuses_was_not_done_and_stops_nothing() {
    let mut bench = Bench::new(&["gpc0", "imac0"]).await;
    bench.start(OpKind::Switch, &["gpc0", "imac0"], 1).await;
    let (op, _) = bench.begin("gpc0").await;
    bench.end("gpc0", op, Outcome::Refused, "The disk is full. Nothing was changed.").await;
    assert_eq!(bench.steps().await[0], "gpc0 skipped: The disk is full. Nothing was changed.");
    bench.takes_it_well("imac0").await;
    assert_eq!(bench.rollout().await.state, RolloutState::Done);
}

#[tokio::test]
async fn tests_whose_end_comes_on_a_connection_that_was_given_up_count_as_what_they_are() {
    let mut bench = Bench::new(&["gpc0", "imac0"]).await;
    bench.start(OpKind::Switch, &["gpc0", "imac0"], 1).await;
    bench.switches("gpc0").await;
    let (op, _) = bench.begin("gpc0").await;
    let now = bench.later();
    bench.host("gpc0").runs_its_tests(now, &["x11"]);
    bench.later();
    let old = bench.host("gpc0").connection.take();
    bench.connect("gpc0").await;
    let new = std::mem::replace(&mut bench.host("gpc0").connection, old);
    bench.end("gpc0", op, Outcome::Completed, "1 of 2 tests passed.").await;
    bench.host("gpc0").connection = new;
    assert_eq!(bench.steps().await[0], "gpc0 failed: Tests FAIL (x11)");
}

#[tokio::test]
async fn the_tests_that_follow_its_ops_belong_to_it_and_other_ops_do_not() {
    let mut bench = Bench::new(&["gpc0", "imac0"]).await;
    let id = bench.start(OpKind::Switch, &["gpc0"], 1).await.id;
    bench.switches("gpc0").await;
    let tests = bench.store.open_op(bench.id("gpc0")).await.unwrap().unwrap();
    assert_eq!((tests.action.kind(), tests.rollout), (OpKind::Test, Some(id)));
    let other = bench.ask("imac0", OpAction::Refresh).await;
    assert_eq!(bench.store.op(other).await.unwrap().unwrap().rollout, None);
}
