//! “Stop the tests and roll back” between browser, server and agent: one request, and the server may be gone in between.

use backstay_model::wire::message::{AgentMessage, ServerMessage};
use backstay_model::{OpAction, OpId, OpStatus, OpView, Outcome, sample};

use crate::harness::{Agent, Browser, Server, facts, generation, now};

async fn ask(browser: &Browser, stop_tests: bool) -> reqwest::StatusCode {
    let meant = |number| {
        let generation = generation(number, false);
        format!("{} {}", generation.number, generation.store_path)
    };
    let (target, seen) = (meant(47), meant(48));
    let mut fields =
        vec![("host", "gpc0"), ("target", &*target), ("seen", &*seen), ("reason", ""), ("back", "/")];
    if stop_tests {
        fields.push(("stop_tests", "true"));
    }
    browser.post("request_rollback", &fields).await.status()
}

async fn take_run(agent: &mut Agent) -> (OpId, OpAction) {
    loop {
        if let ServerMessage::Run { op, action, .. } = agent.hear().await.expect("an op") {
            return (op, action);
        }
    }
}

async fn finish(agent: &mut Agent, op: OpId, outcome: Outcome, current: u32) {
    let result = sample::op_result(outcome, "Done.", now());
    agent.say(AgentMessage::Finished { op, result, lines: 0, facts: Box::new(facts(current)) }).await;
}

#[tokio::test]
async fn the_rollback_follows_the_tests_that_it_stops_also_from_another_server() {
    let mut server = Server::start().await;
    let mut agent = server.host("gpc0").await;
    let browser = server.log_in().await;
    browser.post("request_op", &[("host", "gpc0"), ("kind", "test")]).await;
    let (tests, action) = take_run(&mut agent).await;
    assert_eq!(action, OpAction::Test);
    agent.say(AgentMessage::Accepted { op: tests }).await;
    assert!(ask(&browser, false).await.is_client_error(), "the host is busy with its tests");
    assert!(!ask(&browser, true).await.is_client_error());
    assert_eq!(agent.hear().await, Some(ServerMessage::Cancel { op: tests }));
    server.restart().await;
    let mut events = server.log_in().await.listen(None).await;
    agent.connect(&server, vec![tests]).await;
    assert_eq!(agent.hear().await, Some(ServerMessage::Cancel { op: tests }));
    finish(&mut agent, tests, Outcome::Cancelled, 48).await;
    let (rollback, action) = take_run(&mut agent).await;
    assert!(matches!(action, OpAction::Rollback { .. }), "{action:?}");
    agent.say(AgentMessage::Accepted { op: rollback }).await;
    finish(&mut agent, rollback, Outcome::Completed, 47).await;
    let ended = events
        .find("the end of the rollback", |name, data| {
            let op: OpView = (name == "op").then(|| serde_json::from_value(data["op"].clone()).unwrap())?;
            (op.id == rollback && !op.status.is_open()).then_some(op)
        })
        .await;
    assert_eq!((ended.status, ended.stops, ended.waits), (OpStatus::Succeeded, Some(tests), false));
}
