//! Every answer that GitHub describes for the stand-in's endpoints, given once.

use backstay_github_stand_in::{
    App, AppKey, Change, Options, Permission, Protection, ProtectionKind, StandIn, TOKEN, Token,
};
use backstay_model::{Clock as _, SystemClock};
use http::Method;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;

use crate::described::{described_statuses, is_checked};
use crate::harness::{Client, git, in_repository, merge, two_commits, update, with};

const OPERATIONS: [&str; 31] = [
    "GET /app",
    "POST /app/installations/{installation_id}/access_tokens",
    "GET /rate_limit",
    "GET /user",
    "GET /repos/{owner}/{repo}",
    "GET /repos/{owner}/{repo}/installation",
    "GET /repos/{owner}/{repo}/git/ref/{ref}",
    "GET /repos/{owner}/{repo}/git/matching-refs/{ref}",
    "POST /repos/{owner}/{repo}/git/refs",
    "PATCH /repos/{owner}/{repo}/git/refs/{ref}",
    "DELETE /repos/{owner}/{repo}/git/refs/{ref}",
    "POST /repos/{owner}/{repo}/git/commits",
    "GET /repos/{owner}/{repo}/git/commits/{commit_sha}",
    "GET /repos/{owner}/{repo}/branches/{branch}",
    "GET /repos/{owner}/{repo}/branches/{branch}/protection",
    "GET /repos/{owner}/{repo}/rules/branches/{branch}",
    "GET /repos/{owner}/{repo}/commits",
    "GET /repos/{owner}/{repo}/commits/{ref}",
    "GET /repos/{owner}/{repo}/commits/{ref}/check-runs",
    "GET /repos/{owner}/{repo}/commits/{ref}/status",
    "GET /repos/{owner}/{repo}/commits/{commit_sha}/pulls",
    "GET /repos/{owner}/{repo}/compare/{base}...{head}",
    "POST /repos/{owner}/{repo}/merges",
    "GET /repos/{owner}/{repo}/contents/{path}",
    "GET /repos/{owner}/{repo}/pulls",
    "POST /repos/{owner}/{repo}/pulls",
    "GET /repos/{owner}/{repo}/pulls/{pull_number}",
    "PATCH /repos/{owner}/{repo}/pulls/{pull_number}",
    "GET /repos/{owner}/{repo}/pulls/{pull_number}/commits",
    "GET /repos/{owner}/{repo}/pulls/{pull_number}/files",
    "PUT /repos/{owner}/{repo}/pulls/{pull_number}/merge",
];

/// The answers that the stand-in never gives, and why.
const NEVER: [(&str, u16, &str); 10] = [
    ("", 301, "only one that was renamed does, and of that no description tells"),
    ("", 302, "it is never renamed"),
    ("", 406, "it makes no diffs that could be too large"),
    ("", 500, "it does not fail, unless a gate says so"),
    ("", 503, "where it is unavailable, it says so in a page, as GitHub does"),
    ("GET /repos/{owner}/{repo}/pulls", 422, "it takes any filter"),
    ("GET /repos/{owner}/{repo}/commits", 400, "it takes any filter"),
    ("GET /repos/{owner}/{repo}/pulls/{pull_number}/files", 422, "it takes any page"),
    ("POST /app/installations/{installation_id}/access_tokens", 422, "it takes no restriction of a token"),
    ("GET /rate_limit", 404, "it always has a limit"),
];

fn is_never_given(operation: &str, status: u16) -> bool {
    NEVER.iter().any(|(which, never, _)| *never == status && (which.is_empty() || *which == operation))
}

#[tokio::test]
async fn every_described_answer_is_given() {
    let key = AppKey::generate().unwrap();
    let app = App {
        id: 7,
        slug: "backstay".to_owned(),
        installation: 70,
        public_key: key.public.clone(),
        permission: Permission::Write,
    };
    let stand_in = with(Options { app: Some(app), ..Options::default() }).await;
    reads(&stand_in).await;
    writes(&stand_in).await;
    nothing_there(&stand_in).await;
    unchanged(&stand_in).await;
    as_app(&stand_in, &key).await;
    forbidden(&stand_in, &key).await;
    empty().await;

    let mut left = vec![];
    for operation in OPERATIONS {
        let statuses = described_statuses(operation).into_iter();
        let missing =
            statuses.filter(|status| !is_checked(operation, *status) && !is_never_given(operation, *status));
        left.extend(missing.map(|status| format!("{operation} -> {status}")));
    }
    assert!(
        left.is_empty(),
        "GitHub describes these answers, and no test has seen them:\n{}",
        left.join("\n")
    );
}

/// Every read.
const READ: [&str; 17] = [
    "",
    "git/ref/heads/main",
    "git/matching-refs/heads/ma",
    "branches/main",
    "branches/main/protection",
    "rules/branches/main",
    "commits",
    "commits/main",
    "commits/main/check-runs",
    "commits/main/status",
    "compare/main...main",
    "contents/flake.lock",
    "pulls",
    "pulls/1",
    "pulls/1/commits",
    "pulls/1/files",
    "commits/main/pulls",
];

async fn reads(stand_in: &StandIn) {
    stand_in.open_pull_request(update()).await.unwrap();
    stand_in.permit(TOKEN, Permission::Admin);
    stand_in.protect("main", Some(Protection::pull_requests(ProtectionKind::Classic))).await;
    let client = Client::of(stand_in);
    for what in READ {
        assert_eq!(client.get(what).await.status, 200, "{what}");
    }
    let head = git(stand_in, &["rev-parse", "main"]);
    client.get(&format!("git/commits/{head}")).await;
    client.send(Method::GET, "/user", None).await;
    client.send(Method::GET, "/rate_limit", None).await;
    stand_in.protect("main", None).await;
}

async fn writes(stand_in: &StandIn) {
    let client = Client::of(stand_in);
    let (head, tree) = (git(stand_in, &["rev-parse", "main"]), git(stand_in, &["rev-parse", "main^{tree}"]));
    let absent = "3".repeat(40);
    let commit = |tree: &str| json!({ "message": "m", "tree": tree, "parents": [head] });
    assert_eq!(client.post("git/commits", commit(&absent)).await.status, 422);
    let made = client.post("git/commits", commit(&tree)).await.body["sha"].clone();
    for status in [201, 422] {
        let created = client.post("git/refs", json!({ "ref": "refs/heads/x", "sha": made })).await;
        assert_eq!(created.status, status);
    }
    assert_eq!(client.patch("git/refs/heads/x", json!({ "sha": made })).await.status, 200);
    assert_eq!(client.patch("git/refs/heads/x", json!({ "sha": head })).await.status, 422);
    for status in [204, 422] {
        assert_eq!(client.delete("git/refs/heads/x").await.status, status);
    }
    stand_in.commit("other", "bob", "Other", &[Change::write("flake.lock", "{}")]).await.unwrap();
    assert_eq!(client.post("merges", json!({ "base": "update/nixpkgs", "head": "other" })).await.status, 409);
    assert_eq!(client.post("merges", json!({ "base": "main" })).await.status, 422);
    assert_eq!(client.post("merges", json!({ "base": "main", "head": "main" })).await.status, 204);
    let wanted = json!({ "title": "Other", "head": "other", "base": "main" });
    let opened = client.post("pulls", wanted.clone()).await;
    assert_eq!(client.post("pulls", wanted).await.status, 422);
    let other = format!("pulls/{}", opened.body["number"]);
    assert_eq!(client.patch(&other, json!({ "state": "ajar" })).await.status, 422);
    assert_eq!(client.patch(&other, json!({ "title": "Another" })).await.status, 200);
    let guarded = client.put("pulls/1/merge", json!({ "sha": absent })).await;
    assert_eq!(guarded.status, 409);
    assert_eq!(client.put("pulls/1/merge", json!({ "merge_method": "fast" })).await.status, 422);
    assert_eq!(merge(&client, 1, "squash").await.status, 200);
    assert_eq!(merge(&client, 1, "squash").await.status, 405);
    stand_in.open_pull_request(two_commits()).await.unwrap();
    assert_eq!(client.post("merges", json!({ "base": "main", "head": "lines" })).await.status, 201);
}

async fn nothing_there(stand_in: &StandIn) {
    let client = Client::of(stand_in);
    let absent = "3".repeat(40);
    let missing = [
        "git/ref/heads/none",
        &format!("git/commits/{absent}"),
        "branches/none",
        "branches/main/protection",
        "commits?sha=none",
        "commits/none/status",
        "compare/main...none",
        "contents/none",
        "pulls/99",
    ];
    for what in missing {
        assert_eq!(client.get(what).await.status, 404, "{what}");
    }
    assert_eq!(client.get("commits/none").await.status, 422);
    assert_eq!(client.post("merges", json!({ "base": "none", "head": "main" })).await.status, 404);
    assert_eq!(merge(&client, 99, "merge").await.status, 404);
    stand_in.admit(Token::new("stranger", "eve", Permission::None));
    let stranger = Client::with_token(stand_in, "stranger");
    assert_eq!(stranger.get("").await.status, 404);
    assert_eq!(stranger.get("commits/main").await.status, 404);
    let commit = json!({ "message": "m", "tree": absent });
    assert_eq!(stranger.post("git/commits", commit).await.status, 404);
    assert_eq!(Client::anonymous(stand_in).send(Method::GET, "/user", None).await.status, 401);
}

async fn unchanged(stand_in: &StandIn) {
    let client = Client::of(stand_in);
    let paths = ["pulls", "pulls/1", "contents/flake.lock"].map(in_repository);
    for path in paths.iter().map(String::as_str).chain(["/user", "/rate_limit"]) {
        let tag = client.send(Method::GET, path, None).await.header("etag").to_owned();
        let again = Client::with_header(stand_in, "If-None-Match", &tag);
        assert_eq!(again.send(Method::GET, path, None).await.status, 304, "{path}");
    }
}

fn jwt(key: &AppKey) -> String {
    let now = SystemClock.now().timestamp();
    let claims = json!({ "iss": "7", "iat": now - 60, "exp": now + 300 });
    let key = EncodingKey::from_rsa_pem(key.private.as_bytes()).unwrap();
    jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &key).unwrap()
}

async fn as_app(stand_in: &StandIn, key: &AppKey) {
    let app = Client::with_token(stand_in, &jwt(key));
    app.send(Method::GET, "/app", None).await;
    app.get("installation").await;
    for (installation, status) in [(70, 201), (71, 404)] {
        let path = format!("/app/installations/{installation}/access_tokens");
        assert_eq!(app.send(Method::POST, &path, None).await.status, status);
    }
    let elsewhere = app.send(Method::GET, "/repos/example/other/installation", None).await;
    assert_eq!(elsewhere.status, 404);
    let stranger = Client::of(stand_in);
    let refused = stranger.send(Method::POST, "/app/installations/70/access_tokens", None).await;
    assert_eq!(refused.status, 401);
}

async fn forbidden(stand_in: &StandIn, key: &AppKey) {
    stand_in.permit(TOKEN, Permission::Read);
    let client = Client::of(stand_in);
    assert_eq!(client.post("merges", json!({ "base": "main", "head": "main" })).await.status, 403);
    assert_eq!(client.post("pulls", json!({ "title": "T", "head": "x", "base": "main" })).await.status, 403);
    assert_eq!(client.patch("pulls/1", json!({ "title": "T" })).await.status, 403);
    assert_eq!(merge(&client, 1, "merge").await.status, 403);
    // A client that asks too often is refused everything.
    stand_in.limit_rate(0, 0, SystemClock.now() + chrono::TimeDelta::hours(1));
    for path in ["", "contents/flake.lock"] {
        assert_eq!(client.get(path).await.status, 403);
    }
    assert_eq!(client.send(Method::GET, "/user", None).await.status, 403);
    let app = Client::with_token(stand_in, &jwt(key));
    assert_eq!(app.send(Method::POST, "/app/installations/70/access_tokens", None).await.status, 403);
}

async fn empty() {
    let stand_in = StandIn::start(Options::default()).await.unwrap();
    let client = Client::of(&stand_in);
    let absent = "3".repeat(40);
    let git_commit = format!("git/commits/{absent}");
    let pulls = format!("commits/{absent}/pulls");
    let branches = "git/matching-refs/heads/ma";
    for what in ["git/ref/heads/main", branches, &git_commit, "commits", "commits/main", &pulls] {
        client.get(what).await.is_refused(409, "Git Repository is empty.");
    }
    let reference = json!({ "ref": "refs/heads/x", "sha": absent });
    client.post("git/refs", reference).await.is_refused(409, "Git Repository is empty.");
    let commit = json!({ "message": "m", "tree": absent });
    client.post("git/commits", commit).await.is_refused(409, "Git Repository is empty.");
    let moved = client.patch("git/refs/heads/main", json!({ "sha": absent })).await;
    moved.is_refused(409, "Git Repository is empty.");
    client.delete("git/refs/heads/main").await.is_refused(409, "Git Repository is empty.");
}
