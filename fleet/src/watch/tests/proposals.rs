//! Reverts that become pull requests.

use backstay_github_stand_in::{Change, NewPullRequest, Protection, ProtectionKind};
use backstay_model::Commit;
use backstay_model::deployment::Decision;

use super::{Bench, lock};
use crate::deployments::RevertRequest;
use crate::test_fleet::maria;

#[tokio::test]
async fn a_proposed_revert_that_is_merged_is_the_revert() {
    let bench = Bench::new().await;
    let number = bench.open("update", "Update flake.lock", lock("2")).await;
    bench.merge_there(number).await;
    bench.fleet.read_github().await.unwrap();
    // The first look ignores the past. Later merges count.
    let later = bench.open("later", "Update flake.lock again", lock("4")).await;
    bench.merge_there(later).await;
    bench.read().await;
    let deployment = bench.fleet.newest_deployment().await.unwrap().unwrap();
    assert_eq!(deployment.pull_request.number, later);
    bench.stand_in.protect("main", Some(Protection::pull_requests(ProtectionKind::Ruleset))).await;
    let proposed =
        bench.fleet.revert_pull_request(&maria(), deployment.id, RevertRequest::default()).await.unwrap();
    let Decision::Proposed { pull_request, .. } = proposed.decision else { panic!("{proposed:?}") };
    assert!(bench.read().await.open.is_empty(), "it is no update");
    let before = bench.fleet.events().last();
    bench.stand_in.protect("main", None).await;
    bench.merge_there(pull_request.number).await;
    bench.read().await;
    let reverted = bench.fleet.deployment(deployment.id).await.unwrap().unwrap();
    let Decision::Reverted { by, commit, .. } = reverted.decision else { panic!("{reverted:?}") };
    let head = bench.stand_in.head("main").await.unwrap().map(Commit);
    assert_eq!((by.as_str(), Some(commit)), ("@alice", head));
    let missed = bench.fleet.events().subscribe(Some(before)).missed;
    assert!(missed.iter().any(|event| event.name == "pr_reverted"));
    bench.read().await;
    assert_eq!(bench.deployed().await.len(), 1, "the revert opens none of its own");
}

#[tokio::test]
async fn a_pull_request_from_a_fork_is_never_taken_for_our_proposal() {
    let bench = Bench::new().await;
    bench.read().await;
    let number = bench.open("update", "Update flake.lock", lock("2")).await;
    bench.merge_there(number).await;
    bench.read().await;
    let deployment = bench.fleet.newest_deployment().await.unwrap().unwrap();
    let posing = NewPullRequest {
        fork: Some("eve".into()),
        author: "eve".into(),
        ..NewPullRequest::new(format!("backstay/revert-{number}"), "Revert", vec![Change::write("evil", "e")])
    };
    let posing = bench.stand_in.open_pull_request(posing).await.unwrap();
    bench.stand_in.protect("main", Some(Protection::pull_requests(ProtectionKind::Ruleset))).await;
    let propose = async || {
        let decided =
            bench.fleet.revert_pull_request(&maria(), deployment.id, RevertRequest::default()).await.unwrap();
        let Decision::Proposed { pull_request, .. } = decided.decision else { panic!("{decided:?}") };
        pull_request.number
    };
    let proposed = propose().await;
    assert_ne!(proposed, posing);
    assert_eq!(propose().await, proposed, "it is found again");
}
