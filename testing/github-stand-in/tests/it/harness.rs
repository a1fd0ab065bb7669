//! A stand-in of its own for each test, and a client that checks every answer against GitHub's description.

use std::process::Command;
use std::time::Duration;

use backstay_github_stand_in::{Change, NewPullRequest, Options, StandIn, TOKEN, lock_file};
use http::{HeaderMap, Method};
use serde_json::{Value, json};

use crate::described::Exchange;

/// Anything slower is broken.
const PATIENCE: Duration = Duration::from_mins(2);

pub(crate) async fn soon<T>(what: &str, wait: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// Revisions of inputs, with the length of a hash.
pub(crate) const OLD: &str = "1111111111111111111111111111111111111111";
pub(crate) const NEW: &str = "2222222222222222222222222222222222222222";

/// A stand-in whose `main` has three commits.
pub(crate) async fn stand_in() -> StandIn {
    with(Options::default()).await
}

pub(crate) async fn with(options: Options) -> StandIn {
    let stand_in = StandIn::start(options).await.unwrap();
    let lock = lock_file(&[("nixpkgs", OLD), ("home-manager", OLD)]);
    let history: [(&str, Vec<Change>); 3] = [
        (
            "A flake\n\nWith one host.\n",
            vec![Change::write("flake.nix", "{ }\n"), Change::write("flake.lock", lock)],
        ),
        ("hsb0", vec![Change::write("hosts/hsb0.nix", "a\nb\nc\nd\ne\nf\ng\n")]),
        ("imac0", vec![Change::write("hosts/imac0.nix", "{ imac = true; }\n")]),
    ];
    for (message, changes) in &history {
        stand_in.commit("main", "alice", message, changes).await.unwrap();
    }
    stand_in
}

/// An update of `nixpkgs`, in a pull request.
pub(crate) fn update() -> NewPullRequest {
    let lock = lock_file(&[("nixpkgs", NEW), ("home-manager", OLD)]);
    NewPullRequest {
        labels: vec!["dependencies".to_owned()],
        body: Some("Brings a new kernel.".to_owned()),
        ..NewPullRequest::new("update/nixpkgs", "Update nixpkgs", vec![Change::write("flake.lock", lock)])
    }
}

/// A pull request of two commits that touch different lines of one file.
pub(crate) fn two_commits() -> NewPullRequest {
    let write = |text: &str| vec![Change::write("hosts/hsb0.nix", text)];
    NewPullRequest {
        commits: vec![
            ("First line".to_owned(), write("A\nb\nc\nd\ne\nf\ng\n")),
            ("Second line\n\nAnd why.".to_owned(), write("A\nB\nc\nd\ne\nf\ng\n")),
        ],
        ..NewPullRequest::new("lines", "Two lines", vec![])
    }
}

/// A change to the last line of the same file, on `main`.
pub(crate) async fn move_main(stand_in: &StandIn) -> String {
    let changes = [Change::write("hosts/hsb0.nix", "a\nb\nc\nd\ne\nf\nG\n")];
    stand_in.commit("main", "alice", "Last line", &changes).await.unwrap()
}

/// Asks git directly, without the stand-in.
pub(crate) fn git(stand_in: &StandIn, args: &[&str]) -> String {
    let output = Command::new("git").current_dir(stand_in.repository()).args(args).output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }

    /// Fails the test unless it is this refusal.
    pub(crate) fn is_refused(&self, status: u16, message: &str) {
        assert_eq!((self.status, self.message()), (status, message), "{}", self.text);
    }
}

/// A client of a stand-in.
pub(crate) struct Client<'a> {
    http: reqwest::Client,
    stand_in: &'a StandIn,
    token: Option<String>,
    headers: Vec<(&'static str, String)>,
}

impl<'a> Client<'a> {
    pub(crate) fn of(stand_in: &'a StandIn) -> Self {
        let http = reqwest::Client::builder().user_agent("backstay").build().unwrap();
        Self { http, stand_in, token: Some(TOKEN.to_owned()), headers: vec![] }
    }

    pub(crate) fn with_token(stand_in: &'a StandIn, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..Self::of(stand_in) }
    }

    pub(crate) fn anonymous(stand_in: &'a StandIn) -> Self {
        Self { token: None, ..Self::of(stand_in) }
    }

    pub(crate) fn with_header(stand_in: &'a StandIn, name: &'static str, value: &str) -> Self {
        Self { headers: vec![(name, value.to_owned())], ..Self::of(stand_in) }
    }

    /// A request within the repository.
    pub(crate) async fn get(&self, what: &str) -> Answer {
        self.send(Method::GET, &in_repository(what), None).await
    }

    pub(crate) async fn post(&self, what: &str, body: Value) -> Answer {
        self.send(Method::POST, &in_repository(what), Some(body)).await
    }

    pub(crate) async fn patch(&self, what: &str, body: Value) -> Answer {
        self.send(Method::PATCH, &in_repository(what), Some(body)).await
    }

    pub(crate) async fn put(&self, what: &str, body: Value) -> Answer {
        self.send(Method::PUT, &in_repository(what), Some(body)).await
    }

    pub(crate) async fn delete(&self, what: &str) -> Answer {
        self.send(Method::DELETE, &in_repository(what), None).await
    }

    /// A request from the root of the API. Fails the test unless GitHub describes the answer.
    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let answer = self.ask(method.clone(), path, body.as_ref()).await.unwrap();
        let exchange = Exchange {
            method: method.as_str(),
            path: path.split('?').next().unwrap(),
            sent: body.as_ref(),
            status: answer.status,
            content_type: answer.header("content-type"),
            body: &answer.text,
        };
        exchange.check();
        answer
    }

    /// The same, without a check.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> reqwest::Result<Answer> {
        let mut request = self.http.request(method, format!("{}{path}", self.stand_in.url));
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        if let Some(body) = body {
            request = request.header("Content-Type", "application/json").body(body.to_string());
        }
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Ok(Answer { status, headers, text, body })
    }
}

pub(crate) fn in_repository(what: &str) -> String {
    let slash = if what.is_empty() || what.starts_with('?') { "" } else { "/" };
    format!("/repos/example/nixcfg{slash}{what}")
}

/// Merges a pull request in this way.
pub(crate) async fn merge(client: &Client<'_>, number: u64, method: &str) -> Answer {
    client.put(&format!("pulls/{number}/merge"), json!({ "merge_method": method })).await
}
