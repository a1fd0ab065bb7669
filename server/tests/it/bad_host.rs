//! A compromised host: whatever it sends, and however often, the server keeps serving the others.

use backstay_model::comparison::{Comparison, Pair};
use backstay_model::wire::message::{AgentMessage, ServerMessage};
use backstay_model::{Facts, OutputLine, State, Stream, TestResult, TestRun, sample};
use chrono::TimeDelta;
use reqwest::StatusCode;

use crate::delivery::{ask, finished, line, run};
use crate::harness::{Agent, Browser, Events, Server, facts, generation, now};

/// Facts with the maximum number of tests, all with unknown names.
fn ever_other_tests(round: usize) -> Facts {
    let result = |test: usize| TestResult {
        tail: vec!["y".repeat(240)],
        ..sample::test_result(&format!("{round}-{test}-{}", "x".repeat(100)), false)
    };
    let run = |at: usize| TestRun {
        generation: generation(48, true).reference(),
        started_at: now() - TimeDelta::seconds(i64::try_from(round * 100 + at).unwrap()),
        finished_at: now(),
        results: (0..200).map(result).collect(),
    };
    Facts { test_runs: (0..8).map(run).collect(), ..facts(48) }
}

/// Facts with the longest lists and texts that a message allows.
fn endless_facts() -> Facts {
    let mut facts = facts(48);
    facts.failed_units = vec!["u".repeat(1_000); 300];
    facts.problems = vec!["p".repeat(2_000); 100];
    facts.generations[0].version = Some("v".repeat(100_000));
    facts.generations[0].inhibitors = vec!["i".repeat(1_000); 100];
    facts
}

/// The server's memory usage, in bytes.
#[cfg(target_os = "linux")]
pub(crate) fn memory(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
}

fn size_of_database(server: &Server) -> u64 {
    let wal = server.database().with_extension("sqlite3-wal");
    [server.database(), wal].iter().map(|file| file.metadata().map_or(0, |found| found.len())).sum()
}

async fn is_served(server: &Server, person: &Browser) {
    let stranger = Browser::stranger(&server.url);
    assert_eq!(stranger.get("/healthz").await.status(), StatusCode::NO_CONTENT);
    for page in ["/", "/hosts/gpc0", "/ops"] {
        assert_eq!(person.get(page).await.status(), StatusCode::OK, "{page}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn facts_without_end_stop_nobody_and_stay_small() {
    const MIB: u64 = 1024 * 1024;
    let server = Server::start().await;
    let mut bad = server.host("gpc0").await;
    let person = server.log_in().await;
    is_served(&server, &person).await;
    let (memory_before, disk_before) = (memory(&server), size_of_database(&server));
    for round in 0..8 {
        bad.say(AgentMessage::Facts { facts: Box::new(ever_other_tests(round)) }).await;
    }
    is_served(&server, &person).await;
    // The end of the flood: opens the host's page once everything is stored.
    let mut events = person.listen(None).await;
    bad.say(AgentMessage::Facts { facts: Box::new(facts(47)) }).await;
    events.host("the last facts", |h| h.generation.as_ref().is_some_and(|g| g.number == 47)).await;
    is_served(&server, &person).await;
    let page = person.get("/hosts/gpc0").await.text().await.unwrap();
    assert!(page.len() < 4 * 1024 * 1024, "the page has {} bytes", page.len());
    assert!(memory(&server) < memory_before + 200 * MIB, "{memory_before} -> {}", memory(&server));
    assert!(size_of_database(&server) < disk_before + 40 * MIB);
}

#[tokio::test]
async fn what_a_host_says_of_itself_makes_no_page_of_others_large() {
    let server = Server::start().await;
    let mut bad = server.host("gpc0").await;
    let person = server.log_in().await;
    let mut events = person.listen(None).await;
    let before = person.get("/").await.text().await.unwrap().len();
    bad.say(AgentMessage::Facts { facts: Box::new(endless_facts()) }).await;
    events
        .host("the facts", |h| {
            h.generation.as_ref().is_some_and(|g| g.version.as_ref().is_some_and(|v| v.starts_with('v')))
        })
        .await;
    let after = person.get("/").await.text().await.unwrap().len();
    assert!(after < before + 100_000, "{before} -> {after}");
}

#[tokio::test]
async fn a_result_without_end_is_cut_before_it_is_logged() {
    let server = Server::start().await;
    let mut bad = server.host("gpc0").await;
    let person = server.log_in().await;
    ask(&person, "refresh").await;
    let op = run(&mut bad).await;
    bad.say(AgentMessage::Accepted { op }).await;
    let AgentMessage::Finished { mut result, lines, facts, .. } = finished(op, 0) else { unreachable!() };
    result.message = "m".repeat(700_000);
    bad.say(AgentMessage::Finished { op, result, lines, facts }).await;
    assert_eq!(bad.hear().await, Some(ServerMessage::FinishStored { op }));
    for page in ["/audit", "/ops"] {
        let length = person.get(page).await.text().await.unwrap().len();
        assert!(length < 200_000, "{page} has {length} bytes");
    }
}

#[tokio::test]
async fn a_name_longer_than_names_may_be_ends_the_connection_with_the_reason() {
    let server = Server::start().await;
    let mut bad = server.host("gpc0").await;
    let mut long = facts(48);
    long.running = Some("/nix/store/x".repeat(1_000));
    bad.say(AgentMessage::Facts { facts: Box::new(long) }).await;
    let why = bad.dismissal().await.expect("a reason");
    assert!(why.contains("store path that is too long"), "{why}");
}

#[tokio::test]
async fn the_log_cannot_be_forged() {
    let server = Server::start().await;
    let mut bad = Agent::new("gpc0");
    bad.join = Some(server.join_token("gpc0").await);
    bad.version = format!("0.1.0\n2026-01-01T00:00:00Z ERROR forged: all is lost {}", "x".repeat(10_000));
    bad.connect(&server, vec![]).await;
    bad.say_text("{\"type\":\"forged\\n2026-01-01T00:00:00Z ERROR forged: again\"}").await;
    assert!(bad.dismissal().await.is_some());
    let log = server.log_text();
    assert!(log.contains("forged"), "{log}");
    assert!(!log.lines().any(|line| line.starts_with("2026-01-01")), "{log}");
    assert!(log.lines().all(|line| line.len() < 2_000), "{log}");
}

/// The line numbers of an op that pages receive, up to this one.
async fn heard_until(events: &mut Events, last: u64) -> Vec<u64> {
    let mut heard = vec![];
    while heard.last() != Some(&last) {
        let lines =
            events.find("output", |name, data| (name == "output").then(|| data["lines"].clone())).await;
        heard.extend(lines.as_array().unwrap().iter().map(|line| line["seq"].as_u64().unwrap()));
    }
    heard
}

#[tokio::test]
async fn lines_that_are_told_again_are_heard_by_pages_once() {
    let server = Server::start().await;
    let mut bad = server.host("gpc0").await;
    let person = server.log_in().await;
    let mut events = person.listen(None).await;
    ask(&person, "refresh").await;
    let op = run(&mut bad).await;
    bad.say(AgentMessage::Accepted { op }).await;
    for _ in 0..20 {
        bad.say(AgentMessage::Output { op, lines: vec![line(1), line(2)] }).await;
        assert_eq!(bad.hear().await, Some(ServerMessage::OutputStored { op, through: 2 }));
    }
    bad.say(AgentMessage::Output { op, lines: vec![line(2), line(3)] }).await;
    assert_eq!(heard_until(&mut events, 3).await, [1, 2, 3]);
}

#[tokio::test]
async fn nothing_is_added_to_what_an_op_wrote_once_it_is_over() {
    let server = Server::start().await;
    let mut bad = server.host("gpc0").await;
    let person = server.log_in().await;
    ask(&person, "refresh").await;
    let op = run(&mut bad).await;
    bad.say(AgentMessage::Accepted { op }).await;
    bad.say(AgentMessage::Output { op, lines: vec![line(1)] }).await;
    assert_eq!(bad.hear().await, Some(ServerMessage::OutputStored { op, through: 1 }));
    bad.say(finished(op, 1)).await;
    assert_eq!(bad.hear().await, Some(ServerMessage::FinishStored { op }));
    let more = OutputLine { seq: 2, stream: Stream::Stdout, at: now(), text: "written after the end".into() };
    bad.say(AgentMessage::Output { op, lines: vec![more] }).await;
    assert_eq!(bad.hear().await, Some(ServerMessage::OutputStored { op, through: 1 }));
    let text = person.get(&format!("/ops/{op}/output.txt")).await.text().await.unwrap();
    assert_eq!(text, "line 1\n");
}

#[tokio::test]
async fn a_host_cannot_answer_what_another_was_asked() {
    let server = Server::start().await;
    let mut victim = server.host("gpc0").await;
    let mut bad = server.host("poison").await;
    let pair = Pair { from: generation(48, true).reference(), to: generation(47, false).reference() };
    let lie = Comparison::unknown("LIES OF ANOTHER HOST");
    bad.say(AgentMessage::Compared { pair: pair.clone(), comparison: Box::new(lie) }).await;
    let person = server.log_in().await;
    let text =
        |reference: &backstay_model::GenerationRef| format!("{} {}", reference.number, reference.store_path);
    let fields = [("host", "gpc0".to_owned()), ("from", text(&pair.from)), ("to", text(&pair.to))];
    let asked = person.client.post(format!("{}/api/compare_generations", server.url)).form(&fields).send();
    let (answer, ()) = tokio::join!(asked, async {
        assert_eq!(victim.hear().await, Some(ServerMessage::Compare { pair: pair.clone() }));
        let truth = Comparison::unknown("the victim’s own answer");
        bad.say(AgentMessage::Compared {
            pair: pair.clone(),
            comparison: Box::new(Comparison::unknown("LIES")),
        })
        .await;
        victim.say(AgentMessage::Compared { pair: pair.clone(), comparison: Box::new(truth) }).await;
    });
    let answer = answer.unwrap().text().await.unwrap();
    assert!(answer.contains("the victim’s own answer"), "{answer}");
}

#[tokio::test]
async fn two_machines_with_one_identity_are_told_of_and_given_nothing_to_do() {
    let server = Server::start().await;
    let mut first = server.host("gpc0").await;
    let person = server.log_in().await;
    let mut events = person.listen(None).await;
    first.instance = Some(1);
    let mut second = Agent::new("gpc0");
    (second.token, second.instance) = (first.token.clone(), Some(2));
    // They replace each other, like two agents that both reconnect.
    let mut last = None;
    for _ in 0..10 {
        for agent in [&mut first, &mut second] {
            agent.cut_later();
            agent.open(&server).await.unwrap();
            last = Some(agent.hello().await);
            if matches!(last, Some(ServerMessage::Refused { .. })) {
                break;
            }
        }
        if matches!(last, Some(ServerMessage::Refused { .. })) {
            break;
        }
    }
    let Some(ServerMessage::Refused { reason }) = last else { panic!("{last:?}") };
    assert!(reason.contains("another agent with this host's identity"), "{reason}");
    events
        .host("the light", |h| h.lights.agent.state == State::Failed && h.lights.agent.words == "Two agents")
        .await;
    let audit = person.get("/audit").await.text().await.unwrap();
    assert!(audit.contains("take turns as gpc0"), "{audit}");

    // An op waits, because it could run on either of the two.
    first.say(AgentMessage::Journal { ops: vec![], damaged: vec![] }).await;
    first.say(AgentMessage::Facts { facts: Box::new(facts(47)) }).await;
    events
        .host("news of the one that stays", |h| h.generation.as_ref().is_some_and(|g| g.number == 47))
        .await;
    ask(&person, "refresh").await;
    assert_eq!(status_of_op(&server).await, "queued");
}

/// The status of the only op.
async fn status_of_op(server: &Server) -> String {
    use sqlx::Connection;
    let url = format!("sqlite://{}", server.database().display());
    let mut database = sqlx::SqliteConnection::connect(&url).await.unwrap();
    sqlx::query_scalar("SELECT status FROM ops").fetch_one(&mut database).await.unwrap()
}
