//! A jump of the wall clock neither hangs an op nor ends it wrongly.

use std::fs;

use backstay_agent::config::Config;
use backstay_model::{Clock as _, OpAction, OpId, Outcome, SystemClock};
use chrono::TimeDelta;

use crate::host::{ACTIVATE, HOLD, Host};
use crate::server::{Heard, Server};

fn host(switch: &str) -> Host {
    let host = Host::nixos();
    host.set(&host.build("one", switch));
    host.set(&host.build("two", ACTIVATE));
    host.runs(2);
    host
}

/// An op that an agent accepted and did not begin, when its clock was `off` from now.
async fn written_down(host: &Host, action: OpAction, timeout_secs: u64, off: TimeDelta) -> Heard {
    let server = Server::start().await;
    let op = OpId::new();
    let config = Config::read(&host.configuration(&server.url, "")).unwrap();
    let file = serde_json::json!({
        "op": op,
        "action": action,
        "timeout_secs": timeout_secs,
        "accepted_at": SystemClock.now() + off,
        "config": config,
    });
    fs::create_dir_all(host.journal(op)).unwrap();
    fs::write(host.journal(op).join("op.json"), file.to_string()).unwrap();
    let _agent = host.agent(&server);
    let mut connection = server.accept().await;
    assert_eq!(connection.journal, [op]);
    connection.finish(op).await
}

#[tokio::test]
async fn a_clock_that_jumped_ahead_ends_what_was_not_begun() {
    let host = host(ACTIVATE);
    let heard = written_down(&host, host.rollback(2, 1), 600, TimeDelta::days(-400)).await;
    let message = heard.expect(Outcome::TimedOut);
    assert!(message.contains("before it began") && message.contains("Nothing was changed"), "{message}");
    assert_eq!((host.current(), host.switches()), (2, 0));
}

#[tokio::test]
async fn an_op_from_the_future_runs() {
    let host = host(ACTIVATE);
    let heard = written_down(&host, host.rollback(2, 1), 600, TimeDelta::days(400)).await;
    heard.expect(Outcome::Completed);
    assert_eq!(host.switches(), 1);
}

#[tokio::test]
async fn an_op_from_the_future_is_stopped_when_its_time_is_over() {
    let host = host(&format!("{HOLD}{ACTIVATE}"));
    host.hold();
    let heard = written_down(&host, host.rollback(2, 1), 10, TimeDelta::days(400)).await;
    assert!(heard.expect(Outcome::TimedOut).contains("took too long"));
    assert!(heard.result.started_at <= heard.result.finished_at);
}
