//! Merging pull requests in all three ways.

use backstay_github_stand_in::{Change, MergeMethods};
use serde_json::json;

use crate::harness::{Client, git, merge, move_main, stand_in, two_commits};

#[tokio::test]
async fn a_merge_has_two_parents_and_the_usual_message() {
    let stand_in = stand_in().await;
    let client = Client::of(&stand_in);
    let number = stand_in.open_pull_request(two_commits()).await.unwrap();
    let base = move_main(&stand_in).await;
    let head = git(&stand_in, &["rev-parse", "lines"]);
    let tree = git(&stand_in, &["merge-tree", "--write-tree", "main", "lines"]);

    let merged = merge(&client, number, "merge").await;
    assert_eq!(merged.status, 200, "{}", merged.text);
    let sha = git(&stand_in, &["rev-parse", "main"]);
    assert_eq!(merged.body["sha"], json!(sha));
    assert_eq!(git(&stand_in, &["show", "-s", "--format=%P %T", &sha]), format!("{base} {head} {tree}"));
    let message = format!("Merge pull request #{number} from example/lines\n\nTwo lines");
    assert_eq!(git(&stand_in, &["show", "-s", "--format=%B", &sha]), message);
    assert_eq!(git(&stand_in, &["show", "-s", "--format=%an %cn", &sha]), "backstay GitHub");

    let pull = client.get(&format!("pulls/{number}")).await;
    assert_eq!((&pull.body["merged"], &pull.body["merge_commit_sha"]), (&json!(true), &json!(sha)));
    assert_eq!(
        (&pull.body["state"], &pull.body["merged_by"]["login"]),
        (&json!("closed"), &json!("backstay"))
    );
    assert_eq!(client.get(&format!("pulls/{number}/merge")).await.status, 204);
    assert_eq!(client.get(&format!("pulls/{number}/commits")).await.body.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_squash_is_one_commit() {
    let stand_in = stand_in().await;
    let client = Client::of(&stand_in);
    let number = stand_in.open_pull_request(two_commits()).await.unwrap();
    let base = move_main(&stand_in).await;
    let tree = git(&stand_in, &["merge-tree", "--write-tree", "main", "lines"]);

    let merged = merge(&client, number, "squash").await;
    let sha = git(&stand_in, &["rev-parse", "main"]);
    assert_eq!((merged.status, &merged.body["sha"]), (200, &json!(sha)));
    assert_eq!(git(&stand_in, &["show", "-s", "--format=%P %T", &sha]), format!("{base} {tree}"));
    let message = format!("Two lines (#{number})\n\n* First line\n\n* Second line\n\nAnd why.");
    assert_eq!(git(&stand_in, &["show", "-s", "--format=%B", &sha]), message);
    assert_eq!(git(&stand_in, &["show", "-s", "--format=%an", &sha]), "update-bot");
    assert_eq!(client.get(&format!("pulls/{number}")).await.body["merge_commit_sha"], json!(sha));
}

#[tokio::test]
async fn a_rebase_replays_each_commit() {
    let stand_in = stand_in().await;
    let client = Client::of(&stand_in);
    let number = stand_in.open_pull_request(two_commits()).await.unwrap();
    let base = move_main(&stand_in).await;
    let tree = git(&stand_in, &["merge-tree", "--write-tree", "main", "lines"]);

    let merged = merge(&client, number, "rebase").await;
    let sha = git(&stand_in, &["rev-parse", "main"]);
    assert_eq!((merged.status, &merged.body["sha"]), (200, &json!(sha)));
    assert_eq!(git(&stand_in, &["rev-parse", "main^{tree}", "main~2"]), format!("{tree}\n{base}"));
    let log = git(&stand_in, &["log", "--reverse", "--format=%s|%an|%cn", "-2", "main"]);
    assert_eq!(log, "First line|update-bot|backstay\nSecond line|update-bot|backstay");
    let kept = |branch: &str| git(&stand_in, &["log", "-2", "--format=%B %at %ae", branch]);
    assert_eq!(kept("main"), kept("lines"));
    assert_eq!(client.get(&format!("pulls/{number}")).await.body["merge_commit_sha"], json!(sha));
}

#[tokio::test]
async fn a_rebase_makes_new_commits_even_where_the_base_has_not_moved() {
    let stand_in = stand_in().await;
    let client = Client::of(&stand_in);
    let number = stand_in.open_pull_request(two_commits()).await.unwrap();
    assert_eq!(merge(&client, number, "rebase").await.status, 200);
    assert_ne!(git(&stand_in, &["rev-parse", "main"]), git(&stand_in, &["rev-parse", "lines"]));
    assert_eq!(git(&stand_in, &["rev-parse", "main^{tree}"]), git(&stand_in, &["rev-parse", "lines^{tree}"]));
}

#[tokio::test]
async fn a_rebase_tree_is_that_of_git_rebase() {
    let stand_in = stand_in().await;
    let client = Client::of(&stand_in);
    let number = stand_in.open_pull_request(two_commits()).await.unwrap();
    move_main(&stand_in).await;
    let work = tempfile::tempdir().unwrap();
    let dir = work.path().to_str().unwrap();
    git(&stand_in, &["clone", "--quiet", ".", dir]);
    let identity = ["-c", "user.name=n", "-c", "user.email=e"];
    let rebase = [
        "-C",
        dir,
        identity[0],
        identity[1],
        identity[2],
        identity[3],
        "rebase",
        "--quiet",
        "origin/main",
        "origin/lines",
    ];
    git(&stand_in, &rebase);
    let tree = git(&stand_in, &["-C", dir, "rev-parse", "HEAD^{tree}"]);
    assert_eq!(merge(&client, number, "rebase").await.status, 200);
    assert_eq!(git(&stand_in, &["rev-parse", "main^{tree}"]), tree);
}

#[tokio::test]
async fn the_head_must_be_the_one_that_was_seen() {
    let stand_in = stand_in().await;
    let client = Client::of(&stand_in);
    let number = stand_in.open_pull_request(two_commits()).await.unwrap();
    let seen = git(&stand_in, &["rev-parse", "lines"]);
    stand_in.commit("lines", "bob", "Third", &[Change::write("third", "3")]).await.unwrap();
    let main = git(&stand_in, &["rev-parse", "main"]);

    let path = format!("pulls/{number}/merge");
    let refused = client.put(&path, json!({ "sha": seen, "merge_method": "squash" })).await;
    refused.is_refused(409, "Head branch was modified. Review and try the merge again.");
    assert_eq!(git(&stand_in, &["rev-parse", "main"]), main);
    let head = git(&stand_in, &["rev-parse", "lines"]);
    let wording = json!({ "sha": head, "commit_title": "Title", "commit_message": "Body" });
    assert_eq!(client.put(&path, wording).await.status, 200);
    assert_eq!(git(&stand_in, &["show", "-s", "--format=%B", "main"]), "Title\n\nBody");
}

#[tokio::test]
async fn what_cannot_be_merged_is_not() {
    let stand_in = stand_in().await;
    let client = Client::of(&stand_in);
    let number = stand_in.open_pull_request(two_commits()).await.unwrap();
    stand_in.allow(MergeMethods { merge: false, squash: false, rebase: false }).await;
    merge(&client, number, "merge")
        .await
        .is_refused(405, "Merge commits are not allowed on this repository.");
    merge(&client, number, "squash")
        .await
        .is_refused(405, "Squash merges are not allowed on this repository.");
    merge(&client, number, "rebase")
        .await
        .is_refused(405, "Rebase merges are not allowed on this repository.");
    assert_eq!(client.get("").await.body["allow_merge_commit"], json!(false));
    stand_in.allow(MergeMethods::default()).await;

    let conflict =
        stand_in.commit("main", "alice", "Same", &[Change::write("hosts/hsb0.nix", "Z\n")]).await.unwrap();
    merge(&client, number, "merge").await.is_refused(405, "Pull Request is not mergeable");
    merge(&client, number, "squash").await.is_refused(405, "Pull Request is not mergeable");
    merge(&client, number, "rebase").await.is_refused(405, "This branch can't be rebased");
    assert_eq!(git(&stand_in, &["rev-parse", "main"]), conflict);
    client.get(&format!("pulls/{number}/merge")).await.is_refused(404, "Not Found");

    client.patch(&format!("pulls/{number}"), json!({ "state": "closed" })).await;
    merge(&client, number, "merge").await.is_refused(405, "Pull Request is not mergeable");
    merge(&client, 999, "merge").await.is_refused(404, "Not Found");
    let unknown = client.put(&format!("pulls/{number}/merge"), json!({ "merge_method": "fast" })).await;
    assert_eq!(unknown.status, 422);
}
