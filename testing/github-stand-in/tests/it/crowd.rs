//! Concurrent requests.

use serde_json::{Value, json};

use crate::harness::{Client, git, merge, stand_in, two_commits};

#[tokio::test]
async fn of_many_who_move_a_branch_at_once_one_succeeds() {
    let stand_in = stand_in().await;
    let client = Client::of(&stand_in);
    let (head, tree) =
        (git(&stand_in, &["rev-parse", "main"]), git(&stand_in, &["rev-parse", "main^{tree}"]));
    let mut made: Vec<Value> = vec![];
    for number in 0..6 {
        let wanted = json!({ "message": format!("{number}"), "tree": tree, "parents": [head] });
        made.push(client.post("git/commits", wanted).await.body["sha"].clone());
    }
    let moves =
        made.iter().map(|sha| client.patch("git/refs/heads/main", json!({ "sha": sha, "force": false })));
    let mut statuses: Vec<u16> =
        futures::future::join_all(moves).await.iter().map(|moved| moved.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 422, 422, 422, 422, 422]);
    assert_eq!(git(&stand_in, &["rev-list", "--count", &format!("{head}..main")]), "1");
}

#[tokio::test]
async fn a_double_click_merges_once() {
    let stand_in = stand_in().await;
    let client = Client::of(&stand_in);
    let number = stand_in.open_pull_request(two_commits()).await.unwrap();
    let head = git(&stand_in, &["rev-parse", "main"]);
    let (one, other) = tokio::join!(merge(&client, number, "squash"), merge(&client, number, "squash"));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 405]);
    assert_eq!(git(&stand_in, &["rev-list", "--count", &format!("{head}..main")]), "1");
}
