//! Settings at GitHub that people have to know of.

use std::sync::Arc;

use backstay_github_stand_in::{
    MergeMethods, NewPullRequest, Options, Permission, Protection, ProtectionKind, StandIn, TOKEN,
};
use backstay_model::deployment::Decision;
use backstay_model::{DesiredState, FixedClock};
use chrono::TimeDelta;

use super::{Bench, alone, fleet, lock, seen};
use crate::Fleet;
use crate::deployments::RevertRequest;
use crate::github::{Access, GitHub, GitHubConfig, MergeMethod, UpdateRule};
use crate::secret::Secret;
use crate::test_fleet::{Database, maria};

#[tokio::test]
async fn what_is_wrong_with_the_settings_is_told_until_it_is_repaired() {
    let bench = Bench::new().await;
    let problem = async |fleet: &Fleet| {
        fleet.read_github().await.unwrap();
        fleet.pull_requests().problems.join(" ")
    };
    bench.stand_in.permit(TOKEN, Permission::Read);
    assert!(problem(&bench.fleet).await.contains("may not write to example/nixcfg"));
    bench.stand_in.permit(TOKEN, Permission::None);
    assert!(problem(&bench.fleet).await.contains("knows no repository example/nixcfg"));
    bench.stand_in.permit(TOKEN, Permission::Write);
    assert_eq!(problem(&bench.fleet).await, "");

    let elsewhere = bench.asking("release", TOKEN, MergeMethod::Merge).await;
    assert!(problem(&elsewhere).await.contains("There is no branch release in example/nixcfg"));
    assert!(matches!(elsewhere.desired(), DesiredState::Unreadable { .. }));
    let wrong = bench.asking("main", "ghp_wrong", MergeMethod::Merge).await;
    assert!(problem(&wrong).await.contains(
        "GitHub does not accept the token. Put a valid one into the token file and restart the server."
    ));
    bench.stand_in.allow(MergeMethods { squash: false, ..MergeMethods::default() }).await;
    let squashing = bench.asking("main", TOKEN, MergeMethod::Squash).await;
    assert!(problem(&squashing).await.contains("does not allow merging by squashing"));
}

#[tokio::test]
async fn a_protected_branch_is_told_of_and_a_revert_will_be_a_pull_request() {
    for kind in [ProtectionKind::Classic, ProtectionKind::Ruleset] {
        let bench = Bench::new().await;
        bench.stand_in.protect("main", Some(Protection::pull_requests(kind))).await;
        let problems = bench.read().await.problems;
        assert!(problems[0].contains("main is protected at GitHub"), "{problems:?}");
        assert!(problems[0].contains("a revert comes as a pull request"), "{problems:?}");
        let is_named = problems[0].contains("changes by pull requests alone");
        assert_eq!(is_named, kind == ProtectionKind::Ruleset, "{problems:?}");
        // Nothing needs repair, so the settings are read again after an hour.
        bench.stand_in.protect("main", None).await;
        assert_eq!(bench.read().await.problems, problems);
        bench.clock.advance(TimeDelta::hours(1));
        assert!(bench.read().await.problems.is_empty());
    }
}

#[tokio::test]
async fn a_rule_that_restricts_new_branches_is_told_before_a_revert_needs_one() {
    let bench = Bench::new().await;
    bench.stand_in.forbid_branches(Some("backstay/")).await;
    let problems = bench.read().await.problems;
    assert!(problems[0].contains("no pull request can be reverted"), "{problems:?}");
}

#[tokio::test]
async fn a_renamed_repository_is_merged_and_reverted_in_and_told_of() {
    let clock = Arc::new(FixedClock::at("2026-01-04T12:00:00Z".parse().unwrap()));
    let options =
        Options { clock: clock.clone(), formerly: Some("example/oldcfg".into()), ..Options::default() };
    let stand_in = StandIn::start(options).await.unwrap();
    stand_in.commit("main", "alice", "A flake", &lock("1")).await.unwrap();
    let number = stand_in
        .open_pull_request(NewPullRequest::new("update", "Update flake.lock", lock("2")))
        .await
        .unwrap();
    let database = Database::new();
    let config = GitHubConfig {
        api: stand_in.url.clone(),
        owner: "example".into(),
        name: "oldcfg".into(),
        branch: "main".into(),
        access: Access::Token(Secret::from_text(TOKEN)),
        merge_method: MergeMethod::Merge,
        updates: UpdateRule::default(),
    };
    let fleet = fleet(&database, &clock, GitHub::new(&config, clock.clone()).unwrap()).await;
    fleet.read_github().await.unwrap();
    let shown = fleet.pull_requests();
    assert!(
        shown.problems.iter().any(|p| p.contains("example/oldcfg is called example/nixcfg now")),
        "{shown:?}"
    );
    let head = alone(&shown).head.clone();
    let merged = fleet.merge_pull_request(&maria(), &seen(number, &head)).await.unwrap();
    let reverted = fleet.revert_pull_request(&maria(), merged.id, RevertRequest::default()).await.unwrap();
    assert!(matches!(reverted.decision, Decision::Reverted { .. }), "{reverted:?}");
}
