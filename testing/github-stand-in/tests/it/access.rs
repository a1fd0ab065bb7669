//! Authentication and rate limits.

use std::sync::Arc;

use backstay_github_stand_in::{Options, Permission, TOKEN, Token};
use backstay_model::{Clock as _, FixedClock, SystemClock};
use chrono::TimeDelta;
use http::{Method, StatusCode};
use serde_json::json;

use crate::harness::{Client, git, in_repository, merge, stand_in, two_commits, with};

#[tokio::test]
async fn the_repository_tells_what_the_token_may_do() {
    let stand_in = stand_in().await;
    let client = Client::of(&stand_in);
    let repository = client.get("").await;
    assert_eq!(
        (&repository.body["full_name"], &repository.body["default_branch"]),
        (&json!("example/nixcfg"), &json!("main"))
    );
    let may = |repository: &crate::harness::Answer, what: &str| repository.body["permissions"][what].clone();
    assert_eq!((may(&repository, "push"), may(&repository, "admin")), (json!(true), json!(false)));
    stand_in.permit(TOKEN, Permission::Read);
    let repository = client.get("").await;
    assert_eq!((may(&repository, "pull"), may(&repository, "push")), (json!(true), json!(false)));

    assert_eq!(client.send(Method::GET, "/user", None).await.body["login"], json!("backstay"));
    let upper = client.send(Method::GET, "/repos/Example/NixCfg", None).await;
    assert_eq!(upper.status, 200);
}

#[tokio::test]
async fn a_token_that_may_only_read_cannot_write() {
    let stand_in = stand_in().await;
    let number = stand_in.open_pull_request(two_commits()).await.unwrap();
    let head = git(&stand_in, &["rev-parse", "lines"]);
    let refs = git(&stand_in, &["for-each-ref"]);
    stand_in.admit(Token::new("reads", "eve", Permission::Read));
    let client = Client::with_token(&stand_in, "reads");

    let said = "Resource not accessible by personal access token";
    assert_eq!(client.get(&format!("pulls/{number}")).await.status, 200);
    merge(&client, number, "merge").await.is_refused(403, said);
    client.post("merges", json!({ "base": "main", "head": "lines" })).await.is_refused(403, said);
    client.post("git/refs", json!({ "ref": "refs/heads/x", "sha": head })).await.is_refused(403, said);
    client.patch("git/refs/heads/main", json!({ "sha": head })).await.is_refused(403, said);
    client.delete("git/refs/heads/lines").await.is_refused(403, said);
    client
        .post("pulls", json!({ "title": "T", "head": "lines", "base": "main" }))
        .await
        .is_refused(403, said);
    client.post("git/commits", json!({ "message": "m", "tree": head })).await.is_refused(403, said);
    assert_eq!(git(&stand_in, &["for-each-ref"]), refs);
}

#[tokio::test]
async fn strangers_find_nothing() {
    let stand_in = stand_in().await;
    Client::with_token(&stand_in, "wrong").get("").await.is_refused(401, "Bad credentials");
    stand_in.admit(Token::new("other", "eve", Permission::None));
    Client::with_token(&stand_in, "other").get("git/ref/heads/main").await.is_refused(404, "Not Found");
    let anonymous = Client::anonymous(&stand_in);
    anonymous.get("").await.is_refused(404, "Not Found");
    stand_in.revoke(TOKEN);
    Client::of(&stand_in).get("").await.is_refused(401, "Bad credentials");
}

#[tokio::test]
async fn what_is_public_is_seen_by_everybody_and_changed_by_nobody() {
    let stand_in = with(Options { private: false, ..Options::default() }).await;
    let anonymous = Client::anonymous(&stand_in);
    assert_eq!(anonymous.get("").await.status, 200);
    let refused = anonymous.post("merges", json!({ "base": "main", "head": "main" })).await;
    refused.is_refused(401, "Requires authentication");
}

#[tokio::test]
async fn what_does_not_exist_is_said_as_github_says_it() {
    let stand_in = stand_in().await;
    let client = Client::of(&stand_in);
    let elsewhere = client.send(Method::GET, "/repos/example/other", None).await;
    elsewhere.is_refused(404, "Not Found");
    let nothing = client.ask(Method::GET, &in_repository("nothing/of/the/kind"), None).await.unwrap();
    nothing.is_refused(404, "Not Found");
    assert_eq!(nothing.body["documentation_url"], json!("https://docs.github.com/rest"));
    let pull = client.get("pulls/7").await;
    let page = "https://docs.github.com/rest/pulls/pulls#get-a-pull-request";
    assert_eq!((&pull.body["documentation_url"], &pull.body["status"]), (&json!(page), &json!("404")));
    let wrong_method = client.ask(Method::PUT, &in_repository("pulls"), None).await.unwrap();
    wrong_method.is_refused(404, "Not Found");
    let no_json = client.ask(Method::POST, &in_repository("merges"), Some(&json!("text"))).await.unwrap();
    no_json.is_refused(400, "Body should be a JSON object");
    assert!(!pull.header("x-github-request-id").is_empty());
}

#[tokio::test]
async fn who_does_not_say_who_it_is_is_refused() {
    let stand_in = stand_in().await;
    let answer = reqwest::Client::new()
        .get(&stand_in.url)
        .header("Authorization", format!("Bearer {TOKEN}"))
        .send()
        .await;
    let answer = answer.unwrap();
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert!(answer.text().await.unwrap().contains("User-Agent"));
}

#[tokio::test]
async fn what_has_not_changed_costs_nothing() {
    let stand_in = stand_in().await;
    let client = Client::of(&stand_in);
    let first = client.get("git/ref/heads/main").await;
    let (tag, used) = (first.header("etag").to_owned(), stand_in.rate_used());
    let again = Client::with_header(&stand_in, "If-None-Match", &tag);
    let same = again.ask(Method::GET, &in_repository("git/ref/heads/main"), None).await.unwrap();
    assert_eq!((same.status, same.text.as_str(), same.header("etag")), (304, "", tag.as_str()));
    assert_eq!(
        (stand_in.rate_used(), first.header("x-ratelimit-used")),
        (used, same.header("x-ratelimit-used"))
    );

    crate::harness::move_main(&stand_in).await;
    let other = again.get("git/ref/heads/main").await;
    assert_eq!((other.status, stand_in.rate_used()), (200, used + 1));
    assert_ne!(other.header("etag"), tag);
}

#[tokio::test]
async fn the_rate_limit_ends_and_begins_again() {
    let clock = Arc::new(FixedClock::at(SystemClock.now()));
    let stand_in = with(Options { clock: clock.clone(), ..Options::default() }).await;
    let client = Client::of(&stand_in);
    let reset = clock.now() + TimeDelta::minutes(20);
    stand_in.limit_rate(60, 59, reset);

    let last = client.get("").await;
    assert_eq!((last.status, last.header("x-ratelimit-remaining")), (200, "0"));
    let over = client.get("").await;
    over.is_refused(403, "API rate limit exceeded for user ID 1.");
    assert_eq!(over.header("x-ratelimit-remaining"), "0");
    assert_eq!(over.header("x-ratelimit-reset"), reset.timestamp().to_string());
    let overview = client.send(Method::GET, "/rate_limit", None).await;
    assert_eq!(overview.body["resources"]["core"]["remaining"], json!(0));

    clock.advance(TimeDelta::minutes(21));
    let again = client.get("").await;
    assert_eq!((again.status, again.header("x-ratelimit-remaining")), (200, "59"));
}

#[tokio::test]
async fn the_secondary_limit_says_when_to_try_again() {
    let stand_in = stand_in().await;
    let client = Client::of(&stand_in);
    let said = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
    for status in [StatusCode::FORBIDDEN, StatusCode::TOO_MANY_REQUESTS] {
        stand_in.limit_secondarily(1, status, 17);
        let refused = client.get("").await;
        refused.is_refused(status.as_u16(), said);
        assert_eq!(refused.header("retry-after"), "17");
        assert_eq!(client.get("").await.status, 200);
    }
}
