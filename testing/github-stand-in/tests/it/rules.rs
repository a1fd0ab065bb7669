//! Protected branches: branch protection and rulesets.

use backstay_github_stand_in::{Check, Permission, Protection, ProtectionKind, TOKEN};
use serde_json::json;

use crate::harness::{Client, git, merge, stand_in, two_commits};

#[tokio::test]
async fn a_ruleset_forbids_a_push_and_is_told() {
    let stand_in = stand_in().await;
    let client = Client::of(&stand_in);
    assert_eq!(client.get("rules/branches/main").await.body, json!([]));
    stand_in.protect("main", Some(Protection::pull_requests(ProtectionKind::Ruleset))).await;
    let number = stand_in.open_pull_request(two_commits()).await.unwrap();
    let (main, head) = (git(&stand_in, &["rev-parse", "main"]), git(&stand_in, &["rev-parse", "lines"]));

    let refused = client.patch("git/refs/heads/main", json!({ "sha": head })).await;
    refused.is_refused(
        422,
        "Repository rule violations found\n\nChanges must be made through a pull request.\n\n",
    );
    let refused = client.post("merges", json!({ "base": "main", "head": "lines" })).await;
    assert_eq!(refused.status, 403);
    assert_eq!(git(&stand_in, &["rev-parse", "main"]), main);
    let rules = client.get("rules/branches/main").await;
    let kinds: Vec<&str> =
        rules.body.as_array().unwrap().iter().map(|rule| rule["type"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"pull_request"), "{kinds:?}");
    stand_in.permit(TOKEN, Permission::Admin);
    client.get("branches/main/protection").await.is_refused(404, "Branch not protected");
    assert_eq!(merge(&client, number, "merge").await.status, 200, "a pull request is the way");
}

#[tokio::test]
async fn a_protected_branch_forbids_a_push_and_is_told_to_its_owner() {
    let stand_in = stand_in().await;
    let client = Client::of(&stand_in);
    let mut protection = Protection::pull_requests(ProtectionKind::Classic);
    protection.checks = vec!["build".to_owned()];
    stand_in.protect("main", Some(protection.clone())).await;
    stand_in.open_pull_request(two_commits()).await.unwrap();
    let head = git(&stand_in, &["rev-parse", "lines"]);

    let refused = client.patch("git/refs/heads/main", json!({ "sha": head })).await;
    refused.is_refused(422, "Changes must be made through a pull request.");
    assert_eq!(
        refused.body["documentation_url"],
        json!("https://docs.github.com/articles/about-protected-branches")
    );
    client.get("branches/main/protection").await.is_refused(404, "Not Found");
    assert_eq!(client.get("rules/branches/main").await.body, json!([]));
    assert_eq!(client.get("branches/main").await.body["protected"], json!(true));
    stand_in.permit(TOKEN, Permission::Admin);
    let told = client.get("branches/main/protection").await;
    assert_eq!(told.body["required_status_checks"]["contexts"], json!(["build"]));

    protection.exempt = vec!["backstay".to_owned()];
    stand_in.protect("main", Some(protection)).await;
    assert_eq!(client.patch("git/refs/heads/main", json!({ "sha": head })).await.status, 200);
}

#[tokio::test]
async fn a_ruleset_that_restricts_new_branches_forbids_them_and_is_told_of_names_that_are_not_there() {
    let stand_in = stand_in().await;
    let client = Client::of(&stand_in);
    stand_in.forbid_branches(Some("bot/")).await;
    let head = git(&stand_in, &["rev-parse", "main"]);
    let refused = client.post("git/refs", json!({ "ref": "refs/heads/bot/x", "sha": head })).await;
    refused.is_refused(
        422,
        "Repository rule violations found\n\nCannot create ref due to creations being restricted.\n\n",
    );
    assert_eq!(client.get("rules/branches/bot/x").await.body[0]["type"], json!("creation"));
    assert_eq!(client.get("rules/branches/x").await.body, json!([]));
    assert_eq!(client.post("git/refs", json!({ "ref": "refs/heads/x", "sha": head })).await.status, 201);
}

#[tokio::test]
async fn reviews_and_checks_block_a_merge() {
    let stand_in = stand_in().await;
    let client = Client::of(&stand_in);
    let number = stand_in.open_pull_request(two_commits()).await.unwrap();
    let head = git(&stand_in, &["rev-parse", "lines"]);
    let mut protection = Protection::pull_requests(ProtectionKind::Ruleset);
    protection.approvals = 1;
    stand_in.protect("main", Some(protection.clone())).await;
    let said = "At least 1 approving review is required by reviewers with write access.";
    merge(&client, number, "merge").await.is_refused(405, said);
    assert_eq!(client.get(&format!("pulls/{number}")).await.body["mergeable_state"], json!("blocked"));

    (protection.approvals, protection.checks) = (0, vec!["build".to_owned()]);
    stand_in.protect("main", Some(protection)).await;
    merge(&client, number, "merge").await.is_refused(405, "Required status check \"build\" is expected.");
    stand_in.set_checks(&head, vec![Check::ended("build", "failure")]).await;
    merge(&client, number, "merge").await.is_refused(405, "Required status check \"build\" is failing.");
    assert!(client.get("rules/branches/main").await.text.contains("required_status_checks"));
    stand_in.set_checks(&head, vec![Check::ended("build", "success")]).await;
    assert_eq!(merge(&client, number, "merge").await.status, 200);
}
