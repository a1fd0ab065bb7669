//! Whatever dies, an op runs once, and its result and every line of it arrive.

use std::fs;

use backstay_model::wire::message::ServerMessage;
use backstay_model::{OpAction, OpId, Outcome};

use crate::host::{ACTIVATE, HOLD, Host};
use crate::process;
use crate::server::{Connection, Heard, Server};
use crate::wait::until;

/// A host on Gen 2, whose Gen 1 pauses in the middle of its activation.
fn host() -> Host {
    let host = Host::nixos();
    let switch = format!("echo before\n{HOLD}{ACTIVATE}echo after\n");
    host.set(&host.build("one", &switch));
    host.set(&host.build("two", ACTIVATE));
    host.runs(2);
    host.hold();
    host
}

/// Requests the rollback, and waits until it pauses.
async fn begin(host: &Host, connection: &mut Connection) -> OpId {
    let op = connection.run(host.rollback(2, 1)).await;
    until("the activation", || host.is_holding()).await;
    op
}

fn assert_done_once(host: &Host, heard: &Heard) {
    assert_eq!(heard.expect(Outcome::Completed), "Rolled back to Gen 1.");
    let texts = heard.texts();
    for text in ["before", "after"] {
        assert_eq!(texts.iter().filter(|line| **line == text).count(), 1, "{texts:#?}");
    }
    assert_eq!(host.switches(), 1);
    assert_eq!((host.current(), host.running()), (1, host.store_path(1)));
}

#[tokio::test]
async fn the_agent_is_killed() {
    let host = host();
    let server = Server::start().await;
    let agent = host.agent(&server);
    let mut connection = server.accept().await;
    let op = begin(&host, &mut connection).await;
    agent.kill();
    drop(connection);
    host.let_go();
    until("the op to end on its own", || host.journal(op).join("result.json").exists()).await;

    let _agent = host.agent(&server);
    let mut connection = server.accept().await;
    assert_eq!(connection.journal, [op]);
    let heard = connection.finish(op).await;
    assert_done_once(&host, &heard);
    until("the journal to forget", || !host.journal(op).exists()).await;
}

#[tokio::test]
async fn the_agent_is_killed_and_its_successor_sees_the_op_still_running() {
    let host = host();
    let server = Server::start().await;
    let agent = host.agent(&server);
    let mut connection = server.accept().await;
    let op = begin(&host, &mut connection).await;
    agent.kill();
    let _agent = host.agent(&server);
    let mut connection = server.accept().await;
    connection.accepted(op).await;
    connection.line(op, "before").await;
    host.let_go();
    // Nothing was acknowledged, so everything is sent again.
    drop(connection);
    let mut connection = server.accept().await;
    assert_done_once(&host, &connection.finish(op).await);
}

#[tokio::test]
async fn the_agent_is_terminated_and_the_op_goes_on() {
    let host = host();
    let server = Server::start().await;
    let agent = host.agent(&server);
    let mut connection = server.accept().await;
    let op = begin(&host, &mut connection).await;
    let (status, closed) = tokio::join!(agent.terminate(), connection.is_closed());
    assert!(status.success() && closed, "{status}");
    host.let_go();
    let _agent = host.agent(&server);
    let mut connection = server.accept().await;
    assert_done_once(&host, &connection.finish(op).await);
}

#[tokio::test]
async fn the_connection_is_cut() {
    let host = host();
    let server = Server::start().await;
    let _agent = host.agent(&server);
    let mut connection = server.accept().await;
    let op = begin(&host, &mut connection).await;
    drop(connection);
    let mut connection = server.accept().await;
    host.let_go();
    assert_done_once(&host, &connection.finish(op).await);
}

#[tokio::test]
async fn a_result_is_sent_until_it_is_stored() {
    let host = host();
    host.let_go();
    let server = Server::start().await;
    let _agent = host.agent(&server);
    let mut connection = server.accept().await;
    let op = connection.run(host.rollback(2, 1)).await;
    let first = connection.hear(op).await;
    assert_done_once(&host, &first);
    drop(connection);
    let mut connection = server.accept().await;
    assert_eq!(connection.journal, [op]);
    assert_eq!(connection.finish(op).await.result, first.result);
    until("the journal to forget", || !host.journal(op).exists()).await;
    drop(connection);
    assert!(server.accept().await.journal.is_empty());
}

#[tokio::test]
async fn the_same_op_delivered_twice_runs_once() {
    let host = host();
    let server = Server::start().await;
    let _agent = host.agent(&server);
    let mut connection = server.accept().await;
    let action = host.rollback(2, 1);
    let op = OpId::new();
    let run = ServerMessage::Run { op, action, timeout_secs: 60, test_timeout_secs: None };
    connection.send(&run).await;
    connection.send(&run).await;
    connection.accepted(op).await;
    connection.accepted(op).await;
    until("the activation", || host.is_holding()).await;
    connection.send(&run).await;
    connection.accepted(op).await;
    host.let_go();
    let heard = connection.finish(op).await;
    assert_done_once(&host, &heard);

    // This holds even after the journal has forgotten it.
    until("the journal to forget", || !host.journal(op).exists()).await;
    connection.send(&run).await;
    connection.accepted(op).await;
    assert_eq!(connection.hear(op).await.result, heard.result);
    assert_eq!(host.switches(), 1);
}

#[tokio::test]
async fn the_runner_is_killed() {
    let host = host();
    let server = Server::start().await;
    let _agent = host.agent(&server);
    let mut connection = server.accept().await;
    let op = begin(&host, &mut connection).await;
    connection.line(op, "before").await;
    process::kill(host.runner(op));
    // The activation goes on without it, and the agent waits for its end, so that the facts it sends then are
    // true. Once the second op is over, the agent has checked the first one too.
    let second = connection.run(OpAction::Refresh).await;
    connection.finish(second).await.expect(Outcome::Completed);
    assert!(!host.journal(op).join("result.json").exists());
    host.let_go();
    drop(connection);
    let mut connection = server.accept().await;
    let heard = connection.finish(op).await;
    assert!(heard.expect(Outcome::Failed).contains("The runner was killed"));
    assert!(heard.has_line("before"));
    assert_eq!(heard.facts.running_generation().unwrap().number, 1);
    assert_eq!(host.switches(), 1);
}

#[tokio::test]
async fn runner_and_agent_are_killed() {
    let host = host();
    let server = Server::start().await;
    let agent = host.agent(&server);
    let mut connection = server.accept().await;
    let op = begin(&host, &mut connection).await;
    agent.kill();
    process::kill(host.runner(op));
    host.let_go();
    let _agent = host.agent(&server);
    let mut connection = server.accept().await;
    assert!(connection.finish(op).await.expect(Outcome::Failed).contains("The runner was killed"));
    assert_eq!(host.switches(), 1);
}

#[tokio::test]
async fn an_op_that_was_recorded_and_never_begun_runs() {
    let host = host();
    host.let_go();
    let server = Server::start().await;
    let agent = host.agent(&server);
    let mut connection = server.accept().await;
    let op = connection.run(host.rollback(2, 1)).await;
    connection.hear(op).await;
    agent.kill();
    // As if the agent had died between recording the op and starting its runner.
    let rest = ["begun", "result.json", "output.jsonl"];
    for file in rest {
        fs::remove_file(host.journal(op).join(file)).unwrap();
    }
    let _agent = host.agent(&server);
    let mut connection = server.accept().await;
    let heard = connection.finish(op).await;
    // The first run moved the host, and the runner notices.
    assert!(heard.expect(Outcome::Refused).contains("Nothing was changed"));
}

#[tokio::test]
async fn a_damaged_entry_blocks_nothing_and_is_never_run() {
    let host = host();
    host.let_go();
    let server = Server::start().await;
    let damaged = OpId::new();
    fs::create_dir_all(host.journal(damaged)).unwrap();
    fs::write(host.journal(damaged).join("op.json"), "{\"op\":").unwrap();
    let _agent = host.agent(&server);
    let mut connection = server.accept().await;
    assert!(connection.journal.is_empty());
    let kept = host.at("state/journal/damaged").join(damaged.to_string());
    assert!(kept.exists());
    let problems = connection.facts().await.problems;
    let told = problems.iter().find(|problem| problem.contains(&damaged.to_string()));
    assert!(told.is_some_and(|told| told.contains(kept.to_str().unwrap())), "{problems:?}");
    let action = host.rollback(2, 1);
    connection
        .send(&ServerMessage::Run {
            op: damaged,
            action: action.clone(),
            timeout_secs: 60,
            test_timeout_secs: None,
        })
        .await;
    assert!(connection.hear(damaged).await.expect(Outcome::Failed).contains("damaged"));
    assert_eq!(host.switches(), 0);
    let op = connection.run(action).await;
    assert_done_once(&host, &connection.finish(op).await);
}

#[tokio::test]
async fn a_second_op_is_refused_while_one_is_at_work() {
    let host = host();
    let server = Server::start().await;
    let _agent = host.agent(&server);
    let mut connection = server.accept().await;
    let op = begin(&host, &mut connection).await;
    let second = connection.run(OpAction::Refresh).await;
    assert!(connection.finish(second).await.expect(Outcome::Refused).contains("Another op is running"));
    host.let_go();
    // The lines of the first op were read and dropped above. The next connection sends them again.
    drop(connection);
    let mut connection = server.accept().await;
    assert_done_once(&host, &connection.finish(op).await);
}

#[tokio::test]
async fn an_op_that_this_agent_does_not_know_is_refused() {
    let host = host();
    let server = Server::start().await;
    let _agent = host.agent(&server);
    let mut connection = server.accept().await;
    let op = OpId::new();
    let text =
        format!(r#"{{"type":"run","op":"{op}","action":{{"op":"shell","command":"id"}},"timeout_secs":1}}"#);
    connection.send_text(text).await;
    let result = connection.hear(op).await.result;
    assert_eq!(result.outcome, Outcome::Refused);
    assert!(result.message.contains("Update the agent"));
}
