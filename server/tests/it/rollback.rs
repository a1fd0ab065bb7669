//! A rollback between browser, server and agent, with all its refusals and failures.

use backstay_model::wire::message::{AgentMessage, OpResult, ServerMessage};
use backstay_model::{Facts, OpAction, OpId, Outcome, OutputLine, State, Stream, sample};

use crate::harness::{Agent, Browser, Events, Server, facts, generation, now, soon};

/// The dialog's form: from the generation that the person saw to the chosen one.
pub(crate) async fn ask(browser: &Browser, host: &str, from: u32, to: u32) -> String {
    let meant = |number| {
        let generation = generation(number, false);
        format!("{} {}", generation.number, generation.store_path)
    };
    let (target, seen) = (meant(to), meant(from));
    let fields = [
        ("host", host),
        ("target", &target),
        ("seen", &seen),
        ("reason", "X11 does not start"),
        ("back", "/"),
    ];
    browser.post("request_rollback", &fields).await.text().await.unwrap()
}

pub(crate) fn result(outcome: Outcome, message: &str) -> OpResult {
    OpResult { exit_code: Some(0), ..sample::op_result(outcome, message, now()) }
}

pub(crate) async fn take_run(agent: &mut Agent) -> (OpId, OpAction) {
    soon("an op", async {
        loop {
            if let ServerMessage::Run { op, action, .. } = agent.hear().await.expect("an op") {
                return (op, action);
            }
        }
    })
    .await
}

pub(crate) async fn finish(agent: &mut Agent, op: OpId, result: OpResult, facts: Facts) {
    agent.say(AgentMessage::Finished { op, result, lines: 0, facts: Box::new(facts) }).await;
    soon("the end to be stored", async {
        while agent.hear().await.expect("an answer") != (ServerMessage::FinishStored { op }) {}
    })
    .await;
}

/// A rollback of gpc0 from Gen 48 to Gen 47 that has reached its agent, and a page that watches.
struct Asked {
    server: Server,
    agent: Agent,
    browser: Browser,
    events: Events,
    op: OpId,
}

async fn asked() -> Asked {
    let server = Server::start().await;
    let mut agent = server.host("gpc0").await;
    let browser = server.log_in().await;
    let events = browser.listen(None).await;
    ask(&browser, "gpc0", 48, 47).await;
    let (op, _) = take_run(&mut agent).await;
    Asked { server, agent, browser, events, op }
}

async fn audit(server: &Server) -> String {
    server.log_in().await.get("/audit").await.text().await.unwrap()
}

/// The rows of a query, each with its columns joined by `|`.
async fn rows(server: &Server, query: &'static str) -> Vec<String> {
    use sqlx::{Connection, Row};
    let url = format!("sqlite://{}", server.database().display());
    let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
    let rows = sqlx::query(query).fetch_all(&mut connection).await.unwrap();
    rows.iter().map(|row| row.get::<String, _>(0)).collect()
}

const ROLLBACKS: &str = "SELECT from_gen || '|' || to_gen || '|' || reason || '|' || initiated_by || '|' || success FROM rollbacks";

#[tokio::test]
async fn from_the_dialog_to_the_record() {
    let server = Server::start().await;
    let mut agent = server.host("gpc0").await;
    let browser = server.log_in().await;
    let mut events = browser.listen(None).await;
    ask(&browser, "gpc0", 48, 47).await;

    let (op, action) = take_run(&mut agent).await;
    let expected = OpAction::Rollback {
        target: generation(47, false).reference(),
        seen_current: generation(48, true).reference(),
        specialisation: None,
    };
    assert_eq!(action, expected, "exactly what was confirmed");
    agent.say(AgentMessage::Accepted { op }).await;
    let host = events.host("rolling back", |h| h.lights.system.words == "Rolling back to Gen 47").await;
    assert_eq!(host.lights.system.state, State::Working);

    let line = |seq, text: &str| OutputLine { seq, stream: Stream::Stdout, at: now(), text: text.into() };
    agent.say(AgentMessage::Output { op, lines: vec![line(1, "activating"), line(2, "done")] }).await;
    assert_eq!(agent.hear().await, Some(ServerMessage::OutputStored { op, through: 2 }));

    agent
        .say(AgentMessage::Finished {
            op,
            result: result(Outcome::Completed, "Done."),
            lines: 2,
            facts: Box::new(facts(47)),
        })
        .await;
    let notice = events.find("the notice", |name, data| {
        (name == "notice").then(|| data["text"].as_str().unwrap().to_owned())
    });
    assert_eq!(notice.await, "Rolled back to Gen 47");

    // System is green. Tests stay yellow until they have run again, which happens automatically.
    let (test, action) = take_run(&mut agent).await;
    assert_eq!(action, OpAction::Test);
    assert_ne!(test, op);
    assert_eq!(rows(&server, ROLLBACKS).await, ["48|47|X11 does not start|admin|1"]);
    let log = audit(&server).await;
    for said in
        ["rollback.requested", "rollback.succeeded", "X11 does not start", "test.requested", "auto-test"]
    {
        assert!(log.contains(said), "{said} is not in the audit page");
    }
}

#[tokio::test]
async fn lights_after_a_rollback_without_auto_test() {
    let server = Server::start().await;
    let mut agent = server.host("gpc0").await;
    let browser = server.log_in().await;
    browser.post("set_auto_test", &[("host", "gpc0"), ("on", "false")]).await;
    let mut events = browser.listen(None).await;
    ask(&browser, "gpc0", 48, 47).await;
    let (op, _) = take_run(&mut agent).await;
    finish(&mut agent, op, result(Outcome::Completed, "Done."), facts(47)).await;
    let host =
        events.host("gpc0 at rest", |h| h.op.is_none() && h.generation.as_ref().unwrap().number == 47).await;
    assert_eq!((host.lights.system.state, host.lights.tests.state), (State::Ok, State::Attention));
    assert_eq!(host.lights.system.words, "Rolled back to Gen 47");
}

#[tokio::test]
async fn a_host_that_moved_meanwhile_is_left_alone() {
    let server = Server::start().await;
    let _agent = server.host("gpc0").await;
    let browser = server.log_in().await;
    let answer = ask(&browser, "gpc0", 47, 46).await;
    assert!(answer.contains("is on Gen 48 now; you saw Gen 47"), "{answer}");
    assert!(audit(&server).await.contains("rollback.blocked"));
    assert!(rows(&server, ROLLBACKS).await.is_empty());
}

#[tokio::test]
async fn the_host_itself_may_refuse() {
    let Asked { server, mut agent, mut events, op, .. } = asked().await;
    finish(&mut agent, op, result(Outcome::Refused, "Nothing was changed."), facts(48)).await;
    let host = events.host("gpc0 at rest", |h| h.op.is_none()).await;
    assert_ne!(host.lights.system.state, State::Failed, "a refusal says nothing of the system");
    assert!(audit(&server).await.contains("rollback.refused"));
    assert!(rows(&server, ROLLBACKS).await.is_empty(), "a refused rollback did not take place");
}

#[tokio::test]
async fn a_collected_generation_is_refused() {
    let server = Server::start().await;
    let _agent = server.host("gpc0").await;
    let browser = server.log_in().await;
    let answer = ask(&browser, "gpc0", 48, 45).await;
    assert!(answer.contains("garbage-collected"), "{answer}");
}

#[tokio::test]
async fn exit_0_with_the_goal_not_met_is_a_failure() {
    let Asked { server, mut agent, mut events, op, .. } = asked().await;
    finish(&mut agent, op, result(Outcome::Completed, "Done."), facts(48)).await;
    let host = events.host("gpc0 red", |h| h.lights.system.state == State::Failed).await;
    assert_eq!(host.lights.system.words, "Rollback failed");
    assert!(host.lights.system.hint.starts_with("Goal not met"), "{}", host.lights.system.hint);
    assert_eq!(rows(&server, ROLLBACKS).await, ["48|47|X11 does not start|admin|0"]);
}

#[tokio::test]
async fn a_busy_host_names_the_op_that_holds_it() {
    let Asked { server: _server, agent: _agent, browser, .. } = asked().await;
    let answer = ask(&browser, "gpc0", 48, 46).await;
    assert!(answer.contains("gpc0 is busy (Rollback to Gen 47, requested by admin)"), "{answer}");
}

#[tokio::test]
async fn an_op_waits_for_its_host_and_is_sent_once() {
    let server = Server::start().await;
    let mut agent = server.host("gpc0").await;
    let browser = server.log_in().await;
    let mut events = browser.listen(None).await;
    agent.cut();
    events.host("gpc0 offline", |h| !h.online).await;
    ask(&browser, "gpc0", 48, 47).await;
    let queued = events.host("the op", |h| h.op.is_some()).await.op.unwrap();
    assert_eq!(queued.status.as_str(), "queued");

    agent.connect(&server, vec![]).await;
    let (op, _) = take_run(&mut agent).await;
    assert_eq!(op, queued.id);

    // It never arrived: the agent's journal lacks it, so the server sends it again.
    agent.cut();
    agent.connect(&server, vec![]).await;
    assert_eq!(take_run(&mut agent).await.0, op);

    // It arrived: the journal contains it, so the server does not.
    agent.cut();
    agent.connect(&server, vec![op]).await;
    finish(&mut agent, op, result(Outcome::Completed, "Done."), facts(47)).await;
}

#[tokio::test]
async fn a_waiting_op_can_be_taken_back() {
    let server = Server::start().await;
    let mut agent = server.host("gpc0").await;
    let browser = server.log_in().await;
    let mut events = browser.listen(None).await;
    agent.cut();
    events.host("gpc0 offline", |h| !h.online).await;
    ask(&browser, "gpc0", 48, 47).await;
    let op = events.host("the op", |h| h.op.is_some()).await.op.unwrap();
    browser.post("cancel_op", &[("id", &op.id.to_string())]).await;
    events.host("no op", |h| h.op.is_none()).await;
    agent.connect(&server, vec![]).await;
    agent.say(AgentMessage::Facts { facts: Box::new(facts(48)) }).await;
    let host = events.host("gpc0 online", |h| h.online).await;
    assert!(host.op.is_none());
    assert!(audit(&server).await.contains("rollback.cancelled"));
}

#[tokio::test]
async fn a_server_that_died_meanwhile_takes_the_result() {
    let Asked { mut server, mut agent, op, .. } = asked().await;
    agent.say(AgentMessage::Accepted { op }).await;
    server.restart().await;
    agent.cut();
    agent.connect(&server, vec![op]).await;
    finish(&mut agent, op, result(Outcome::Completed, "Done."), facts(47)).await;
    // Sent again, as after a lost acknowledgement: nothing happens twice.
    finish(&mut agent, op, result(Outcome::Completed, "Done."), facts(47)).await;
    assert_eq!(rows(&server, ROLLBACKS).await.len(), 1);
}

#[tokio::test]
async fn an_agent_cannot_speak_of_another_hosts_op() {
    let server = Server::start().await;
    let mut gpc0 = server.host("gpc0").await;
    let mut hsb0 = server.host("hsb0").await;
    let browser = server.log_in().await;
    ask(&browser, "gpc0", 48, 47).await;
    let (op, _) = take_run(&mut gpc0).await;
    finish(&mut hsb0, op, result(Outcome::Completed, "Done."), facts(47)).await;
    assert!(rows(&server, ROLLBACKS).await.is_empty());
    finish(&mut gpc0, op, result(Outcome::Completed, "Done."), facts(47)).await;
    assert_eq!(rows(&server, ROLLBACKS).await.len(), 1);
}
