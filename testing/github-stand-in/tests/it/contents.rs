//! Files at a commit.

use backstay_github_stand_in::{Change, lock_file};
use base64::Engine as _;
use serde_json::json;

use crate::harness::{Client, NEW, OLD, git, stand_in, update};

fn decoded(body: &serde_json::Value) -> Vec<u8> {
    let lines = body["content"].as_str().unwrap().replace('\n', "");
    base64::engine::general_purpose::STANDARD.decode(lines).unwrap()
}

#[tokio::test]
async fn a_file_is_read_in_both_ways() {
    let stand_in = stand_in().await;
    stand_in.open_pull_request(update()).await.unwrap();
    let raw = Client::with_header(&stand_in, "Accept", "application/vnd.github.raw+json");
    let old = lock_file(&[("nixpkgs", OLD), ("home-manager", OLD)]);
    let new = lock_file(&[("nixpkgs", NEW), ("home-manager", OLD)]);
    assert_eq!(raw.get("contents/flake.lock").await.text, old);
    assert_eq!(raw.get("contents/flake.lock?ref=update/nixpkgs").await.text, new);

    let file = Client::of(&stand_in).get("contents/flake.lock?ref=main").await;
    assert_eq!(decoded(&file.body), old.as_bytes());
    assert_eq!(file.body["sha"], json!(git(&stand_in, &["rev-parse", "main:flake.lock"])));
    assert_eq!(file.body["size"], json!(old.len()));
}

#[tokio::test]
async fn folders_are_listed_and_what_is_missing_is_said() {
    let stand_in = stand_in().await;
    let client = Client::of(&stand_in);
    let folder = client.get("contents/hosts").await;
    let names: Vec<&str> =
        folder.body.as_array().unwrap().iter().map(|entry| entry["path"].as_str().unwrap()).collect();
    assert_eq!(names, ["hosts/hsb0.nix", "hosts/imac0.nix"]);
    client.get("contents/none").await.is_refused(404, "Not Found");
    client.get("contents/flake.nix?ref=none").await.is_refused(404, "No commit found for the ref none");
}

#[tokio::test]
async fn a_large_file_is_to_be_had_raw_only() {
    let stand_in = stand_in().await;
    let large = vec![0_u8; 1024 * 1024 + 1];
    stand_in.commit("main", "alice", "Large", &[Change::write("large file", large.clone())]).await.unwrap();
    let file = Client::of(&stand_in).get("contents/large%20file").await;
    assert_eq!((&file.body["encoding"], &file.body["content"]), (&json!("none"), &json!("")));
    let raw = Client::with_header(&stand_in, "Accept", "application/vnd.github.raw+json");
    assert_eq!(raw.get("contents/large%20file").await.text.len(), large.len());
}
