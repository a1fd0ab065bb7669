//! Enrolling, the handshake, and reconnecting.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use backstay_model::wire::message::ServerMessage;
use backstay_model::{OpAction, Platform};

use crate::host::{ACTIVATE, Host};
use crate::process::{AgentProcess, output};
use crate::server::Server;
use crate::wait::until;

/// Starts an agent that has a join token.
fn joining(host: &Host, server: &Server) -> AgentProcess {
    let mut command = host.agent_command(&server.url, &["run"]);
    command.env("BACKSTAY_JOIN_TOKEN", "join-me");
    AgentProcess::start(command, &host.at("agent.log"))
}

#[tokio::test]
async fn the_join_token_is_shown_until_the_server_has_welcomed_the_host() {
    let host = Host::with_three();
    let server = Server::start().await;
    let agent = joining(&host, &server);
    let first = server.turn_away(503).await;
    assert_eq!(first.path, "/agent/socket");
    assert_eq!(first.join.as_deref(), Some("join-me"));
    let token = fs::read_to_string(host.at("state/token")).unwrap();
    assert_eq!(first.authorization, format!("Bearer {token}"));
    assert_eq!(host.at("state/token").metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(host.at("state").metadata().unwrap().permissions().mode() & 0o777, 0o700);

    let connection = server.accept().await;
    assert_eq!(connection.credentials, first);
    assert_eq!((connection.hello.name.as_str(), connection.hello.platform), ("gpc0", Platform::Nixos));
    until("the host to be enrolled", || host.at("state/enrolled").exists()).await;
    drop(connection);
    let again = server.accept().await;
    assert_eq!((again.credentials.authorization, again.credentials.join), (first.authorization, None));
    agent.kill();
    let log = host.log();
    assert!(log.contains("503") && log.contains("not you"), "{log}");
    assert!(!log.contains(&token) && !log.contains("join-me"), "{log}");
}

#[tokio::test]
async fn a_host_that_was_removed_can_enrol_again() {
    let host = Host::with_three();
    let server = Server::start().await;
    let _agent = joining(&host, &server);
    drop(server.accept().await);
    let known = server.turn_away(401).await;
    assert_eq!(known.join, None);
    let unknown = server.accept().await.credentials;
    assert_eq!((unknown.authorization, unknown.join.as_deref()), (known.authorization, Some("join-me")));
}

#[tokio::test]
async fn a_refused_agent_logs_the_reason_and_reconnects() {
    let host = Host::with_three();
    let server = Server::start().await;
    let _agent = host.agent(&server);
    let mut connection = server.accept_silently().await;
    connection.send(&ServerMessage::Refused { reason: "Install agent 9.".into() }).await;
    server.accept().await;
    assert!(host.log().contains("Install agent 9."), "{}", host.log());
}

#[tokio::test]
async fn facts_are_sent_at_first_on_demand_and_on_changes() {
    let host = Host::with_three();
    let server = Server::start().await;
    let _agent = host.agent(&server);
    let mut connection = server.accept().await;
    let facts = connection.facts().await;
    assert_eq!(facts.generations.iter().map(|g| g.number).collect::<Vec<_>>(), [3, 2, 1]);
    assert_eq!(facts.current().unwrap().number, 3);
    assert_eq!(facts.running_generation().unwrap().number, 3);
    assert_eq!(facts.generation(3).unwrap().version.as_deref(), Some("25.11"));
    assert_eq!(facts.generation(3).unwrap().reference(), host.reference(3));
    // As the real one reports it, whichever it is: “Nix 2.26.3”.
    let nix = facts.nix_version.expect("the host has a Nix");
    assert!(nix.starts_with("Nix 2.") && !nix.contains(['(', '\n']), "{nix}");

    connection.send(&ServerMessage::ReportFacts).await;
    assert_eq!(connection.facts().await.current().unwrap().number, 3);

    host.set(&host.build("four", ACTIVATE));
    let facts = connection.facts().await;
    assert_eq!((facts.current().unwrap().number, facts.running_generation().unwrap().number), (4, 3));
}

#[tokio::test]
async fn changes_between_connections_are_reported_on_the_next() {
    let host = Host::with_three();
    let server = Server::start().await;
    let _agent = host.agent(&server);
    let mut connection = server.accept().await;
    assert_eq!(connection.facts().await.current().unwrap().number, 3);
    drop(connection);
    host.set(&host.build("four", ACTIVATE));
    let mut connection = server.accept().await;
    assert_eq!(connection.facts().await.current().unwrap().number, 4);
    // And again although nothing changed: the server may be a different one.
    drop(connection);
    assert_eq!(server.accept().await.facts().await.current().unwrap().number, 4);
}

#[tokio::test]
async fn refresh_reads_the_host() {
    let host = Host::with_three();
    let server = Server::start().await;
    let _agent = host.agent(&server);
    let mut connection = server.accept().await;
    let op = connection.run(OpAction::Refresh).await;
    let heard = connection.finish(op).await;
    assert_eq!(heard.result.message, "The host was read: 3 generations.");
}

#[tokio::test]
async fn what_is_not_understood_does_not_end_the_connection() {
    let host = Host::with_three();
    let server = Server::start().await;
    let _agent = host.agent(&server);
    let mut connection = server.accept().await;
    for text in ["", "{}", "{\"type\":\"later\"}", "\u{0}"] {
        connection.send_text(text.to_owned()).await;
    }
    let op = connection.run(OpAction::Refresh).await;
    connection.finish(op).await;
}

#[tokio::test]
async fn one_agent_per_state_folder() {
    let host = Host::with_three();
    let server = Server::start().await;
    let _agent = host.agent(&server);
    server.accept().await;
    let second = output(&mut host.agent_command(&server.url, &["run"]));
    assert!(!second.status.success());
    assert!(String::from_utf8_lossy(&second.stderr).contains("another agent uses"));
}

#[tokio::test]
async fn a_revert_has_the_host_read_immediately() {
    let host = Host::with_three();
    let server = Server::start().await;
    let _agent = host.agent(&server);
    let mut connection = server.accept().await;
    connection.facts().await;
    let message = "PR reverted - Pull to get reverted flake.lock".into();
    connection.send(&ServerMessage::PrReverted { number: 42, message }).await;
    assert_eq!(connection.facts().await.current().unwrap().number, 3);
}
