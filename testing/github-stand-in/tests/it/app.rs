//! GitHub Apps.

use std::sync::Arc;

use backstay_github_stand_in::{App, AppKey, Options, Permission, StandIn};
use backstay_model::{Clock as _, FixedClock, SystemClock};
use chrono::TimeDelta;
use http::Method;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::harness::{Client, with};

const APP: u64 = 7;
const INSTALLATION: u64 = 70;
const TOKENS: &str = "/app/installations/70/access_tokens";

async fn installed(key: &AppKey, clock: &Arc<FixedClock>, permission: Permission) -> StandIn {
    let app = App {
        id: APP,
        slug: "backstay".to_owned(),
        installation: INSTALLATION,
        public_key: key.public.clone(),
        permission,
    };
    with(Options { app: Some(app), clock: clock.clone(), ..Options::default() }).await
}

fn signed(key: &AppKey, claims: &Value) -> String {
    let key = EncodingKey::from_rsa_pem(key.private.as_bytes()).unwrap();
    jsonwebtoken::encode(&Header::new(Algorithm::RS256), claims, &key).unwrap()
}

fn claims(clock: &FixedClock) -> Value {
    let now = clock.now().timestamp();
    json!({ "iss": APP, "iat": now - 60, "exp": now + 540 })
}

#[tokio::test]
async fn an_app_is_given_tokens_that_end() {
    let (key, clock) = (AppKey::generate().unwrap(), Arc::new(FixedClock::at(SystemClock.now())));
    let stand_in = installed(&key, &clock, Permission::Write).await;
    let app = Client::with_token(&stand_in, &signed(&key, &claims(&clock)));
    assert_eq!(app.send(Method::GET, "/app", None).await.body["slug"], json!("backstay"));
    assert_eq!(app.get("installation").await.body["id"], json!(INSTALLATION));
    let given = app.send(Method::POST, TOKENS, None).await;
    assert_eq!(given.status, 201, "{}", given.text);

    let token = given.body["token"].as_str().unwrap();
    let client = Client::with_token(&stand_in, token);
    let made = client.get("git/ref/heads/main").await.body["object"]["sha"].clone();
    let created = client.post("git/refs", json!({ "ref": "refs/heads/x", "sha": made })).await;
    assert_eq!(created.status, 201);
    clock.advance(TimeDelta::minutes(61));
    client.get("git/ref/heads/main").await.is_refused(401, "Bad credentials");
}

#[tokio::test]
async fn who_is_not_the_app_is_given_nothing() {
    let (key, clock) = (AppKey::generate().unwrap(), Arc::new(FixedClock::at(SystemClock.now())));
    let stand_in = installed(&key, &clock, Permission::Write).await;
    let ask = async |jwt: String| Client::with_token(&stand_in, &jwt).send(Method::POST, TOKENS, None).await;
    let other = AppKey::generate().unwrap();
    ask(signed(&other, &claims(&clock))).await.is_refused(401, "A JSON web token could not be decoded");
    let mut wrong = claims(&clock);
    wrong["iss"] = json!(8);
    ask(signed(&key, &wrong)).await.is_refused(404, "Integration not found");
    let mut wrong = claims(&clock);
    wrong["exp"] = json!(clock.now().timestamp() + 3600);
    ask(signed(&key, &wrong))
        .await
        .is_refused(401, "'Expiration time' claim ('exp') is too far in the future");
    let late = signed(&key, &claims(&clock));
    clock.advance(TimeDelta::minutes(20));
    assert_eq!(ask(late).await.status, 401);
    let app = Client::with_token(&stand_in, &signed(&key, &claims(&clock)));
    let elsewhere = app.send(Method::POST, "/app/installations/71/access_tokens", None).await;
    elsewhere.is_refused(404, "Not Found");
}

#[tokio::test]
async fn an_app_that_may_only_read_cannot_write() {
    let (key, clock) = (AppKey::generate().unwrap(), Arc::new(FixedClock::at(SystemClock.now())));
    let stand_in = installed(&key, &clock, Permission::Read).await;
    let app = Client::with_token(&stand_in, &signed(&key, &claims(&clock)));
    let given = app.send(Method::POST, TOKENS, None).await;
    let client = Client::with_token(&stand_in, given.body["token"].as_str().unwrap());
    let refused = client.post("merges", json!({ "base": "main", "head": "main" })).await;
    refused.is_refused(403, "Resource not accessible by integration");
    client.send(Method::GET, "/user", None).await.is_refused(403, "Resource not accessible by integration");
}
