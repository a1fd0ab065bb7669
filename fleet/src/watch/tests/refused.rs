//! What the server does not merge, or not without a second look.

use backstay_github_stand_in::{Change, Check, NewPullRequest};

use super::{Bench, alone, lock, seen};
use crate::deployments::SeenPullRequest;
use crate::test_fleet::maria;

#[tokio::test]
async fn nothing_is_merged_that_nobody_saw() {
    let bench = Bench::new().await;
    let number = bench.open("update", "Update flake.lock", lock("2")).await;
    let seen = alone(&bench.read().await).head.clone();
    bench.stand_in.commit("update", "update-bot", "More", &lock("3")).await.unwrap();
    let before = bench.stand_in.head("main").await.unwrap();
    let error = bench.refused_merge(number, &seen).await;
    assert!(error.contains(&format!("#{number} was not merged. It is now at ")), "{error}");
    assert_eq!(bench.stand_in.head("main").await.unwrap(), before);
    assert_eq!(bench.deployed().await, []);
    let fresh = bench.read().await;
    assert_ne!(alone(&fresh).head, seen);
}

#[tokio::test]
async fn the_server_decides_what_may_be_merged_whatever_a_page_says() {
    let bench = Bench::new().await;
    let change = |name: &str| vec![Change::write(name, "x")];
    let back_door = bench.open("door", "Open a back door on every host", change("configuration.nix")).await;
    let refused = async |number: u64| bench.refused_merge(number, &bench.head_of(number).await).await;
    assert!(refused(back_door).await.contains("not one that updates the fleet"));

    let update = bench.open("update", "Update flake.lock", lock("2")).await;
    bench.stand_in.commit("release", "alice", "Released", &change("release")).await.unwrap();
    bench.stand_in.retarget(update, "release").await.unwrap();
    let said = refused(update).await;
    assert!(said.contains("It targets release, and hosts follow main."), "{said}");
    bench.stand_in.retarget(update, "main").await.unwrap();
    bench.stand_in.draft(update, true).await;
    assert!(refused(update).await.contains("It is a draft."));
    bench.stand_in.draft(update, false).await;
    let head = bench.head_of(update).await;
    bench.merge_there(update).await;
    assert!(bench.refused_merge(update, &head).await.contains("no longer open"));

    let conflicting = bench.open("conflict", "Update flake.lock again", lock("4")).await;
    bench.stand_in.commit("main", "bob", "Another lock", &lock("9")).await.unwrap();
    assert!(refused(conflicting).await.contains("It conflicts with main."));
}

#[tokio::test]
async fn what_is_no_ordinary_update_is_merged_only_for_who_looked_at_it() {
    let bench = Bench::new().await;
    let commits = vec![
        ("Update".to_owned(), lock("2")),
        ("Else".to_owned(), vec![Change::write("configuration.nix", "{ }")]),
    ];
    let new = NewPullRequest {
        commits,
        author: "eve".into(),
        association: "NONE".into(),
        fork: Some("eve".into()),
        ..NewPullRequest::new("update", "Update flake.lock", vec![])
    };
    let number = bench.stand_in.open_pull_request(new).await.unwrap();
    let head = bench.head_of(number).await;
    bench.stand_in.set_checks(&head.0, vec![Check::ended("build", "failure")]).await;
    let shown = bench.read().await;
    let doubts = alone(&shown).doubts();
    assert_eq!(
        doubts,
        [
            "It changes a file beside flake.lock: configuration.nix.",
            "It comes from a fork, eve/nixcfg. GitHub knows eve neither as a member nor as a contributor of this repository.",
            "A check failed: build."
        ]
    );
    let said = bench.refused_merge(number, &head).await;
    assert!(doubts.iter().all(|doubt| said.contains(doubt)), "{said}");
    let seen = SeenPullRequest { is_looked_at: true, ..seen(number, &head) };
    bench.fleet.merge_pull_request(&maria(), &seen).await.unwrap();
    assert_eq!(bench.deployed().await, [(number, "maria".to_owned())]);
}

#[tokio::test]
async fn a_bot_that_pushes_to_the_repository_raises_no_doubt() {
    let bench = Bench::new().await;
    let new = NewPullRequest {
        author: "renovate[bot]".into(),
        association: "NONE".into(),
        ..NewPullRequest::new("update", "Update flake.lock", lock("2"))
    };
    bench.stand_in.open_pull_request(new).await.unwrap();
    assert_eq!(alone(&bench.read().await).doubts(), [""; 0]);
}
