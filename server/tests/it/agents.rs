//! Authentication of agents, and the replacement of connections.

use backstay_model::State;
use backstay_model::wire::message::{AgentMessage, ServerMessage};
use reqwest::StatusCode;

use crate::harness::{Agent, Server, facts};

#[tokio::test]
async fn a_stranger_is_not_let_in() {
    let server = Server::start().await;
    assert_eq!(Agent::new("gpc0").open(&server).await, Err(StatusCode::UNAUTHORIZED));
}

#[tokio::test]
async fn a_wrong_join_token_is_refused_in_words() {
    let server = Server::start().await;
    let mut agent = Agent::new("gpc0");
    agent.join = Some("not-a-join-token".into());
    agent.open(&server).await.unwrap();
    let answer = agent.hello().await;
    assert!(
        matches!(&answer, ServerMessage::Refused { reason } if reason.contains("join token")),
        "{answer:?}"
    );
    assert_eq!(agent.hear().await, None, "the server hangs up");
}

#[tokio::test]
async fn a_stranger_learns_nothing_of_a_broken_database() {
    use sqlx::Connection;
    let server = Server::start().await;
    let url = format!("sqlite://{}", server.database().display());
    let mut database = sqlx::SqliteConnection::connect(&url).await.unwrap();
    sqlx::query("ALTER TABLE join_tokens RENAME TO gone").execute(&mut database).await.unwrap();
    let mut agent = Agent::new("gpc0");
    agent.join = Some("not-a-join-token".into());
    agent.open(&server).await.unwrap();
    let answer = agent.hello().await;
    let expected = "the server cannot look up this host now: try again later";
    assert_eq!(answer, ServerMessage::Refused { reason: expected.to_owned() });
}

#[tokio::test]
async fn a_join_token_is_good_once_and_for_its_host_alone() {
    let server = Server::start().await;
    let join = server.join_token("gpc0").await;
    let mut wrong_name = Agent::new("hsb0");
    wrong_name.join = Some(join.clone());
    wrong_name.open(&server).await.unwrap();
    assert!(matches!(wrong_name.hello().await, ServerMessage::Refused { .. }));

    let mut agent = Agent::new("gpc0");
    agent.join = Some(join.clone());
    agent.connect(&server, vec![]).await;

    let mut second = Agent::new("gpc0");
    second.join = Some(join);
    second.open(&server).await.unwrap();
    assert!(matches!(second.hello().await, ServerMessage::Refused { .. }));
}

#[tokio::test]
async fn an_agent_whose_welcome_was_lost_may_join_again() {
    let server = Server::start().await;
    let mut agent = Agent::new("gpc0");
    agent.join = Some(server.join_token("gpc0").await);
    agent.connect(&server, vec![]).await;
    agent.cut();
    agent.connect(&server, vec![]).await;
    agent.join = None;
    agent.cut();
    agent.connect(&server, vec![]).await;
}

#[tokio::test]
async fn a_host_goes_offline_with_its_agent_and_keeps_its_lights() {
    let server = Server::start().await;
    let mut events = server.log_in().await.listen(None).await;
    let mut agent = server.host("gpc0").await;
    let online = events.host("gpc0 with facts", |h| h.online && h.generation.is_some()).await;
    assert_eq!(online.lights.tests.state, State::Failed);
    agent.cut();
    let offline = events.host("gpc0 offline", |h| !h.online).await;
    assert_eq!(offline.lights, online.lights);
    assert!(offline.last_seen >= online.last_seen);
}

#[tokio::test]
async fn a_new_connection_takes_the_place_of_the_old_one() {
    let server = Server::start().await;
    let mut agent = server.host("gpc0").await;
    let mut again = Agent::new("gpc0");
    again.token.clone_from(&agent.token);
    again.connect(&server, vec![]).await;
    assert_eq!(agent.hear().await, None, "the old connection is closed");
    let mut events = server.log_in().await.listen(None).await;
    drop(agent);
    again.say(AgentMessage::Facts { facts: Box::new(facts(47)) }).await;
    let host = events
        .host("facts over the new connection", |h| h.generation.as_ref().is_some_and(|g| g.number == 47));
    assert!(host.await.online);
}

#[tokio::test]
async fn an_agent_of_another_protocol_is_told_what_to_install() {
    let server = Server::start().await;
    let mut events = server.log_in().await.listen(None).await;
    let mut agent = Agent::new("gpc0");
    agent.join = Some(server.join_token("gpc0").await);
    agent.protocol = 99;
    agent.open(&server).await.unwrap();
    let answer = agent.hello().await;
    assert!(
        matches!(&answer, ServerMessage::Refused { reason } if reason.contains("install agent")),
        "{answer:?}"
    );
    let host = events.host("the light", |h| h.lights.agent.state == State::Failed).await;
    assert!(!host.online);
}

#[tokio::test]
async fn a_browser_cannot_speak_for_an_agent() {
    let server = Server::start().await;
    let answer = reqwest::Client::new()
        .get(format!("{}/agent/socket", server.url))
        .header("origin", "https://evil.example")
        .header("authorization", "Bearer x")
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_server_ends_although_agents_and_pages_are_connected() {
    let server = Server::start().await;
    let mut events = server.log_in().await.listen(None).await;
    let mut agent = server.host("gpc0").await;
    assert!(server.terminate().await.success());
    assert_eq!(agent.hear().await, None);
    while events.next().await.is_some() {}
}

/// As on NixOS, where the server's database is not in the folder of the administrator's shell.
#[tokio::test]
async fn a_command_makes_no_database_beside_the_servers() {
    let server = Server::start().await;
    let elsewhere = server.database().with_file_name("elsewhere.sqlite3");
    let url = format!("sqlite://{}", elsewhere.display());
    for command in ["join-token", "join-tokens", "compact-database"] {
        let refused = server.fails(&[command, "--database", &url]).await;
        assert!(refused.contains("there is no database") && refused.contains("--database"), "{refused}");
        assert!(!elsewhere.exists());
    }
}

#[tokio::test]
async fn unused_join_tokens_are_listed_and_revoked() {
    let server = Server::start().await;
    let token = server.join_token("gpc0").await;
    server.run(&["join-token"]).await;
    let listed = server.run(&["join-tokens"]).await;
    let lines: Vec<_> = listed.lines().collect();
    assert!(
        lines.len() == 2 && lines[0].contains("for gpc0, made 20") && lines[1].contains("for any host"),
        "{listed}"
    );
    assert!(!listed.contains(&token), "the token itself is not known");
    let id = lines[0].split(' ').next().unwrap();
    server.run(&["revoke-join-token", id]).await;
    let mut agent = Agent::new("gpc0");
    agent.join = Some(token);
    agent.open(&server).await.unwrap();
    assert!(matches!(agent.hello().await, ServerMessage::Refused { .. }));
    let failed = server.fails(&["revoke-join-token", id]).await;
    assert!(failed.contains("no unused join token"), "{failed}");
    let listed = server.run(&["join-tokens"]).await;
    assert!(listed.contains("for any host") && !listed.contains("gpc0"), "{listed}");
    let audit = server.log_in().await.get("/audit.csv").await.text().await.unwrap();
    assert!(audit.contains("join-token.revoked"), "{audit}");
}

#[tokio::test]
async fn a_made_up_join_token_is_rejected_without_a_write() {
    use sqlx::Connection;
    let server = Server::start().await;
    let url = format!("sqlite://{}", server.database().display());
    let mut database = sqlx::SqliteConnection::connect(&url).await.unwrap();
    let _writing = database.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let mut agent = Agent::new("gpc0");
    agent.join = Some("made-up".to_owned());
    agent.open(&server).await.unwrap();
    let answer = agent.hello().await;
    let ServerMessage::Refused { reason } = answer else { panic!("{answer:?}") };
    assert!(reason.contains("the join token is not valid"), "{reason}");
}
