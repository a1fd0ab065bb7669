//! The server and a repository at GitHub, which the stand-in simulates.

use std::path::PathBuf;

use backstay_fleet::github::{Access, GitHub, GitHubConfig, MergeMethod, UpdateRule};
use backstay_fleet::secret::Secret;
use backstay_fleet::store::TokenHash;
use backstay_github_stand_in::{
    App, AppKey, Away, Change, Check, Moment, NewPullRequest, Options, Permission, Protection,
    ProtectionKind, StandIn, TOKEN, Token, Webhook, lock_file,
};
use backstay_model::deployment::{Decision, Deployment};
use backstay_model::pull_request::{Inputs, Mergeable, PullRequests, Reading};
use backstay_model::view::FleetSnapshot;
use backstay_model::wire::message::AgentMessage;
use backstay_model::{Checkout, Commit, HostView, State};
use chrono::TimeDelta;
use reqwest::StatusCode;
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{Browser, Events, Server, facts, now, refused_start, soon};

/// Another person's token, for merges at GitHub itself.
const ALICE: &str = "ghp_alice";
const WEBHOOK_SECRET: &str = "It's a Secret to Everybody";

/// A repository at GitHub, and a folder with the server's secrets.
struct Bench {
    stand_in: StandIn,
    folder: TempDir,
}

impl Bench {
    async fn start() -> Self {
        let mut options = Options::default();
        options.tokens.push(Token::new(ALICE, "alice", Permission::Admin));
        Self::start_with(options).await
    }

    async fn start_with(options: Options) -> Self {
        let stand_in = StandIn::start(options).await.unwrap();
        stand_in.commit("main", "alice", "A flake", &lock("1")).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let bench = Self { stand_in, folder };
        bench.write("token", TOKEN);
        bench.write("secret", WEBHOOK_SECRET);
        bench
    }

    fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name).display().to_string()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The server's options for it, with a token.
    fn options(&self, seconds: &str) -> Vec<String> {
        let token = self.path("token").display().to_string();
        let access = ["--github-token-file", &token];
        self.options_with(&access, seconds)
    }

    fn options_with(&self, access: &[&str], seconds: &str) -> Vec<String> {
        let secret = self.path("secret").display().to_string();
        let repository = ["--github-api", &self.stand_in.url, "--github-repository", "example/nixcfg"];
        let rest = ["--github-webhook-secret-file", &secret, "--poll-seconds", seconds];
        [&repository[..], access, &rest].concat().into_iter().map(str::to_owned).collect()
    }

    async fn server(&self, seconds: &str) -> Server {
        let options = self.options(seconds);
        Server::start_with(&options.iter().map(String::as_str).collect::<Vec<_>>()).await
    }

    /// Points the webhook at this server.
    fn tell(&self, server: &Server) {
        let url = format!("{}/webhooks/github", server.url);
        self.stand_in.deliver_to(Some(Webhook { url, secret: Some(WEBHOOK_SECRET.to_owned()) }));
    }

    async fn open(&self, branch: &str, title: &str, changes: Vec<Change>) -> u64 {
        self.stand_in.open_pull_request(NewPullRequest::new(branch, title, changes)).await.unwrap()
    }

    /// Merges at GitHub itself.
    async fn merge_there(&self, number: u64) {
        let config = GitHubConfig {
            api: self.stand_in.url.clone(),
            owner: "example".into(),
            name: "nixcfg".into(),
            branch: "main".into(),
            access: Access::Token(Secret::from_text(ALICE)),
            merge_method: MergeMethod::Squash,
            updates: UpdateRule::default(),
        };
        let alice = GitHub::new(&config, std::sync::Arc::new(backstay_model::SystemClock)).unwrap();
        let head = alice.pull_request(number).await.unwrap().head.sha;
        alice.merge(number, &head, MergeMethod::Squash).await.unwrap();
    }

    async fn head(&self) -> String {
        self.stand_in.head("main").await.unwrap().unwrap()
    }

    async fn git(&self, args: &[&str]) -> String {
        let output = tokio::process::Command::new("git")
            .arg("-C")
            .arg(self.stand_in.repository())
            .args(args)
            .output()
            .await
            .unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// The facts of a host that has just pulled.
    async fn checkout(&self) -> Checkout {
        let lock = self.git(&["show", "main:flake.lock"]).await + "\n";
        Checkout {
            path: "/etc/nixos".into(),
            commit: Commit(self.head().await),
            tree: Some(Commit(self.git(&["rev-parse", "main^{tree}"]).await)),
            lock_hash: Some(sha256(&lock)),
            local: None,
        }
    }
}

fn sha256(text: &str) -> String {
    // The store's hash of a token is the same function.
    TokenHash::of(text).0
}

fn lock(digit: &str) -> Vec<Change> {
    vec![Change::write("flake.lock", lock_file(&[("nixpkgs", &digit.repeat(40))]))]
}

async fn snapshot(browser: &Browser) -> FleetSnapshot {
    let answer = browser.post("start_page", &[]).await;
    let start: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    serde_json::from_value(start["snapshot"].clone()).unwrap()
}

/// Waits for pull requests that match.
async fn shown(browser: &Browser, what: &str, wanted: impl Fn(&PullRequests) -> bool) -> PullRequests {
    soon(what, async {
        loop {
            // Opens the stream first, so that nothing is missed.
            let mut events = browser.listen(None).await;
            let now = snapshot(browser).await.pull_requests;
            if wanted(&now) {
                return now;
            }
            events.find(what, |name, _| (name == "pull_requests").then_some(())).await;
        }
    })
    .await
}

async fn deployment(events: &mut Events, what: &str, wanted: impl Fn(&Deployment) -> bool) -> Deployment {
    let pick = |name: &str, data: &Value| {
        let deployment = (name == "deployment").then(|| data["deployment"].clone())?;
        let deployment: Deployment = serde_json::from_value(deployment).unwrap();
        wanted(&deployment).then_some(deployment)
    };
    events.find(what, pick).await
}

fn lights(host: &HostView) -> (State, State) {
    (host.lights.git.state, host.lights.lock.state)
}

#[tokio::test]
async fn options_that_do_not_go_together_are_refused_in_words() {
    let bench = Bench::start().await;
    let (token, empty) = (bench.write("token", TOKEN), bench.write("empty", " \n"));
    let (key, gone) = (bench.write("key", "no key"), bench.path("gone").display().to_string());
    let repository = ["--github-repository", "example/nixcfg"];
    let with = |more: &[&'static str]| [&repository[..], more].concat();
    let cases: Vec<(Vec<&str>, &str)> = vec![
        (vec!["--github-token-file", &token], "--github-repository is not"),
        (with(&[]), "no credentials for GitHub"),
        (vec!["--github-repository", "nixcfg", "--github-token-file", &token], "not of the form owner/name"),
        ([&repository[..], &["--github-token-file", &gone]].concat(), "cannot be read"),
        ([&repository[..], &["--github-token-file", &empty]].concat(), "is empty"),
        ([&repository[..], &["--github-token-file", &token, "--github-app-id", "1"]].concat(), "both given"),
        (with(&["--github-app-id", "1"]), "--github-installation-id and --github-app-key-file is missing"),
        (
            [
                &repository[..],
                &["--github-app-id", "1", "--github-installation-id", "2", "--github-app-key-file", &key],
            ]
            .concat(),
            "the app's key cannot be used",
        ),
        (
            [&repository[..], &["--github-token-file", &token, "--repository", "https://x.example/y"]]
                .concat(),
            "give one",
        ),
        (
            [&repository[..], &["--github-token-file", &token, "--github-api", "api.github.com"]].concat(),
            "is not the address of an API",
        ),
        (
            [&repository[..], &["--github-token-file", &token, "--github-webhook-secret-file", &empty]]
                .concat(),
            "--github-webhook-secret-file",
        ),
        (
            [&repository[..], &["--github-token-file", &token, "--branch", "a b"]].concat(),
            "cannot be a branch",
        ),
    ];
    for (options, words) in cases {
        let said = refused_start(&options).await;
        assert!(said.contains(words), "{options:?}: {said}");
        assert!(!said.contains(TOKEN), "{said}");
    }
}

#[tokio::test]
async fn what_is_wrong_at_github_is_told_and_stops_nothing() {
    let bench = Bench::start().await;
    bench.write("token", "ghp_wrong");
    let server = bench.server("1").await;
    let _agent = server.host("gpc0").await;
    let browser = server.log_in().await;
    let says =
        |words: &'static str| move |shown: &PullRequests| shown.problems.iter().any(|p| p.contains(words));
    shown(&browser, "wrong token", says("does not accept the token")).await;
    assert_eq!(snapshot(&browser).await.hosts.len(), 1, "the rest of the dashboard is there");
    bench.stand_in.admit(Token::new("ghp_wrong", "backstay", Permission::Read));
    shown(&browser, "token that may only read", says("may not write to example/nixcfg")).await;
    bench.stand_in.permit("ghp_wrong", Permission::None);
    shown(&browser, "token that sees nothing", says("knows no repository example/nixcfg")).await;
    bench.stand_in.protect("main", Some(Protection::pull_requests(ProtectionKind::Ruleset))).await;
    bench.stand_in.permit("ghp_wrong", Permission::Write);
    let protected = shown(&browser, "protected branch", says("a revert comes as a pull request")).await;
    assert_eq!(protected.problems.len(), 1, "{protected:?}");
    let log = server.log_text();
    assert_eq!(
        log.matches("may not write to example/nixcfg").count(),
        2,
        "once when it began, once when it ended: {log}"
    );
}

#[tokio::test]
async fn a_branch_that_is_missing_is_told_of() {
    let bench = Bench::start().await;
    let mut options = bench.options("1");
    options.extend(["--branch".to_owned(), "release".to_owned()]);
    let server = Server::start_with(&options.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let browser = server.log_in().await;
    let told = shown(&browser, "missing branch", |shown| !shown.problems.is_empty()).await;
    assert!(told.problems[0].contains("There is no branch release"), "{told:?}");
    bench.stand_in.commit("release", "alice", "Released", &lock("2")).await.unwrap();
    let good = shown(&browser, "branch", |shown| shown.problems.is_empty()).await;
    assert!(matches!(good.reading, Reading::Known { .. }), "{good:?}");
}

#[tokio::test]
async fn an_app_reads_too_and_says_what_it_lacks() {
    let key = AppKey::generate().unwrap();
    let app = App {
        id: 7,
        slug: "backstay".into(),
        installation: 42,
        public_key: key.public.clone(),
        permission: Permission::Write,
    };
    let bench = Bench::start_with(Options { app: Some(app), tokens: vec![], ..Options::default() }).await;
    let file = bench.write("key", &key.private);
    let start = async |installation: &str| {
        let access = [
            "--github-app-id",
            "7",
            "--github-installation-id",
            installation,
            "--github-app-key-file",
            &file,
        ];
        let options = bench.options_with(&access, "1");
        Server::start_with(&options.iter().map(String::as_str).collect::<Vec<_>>()).await
    };
    let server = start("42").await;
    let browser = server.log_in().await;
    let read = |shown: &PullRequests| matches!(shown.reading, Reading::Known { .. });
    assert_eq!(shown(&browser, "reading", read).await.problems, [""; 0]);
    let wrong = start("43").await;
    let told = shown(&wrong.log_in().await, "problem", |shown| !shown.problems.is_empty()).await;
    assert!(told.problems[0].contains("does not accept the app"), "{told:?}");
}

#[tokio::test]
async fn a_push_turns_the_lights_of_a_connected_host_at_once() {
    let bench = Bench::start().await;
    let server = bench.server("3600").await;
    let mut agent = server.host("gpc0").await;
    let browser = server.log_in().await;
    shown(&browser, "first reading", |shown| matches!(shown.reading, Reading::Known { .. })).await;
    bench.tell(&server);
    let mut events = browser.listen(None).await;
    let mut pulled = facts(48);
    pulled.checkout = Some(bench.checkout().await);
    agent.say(AgentMessage::Facts { facts: Box::new(pulled) }).await;
    events.host("in step", |host| lights(host) == (State::Ok, State::Ok)).await;
    bench.stand_in.commit("main", "bob", "Else", &[Change::write("else", "e")]).await.unwrap();
    let behind = events.host("behind", |host| lights(host) == (State::Attention, State::Ok)).await;
    assert!(behind.lights.git.hint.contains("Pull"));
    bench.stand_in.commit("main", "bob", "Another lock", &lock("5")).await.unwrap();
    events.host("outdated lock", |host| lights(host) == (State::Attention, State::Attention)).await;
    // A host at another commit with the same files needs nothing.
    let mut reverted = facts(48);
    reverted.checkout = Some(Checkout { commit: Commit("0".repeat(40)), ..bench.checkout().await });
    agent.say(AgentMessage::Facts { facts: Box::new(reverted) }).await;
    events.host("same files", |host| lights(host) == (State::Ok, State::Ok)).await;
}

#[tokio::test]
async fn github_away_is_told_and_everything_else_works() {
    let bench = Bench::start().await;
    let server = bench.server("1").await;
    let mut agent = server.host("gpc0").await;
    let browser = server.log_in().await;
    let mut events = browser.listen(None).await;
    bench.stand_in.go_away(Away::Refused).await;
    let away = events.host("unreadable", |host| lights(host) == (State::Failed, State::Failed)).await;
    let hint = away.lights.git.hint;
    assert!(hint.starts_with("Could not be read since 20"), "{hint}");
    assert!(hint.contains("GitHub cannot be reached"), "{hint}");
    agent.say(AgentMessage::Facts { facts: Box::new(facts(47)) }).await;
    events.host("facts", |host| host.generation.as_ref().is_some_and(|g| g.number == 47)).await;
    bench.stand_in.come_back().unwrap();
    let mut pulled = facts(48);
    pulled.checkout = Some(bench.checkout().await);
    agent.say(AgentMessage::Facts { facts: Box::new(pulled) }).await;
    events.host("in step", |host| lights(host) == (State::Ok, State::Ok)).await;
}

#[tokio::test]
async fn readings_cost_nothing_and_stop_where_the_limit_is_reached() {
    let bench = Bench::start().await;
    bench.open("update", "Update flake.lock", lock("2")).await;
    let server = bench.server("1").await;
    let browser = server.log_in().await;
    shown(&browser, "pull request", |shown| shown.open.len() == 1).await;
    let readings = || bench.stand_in.requests().iter().filter(|asked| asked.what == "commits/main").count();
    let after = async |more: usize| {
        let wanted = readings() + more;
        let wait = async {
            while readings() < wanted {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        soon("readings", wait).await;
    };
    after(2).await;
    let used = bench.stand_in.rate_used();
    after(2).await;
    assert_eq!(bench.stand_in.rate_used(), used);
    assert!(bench.stand_in.requests().iter().any(|asked| asked.status == Some(304)));

    bench.stand_in.limit_rate(60, 60, now() + TimeDelta::minutes(10));
    let limited = shown(&browser, "limit", |shown| matches!(shown.reading, Reading::Unreadable { .. })).await;
    let Reading::Unreadable { reason, .. } = &limited.reading else { panic!() };
    assert!(reason.contains("takes no more requests before"), "{reason}");
    assert_eq!(limited.open.len(), 1);
    let asked = bench.stand_in.requests().len();
    // Hints do not change that. A served page shows that time passes.
    bench.tell(&server);
    bench.stand_in.commit("main", "bob", "Else", &[Change::write("else", "e")]).await.unwrap();
    assert_eq!(bench.stand_in.deliveries().await.last().unwrap().outcome, Some(Ok(202)));
    snapshot(&browser).await;
    assert_eq!(bench.stand_in.requests().len(), asked);
}

#[tokio::test]
async fn open_updates_are_shown_with_inputs_checks_and_whether_they_can_be_merged() {
    let bench = Bench::start().await;
    let number = bench.open("update", "Update flake.lock", lock("2")).await;
    bench.open("printer", "Repair the printer", vec![Change::write("printer", "p")]).await;
    let head = bench.stand_in.head("update").await.unwrap().unwrap();
    bench.stand_in.set_checks(&head, vec![Check::ended("build", "success"), Check::running("x11")]).await;
    bench.stand_in.mergeability_is_unknown(1).await;
    let server = bench.server("3600").await;
    let browser = server.log_in().await;
    let wanted = |shown: &PullRequests| shown.open.iter().any(|update| update.mergeable == Mergeable::Yes);
    let shown = shown(&browser, "what GitHub found out", wanted).await;
    assert_eq!(shown.open.len(), 1, "{shown:?}");
    let update = &shown.open[0];
    assert_eq!((update.number, &update.head.0), (number, &head));
    assert_eq!((update.checks.passed, update.checks.running), (1, 1));
    let Inputs::Known { changes } = &update.inputs else { panic!("{update:?}") };
    assert_eq!(changes.iter().map(|change| change.name.as_str()).collect::<Vec<_>>(), ["nixpkgs"]);
}

#[tokio::test]
async fn only_signed_deliveries_are_taken_and_none_twice_over() {
    let bench = Bench::start().await;
    let server = bench.server("3600").await;
    let browser = server.log_in().await;
    shown(&browser, "first reading", |shown| matches!(shown.reading, Reading::Known { .. })).await;
    bench.tell(&server);
    bench.stand_in.commit("main", "bob", "Else", &[Change::write("else", "e")]).await.unwrap();
    let delivery = bench.stand_in.deliveries().await.pop().unwrap();
    assert_eq!(delivery.outcome, Some(Ok(202)));
    bench.stand_in.deliver_again(delivery.id);
    assert!(bench.stand_in.deliveries().await.iter().all(|d| d.outcome == Some(Ok(202))));

    let client = reqwest::Client::new();
    let post = async |event: &str, signature: Option<&str>, body: Vec<u8>| {
        let mut request =
            client.post(format!("{}/webhooks/github", server.url)).header("x-github-event", event);
        if let Some(signature) = signature {
            request = request.header("x-hub-signature-256", signature);
        }
        request.body(body).send().await.unwrap().status()
    };
    let body = delivery.body.clone().into_bytes();
    assert_eq!(post("push", None, body.clone()).await, StatusCode::UNAUTHORIZED);
    let wrong = format!("sha256={}", "0".repeat(64));
    assert_eq!(post("push", Some(&wrong), body).await, StatusCode::UNAUTHORIZED);
    // GitHub's own example of a signature, for this secret.
    let hello = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    assert_eq!(post("ping", Some(hello), b"Hello, World!".to_vec()).await, StatusCode::NO_CONTENT);
    assert_eq!(post("push", Some(hello), b"Hello, World!".to_vec()).await, StatusCode::BAD_REQUEST);
    let large = vec![b' '; 6 * 1024 * 1024];
    assert_eq!(post("push", Some(hello), large).await, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn without_a_secret_nobody_takes_deliveries() {
    let server = Server::start().await;
    let answer = reqwest::Client::new().post(format!("{}/webhooks/github", server.url)).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_merge_at_github_itself_opens_a_deployment() {
    let bench = Bench::start().await;
    let number = bench.open("update", "Update flake.lock", lock("2")).await;
    let server = bench.server("3600").await;
    let _agent = server.host("gpc0").await;
    let browser = server.log_in().await;
    shown(&browser, "pull request", |shown| shown.open.len() == 1).await;
    bench.tell(&server);
    let mut events = browser.listen(None).await;
    bench.merge_there(number).await;
    let opened = deployment(&mut events, "deployment", |_| true).await;
    assert_eq!((opened.pull_request.number, opened.merged_by.as_str()), (number, "@alice"));
    assert_eq!(opened.commit.0, bench.head().await);
    assert_eq!(opened.hosts.iter().map(|host| host.name.as_str()).collect::<Vec<_>>(), ["gpc0"]);
    shown(&browser, "end of it", |shown| shown.open.is_empty()).await;
}

#[tokio::test]
async fn a_pull_request_that_moved_on_is_not_merged() {
    let bench = Bench::start().await;
    let number = bench.open("update", "Update flake.lock", lock("2")).await;
    let server = bench.server("3600").await;
    let browser = server.log_in().await;
    let seen = shown(&browser, "pull request", |shown| shown.open.len() == 1).await.open[0].head.0.clone();
    bench.stand_in.commit("update", "update-bot", "More", &lock("3")).await.unwrap();
    let before = bench.head().await;
    let number = number.to_string();
    let fields = [("number", number.as_str()), ("seen_head", &seen), ("back", "/")];
    let answer = browser.post("merge_pull_request", &fields).await;
    let said = answer.text().await.unwrap();
    assert!(said.contains("was not merged"), "{said}");
    assert_eq!(bench.head().await, before);
    assert!(snapshot(&browser).await.deployment.is_none());
    shown(&browser, "its new head", |shown| shown.open[0].head.0 != seen).await;
}

#[tokio::test]
async fn an_update_that_is_no_ordinary_one_is_merged_only_by_who_ticks_that_they_looked() {
    let bench = Bench::start().await;
    let commits = vec![
        ("Update".to_owned(), lock("2")),
        ("Else".to_owned(), vec![Change::write("configuration.nix", "{ }\n")]),
    ];
    let new = NewPullRequest {
        commits,
        author: "eve".into(),
        association: "NONE".into(),
        fork: Some("eve".into()),
        ..NewPullRequest::new("update", "Update flake.lock", vec![])
    };
    let number = bench.stand_in.open_pull_request(new).await.unwrap().to_string();
    let server = bench.server("3600").await;
    let browser = server.log_in().await;
    let seen = shown(&browser, "pull request", |shown| shown.open.len() == 1).await.open[0].head.0.clone();
    let page = browser.get(&format!("/pull-requests/{number}/merge")).await.text().await.unwrap();
    let other_file = "It changes a file beside flake.lock: configuration.nix.";
    for words in [other_file, "It comes from a fork, eve/nixcfg.", "name=\"looked\""] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let before = bench.head().await;
    let fields = [("number", number.as_str()), ("seen_head", &seen), ("back", "/")];
    let said = browser.post("merge_pull_request", &fields).await.text().await.unwrap();
    assert!(said.contains(other_file), "{said}");
    assert_eq!(bench.head().await, before);
    browser.post("merge_pull_request", &[&fields[..], &[("looked", "true")]].concat()).await;
    assert_ne!(bench.head().await, before);
}

/// Kills the server during a revert: once before the branch moves, and once after, with the answer lost.
#[tokio::test]
async fn a_server_that_is_killed_during_a_revert_reverts_once() {
    for (moment, method, what) in
        [(Moment::Before, "POST", "merges"), (Moment::After, "PATCH", "git/refs/heads/main")]
    {
        let bench = Bench::start().await;
        let number = bench.open("update", "Update flake.lock", lock("2")).await.to_string();
        let mut server = bench.server("3600").await;
        let browser = server.log_in().await;
        let update = shown(&browser, "pull request", |shown| shown.open.len() == 1).await.open.remove(0);
        let fields = [("number", number.as_str()), ("seen_head", &update.head.0), ("back", "/")];
        browser.post("merge_pull_request", &fields).await;
        let merged = snapshot(&browser).await.deployment.expect("a deployment");
        assert_eq!((merged.merged_by.as_str(), &merged.decision), ("admin", &Decision::Open));
        assert_eq!(merged.commit.0, bench.head().await);

        let mut gate = bench.stand_in.gate(moment, move |asked| asked.is(method, what));
        let id = merged.id.to_string();
        let fields = [("deployment", id.as_str()), ("back", "/")];
        tokio::select! {
            _ = browser.post("revert_pull_request", &fields) => panic!("it should have been stopped"),
            stopped = soon("the revert", gate.stops()) => {
                server.kill().await;
                stopped.hang_up();
            }
        }
        drop(gate);
        server.restart().await;
        let browser = server.log_in().await;
        let mut events = browser.listen(None).await;
        let decided = snapshot(&browser).await.deployment.unwrap();
        if matches!(decided.decision, Decision::Reverting { .. }) {
            deployment(&mut events, "revert", |d| matches!(d.decision, Decision::Reverted { .. })).await;
        }
        let Decision::Reverted { by, commit, .. } = snapshot(&browser).await.deployment.unwrap().decision
        else {
            panic!("{what}: it was not reverted")
        };
        assert_eq!((by.as_str(), commit.0), ("admin", bench.head().await), "{what}");
        let log = bench.git(&["log", "--format=%s", "main"]).await;
        assert_eq!(log.matches("Revert PR #").count(), 1, "{what}: {log}");
        let branches = bench.git(&["for-each-ref", "--format=%(refname:short)", "refs/heads"]).await;
        assert!(!branches.contains("backstay/"), "{what}: {branches}");
    }
}
