//! Commits as GitHub shows them, and how they relate.

use serde_json::json;

use crate::harness::{Client, git, in_repository, merge, move_main, stand_in, two_commits, update};

#[tokio::test]
async fn the_history_comes_page_by_page() {
    let stand_in = stand_in().await;
    let client = Client::of(&stand_in);
    let all: Vec<String> = git(&stand_in, &["rev-list", "main"]).lines().map(str::to_owned).collect();

    let first = client.get("commits?sha=main&per_page=2").await;
    let shas: Vec<&str> =
        first.body.as_array().unwrap().iter().map(|commit| commit["sha"].as_str().unwrap()).collect();
    assert_eq!(shas, all[..2]);
    let next =
        format!("<{}{}>; rel=\"next\"", stand_in.url, in_repository("commits?sha=main&per_page=2&page=2"));
    assert_eq!(first.header("link"), next);
    let second = client.get("commits?sha=main&per_page=2&page=2").await;
    assert_eq!(second.body[0]["sha"], json!(all[2]));
    assert_eq!(second.body.as_array().unwrap().len(), 1);
    assert!(
        second.header("link").contains("rel=\"prev\"") && !second.header("link").contains("rel=\"next\"")
    );
    client.get("commits?sha=nowhere").await.is_refused(404, "Not Found");
}

#[tokio::test]
async fn a_commit_tells_what_it_changed() {
    let stand_in = stand_in().await;
    let client = Client::of(&stand_in);

    let commit = client.get("commits/main").await;
    assert_eq!(commit.body["sha"], json!(git(&stand_in, &["rev-parse", "main"])));
    assert_eq!(commit.body["files"][0]["filename"], json!("hosts/imac0.nix"));
    assert_eq!(
        (&commit.body["files"][0]["status"], &commit.body["stats"]["additions"]),
        (&json!("added"), &json!(1))
    );
    assert_eq!(commit.body["commit"]["tree"]["sha"], json!(git(&stand_in, &["rev-parse", "main^{tree}"])));
    let first = client.get(&format!("commits/{}", git(&stand_in, &["rev-parse", "main~2"]))).await;
    assert_eq!(first.body["commit"]["message"], json!("A flake\n\nWith one host.\n"));
    assert_eq!(first.body["files"].as_array().unwrap().len(), 2);
    client.get("commits/nowhere").await.is_refused(422, "No commit found for SHA: nowhere");

    let only = Client::with_header(&stand_in, "Accept", "application/vnd.github.sha")
        .get("commits/heads/main")
        .await;
    assert_eq!(only.text, git(&stand_in, &["rev-parse", "main"]));
}

#[tokio::test]
async fn commits_are_compared() {
    let stand_in = stand_in().await;
    let client = Client::of(&stand_in);
    stand_in.open_pull_request(two_commits()).await.unwrap();
    let base = git(&stand_in, &["rev-parse", "main"]);
    let ahead = client.get("compare/main...lines").await;
    assert_eq!((&ahead.body["status"], &ahead.body["ahead_by"]), (&json!("ahead"), &json!(2)));
    assert_eq!(ahead.body["commits"][0]["commit"]["message"], json!("First line"));
    assert_eq!(client.get("compare/lines...main").await.body["status"], json!("behind"));
    assert_eq!(client.get(&format!("compare/main...{base}")).await.body["status"], json!("identical"));

    move_main(&stand_in).await;
    let diverged = client.get("compare/main...lines?per_page=1").await;
    assert_eq!(diverged.body["status"], json!("diverged"));
    assert_eq!((&diverged.body["ahead_by"], &diverged.body["behind_by"]), (&json!(2), &json!(1)));
    assert_eq!(diverged.body["merge_base_commit"]["sha"], json!(base));
    assert_eq!(diverged.body["commits"].as_array().unwrap().len(), 1);
    client.get("compare/main...nowhere").await.is_refused(404, "Not Found");
}

#[tokio::test]
async fn merging_a_branch_gives_the_tree_that_git_gives() {
    let stand_in = stand_in().await;
    let client = Client::of(&stand_in);
    stand_in.open_pull_request(two_commits()).await.unwrap();
    let moved = move_main(&stand_in).await;
    let head = git(&stand_in, &["rev-parse", "lines"]);
    let tree = git(&stand_in, &["merge-tree", "--write-tree", "main", "lines"]);

    let merged =
        client.post("merges", json!({ "base": "main", "head": head, "commit_message": "Shipped" })).await;
    assert_eq!(merged.status, 201, "{}", merged.text);
    assert_eq!(merged.body["commit"]["tree"]["sha"], json!(tree));
    assert_eq!(merged.body["commit"]["message"], json!("Shipped"));
    let sha = git(&stand_in, &["rev-parse", "main"]);
    assert_eq!(merged.body["sha"], json!(sha));
    assert_eq!(git(&stand_in, &["show", "-s", "--format=%P", "main"]), format!("{moved} {head}"));

    let again = client.post("merges", json!({ "base": "main", "head": "lines" })).await;
    assert_eq!((again.status, again.text.as_str()), (204, ""));
    assert_eq!(git(&stand_in, &["rev-parse", "main"]), sha);
}

#[tokio::test]
async fn a_merge_that_conflicts_changes_nothing() {
    let stand_in = stand_in().await;
    let client = Client::of(&stand_in);
    let changes = |text: &str| [backstay_github_stand_in::Change::write("hosts/hsb0.nix", text)];
    stand_in.commit("other", "bob", "Other", &changes("X\n")).await.unwrap();
    let moved = move_main(&stand_in).await;
    let refs = git(&stand_in, &["for-each-ref"]);

    client.post("merges", json!({ "base": "main", "head": "other" })).await.is_refused(409, "Merge conflict");
    client
        .post("merges", json!({ "base": "main", "head": "nowhere" }))
        .await
        .is_refused(404, "Head does not exist");
    client
        .post("merges", json!({ "base": "nowhere", "head": "main" }))
        .await
        .is_refused(404, "Base does not exist");
    assert_eq!(git(&stand_in, &["for-each-ref"]), refs);
    assert_eq!(git(&stand_in, &["rev-parse", "main"]), moved);
}

/// How the product makes a revert without a work tree: see its documentation.
#[tokio::test]
async fn merging_the_inverse_of_a_merge_reverts_it() {
    let stand_in = stand_in().await;
    let client = Client::of(&stand_in);
    let number = stand_in.open_pull_request(update()).await.unwrap();
    let merged = merge(&client, number, "merge").await.body["sha"].as_str().unwrap().to_owned();
    let head = move_main(&stand_in).await;

    let tree = git(&stand_in, &["rev-parse", &format!("{merged}^1^{{tree}}")]);
    let inverse =
        client.post("git/commits", json!({ "message": "X", "tree": tree, "parents": [merged] })).await;
    client.post("git/refs", json!({ "ref": "refs/heads/scratch", "sha": head })).await;
    let made = client.post("merges", json!({ "base": "scratch", "head": inverse.body["sha"] })).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let reverted = made.body["commit"]["tree"]["sha"].as_str().unwrap();
    let difference = git(&stand_in, &["diff", "--name-only", "main", reverted]);
    assert_eq!(difference, "flake.lock");
    assert_eq!(git(&stand_in, &["diff", "--name-only", &format!("{merged}^1"), reverted]), "hosts/hsb0.nix");
}
