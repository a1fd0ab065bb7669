//! Delivery between the real server and a simulated agent: waiting ops, missing lines, repeated messages.

use backstay_model::wire::message::{AgentMessage, ServerMessage};
use backstay_model::{OpAction, OpId, OpStatus, OpView, Outcome, OutputLine, Stream, sample};

use crate::harness::{Agent, Browser, Events, Server, facts, now};

pub(crate) async fn ask(browser: &Browser, kind: &str) {
    let answer = browser.post("request_op", &[("host", "gpc0"), ("kind", kind)]).await;
    assert!(answer.status().is_success() || answer.status().is_redirection(), "{answer:?}");
}

pub(crate) async fn run(agent: &mut Agent) -> OpId {
    match agent.hear().await {
        Some(ServerMessage::Run { op, action: OpAction::Refresh, .. }) => op,
        other => panic!("{other:?}"),
    }
}

/// Waits for an op that matches.
async fn op(events: &mut Events, what: &str, wanted: impl Fn(&OpView) -> bool) -> OpView {
    events
        .find(what, |name, data| {
            let op: OpView = (name == "op").then(|| serde_json::from_value(data["op"].clone()).unwrap())?;
            wanted(&op).then_some(op)
        })
        .await
}

pub(crate) fn line(seq: u64) -> OutputLine {
    OutputLine { seq, stream: Stream::Stdout, at: now(), text: format!("line {seq}") }
}

pub(crate) fn finished(op: OpId, lines: u64) -> AgentMessage {
    let result = sample::op_result(Outcome::Completed, "Read.", now());
    AgentMessage::Finished { op, result, lines, facts: Box::new(facts(48)) }
}

#[tokio::test]
async fn an_op_expires_whose_host_does_not_connect() {
    let server = Server::start_with(&["--queue-seconds", "1"]).await;
    let mut agent = server.host("gpc0").await;
    let browser = server.log_in().await;
    let mut events = browser.listen(None).await;
    agent.cut();
    events.host("gpc0 offline", |h| !h.online).await;
    ask(&browser, "refresh").await;
    let waiting = op(&mut events, "the op", |_| true).await;
    assert_eq!((waiting.status, waiting.due_at.is_some()), (OpStatus::Queued, true));
    let expired = op(&mut events, "its end", |op| !op.status.is_open()).await;
    assert_eq!(expired.status, OpStatus::TimedOut);
    assert!(expired.message.unwrap().contains("never sent: nothing was changed"));
    events.host("gpc0 free", |h| h.op.is_none()).await;
}

#[tokio::test]
async fn a_cancel_outlives_the_connection_and_the_server() {
    let mut server = Server::start().await;
    let mut agent = server.host("gpc0").await;
    let browser = server.log_in().await;
    let mut events = browser.listen(None).await;
    ask(&browser, "refresh").await;
    let id = run(&mut agent).await;
    agent.say(AgentMessage::Accepted { op: id }).await;
    op(&mut events, "running", |op| op.status == OpStatus::Running).await;
    agent.cut();
    events.host("gpc0 offline", |h| !h.online).await;
    browser.post("cancel_op", &[("id", &id.to_string())]).await;
    assert_eq!(op(&mut events, "the wish", |op| op.cancel.is_some()).await.cancel.unwrap().by, "admin");
    server.restart().await;
    agent.connect(&server, vec![id]).await;
    assert_eq!(agent.hear().await, Some(ServerMessage::Cancel { op: id }));
}

#[tokio::test]
async fn lines_that_are_missing_are_asked_for_before_the_end_counts() {
    let server = Server::start().await;
    let mut agent = server.host("gpc0").await;
    let browser = server.log_in().await;
    ask(&browser, "refresh").await;
    let op = run(&mut agent).await;
    agent.say(AgentMessage::Accepted { op }).await;
    agent.say(AgentMessage::Output { op, lines: vec![line(1), line(3)] }).await;
    assert_eq!(agent.hear().await, Some(ServerMessage::OutputStored { op, through: 1 }));
    agent.say(finished(op, 3)).await;
    assert_eq!(agent.hear().await, Some(ServerMessage::OutputMissing { op, after: 1 }));
    // The second delivery overtakes the one with the result: each line still appears once.
    agent.say(AgentMessage::Output { op, lines: vec![line(2), line(3)] }).await;
    assert_eq!(agent.hear().await, Some(ServerMessage::OutputStored { op, through: 3 }));
    agent.say(finished(op, 3)).await;
    assert_eq!(agent.hear().await, Some(ServerMessage::FinishStored { op }));
}

#[tokio::test]
async fn a_new_connection_takes_up_what_a_half_open_one_has_swallowed() {
    let server = Server::start().await;
    let mut old = server.host("gpc0").await;
    let browser = server.log_in().await;
    // For the server, the old connection is still open, but nobody reads it.
    ask(&browser, "refresh").await;
    let op = run(&mut old).await;
    let mut agent = Agent::new("gpc0");
    agent.token.clone_from(&old.token);
    agent.connect(&server, vec![]).await;
    assert_eq!(run(&mut agent).await, op);
    assert_eq!(old.hear().await, None, "the old one is given up");
}
