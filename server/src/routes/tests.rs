//! Calls every route and server function as nobody and as people of every role and scope, and compares the answers with the table of
//! actions. What is missing from the table, or from the calls here, fails.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::http::header;
use backstay_app::api::{GUARDED, OPEN};
use backstay_fleet::accounts::{Actor, SessionPolicy, StepUp, Visitor, WaysIn};
use backstay_fleet::store::{self, NewHost, NewJoinToken, Store, TokenHash};
use backstay_fleet::{Fleet, FleetConfig, Retention};
use backstay_model::people::HostTraits;
use backstay_model::view::{AuditQuery, OpQuery};
use backstay_model::{Action, FixedClock, Grant, HostId, OpAction, OpId, Person, Platform, Role};
use chrono::{DateTime, TimeDelta, Utc};
use clap::Parser as _;
use reqwest::StatusCode;
use serde_json::json;
use tokio::net::TcpListener;

use super::access::Access;
use super::{plain, router};
use crate::cli::{Cli, Command};
use crate::lifecycle::Lifecycle;
use crate::listen::{self, Limits, Places, Times};

const PASSWORD: &str = "lamp otter seven violin";
const LAB: &str = "lab";

/// Calls of each server function for what it may do: a form, or `{OPS}` or `{LOG}` for a query of these. None of them
/// changes roles or scopes, and the log-out is the last one. `HOST`, `OP` and `TAGS` stand for those of the host.
const CALLS: &[(&str, Action, &str)] = &[
    ("start_page", Action::ReadFleet, ""),
    ("load_host", Action::ReadFleet, "name=HOST"),
    ("load_plan", Action::ReadFleet, "name=HOST"),
    ("load_op", Action::ReadFleet, "id=OP"),
    ("load_ops", Action::ReadFleet, "{OPS}"),
    ("load_output_after", Action::ReadFleet, "id=OP&after=0"),
    ("load_output_before", Action::ReadFleet, "id=OP&before=9"),
    ("load_notices", Action::ReadFleet, ""),
    ("load_about", Action::ReadFleet, ""),
    ("load_deployments", Action::ReadFleet, ""),
    ("load_deployment", Action::ReadFleet, "id=OP"),
    ("load_revert_effects", Action::ReadFleet, "deployment=OP"),
    ("load_rollout", Action::ReadFleet, "id=OP"),
    ("load_rollout_commits", Action::ReadFleet, ""),
    ("load_planned_rollbacks", Action::ReadFleet, "deployment=OP"),
    ("load_planned_rollbacks_of", Action::ReadFleet, "hosts[]=HOST"),
    ("compare_generations", Action::ReadFleet, "host=HOST&from=1 /nix/store/a&to=2 /nix/store/b"),
    ("load_written", Action::ReadFleet, "path=/account"),
    ("load_written", Action::ReadPeople, "path=/people"),
    ("audit", Action::ReadLog, "{LOG}"),
    ("set_view", Action::OwnAccount, "density="),
    ("save_view", Action::OwnAccount, "name=mine&view=/"),
    ("forget_view", Action::OwnAccount, "name=mine"),
    ("change_password", Action::OwnAccount, "current=wrong&password=a&again=a"),
    ("begin_second_factor", Action::OwnAccount, ""),
    ("confirm_second_factor", Action::OwnAccount, "password=wrong&code=000000"),
    ("remove_second_factor", Action::OwnAccount, "code=000000"),
    ("confirm_person", Action::OwnAccount, "code=000000&next=/"),
    ("end_session", Action::OwnAccount, "id=OP"),
    ("end_other_sessions", Action::OwnAccount, ""),
    (
        "request_rollback",
        Action::RollBack,
        "host=HOST&target=1 /nix/store/a&seen=2 /nix/store/b&reason=&back=/",
    ),
    ("request_op", Action::RunTests, "host=HOST&kind=test"),
    ("request_op", Action::Switch, "host=HOST&kind=switch"),
    ("request_op", Action::Switch, "host=HOST&kind=pull"),
    ("request_op", Action::Switch, "host=HOST&kind=pull-switch"),
    ("request_op", Action::Refresh, "host=HOST&kind=refresh"),
    ("cancel_op", Action::Cancel, "id=OP"),
    ("retry_op", Action::Refresh, "id=OP&page=/"),
    ("set_labels", Action::SetUpHost, "host=HOST&tags=TAGS&notes=x"),
    ("set_labels", Action::Tag, "host=HOST&tags=TAGS more&notes=x"),
    ("set_auto_test", Action::SetUpHost, "host=HOST&on=true"),
    ("set_test_timeout", Action::SetUpHost, "host=HOST&amount=&unit=seconds"),
    ("pin_generation", Action::SetUpHost, "host=HOST&generation=1 /nix/store/a&note="),
    ("unpin_generation", Action::SetUpHost, "host=HOST&generation=1 /nix/store/a"),
    ("roll_back_hosts", Action::RollBackMany, "parallel=1&reason=&back=/"),
    ("start_rollout", Action::RollOut, "kind=refresh&hosts[]=HOST&parallel=1&reason=&back=/"),
    ("steer_rollout", Action::HoldRollout, "id=OP&change=pause"),
    ("steer_rollout", Action::HoldRollout, "id=OP&change=stop"),
    ("steer_rollout", Action::RollOut, "id=OP&change=resume"),
    ("merge_pull_request", Action::Merge, "number=1&seen_head=abc&back=/"),
    ("revert_pull_request", Action::Revert, "deployment=OP&back=/"),
    ("continue_anyway", Action::Continue, "deployment=OP"),
    ("remove_host", Action::RemoveHost, "host=HOST&confirm=another"),
    ("make_join_token", Action::JoinToken, "host=new"),
    ("invite_person", Action::ManagePeople, "name=new&role=viewer"),
    ("revoke_invitation", Action::ManagePeople, "id=OP"),
    ("set_role", Action::ManagePeople, "name=nobody&role=viewer"),
    ("grant_role", Action::ManagePeople, "name=nobody&role=operator&by=tag&hosts=lab"),
    ("revoke_grant", Action::ManagePeople, "name=nobody&scope=tag:lab"),
    ("reset_second_factor", Action::ManagePeople, "name=nobody"),
    ("disable_person", Action::ManagePeople, "name=nobody"),
    ("enable_person", Action::ManagePeople, "name=nobody"),
    ("delete_person", Action::ManagePeople, "name=nobody"),
    ("log_out", Action::OwnAccount, ""),
];

/// People of every role, on the whole fleet and on some hosts.
const PEOPLE: [(&str, Role, &[&str]); 7] = [
    ("viewer", Role::Viewer, &[]),
    ("lab responder", Role::Viewer, &["responder tag:lab"]),
    ("named operator", Role::Viewer, &["operator name:WE?"]),
    ("both", Role::Responder, &["operator tag:lab", "responder platform:darwin"]),
    ("responder", Role::Responder, &[]),
    ("operator", Role::Operator, &[]),
    ("admin", Role::Admin, &[]),
];

struct Host {
    name: &'static str,
    tags: Vec<String>,
    op: OpId,
}

/// A server in this process, with two hosts: `web` has the tag `lab`, `db` has none.
struct Bench {
    fleet: Fleet,
    clock: Arc<FixedClock>,
    url: String,
    hosts: Vec<Host>,
    _dir: tempfile::TempDir,
}

async fn enrol(store: &dyn Store, name: &str) {
    let (at, token) = (DateTime::<Utc>::UNIX_EPOCH, TokenHash::of(name));
    let join = NewJoinToken {
        token: token.clone(),
        host_name: None,
        made_by: "console".to_owned(),
        created_at: at,
        expires_at: at + TimeDelta::days(1),
    };
    store.insert_join_token(&join).await.unwrap();
    let host = NewHost {
        id: HostId::new(),
        name: name.to_owned(),
        platform: Platform::Nixos,
        token: token.clone(),
        auto_test: true,
        at,
    };
    store.enrol(&host, &token).await.unwrap();
}

impl Bench {
    async fn new() -> Self {
        Self::with(SessionPolicy::default()).await
    }

    async fn with(sessions: SessionPolicy) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("backstay.sqlite3");
        let store = store::open(file.to_str().unwrap()).await.unwrap();
        for host in ["web", "db"] {
            enrol(store.as_ref(), host).await;
        }
        let clock = Arc::new(FixedClock::at(DateTime::UNIX_EPOCH + TimeDelta::days(20_000)));
        let fleet = Fleet::new(FleetConfig {
            server_version: "1".to_owned(),
            store,
            clock: Arc::<FixedClock>::clone(&clock),
            queue_time: Duration::from_mins(10),
            retention: Retention::default(),
            sessions,
            ways_in: WaysIn::default(),
            master_key: None,
            github: None,
        });
        let console = Actor::console();
        let lab = [LAB.to_owned()];
        fleet.set_labels(&console, "web", Some(&lab), String::new()).await.unwrap();
        let mut hosts = vec![];
        for (name, tags) in [("web", lab.to_vec()), ("db", vec![])] {
            let op = fleet.request_op(&console, name, OpAction::Refresh, None).await.unwrap().id;
            hosts.push(Host { name, tags, op });
        }
        for (name, role, grants) in PEOPLE {
            fleet.accounts().set_password(name, Some(role), PASSWORD).await.unwrap();
            for grant in grants {
                fleet.accounts().grant(&console, name, grant.parse().unwrap()).await.unwrap();
            }
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let Command::Serve(options) = Cli::parse_from(["backstay-server", "serve"]).command else { panic!() };
        let lifecycle = Lifecycle::default();
        let app = router(fleet.clone(), &options, address, None, lifecycle.clone()).unwrap();
        let places = Places::new(Limits::of(1_000));
        tokio::spawn(async move {
            listen::serve(listener, app, places, Times::default(), lifecycle.stop.clone()).await;
        });
        Self { fleet, clock, url: format!("http://{address}"), hosts, _dir: dir }
    }

    async fn cookie(&self, name: &str) -> String {
        let admitted = self.fleet.accounts().log_in(name, PASSWORD, &Visitor::default()).await.unwrap();
        format!("backstay_session={}", admitted.session.reveal())
    }

    /// The status of a call, and whether it was refused because of the role.
    async fn call(
        &self,
        function: &str,
        body: &str,
        host: &Host,
        cookie: Option<&str>,
    ) -> (StatusCode, bool) {
        let tags = host.tags.join(" ");
        let body = match body {
            "{OPS}" => json!({ "query": OpQuery::default() }).to_string(),
            "{LOG}" => json!({ "query": AuditQuery::default() }).to_string(),
            form => {
                form.replace("HOST", host.name).replace("TAGS", &tags).replace("OP", &host.op.to_string())
            }
        };
        let kind =
            if body.starts_with('{') { "application/json" } else { "application/x-www-form-urlencoded" };
        let mut request = client().post(format!("{}/api/{function}", self.url));
        request = request.header(header::CONTENT_TYPE, kind).body(body.replace(' ', "+"));
        if let Some(cookie) = cookie {
            request = request.header(header::COOKIE, cookie);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let is_refused = answer.text().await.unwrap().contains("NotAllowed");
        assert!(!is_refused || status == StatusCode::FORBIDDEN, "{function}");
        (status, is_refused)
    }
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

fn person(name: &str, role: Role, grants: &[&str]) -> Person {
    let grants = grants.iter().map(|grant| grant.parse::<Grant>().unwrap()).collect();
    Person { grants, ..Person::new(name, role) }
}

#[test]
fn every_server_function_is_in_the_table_and_called_for_each_thing_that_it_may_do() {
    let registered: BTreeSet<_> = leptos::server_fn::axum::server_fn_paths().map(|(path, _)| path).collect();
    let listed: BTreeSet<_> = GUARDED.iter().map(|(path, _)| *path).chain(OPEN.iter().copied()).collect();
    assert_eq!(registered, listed);
    let called: BTreeSet<_> = CALLS.iter().map(|(function, ..)| format!("/api/{function}")).collect();
    assert_eq!(called, GUARDED.iter().map(|(path, _)| (*path).to_owned()).collect::<BTreeSet<_>>());
    for (path, actions) in GUARDED {
        let of_it = |call: &&(&str, Action, &str)| *path == format!("/api/{}", call.0);
        for (_, action, body) in CALLS.iter().filter(of_it) {
            assert!(actions.contains(action), "{path} {body}: {action:?}");
        }
    }
    let unused = Action::ALL.into_iter().filter(|action| {
        let by_route = plain().into_iter().any(|(_, access, _)| access == Access::Person(*action));
        !by_route && !GUARDED.iter().any(|(_, actions)| actions.contains(action))
    });
    assert_eq!(unused.collect::<Vec<_>>(), []);
}

#[tokio::test]
async fn a_server_function_does_what_the_table_of_actions_allows() {
    let bench = Bench::new().await;
    for (function, _, body) in CALLS {
        let (status, _) = bench.call(function, body, &bench.hosts[0], None).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "nobody: {function}");
    }
    for (name, role, grants) in PEOPLE {
        let (person, cookie) = (person(name, role, grants), bench.cookie(name).await);
        for (function, action, body) in CALLS {
            for host in &bench.hosts {
                if *function == "log_out" && host.name != "db" {
                    continue;
                }
                let traits = HostTraits { name: host.name, platform: Platform::Nixos, tags: &host.tags };
                let allowed = person.require_on(*action, &traits).is_ok();
                let (status, is_refused) = bench.call(function, body, host, Some(&cookie)).await;
                let said = format!("{name}: {function} {body} on {}: {status}", host.name);
                assert_eq!(is_refused, !allowed, "{said}");
                assert_ne!(status, StatusCode::UNAUTHORIZED, "{said}");
                assert!(!status.is_server_error() && status != StatusCode::BAD_REQUEST, "{said}");
            }
        }
    }
}

#[tokio::test]
async fn a_route_or_stream_answers_whom_the_table_of_actions_allows() {
    let bench = Bench::new().await;
    let get = async |path: &str, cookie: Option<&str>| {
        let path = path.replace("{id}", &bench.hosts[0].op.to_string()).replace("{secret}", "none");
        let request = client().get(format!("{}{path}", bench.url));
        let request = cookie.into_iter().fold(request, |request, c| request.header(header::COOKIE, c));
        request.send().await.unwrap().status()
    };
    for (path, access, _) in plain() {
        let status = get(path, None).await;
        match access {
            Access::Anybody => assert!(status.is_success(), "{path}: {status}"),
            Access::Own => assert!(status.is_client_error(), "{path}: {status}"),
            Access::Person(_) => assert_eq!(status, StatusCode::UNAUTHORIZED, "{path}"),
        }
    }
    for (name, role, grants) in PEOPLE {
        let (person, cookie) = (person(name, role, grants), bench.cookie(name).await);
        for (path, access, _) in plain() {
            let Access::Person(action) = access else { continue };
            let expected =
                person.require_somewhere(action).map_or(StatusCode::FORBIDDEN, |()| StatusCode::OK);
            assert_eq!(get(path, Some(&cookie)).await, expected, "{name}: {path}");
        }
    }
}

#[tokio::test]
async fn what_weighs_most_takes_a_new_proof_once_the_last_one_is_old() {
    let step_up = StepUp::Everybody(TimeDelta::minutes(10));
    let bench = Bench::with(SessionPolicy { step_up, ..SessionPolicy::default() }).await;
    let cookie = bench.cookie("admin").await;
    let refused = async || {
        let mut refused = BTreeSet::new();
        for (function, action, body) in CALLS.iter().filter(|call| call.0 != "log_out") {
            if bench.call(function, body, &bench.hosts[0], Some(&cookie)).await.1 {
                refused.insert(*action);
            }
        }
        refused
    };
    let weighs = Action::ALL.into_iter().filter(|action| action.rule().proof).collect::<BTreeSet<_>>();
    assert!(
        weighs.contains(&Action::Merge) && !weighs.contains(&Action::RollBack),
        "a rollback at night is not held up"
    );
    bench.clock.advance(TimeDelta::minutes(10) - TimeDelta::seconds(1));
    assert_eq!(refused().await, BTreeSet::new());
    bench.clock.advance(TimeDelta::seconds(1));
    assert_eq!(refused().await, weighs);

    let form = async |function: &str, body: String| {
        let request = client().post(format!("{}/api/{function}", bench.url)).header(header::COOKIE, &cookie);
        let request =
            request.header(header::ACCEPT, "text/html").header(header::REFERER, "http://x/hosts/web?a=b");
        let answer = request
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body)
            .send()
            .await
            .unwrap();
        answer.headers()[header::LOCATION].to_str().unwrap().to_owned()
    };
    let confirm = form("make_join_token", "host=web2".to_owned()).await;
    assert_eq!(confirm, "/confirm/%2Fhosts%2Fweb%3Fa%3Db");
    let page = client().get(format!("{}{confirm}", bench.url)).header(header::COOKIE, &cookie);
    let page = page.send().await.unwrap().text().await.unwrap();
    assert!(page.contains("type=\"password\"") && page.contains("value=\"/hosts/web?a=b\""), "{page}");
    let prove = async |secret: &str| {
        form("confirm_person", format!("code={}&next=/hosts/web", secret.replace(' ', "+"))).await
    };
    assert_eq!(prove("wrong").await, "/confirm/%2Fhosts%2Fweb");
    assert_eq!(refused().await, weighs);
    // The calls have made wrong attempts.
    bench.clock.advance(TimeDelta::minutes(15));
    assert_eq!(prove(PASSWORD).await, "/hosts/web");
    assert_eq!(refused().await, BTreeSet::new());
}

#[tokio::test]
async fn by_default_nobody_without_a_second_factor_is_asked_again() {
    let bench = Bench::new().await;
    let cookie = bench.cookie("admin").await;
    bench.clock.advance(TimeDelta::hours(20));
    for (function, _, body) in CALLS.iter().filter(|call| call.0 != "log_out") {
        assert!(!bench.call(function, body, &bench.hosts[0], Some(&cookie)).await.1, "{function}");
    }
}

#[tokio::test]
async fn refused_acts_exports_and_log_outs_are_in_the_audit_log() {
    let bench = Bench::new().await;
    let (viewer, admin) = (bench.cookie("viewer").await, bench.cookie("admin").await);
    for _ in 0..30 {
        assert!(
            bench
                .call("merge_pull_request", "number=1&seen_head=abc&back=/", &bench.hosts[0], Some(&viewer))
                .await
                .1
        );
    }
    let stop = tokio_util::sync::CancellationToken::new();
    let schedule = backstay_fleet::Schedule { repository: None, poll: Duration::from_mins(1) };
    let background = tokio::spawn(bench.fleet.start_background(schedule, stop.clone()).await.unwrap());
    bench.call("log_out", "", &bench.hosts[0], Some(&viewer)).await;
    stop.cancel();
    background.await.unwrap();
    for path in ["/audit.csv", "/audit.json"] {
        let request = client().get(format!("{}{path}", bench.url)).header(header::COOKIE, &admin);
        assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
    }
    let log = bench.fleet.audit_entries(&AuditQuery::default()).await.unwrap();
    let log: Vec<_> = log.into_iter().map(|e| (e.entry.actor, e.entry.action, e.entry.detail)).collect();
    let has = |actor: &str, action: &str, detail: &str| {
        log.contains(&(actor.to_owned(), action.to_owned(), detail.to_owned()))
    };
    assert!(
        has("viewer", "refused", "Tried 30 times to merge a pull request. This requires the operator role."),
        "{log:?}"
    );
    assert!(has("viewer", "login.ended", "Logged out."), "{log:?}");
    assert!(has("admin", "audit.exported", "Downloaded the audit log as CSV."), "{log:?}");
    assert!(has("admin", "audit.exported", "Downloaded the audit log as JSON."), "{log:?}");
}
