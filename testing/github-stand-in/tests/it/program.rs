//! The program, controlled from outside.

use std::process::Stdio;

use backstay_github_stand_in::TOKEN;
use http::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::harness::{OLD, in_repository, soon};

struct Program {
    child: Child,
    api: String,
    control: String,
    http: reqwest::Client,
    _dir: tempfile::TempDir,
}

impl Program {
    async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_backstay-github-stand-in"))
            .args(["--first-pull-request", "42", "--repository"])
            .arg(dir.path().join("repository.git"))
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut next = async |start: &str| {
            let line = soon("the program to listen", lines.next_line()).await.unwrap().expect("it ended");
            line.strip_prefix(start).unwrap().to_owned()
        };
        let (api, control) = (next("listening on ").await, next("control on ").await);
        let http = reqwest::Client::builder().user_agent("a test").build().unwrap();
        Self { child, api, control, http, _dir: dir }
    }

    async fn ask(&self, method: Method, url: String, body: Option<Value>) -> reqwest::Result<Value> {
        let mut request = self.http.request(method, url).header("Authorization", format!("Bearer {TOKEN}"));
        if let Some(body) = body {
            request = request.header("Content-Type", "application/json").body(body.to_string());
        }
        let text = request.send().await?.text().await?;
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    async fn tell(&self, what: &str, body: Value) -> Value {
        soon(what, self.ask(Method::POST, format!("{}/{what}", self.control), Some(body))).await.unwrap()
    }

    async fn get(&self, what: &str) -> reqwest::Result<Value> {
        self.ask(Method::GET, format!("{}{}", self.api, in_repository(what)), None).await
    }
}

#[tokio::test]
async fn the_program_does_what_it_is_told() {
    let mut program = Program::start().await;
    let commit =
        json!({ "branch": "main", "author": "alice", "message": "A flake", "files": { "flake.nix": "{ }" } });
    assert!(program.tell("commit", commit).await["sha"].is_string());
    let pull = json!({ "title": "Update", "branch": "update", "labels": ["update"], "files": { "flake.lock": { "nixpkgs": OLD }, "flake.nix": null } });
    assert_eq!(program.tell("pull-request", pull).await, json!({ "number": 42 }));
    program.tell("label", json!({ "number": 42, "label": "urgent" })).await;
    let pull = program.get("pulls/42").await.unwrap();
    assert_eq!((&pull["title"], pull["labels"].as_array().unwrap().len()), (&json!("Update"), 2));
    assert_eq!(pull["changed_files"], json!(2));

    let checks =
        json!([{ "name": "build", "conclusion": "failure" }, { "name": "lint", "conclusion": null }]);
    program.tell("checks", json!({ "commit": pull["head"]["sha"], "checks": checks })).await;
    assert_eq!(program.get("commits/update/check-runs").await.unwrap()["total_count"], json!(2));
    program
        .tell("protect", json!({ "branch": "main", "rules": { "kind": "ruleset", "approvals": 1 } }))
        .await;
    assert_eq!(program.get("pulls/42").await.unwrap()["mergeable_state"], json!("blocked"));
    program.tell("protect", json!({ "branch": "main", "rules": null })).await;
    program.tell("permit", json!({ "permission": "none" })).await;
    assert_eq!(program.get("pulls/42").await.unwrap()["status"], json!("404"));
    program.tell("permit", json!({ "permission": "write" })).await;
    program.tell("limit", json!({ "limit": 10, "used": 10, "seconds": 60 })).await;
    assert_eq!(program.get("pulls/42").await.unwrap()["status"], json!("403"));
    program.tell("limit", json!({ "limit": 5000, "used": 0, "seconds": 60 })).await;

    program.tell("limit-secondarily", json!({ "requests": 1, "status": 429, "retry_after": 1 })).await;
    assert_eq!(program.get("pulls/42").await.unwrap()["status"], json!("429"));
    program.tell("mergeability-is-unknown", json!({ "times": 1 })).await;
    assert_eq!(program.get("pulls/42").await.unwrap()["mergeable"], Value::Null);
    program.tell("allow", json!({ "merge": true, "squash": false, "rebase": true })).await;
    assert_eq!(program.get("").await.unwrap()["allow_squash_merge"], json!(false));
    let lock = program.get("contents/flake.lock?ref=update").await.unwrap();
    assert!(lock["size"].as_u64().unwrap() > 100, "{lock}");

    program.tell("away", json!({ "how": "refused" })).await;
    assert!(program.get("pulls/42").await.is_err());
    program.tell("back", json!({})).await;
    assert_eq!(program.get("pulls/42").await.unwrap()["number"], json!(42));
    let wrong = program.tell("gates/00000000-0000-7000-8000-000000000000/stopped", json!({})).await;
    assert!(wrong["error"].as_str().unwrap().contains("no gate"));
    program.child.kill().await.unwrap();
}

#[tokio::test]
async fn a_gate_is_set_and_opened_from_outside() {
    let program = Program::start().await;
    let commit =
        json!({ "branch": "main", "author": "alice", "message": "A flake", "files": { "flake.nix": "{ }" } });
    program.tell("commit", commit).await;
    let gate = json!({ "moment": "before", "method": "GET", "what": "git/ref/heads/main" });
    let id = program.tell("gates", gate.clone()).await["id"].as_str().unwrap().to_owned();
    let open = async {
        let stopped = program.tell(&format!("gates/{id}/stopped"), json!({})).await;
        assert_eq!((&stopped["what"], &stopped["status"]), (&json!("git/ref/heads/main"), &Value::Null));
        program.tell(&format!("gates/{id}/open"), json!({})).await;
    };
    let (answer, ()) = tokio::join!(soon("an answer", program.get("git/ref/heads/main")), open);
    assert_eq!(answer.unwrap()["ref"], json!("refs/heads/main"));

    let id = program.tell("gates", gate).await["id"].as_str().unwrap().to_owned();
    let path = format!("gates/{id}/hang-up");
    let (lost, told) = tokio::join!(program.get("git/ref/heads/main"), program.tell(&path, json!({})));
    assert!(lost.is_err());
    assert_eq!(told["method"], json!("GET"));
    let requests = program.ask(Method::GET, format!("{}/requests", program.control), None).await.unwrap();
    let statuses: Vec<&Value> = requests.as_array().unwrap().iter().map(|asked| &asked["status"]).collect();
    assert_eq!(statuses, [&json!(200), &Value::Null]);
}

#[tokio::test]
async fn events_go_where_they_are_sent() {
    let program = Program::start().await;
    program.tell("webhook", json!({ "url": "http://127.0.0.1:1/", "secret": "s" })).await;
    let commit =
        json!({ "branch": "main", "author": "alice", "message": "A flake", "files": { "flake.nix": "{ }" } });
    program.tell("commit", commit).await;
    let sent =
        async || program.ask(Method::GET, format!("{}/deliveries", program.control), None).await.unwrap();
    let first = sent().await;
    assert_eq!(first[0]["event"], json!("push"));
    program.tell(&format!("deliver-again/{}", first[0]["id"].as_str().unwrap()), json!({})).await;
    let again = sent().await;
    assert_eq!((&again[1]["id"], &again[1]["is_redelivery"]), (&first[0]["id"], &json!(true)));
    program.tell("webhook", Value::Null).await;
}
