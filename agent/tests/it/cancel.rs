//! Cancels: what they stop, and how they describe what had happened by then.

use backstay_model::OpAction;
use backstay_model::Outcome;
use backstay_model::wire::message::ServerMessage;

use crate::host::{ACTIVATE, HOLD, Host};
use crate::process::read;
use crate::server::{Heard, Server};
use crate::wait::until;

/// A host on Gen 2, whose Gen 1 runs these scripts as its check and its activation.
fn host_with(check: &str, switch: &str) -> Host {
    let host = Host::nixos();
    host.set(&host.build_with("one", check, switch));
    host.set(&host.build("two", ACTIVATE));
    host.runs(2);
    host.hold();
    host
}

fn host(switch: &str) -> Host {
    host_with("true", switch)
}

/// Requests an op, cancels it while its activation pauses, and resumes it once the agent says that it stops
/// nothing.
async fn cancelled_midway(host: &Host, action: OpAction) -> Heard {
    let server = Server::start().await;
    let _agent = host.agent(&server);
    let mut connection = server.accept().await;
    let op = connection.run(action).await;
    until("the op to pause", || host.is_holding()).await;
    connection.send(&ServerMessage::Cancel { op }).await;
    until("that to be reported", || host.has_told(op, "not stopped half-way")).await;
    host.let_go();
    connection.finish(op).await
}

/// Requests an op, cancels it when it pauses, and waits for its end.
async fn cancelled(host: &Host, action: OpAction) -> Heard {
    let server = Server::start().await;
    let _agent = host.agent(&server);
    let mut connection = server.accept().await;
    let op = connection.run(action).await;
    until("the op to pause", || host.is_holding()).await;
    connection.send(&ServerMessage::Cancel { op }).await;
    connection.finish(op).await
}

#[track_caller]
fn assert_told(heard: &Heard, parts: &[&str]) {
    let message = heard.expect(Outcome::Cancelled);
    for part in parts {
        assert!(message.contains(part), "“{part}” is not in: {message}");
    }
}

#[tokio::test]
async fn a_rollback_that_activates_is_not_stopped_half_way() {
    let host = host(&format!("{HOLD}{ACTIVATE}"));
    let heard = cancelled_midway(&host, host.rollback(2, 1)).await;
    assert_eq!(
        heard.expect(Outcome::Completed),
        "Rolled back to Gen 1. The cancel came too late: an activation is not stopped half-way."
    );
    assert_eq!((host.current(), host.running()), (1, host.store_path(1)));
    assert_eq!(heard.facts.current().unwrap().number, 1);
}

#[tokio::test]
async fn an_activation_that_fails_after_a_cancel_is_reported_as_failed() {
    let host = host(&format!("echo 'activating the configuration...' >&2\n{HOLD}exit 2"));
    let heard = cancelled_midway(&host, host.rollback(2, 1)).await;
    let message = heard.expect(Outcome::Failed);
    for part in ["the activation script failed", "points at Gen 1, but Gen 2 runs", "cancel came too late"] {
        assert!(message.contains(part), "{message}");
    }
}

#[tokio::test]
async fn a_rollback_that_only_checks_changes_nothing() {
    let host = host_with(HOLD, ACTIVATE);
    let heard = cancelled(&host, host.rollback(2, 1)).await;
    assert_told(&heard, &["was cancelled", "Nothing was changed"]);
    assert_eq!((host.current(), host.running(), host.switches()), (2, host.store_path(2), 0));
}

#[tokio::test]
async fn a_rollback_between_profile_and_activation_is_taken_back() {
    let host = host(ACTIVATE);
    let nix_env = read(std::process::Command::new("sh").args(["-c", "command -v nix-env"]));
    host.stand_in(
        "nix-env",
        &format!(
            ": >\"$(echo \"$host\"/state/journal/*/lock | sed 's,lock$,cancel,')\"\nexec {nix_env} \"$@\"\n"
        ),
    );
    let server = Server::start().await;
    let _agent = host.agent_with_stand_ins(&server);
    let mut connection = server.accept().await;
    let op = connection.run(host.rollback(2, 1)).await;
    let heard = connection.finish(op).await;
    let parts = ["before Gen 1 was activated", "pointed back at Gen 2", "The host is on Gen 2."];
    assert_told(&heard, &parts);
    assert_eq!((host.current(), host.running(), host.switches()), (2, host.store_path(2), 0));
}

/// A host on Gen 3 whose `nixos-rebuild` runs `building` and then uses a build that runs `switch`.
fn switching(building: &str, switch: &str) -> Host {
    let host = Host::with_three();
    let build = host.build("four", switch);
    let rebuild = format!(
        "echo 'building the system configuration...' >&2\n{building}\n\
         nix-env --profile \"$host/profiles/system\" --set {0} || exit 1\n{0}/bin/switch-to-configuration switch\n",
        build.display()
    );
    host.stand_in("nixos-rebuild", &rebuild);
    host.hold();
    host
}

#[tokio::test]
async fn a_switch_that_builds_changes_nothing() {
    let host = switching(HOLD, ACTIVATE);
    let heard = cancelled(&host, OpAction::Switch).await;
    assert_told(&heard, &["The build was cancelled", "Nothing was changed", "The host is on Gen 3."]);
    assert_eq!((host.current(), host.switches()), (3, 0));
}

#[tokio::test]
async fn a_switch_that_activates_is_not_stopped_half_way() {
    let host = switching("", &format!("echo 'activating the configuration...' >&2\n{HOLD}run_it\n"));
    let heard = cancelled_midway(&host, OpAction::Switch).await;
    let message = heard.expect(Outcome::Completed);
    assert!(message.contains("Switched to Gen 4.") && message.contains("cancel came too late"), "{message}");
    assert_eq!((host.current(), host.running()), (4, host.store_path(4)));
}
