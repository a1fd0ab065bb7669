//! A roll-out that was confirmed together with a merge or a revert.

use std::sync::Arc;

use backstay_github_stand_in::{Protection, ProtectionKind};
use backstay_model::deployment::{Decision, HostEvent};
use backstay_model::view::AuditQuery;
use backstay_model::{Clock as _, Commit, OpId, OpKind};

use super::{Bench, lock, seen};
use crate::deployments::{RevertRequest, SeenPullRequest};
use crate::test_fleet::{self, maria};

#[tokio::test]
async fn a_confirmed_roll_out_follows_a_merge_or_a_revert_that_was_made_and_no_other() {
    let bench = Bench::new().await;
    bench.read().await;
    let store = Arc::clone(&bench.fleet.store);
    let gpc0 = test_fleet::enrolled(&*store, "gpc0", bench.clock.now()).await;
    let number = bench.open("update", "Update flake.lock", lock("2")).await;
    let head = bench.head_of(number).await;
    let rollouts = async || bench.fleet.rollouts(None).await.unwrap();

    let outdated = SeenPullRequest { then_roll_out: true, ..seen(number, &Commit("outdated".into())) };
    bench.fleet.merge_pull_request(&maria(), &outdated).await.unwrap_err();
    assert!(rollouts().await.is_empty(), "the merge was refused");

    let seen = SeenPullRequest { then_roll_out: true, ..seen(number, &head) };
    let deployment = bench.fleet.merge_pull_request(&maria(), &seen).await.unwrap();
    let first = rollouts().await.remove(0);
    assert_eq!((first.kind, first.requested_by.as_str()), (OpKind::PullSwitch, "maria"));
    assert_eq!((first.deployment, first.stop_on_failure), (Some(deployment.id), true));
    assert_eq!(first.hosts.iter().map(|host| host.name.as_str()).collect::<Vec<_>>(), ["gpc0"]);
    bench.fleet.stop_rollout(&maria(), first.id).await.unwrap();
    // It ends before its first host begins.
    let driver = tokio::spawn(bench.fleet.clone().advance_rollouts());
    while rollouts().await[0].state.is_open() {
        tokio::task::yield_now().await;
    }
    driver.abort();

    let started = HostEvent::SwitchStarted;
    store.apply_host_event(deployment.id, gpc0.id, "gpc0", OpId::new(), &started).await.unwrap();
    bench.stand_in.protect("main", Some(Protection::pull_requests(ProtectionKind::Ruleset))).await;
    let wish = RevertRequest { reason: Some("no picture".into()), then_roll_out: true };
    let revert =
        async || bench.fleet.revert_pull_request(&maria(), deployment.id, wish.clone()).await.unwrap();
    let proposed = revert().await.decision;
    assert!(matches!(proposed, Decision::Proposed { .. }), "{proposed:?}");
    assert_eq!(rollouts().await.len(), 1, "the revert still has to be merged");

    bench.stand_in.protect("main", None).await;
    let reverted = revert().await.decision;
    assert!(matches!(reverted, Decision::Reverted { .. }), "{reverted:?}");
    assert_eq!(reverted.reason(), Some("no picture"));
    let second = rollouts().await.remove(0);
    assert_ne!(second.id, first.id);
    assert_eq!((second.reason.as_deref(), second.stop_on_failure), (Some("no picture"), false));
    let audited = store.audit(&AuditQuery::default(), 100).await.unwrap();
    let because = audited.iter().filter(|entry| entry.reason.as_deref() == Some("no picture"));
    let mut actions: Vec<_> = because.map(|entry| entry.action.as_str()).collect();
    actions.dedup();
    for action in ["pr.revert-requested", "pr.reverted", "rollout.started"] {
        assert!(actions.contains(&action), "{action}: {actions:?}");
    }
}

#[tokio::test]
async fn a_merge_is_told_as_made_even_if_its_roll_out_does_not_start() {
    let bench = Bench::new().await;
    bench.read().await;
    let number = bench.open("update", "Update flake.lock", lock("2")).await;
    let head = bench.head_of(number).await;
    let seen = SeenPullRequest { then_roll_out: true, ..seen(number, &head) };
    let said = bench.fleet.merge_pull_request(&maria(), &seen).await.unwrap_err().to_string();
    let no_host = "No host was chosen. Nothing was changed.";
    assert_eq!(said, format!("PR #{number} was merged, but the roll-out did not start. {no_host}"));
    assert_eq!(bench.deployed().await, [(number, "maria".to_owned())]);
}
