//! A host that something else deploys, beside the agent.

use std::fs::{self, File};

use backstay_model::{OpAction, Outcome};

use crate::host::Host;
use crate::process::{AGENT, AgentProcess};
use crate::server::{Connection, Server};
use crate::wait::until;

/// The lock that switch-to-configuration holds from its beginning to its end, as nixpkgs’ own test takes it
/// (`nixos/tests/switch-test.nix`, “aborts on already locked lock file”): flock(2), below `/run/nixos`.
fn activation_lock(host: &Host) -> File {
    let path = host.at("run/nixos/switch-to-configuration.lock");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let lock = File::create(path).unwrap();
    lock.lock().unwrap();
    lock
}

async fn observing(host: &Host, server: &Server) -> (AgentProcess, Connection) {
    let mut command = host.command(AGENT);
    command.arg("--config").arg(host.configuration(&server.url, "observe = true"));
    let agent = AgentProcess::start(command, &host.at("agent.log"));
    (agent, server.accept().await)
}

#[tokio::test]
async fn it_is_told_of_tested_and_rolled_back_but_never_pulled_or_switched() {
    let (host, server) = (Host::with_three(), Server::start().await);
    host.write_test("10-fine", "exit 0");
    let (_agent, mut connection) = observing(&host, &server).await;
    for action in [OpAction::Pull, OpAction::Switch, OpAction::PullSwitch] {
        let op = connection.run(action).await;
        let heard = connection.finish(op).await;
        assert!(heard.expect(Outcome::Refused).starts_with("Something else deploys this host"));
        assert!(heard.facts.observed && heard.facts.checkout.is_none() && heard.facts.no_checkout.is_none());
        assert_eq!(heard.facts.problems, Vec::<String>::new(), "no checkout is missed");
    }
    assert_eq!(host.calls(), Vec::<String>::new());
    let tests = connection.run(OpAction::Test).await;
    connection.finish(tests).await.expect(Outcome::Completed);
    let back = connection.run(host.rollback(3, 2)).await;
    assert_eq!(connection.finish(back).await.expect(Outcome::Completed), "Rolled back to Gen 2.");
}

#[tokio::test]
async fn a_switch_by_another_hand_is_reported_without_being_asked_for() {
    let (host, server) = (Host::with_three(), Server::start().await);
    let (_agent, mut connection) = observing(&host, &server).await;
    assert_eq!(connection.facts().await.running_generation().unwrap().number, 3);
    host.runs(2);
    while connection.facts().await.running_generation().is_none_or(|running| running.number != 2) {}
}

#[tokio::test]
async fn tests_wait_for_an_activation_and_a_rollback_is_refused_during_one() {
    let (host, server) = (Host::with_three(), Server::start().await);
    host.write_test("10-fine", "exit 0");
    let (_agent, mut connection) = observing(&host, &server).await;
    let activation = activation_lock(&host);

    let back = connection.run(host.rollback(3, 2)).await;
    let refused = connection.finish(back).await;
    assert_eq!(
        refused.expect(Outcome::Refused),
        "Another activation is running on this host (switch-to-configuration). Nothing was changed. Wait for it to end."
    );
    assert_eq!((host.current(), host.calls()), (3, vec![]));

    let tests = connection.run(OpAction::Test).await;
    let waits = "An activation is running (switch-to-configuration).";
    until("the tests to wait", || host.has_told(tests, waits)).await;
    drop(activation);
    assert_eq!(connection.finish(tests).await.expect(Outcome::Completed), "All 1 tests passed on Gen 3.");
}

#[tokio::test]
async fn tests_that_wait_for_an_activation_can_be_cancelled() {
    let (host, server) = (Host::with_three(), Server::start().await);
    host.write_test("10-fine", "exit 0");
    let (_agent, mut connection) = observing(&host, &server).await;
    let _activation = activation_lock(&host);
    let tests = connection.run(OpAction::Test).await;
    until("the tests to wait", || host.has_told(tests, "An activation is running")).await;
    connection.send(&backstay_model::wire::message::ServerMessage::Cancel { op: tests }).await;
    assert_eq!(
        connection.finish(tests).await.expect(Outcome::Cancelled),
        "Cancelled before the tests began."
    );
}
