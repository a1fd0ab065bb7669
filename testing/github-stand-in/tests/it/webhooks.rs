//! Events, received over HTTP and checked against real ones.

use std::collections::{BTreeMap, BTreeSet};

use axum::Router;
use axum::routing::post;
use backstay_github_stand_in::{Options, StandIn, Webhook};
use http::HeaderMap;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::described::{hold_event, node_package};
use crate::harness::{Client, git, merge, soon, two_commits, update, with};

const SECRET: &str = "a secret";

/// A received request.
struct Event {
    headers: HeaderMap,
    body: String,
    payload: Value,
}

impl Event {
    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

struct Receiver {
    webhook: Webhook,
    events: mpsc::UnboundedReceiver<Event>,
}

impl Receiver {
    async fn start(status: u16) -> Self {
        let (sender, events) = mpsc::unbounded_channel();
        let receive = async move |headers: HeaderMap, body: String| {
            let payload = serde_json::from_str(&body).unwrap();
            sender.send(Event { headers, body, payload }).unwrap();
            http::StatusCode::from_u16(status).unwrap()
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(axum::serve(listener, Router::new().route("/hook", post(receive))).into_future());
        Self { webhook: Webhook { url, secret: Some(SECRET.to_owned()) }, events }
    }

    async fn next(&mut self) -> Event {
        soon("an event", self.events.recv()).await.unwrap()
    }

    /// Returns the next event, which must be this one.
    async fn expect(&mut self, event: &str, action: Option<&str>) -> Event {
        let next = self.next().await;
        let told =
            (next.header("x-github-event").to_owned(), next.payload["action"].as_str().map(str::to_owned));
        assert_eq!(told, (event.to_owned(), action.map(str::to_owned)));
        next
    }
}

/// Starts a stand-in that delivers events.
async fn delivering(receiver: &Receiver) -> StandIn {
    let stand_in = with(Options::default()).await;
    stand_in.deliver_to(Some(receiver.webhook.clone()));
    stand_in
}

#[tokio::test]
async fn pushes_and_pull_requests_are_told_and_signed() {
    let mut receiver = Receiver::start(200).await;
    let stand_in = delivering(&receiver).await;
    let client = Client::of(&stand_in);
    let base = git(&stand_in, &["rev-parse", "main"]);
    let number = stand_in.open_pull_request(update()).await.unwrap();

    let pushed = receiver.expect("push", None).await;
    assert_eq!(
        (&pushed.payload["ref"], &pushed.payload["created"]),
        (&json!("refs/heads/update/nixpkgs"), &json!(true))
    );
    let opened = receiver.expect("pull_request", Some("opened")).await;
    assert_eq!(opened.payload["pull_request"]["labels"][0]["name"], json!("dependencies"));
    let signature = hmac_of(opened.body.as_bytes());
    assert_eq!(opened.header("x-hub-signature-256"), signature);
    assert!(opened.header("user-agent").starts_with("GitHub-Hookshot/"));
    assert_eq!(opened.header("x-github-delivery").len(), 36);

    let merged = merge(&client, number, "merge").await.body["sha"].clone();
    let closed = receiver.expect("pull_request", Some("closed")).await;
    assert_eq!(closed.payload["pull_request"]["merged"], json!(true));
    assert_eq!(closed.payload["pull_request"]["merge_commit_sha"], merged);
    assert_eq!(closed.payload["sender"]["login"], json!("backstay"));
    let pushed = receiver.expect("push", None).await;
    assert_eq!((&pushed.payload["before"], &pushed.payload["after"]), (&json!(base), &merged));
    assert_eq!(pushed.payload["commits"].as_array().unwrap().len(), 2);
    assert_eq!(pushed.payload["head_commit"]["modified"], json!(["flake.lock"]));
}

fn hmac_of(body: &[u8]) -> String {
    use hmac::Mac as _;

    let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(body);
    let digits: Vec<String> = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={}", digits.concat())
}

#[tokio::test]
async fn a_delivery_is_sent_again_with_the_same_name() {
    let mut receiver = Receiver::start(500).await;
    let stand_in = delivering(&receiver).await;
    stand_in.ping(&receiver.webhook).await;
    let first = receiver.expect("ping", None).await;
    let deliveries = stand_in.deliveries().await;
    assert_eq!(deliveries[0].outcome, Some(Ok(500)));
    assert!(stand_in.deliver_again(deliveries[0].id));
    let again = receiver.expect("ping", None).await;
    assert_eq!(first.header("x-github-delivery"), again.header("x-github-delivery"));
    assert_eq!(first.body, again.body);
    assert!(stand_in.deliveries().await[1].is_redelivery);
}

#[tokio::test]
async fn a_receiver_that_is_gone_hurts_nobody() {
    let stand_in = with(Options::default()).await;
    stand_in.deliver_to(Some(Webhook { url: "http://127.0.0.1:1/hook".to_owned(), secret: None }));
    let number = stand_in.open_pull_request(two_commits()).await.unwrap();
    assert_eq!(merge(&Client::of(&stand_in), number, "squash").await.status, 200);
    let deliveries = stand_in.deliveries().await;
    assert!(deliveries.len() >= 4);
    assert!(deliveries.iter().all(|delivery| matches!(delivery.outcome, Some(Err(_)))));
}

/// Every kind of event once, as it was sent.
async fn events() -> BTreeMap<String, Value> {
    let mut receiver = Receiver::start(200).await;
    let stand_in = delivering(&receiver).await;
    let client = Client::of(&stand_in);
    let number = stand_in.open_pull_request(update()).await.unwrap();
    stand_in.label(number, "urgent").await.unwrap();
    crate::harness::move_main(&stand_in).await;
    let more = [backstay_github_stand_in::Change::write("more", "more")];
    stand_in.commit("update/nixpkgs", "bob", "More", &more).await.unwrap();
    client.patch(&format!("pulls/{number}"), json!({ "title": "Update all" })).await;
    client.patch(&format!("pulls/{number}"), json!({ "state": "closed" })).await;
    client.patch(&format!("pulls/{number}"), json!({ "state": "open" })).await;
    merge(&client, number, "merge").await;
    client.delete("git/refs/heads/update/nixpkgs").await;
    let count = stand_in.deliveries().await.len();
    let mut events = BTreeMap::new();
    for _ in 0..count {
        let event = receiver.next().await;
        let action = event.payload["action"].as_str().map(|action| format!("-{action}")).unwrap_or_default();
        let kind = event.header("x-github-event").replace('_', "-");
        let deleted = if event.payload["deleted"] == json!(true) { " that deletes" } else { "" };
        events.insert(format!("{kind}{action}{deleted}"), event.payload);
    }
    events
}

#[tokio::test]
async fn events_are_as_github_describes_them() {
    let events = events().await;
    let kinds: Vec<&str> = events.keys().map(String::as_str).collect();
    assert_eq!(
        kinds,
        [
            "pull-request-closed",
            "pull-request-edited",
            "pull-request-labeled",
            "pull-request-opened",
            "pull-request-reopened",
            "pull-request-synchronize",
            "push",
            "push that deletes",
        ]
    );
    for (kind, payload) in &events {
        hold_event(&format!("webhook-{}", kind.trim_end_matches(" that deletes")), payload);
    }
}

/// Fields that GitHub has added to its events since the examples were collected.
const NEWER: [&str; 4] =
    ["allow_forking", "user_view_type", "web_commit_signoff_required", "has_discussions"];

#[tokio::test]
async fn events_have_the_fields_of_real_ones() {
    let file = node_package("@octokit/webhooks-examples/api.github.com/index.json");
    let published: Vec<Value> = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let mut problems = vec![];
    for (kind, payload) in events().await {
        let event = if kind.starts_with("push") { "push" } else { "pull_request" };
        if kind == "pull-request-edited" {
            // GitHub published no example.
            continue;
        }
        let examples = published.iter().find(|examples| examples["name"] == event).unwrap();
        let mut real = BTreeMap::new();
        examples["examples"].as_array().unwrap().iter().for_each(|example| types(example, "", &mut real));
        let mut ours = BTreeMap::new();
        types(&payload, "", &mut ours);
        for (path, kinds) in ours {
            let name = path.rsplit('.').next().unwrap_or_default();
            if NEWER.contains(&name) {
                continue;
            }
            let Some(known) = real.get(&path) else {
                if is_empty_in_all(&path, &real) {
                    continue;
                }
                problems.push(format!("{kind}: no real event has {path}"));
                continue;
            };
            // A field that is null in every example may have another type at other times.
            if !kinds.is_subset(known) && *known != BTreeSet::from(["null"]) {
                problems.push(format!("{kind}: {path} is {kinds:?}, in real events {known:?}"));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Returns whether every real event has null or an empty list at a parent of this path: the examples say
/// nothing about it then.
fn is_empty_in_all(path: &str, real: &BTreeMap<String, BTreeSet<&'static str>>) -> bool {
    let mut holders =
        path.match_indices(['.', '[']).map(|(at, _)| &path[..at]).filter_map(|holder| real.get(holder));
    holders.next_back().is_some_and(|kinds| !kinds.contains("object"))
}

/// Records the type at each path.
fn types(value: &Value, path: &str, found: &mut BTreeMap<String, BTreeSet<&'static str>>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    found.entry(path.to_owned()).or_default().insert(kind);
    match value {
        Value::Array(items) => items.iter().for_each(|item| types(item, &format!("{path}[]"), found)),
        Value::Object(fields) => {
            fields.iter().for_each(|(name, field)| types(field, &format!("{path}.{name}"), found));
        }
        _ => {}
    }
}
