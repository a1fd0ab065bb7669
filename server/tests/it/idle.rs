//! What hosts cost that do nothing: no write, no event. And what the database knows of them after their agents have left.

use std::collections::BTreeMap;

use backstay_model::HostView;
use backstay_model::wire::message::AgentMessage;
use chrono::{DateTime, Utc};
use sqlx::{Connection as _, SqliteConnection};

use crate::harness::{Agent, Events, Server, facts, soon};

const HOSTS: usize = 8;
/// As many pings as an agent sends in ten minutes.
const PINGS: usize = 30;

async fn connected(server: &Server) -> Vec<Agent> {
    let mut agents = vec![];
    for number in 0..HOSTS {
        let mut agent = Agent::new(&format!("gpc{number}"));
        agent.join = Some(server.join_token(&agent.name).await);
        agent.connect(server, vec![]).await;
        agent.say(AgentMessage::Facts { facts: Box::new(facts(48)) }).await;
        // The server answers in order, so the facts are stored by then.
        agent.ping().await;
        agents.push(agent);
    }
    agents
}

async fn database(server: &Server) -> SqliteConnection {
    SqliteConnection::connect(&format!("sqlite://{}", server.database().display())).await.unwrap()
}

/// A number that changes with each transaction of another connection.
async fn version(database: &mut SqliteConnection) -> i64 {
    sqlx::query_scalar("PRAGMA data_version").fetch_one(database).await.unwrap()
}

/// The number of the last event.
async fn last_event(events: &mut Events) -> u64 {
    events.next().await.unwrap().0
}

/// Whether hosts that only ping have nothing written.
async fn writes_nothing(agents: &mut [Agent], database: &mut SqliteConnection) -> bool {
    let before = version(database).await;
    for agent in agents {
        for _ in 0..PINGS {
            agent.ping().await;
        }
    }
    version(database).await == before
}

#[tokio::test]
async fn hosts_that_only_ping_have_nothing_written_and_nobody_hears_of_them() {
    let server = Server::start().await;
    let mut database = database(&server).await;
    let mut agents = connected(&server).await;
    // The one transaction of a minute falls into one of the two at most.
    let quiet =
        writes_nothing(&mut agents, &mut database).await || writes_nothing(&mut agents, &mut database).await;
    assert!(quiet);

    let mut events = server.log_in().await.listen(Some(0)).await;
    let before = last_event(&mut events).await;
    writes_nothing(&mut agents, &mut database).await;
    agents[0].say(AgentMessage::Facts { facts: Box::new(facts(47)) }).await;
    assert_eq!(last_event(&mut events).await, before + 1, "the facts are the next event");
}

#[tokio::test]
async fn after_a_crash_the_database_knows_when_a_host_left() {
    let mut server = Server::start().await;
    let mut database = database(&server).await;
    let mut agents = connected(&server).await;
    let mut events = server.log_in().await.listen(None).await;
    agents[0].cut();
    let left = events.host("the host offline", |host| host.name == "gpc0" && !host.online).await;
    let stored = async {
        let at = "SELECT last_seen FROM host_seen JOIN hosts ON id = host_id WHERE name = 'gpc0'";
        let mut changed = tokio::time::interval(std::time::Duration::from_millis(10));
        while sqlx::query_scalar::<_, String>(at).fetch_optional(&mut database).await.unwrap().is_none() {
            changed.tick().await;
        }
    };
    soon("its time in the database", stored).await;
    drop(agents);
    server.restart().await;
    assert_eq!(last_seen(&server).await["gpc0"], left.last_seen);
}

#[tokio::test]
async fn a_server_that_stops_stores_when_it_last_heard_from_each_host() {
    let mut server = Server::start().await;
    let agents = connected(&server).await;
    server.stop().await;
    drop(agents);
    server.restart().await;
    let seen = last_seen(&server).await;
    assert_eq!(seen.len(), HOSTS);
    assert!(seen.values().all(Option::is_some), "{seen:?}");
}

/// When each host was last seen, as pages show it.
async fn last_seen(server: &Server) -> BTreeMap<String, Option<DateTime<Utc>>> {
    let answer = server.log_in().await.post("start_page", &[]).await.text().await.unwrap();
    let mut page: serde_json::Value = serde_json::from_str(&answer).unwrap();
    let hosts: Vec<HostView> = serde_json::from_value(page["snapshot"]["hosts"].take()).unwrap();
    hosts.into_iter().map(|host| (host.name, host.last_seen)).collect()
}
