//! Messages that arrive twice, too early, or about unknown ops.

use std::fs;

use backstay_model::wire::message::{AgentMessage, ServerMessage};
use backstay_model::{OpAction, OpId, Outcome};

use crate::host::{ACTIVATE, HOLD, Host};
use crate::server::{Heard, Server};
use crate::wait::until;

/// A host on Gen 2, whose Gen 1 writes 450 lines when it is activated, and can pause.
fn host() -> Host {
    let host = Host::nixos();
    host.set(&host.build("one", &format!("seq -f 'line %g' 450\n{HOLD}{ACTIVATE}")));
    host.set(&host.build("two", ACTIVATE));
    host.runs(2);
    host
}

/// Like [`host`], but reading it takes until the test lets it go on.
fn slow_to_read() -> Host {
    let host = host();
    host.stand_in(
        "git",
        "while [ -e \"$host/hold-git\" ]; do : >\"$host/holding-git\"; sleep 0.02; done\nexit 1\n",
    );
    fs::create_dir_all(host.at("checkout/.git")).unwrap();
    host
}

/// Those lines came again, all and in order, followed by the result.
#[track_caller]
fn assert_told_again(again: &Heard, first: &Heard, after: usize) {
    assert_eq!(again.lines, first.lines[after..]);
    assert_eq!(again.result, first.result);
}

#[tokio::test]
async fn lines_that_the_server_lacks_are_sent_again_before_the_result() {
    let host = host();
    let server = Server::start().await;
    let _agent = host.agent(&server);
    let mut connection = server.accept().await;
    let op = connection.run(host.rollback(2, 1)).await;
    let first = connection.hear(op).await;
    first.expect(Outcome::Completed);
    connection.send(&ServerMessage::OutputMissing { op, after: 100 }).await;
    assert_told_again(&connection.hear(op).await, &first, 100);
    connection.send(&ServerMessage::OutputMissing { op, after: 0 }).await;
    assert_told_again(&connection.finish(op).await, &first, 0);
    until("the journal to forget", || !host.journal(op).exists()).await;
    assert_eq!(host.switches(), 1);
}

/// A result that was on its way when the op's output was requested again must not state too few lines: the
/// server would store it without them.
#[tokio::test]
async fn a_result_always_counts_all_lines() {
    let host = slow_to_read();
    let server = Server::start().await;
    let _agent = host.agent_with_stand_ins(&server);
    let mut connection = server.accept().await;
    connection.facts().await;
    fs::write(host.at("hold-git"), "").unwrap();
    let op = OpId::new();
    let run =
        ServerMessage::Run { op, action: host.rollback(2, 1), timeout_secs: 60, test_timeout_secs: None };
    connection.send(&run).await;
    connection.line(op, "Rolled back").await;
    until("the host to be read", || host.at("holding-git").exists()).await;
    connection.send(&run).await;
    connection.accepted(op).await;
    fs::remove_file(host.at("hold-git")).unwrap();
    let (mut told, mut ended) = (false, false);
    connection
        .listen_for("lines and the end", |message| {
            match message {
                AgentMessage::Output { .. } => told = true,
                AgentMessage::Finished { lines, .. } => {
                    assert!(lines > 450, "{lines}");
                    ended = true;
                }
                _ => {}
            }
            (told && ended).then_some(())
        })
        .await;
}

/// The acknowledgement of a result may arrive late, from an earlier connection: the journal forgets the op
/// while its result is on its way again, which still must not state that the op has no lines.
#[tokio::test]
async fn a_result_that_is_sent_after_the_journal_forgot_the_op_counts_all_lines() {
    let host = slow_to_read();
    let server = Server::start().await;
    let _agent = host.agent_with_stand_ins(&server);
    let mut connection = server.accept().await;
    let op = connection.run(host.rollback(2, 1)).await;
    let lines = connection.hear(op).await.lines.len();
    fs::write(host.at("hold-git"), "").unwrap();
    connection.send(&ServerMessage::OutputMissing { op, after: 0 }).await;
    // After the last line the agent reads the host, to send the facts with the result.
    connection.line(op, "Rolled back").await;
    connection.has_acted().await;
    connection.send(&ServerMessage::FinishStored { op }).await;
    until("the journal to forget", || !host.journal(op).exists()).await;
    fs::remove_file(host.at("hold-git")).unwrap();
    connection.told_end(op, lines).await;
}

#[tokio::test]
async fn messages_about_unknown_ops_do_nothing() {
    let host = host();
    host.hold();
    let server = Server::start().await;
    let _agent = host.agent(&server);
    let mut connection = server.accept().await;
    let op = connection.run(host.rollback(2, 1)).await;
    let stranger = OpId::new();
    for message in [
        ServerMessage::FinishStored { op: stranger },
        ServerMessage::OutputMissing { op: stranger, after: 3 },
        ServerMessage::OutputStored { op: stranger, through: 3 },
        ServerMessage::Cancel { op: stranger },
        // An op that is known and has not ended.
        ServerMessage::FinishStored { op },
    ] {
        connection.send(&message).await;
    }
    connection.has_acted().await;
    host.let_go();
    let heard = connection.finish(op).await;
    heard.expect(Outcome::Completed);
    until("the journal to forget", || !host.journal(op).exists()).await;
    assert!(!host.journal(stranger).exists());
    // An op that was known.
    connection.send(&ServerMessage::FinishStored { op }).await;
    connection.send(&ServerMessage::OutputMissing { op, after: 0 }).await;
    connection.send(&ServerMessage::Cancel { op }).await;
    let next = connection.run(OpAction::Refresh).await;
    connection.finish(next).await.expect(Outcome::Completed);
    assert_eq!(host.switches(), 1);
}

#[tokio::test]
async fn an_op_whose_cancel_overtook_it_is_recorded_and_never_begun() {
    let host = host();
    let server = Server::start().await;
    let _agent = host.agent(&server);
    let mut connection = server.accept().await;
    let op = OpId::new();
    let run =
        ServerMessage::Run { op, action: host.rollback(2, 1), timeout_secs: 60, test_timeout_secs: None };
    connection.send(&ServerMessage::Cancel { op }).await;
    connection.send(&run).await;
    connection.accepted(op).await;
    let heard = connection.hear(op).await;
    assert_eq!(heard.expect(Outcome::Cancelled), "Cancelled before it began. Nothing was changed.");
    assert!(!host.journal(op).join("begun").exists());
    // A second delivery runs nothing, whether or not the result has been stored.
    connection.send(&run).await;
    assert_eq!(connection.finish(op).await.result, heard.result);
    until("the journal to forget", || !host.journal(op).exists()).await;
    connection.send(&run).await;
    assert_eq!(connection.hear(op).await.result, heard.result);
    assert_eq!((host.current(), host.switches()), (2, 0));
}

#[tokio::test]
async fn a_cancel_is_remembered_for_its_connection_only() {
    let host = host();
    let server = Server::start().await;
    let _agent = host.agent(&server);
    let mut connection = server.accept().await;
    let op = OpId::new();
    connection.send(&ServerMessage::Cancel { op }).await;
    drop(connection);
    let mut connection = server.accept().await;
    connection
        .send(&ServerMessage::Run {
            op,
            action: host.rollback(2, 1),
            timeout_secs: 60,
            test_timeout_secs: None,
        })
        .await;
    connection.finish(op).await.expect(Outcome::Completed);
}

/// An acknowledgement may belong to a result that was sent on an earlier connection.
#[tokio::test]
async fn the_journal_forgets_what_was_sent_on_an_earlier_connection() {
    let host = host();
    let server = Server::start().await;
    let _agent = host.agent(&server);
    let mut connection = server.accept().await;
    let op = connection.run(host.rollback(2, 1)).await;
    connection.hear(op).await;
    drop(connection);
    let mut connection = server.accept().await;
    assert_eq!(connection.journal, [op]);
    connection.send(&ServerMessage::FinishStored { op }).await;
    until("the journal to forget", || !host.journal(op).exists()).await;
    assert!(host.at("state/journal/done").join(format!("{op}.json")).exists());
}

#[tokio::test]
async fn a_rejected_op_stays_rejected_when_it_is_delivered_again() {
    let host = host();
    let server = Server::start().await;
    let _agent = host.agent(&server);
    let mut connection = server.accept().await;
    let op = OpId::new();
    let unknown =
        format!(r#"{{"type":"run","op":"{op}","action":{{"op":"shell","command":"id"}},"timeout_secs":1}}"#);
    connection.send_text(unknown).await;
    let first = connection.hear(op).await;
    first.expect(Outcome::Refused);
    connection
        .send(&ServerMessage::Run {
            op,
            action: host.rollback(2, 1),
            timeout_secs: 60,
            test_timeout_secs: None,
        })
        .await;
    assert_eq!(connection.hear(op).await.result, first.result);
    assert_eq!(host.switches(), 0);
}
