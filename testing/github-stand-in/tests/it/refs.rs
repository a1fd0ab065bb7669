//! Branches and commits, as git stores them.

use serde_json::json;

use crate::harness::{Client, git, move_main, stand_in};

#[tokio::test]
async fn a_branch_is_where_git_says() {
    let stand_in = stand_in().await;
    let client = Client::of(&stand_in);
    let head = git(&stand_in, &["rev-parse", "main"]);

    let reference = client.get("git/ref/heads/main").await;
    assert_eq!((reference.status, &reference.body["object"]["sha"]), (200, &json!(head)));
    let branch = client.get("branches/main").await;
    assert_eq!(branch.body["commit"]["sha"], json!(head));
    assert_eq!(branch.body["protected"], json!(false));

    client.get("git/ref/heads/nowhere").await.is_refused(404, "Not Found");
    client.get("branches/nowhere").await.is_refused(404, "Branch not found");
}

#[tokio::test]
async fn a_commit_is_made_with_a_tree_and_parents() {
    let stand_in = stand_in().await;
    let client = Client::of(&stand_in);
    let (head, tree) =
        (git(&stand_in, &["rev-parse", "main"]), git(&stand_in, &["rev-parse", "main^^{tree}"]));

    let message = "Revert\n\nWith a reason, and no line's end";
    let made =
        client.post("git/commits", json!({ "message": message, "tree": tree, "parents": [head] })).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let sha = made.body["sha"].as_str().unwrap();
    assert_eq!(git(&stand_in, &["show", "-s", "--format=%T %P", sha]), format!("{tree} {head}"));
    assert_eq!(made.body["message"], json!(message));
    assert_eq!(made.body["author"]["name"], json!("backstay"));
    assert!(made.header("location").ends_with(&format!("/git/commits/{sha}")));
    assert_eq!(client.get(&format!("git/commits/{sha}")).await.body, made.body);

    let signed = json!({ "name": "Bob", "email": "bob@example.org", "date": "2026-02-03T04:05:06Z" });
    let wanted = json!({ "message": "m", "tree": tree, "parents": [head, sha], "author": signed });
    let made = client.post("git/commits", wanted).await;
    assert_eq!((&made.body["author"], &made.body["committer"]), (&signed, &signed));
    assert_eq!(made.body["parents"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_commit_of_nothing_is_refused() {
    let stand_in = stand_in().await;
    let client = Client::of(&stand_in);
    let (head, tree) =
        (git(&stand_in, &["rev-parse", "main"]), git(&stand_in, &["rev-parse", "main^{tree}"]));
    let absent = "3".repeat(40);

    let no_tree = client.post("git/commits", json!({ "message": "m", "tree": absent, "parents": [] })).await;
    no_tree.is_refused(422, "Tree SHA does not exist");
    let no_parent =
        client.post("git/commits", json!({ "message": "m", "tree": tree, "parents": [absent] })).await;
    no_parent.is_refused(422, "Parent SHA does not exist or is not a commit object");
    client
        .post("git/commits", json!({ "message": "m" }))
        .await
        .is_refused(422, "Invalid request.\n\n\"tree\" wasn't supplied.");
    let tree_of_commit =
        client.post("git/commits", json!({ "message": "m", "tree": head, "parents": [] })).await;
    tree_of_commit.is_refused(422, "Tree SHA does not exist");
    client.get(&format!("git/commits/{absent}")).await.is_refused(404, "Not Found");
}

#[tokio::test]
async fn a_branch_is_made_moved_and_removed() {
    let stand_in = stand_in().await;
    let client = Client::of(&stand_in);
    let (old, head) = (git(&stand_in, &["rev-parse", "main^"]), git(&stand_in, &["rev-parse", "main"]));

    let made = client.post("git/refs", json!({ "ref": "refs/heads/backstay/scratch", "sha": old })).await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(git(&stand_in, &["rev-parse", "backstay/scratch"]), old);
    let moved = client.patch("git/refs/heads/backstay/scratch", json!({ "sha": head, "force": false })).await;
    assert_eq!((moved.status, &moved.body["object"]["sha"]), (200, &json!(head)));
    assert_eq!(git(&stand_in, &["rev-parse", "backstay/scratch"]), head);
    assert_eq!(client.delete("git/refs/heads/backstay/scratch").await.status, 204);
    client.get("git/ref/heads/backstay/scratch").await.is_refused(404, "Not Found");
}

#[tokio::test]
async fn a_branch_is_not_made_twice_nor_of_nothing() {
    let stand_in = stand_in().await;
    let client = Client::of(&stand_in);
    let head = git(&stand_in, &["rev-parse", "main"]);
    let absent = "3".repeat(40);

    let again = client.post("git/refs", json!({ "ref": "refs/heads/main", "sha": head })).await;
    again.is_refused(422, "Reference already exists");
    let nothing = client.post("git/refs", json!({ "ref": "refs/heads/new", "sha": absent })).await;
    nothing.is_refused(422, "Object does not exist");
    let in_the_way = client.post("git/refs", json!({ "ref": "refs/heads/main/new", "sha": head })).await;
    in_the_way.is_refused(422, "Reference update failed");
    let unnamed = client.post("git/refs", json!({ "ref": "refs/heads/a..b", "sha": head })).await;
    assert_eq!(unnamed.status, 422);
    assert_eq!(git(&stand_in, &["for-each-ref", "--format=%(refname)", "refs/heads"]), "refs/heads/main");
}

#[tokio::test]
async fn a_branch_moves_forward_only_unless_forced() {
    let stand_in = stand_in().await;
    let client = Client::of(&stand_in);
    let old = git(&stand_in, &["rev-parse", "main"]);
    let tree = git(&stand_in, &["rev-parse", "main^{tree}"]);
    let made = client.post("git/commits", json!({ "message": "m", "tree": tree, "parents": [old] })).await;
    let moved = move_main(&stand_in).await;

    let sideways =
        client.patch("git/refs/heads/main", json!({ "sha": made.body["sha"], "force": false })).await;
    sideways.is_refused(422, "Update is not a fast forward");
    assert_eq!(git(&stand_in, &["rev-parse", "main"]), moved);
    let forced = client.patch("git/refs/heads/main", json!({ "sha": old, "force": true })).await;
    assert_eq!(forced.status, 200);
    assert_eq!(git(&stand_in, &["rev-parse", "main"]), old);
}

#[tokio::test]
async fn what_is_not_there_is_neither_moved_nor_removed() {
    let stand_in = stand_in().await;
    let client = Client::of(&stand_in);
    let head = git(&stand_in, &["rev-parse", "main"]);

    let nowhere = client.patch("git/refs/heads/nowhere", json!({ "sha": head })).await;
    nowhere.is_refused(422, "Reference does not exist");
    client.delete("git/refs/heads/nowhere").await.is_refused(422, "Reference does not exist");
    let nothing = client.patch("git/refs/heads/main", json!({ "sha": "3".repeat(40) })).await;
    nothing.is_refused(422, "Object does not exist");
    client.delete("git/refs/heads/main").await.is_refused(422, "Cannot delete this branch");
    assert_eq!(git(&stand_in, &["rev-parse", "main"]), head);
}
