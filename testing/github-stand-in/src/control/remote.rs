//! The same controls for other programs, browser tests and the demo: JSON over HTTP, on an address of its
//! own.

use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::TimeDelta;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{NewPullRequest, lock_file};
use crate::git::Change;
use crate::options::TOKEN;
use crate::stand_in::StandIn;
use crate::state::{Check, MergeMethods, Permission, Protection};
use crate::web::{Away, Gate, Moment, Stopped};
use crate::webhook::Webhook;

/// An action failed, with the reason.
struct Failed(String);

impl<E: std::error::Error> From<E> for Failed {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, Json(json!({ "error": self.0 }))).into_response()
    }
}

type Done = Result<Json<Value>, Failed>;
type Posts = Mutex<HashMap<Uuid, Arc<Post>>>;

/// A gate, and the requests that wait there.
struct Post {
    gate: tokio::sync::Mutex<Gate>,
    waiting: Mutex<Vec<Stopped>>,
}

#[derive(Clone)]
struct Hands {
    stand_in: Arc<StandIn>,
    posts: Arc<Posts>,
}

/// The type of its body says what each address does.
pub fn remote_control(stand_in: Arc<StandIn>) -> Router {
    Router::new()
        .route("/commit", post(commit))
        .route("/pull-request", post(pull_request))
        .route("/label", post(label))
        .route("/protect", post(protect))
        .route("/checks", post(checks))
        .route("/permit", post(permit))
        .route("/limit", post(limit))
        .route("/limit-secondarily", post(limit_secondarily))
        .route("/allow", post(allow))
        .route("/mergeability-is-unknown", post(mergeability_is_unknown))
        .route("/away", post(away))
        .route("/back", post(back))
        .route("/webhook", post(webhook))
        .route("/deliver-again/{id}", post(deliver_again))
        .route("/deliveries", get(deliveries))
        .route("/requests", get(requests))
        .route("/gates", post(add_gate))
        .route("/gates/{id}/hang-up", post(hang_up))
        .route("/gates/{id}/stopped", post(stopped))
        .route("/gates/{id}/open", post(open))
        .with_state(Hands { stand_in, posts: Arc::default() })
}

/// New contents of files; null deletes one.
type Files = BTreeMap<String, Option<Content>>;

/// New content of one file.
#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    /// A lock file of these inputs, each with its revision.
    Lock(BTreeMap<String, String>),
}

impl Content {
    fn text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Lock(inputs) => {
                let inputs: Vec<(&str, &str)> =
                    inputs.iter().map(|(name, revision)| (name.as_str(), revision.as_str())).collect();
                lock_file(&inputs)
            }
        }
    }
}

fn changes(files: Files) -> Vec<Change> {
    let change = |(path, content): (String, Option<Content>)| match content {
        Some(content) => Change::write(path, content.text()),
        None => Change::delete(path),
    };
    files.into_iter().map(change).collect()
}

#[derive(Deserialize)]
struct NewCommit {
    branch: String,
    author: String,
    message: String,
    files: Files,
}

async fn commit(State(hands): State<Hands>, Json(new): Json<NewCommit>) -> Done {
    let changes = changes(new.files);
    let sha = hands.stand_in.commit(&new.branch, &new.author, &new.message, &changes).await?;
    Ok(Json(json!({ "sha": sha })))
}

#[derive(Deserialize)]
struct NewPull {
    number: Option<u64>,
    title: String,
    body: Option<String>,
    branch: String,
    author: Option<String>,
    fork: Option<String>,
    association: Option<String>,
    #[serde(default)]
    labels: Vec<String>,
    files: Files,
}

async fn pull_request(State(hands): State<Hands>, Json(new): Json<NewPull>) -> Done {
    let plain = NewPullRequest::new(new.branch, new.title, changes(new.files));
    let author = new.author.unwrap_or_else(|| plain.author.clone());
    let association = new.association.unwrap_or_else(|| plain.association.clone());
    let fork = new.fork;
    let wanted = NewPullRequest {
        number: new.number,
        body: new.body,
        labels: new.labels,
        author,
        association,
        fork,
        ..plain
    };
    let number = hands.stand_in.open_pull_request(wanted).await?;
    Ok(Json(json!({ "number": number })))
}

#[derive(Deserialize)]
struct Label {
    number: u64,
    label: String,
}

async fn label(State(hands): State<Hands>, Json(new): Json<Label>) -> Done {
    hands.stand_in.label(new.number, &new.label).await?;
    done()
}

#[derive(Deserialize)]
struct Protect {
    branch: String,
    /// None removes the rules.
    rules: Option<Protection>,
}

async fn protect(State(hands): State<Hands>, Json(wanted): Json<Protect>) -> Done {
    hands.stand_in.protect(&wanted.branch, wanted.rules).await;
    done()
}

#[derive(Deserialize)]
struct Checks {
    commit: String,
    checks: Vec<Check>,
}

async fn checks(State(hands): State<Hands>, Json(wanted): Json<Checks>) -> Done {
    hands.stand_in.set_checks(&wanted.commit, wanted.checks).await;
    done()
}

#[derive(Deserialize)]
struct Permit {
    token: Option<String>,
    permission: Permission,
}

async fn permit(State(hands): State<Hands>, Json(wanted): Json<Permit>) -> Done {
    hands.stand_in.permit(wanted.token.as_deref().unwrap_or(TOKEN), wanted.permission);
    done()
}

#[derive(Deserialize)]
struct Rate {
    limit: u64,
    used: u64,
    /// Seconds until the limit's reset.
    seconds: u32,
}

async fn limit(State(hands): State<Hands>, Json(wanted): Json<Rate>) -> Done {
    let reset = hands.stand_in.world.clock.now() + TimeDelta::seconds(wanted.seconds.into());
    hands.stand_in.limit_rate(wanted.limit, wanted.used, reset);
    done()
}

#[derive(Deserialize)]
struct SecondaryRate {
    /// Number of requests that it affects.
    requests: u32,
    status: u16,
    retry_after: u64,
}

async fn limit_secondarily(State(hands): State<Hands>, Json(wanted): Json<SecondaryRate>) -> Done {
    let status = StatusCode::from_u16(wanted.status)?;
    hands.stand_in.limit_secondarily(wanted.requests, status, wanted.retry_after);
    done()
}

async fn allow(State(hands): State<Hands>, Json(methods): Json<MergeMethods>) -> Done {
    hands.stand_in.allow(methods).await;
    done()
}

#[derive(Deserialize)]
struct Times {
    times: u32,
}

async fn mergeability_is_unknown(State(hands): State<Hands>, Json(wanted): Json<Times>) -> Done {
    hands.stand_in.mergeability_is_unknown(wanted.times).await;
    done()
}

#[derive(Deserialize)]
struct GoAway {
    how: Away,
}

async fn away(State(hands): State<Hands>, Json(wanted): Json<GoAway>) -> Done {
    hands.stand_in.go_away(wanted.how).await;
    done()
}

async fn back(State(hands): State<Hands>) -> Done {
    hands.stand_in.come_back()?;
    done()
}

async fn webhook(State(hands): State<Hands>, Json(wanted): Json<Option<Webhook>>) -> Done {
    hands.stand_in.deliver_to(wanted);
    done()
}

async fn deliver_again(State(hands): State<Hands>, Path(id): Path<Uuid>) -> Done {
    if hands.stand_in.deliver_again(id) { done() } else { Err(Failed(format!("there is no delivery {id}"))) }
}

async fn deliveries(State(hands): State<Hands>) -> Done {
    Ok(Json(json!(hands.stand_in.deliveries().await)))
}

async fn requests(State(hands): State<Hands>) -> Done {
    Ok(Json(json!(hands.stand_in.requests())))
}

#[derive(Deserialize)]
struct NewGate {
    moment: Moment,
    method: String,
    /// Within the repository, as `pulls/42/merge`.
    what: String,
}

async fn add_gate(State(hands): State<Hands>, Json(new): Json<NewGate>) -> Done {
    let gate = hands.stand_in.gate(new.moment, move |asked| asked.is(&new.method, &new.what));
    let id = Uuid::now_v7();
    let post = Post { gate: tokio::sync::Mutex::new(gate), waiting: Mutex::default() };
    lock(&hands.posts).insert(id, Arc::new(post));
    Ok(Json(json!({ "id": id })))
}

/// Answers when a request is stopped; the request waits until the gate is opened.
async fn stopped(State(hands): State<Hands>, Path(id): Path<Uuid>) -> Done {
    let post = post_of(&hands, id)?;
    let stopped = post.gate.lock().await.stops().await;
    let asked = json!(stopped.asked());
    post.waiting.lock().push(stopped);
    Ok(Json(asked))
}

/// Waits for a request, and ends its connection without an answer.
async fn hang_up(State(hands): State<Hands>, Path(id): Path<Uuid>) -> Done {
    let stopped = post_of(&hands, id)?.gate.lock().await.stops().await;
    let asked = json!(stopped.asked());
    stopped.hang_up();
    Ok(Json(asked))
}

/// Removes the gate; the requests that wait there continue.
async fn open(State(hands): State<Hands>, Path(id): Path<Uuid>) -> Done {
    lock(&hands.posts).remove(&id);
    done()
}

fn post_of(hands: &Hands, id: Uuid) -> Result<Arc<Post>, Failed> {
    lock(&hands.posts).get(&id).cloned().ok_or_else(|| Failed(format!("there is no gate {id}")))
}

fn lock(posts: &Posts) -> parking_lot::MutexGuard<'_, HashMap<Uuid, Arc<Post>>> {
    posts.lock()
}

#[expect(clippy::unnecessary_wraps, reason = "it is what each address comes to")]
fn done() -> Done {
    Ok(Json(json!({})))
}
