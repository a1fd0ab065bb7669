//! Pull and switch in one op: with real git and a real profile.

use std::fs;

use backstay_model::wire::message::ServerMessage;
use backstay_model::{OpAction, OpId, Outcome, Phase};

use crate::host::{ACTIVATE, HOLD, Host};
use crate::process::read;
use crate::pull::{commit, head, put_behind};
use crate::rollback::one;
use crate::self_restart::Supervisor;
use crate::server::Server;
use crate::switch;
use crate::wait::until;

/// A host on Gen 3 whose checkout is one commit behind and whose `nixos-rebuild` records what it builds and
/// then runs this. Also returns the upstream's commit.
fn host(switch: &str) -> (Host, String) {
    let host = switch::host(switch);
    let newest = put_behind(&host);
    (host, newest)
}

/// Like [`host`], with a build that fails.
fn host_that_does_not_build() -> (Host, String) {
    let host = Host::with_three();
    host.stand_in(
        "nixos-rebuild",
        "echo building >&2\necho \"error: attribute 'gpc0' missing\" >&2\nexit 1\n",
    );
    let newest = put_behind(&host);
    (host, newest)
}

#[tokio::test]
async fn what_was_pulled_is_built_and_activated() {
    let (host, newest) = host(ACTIVATE);
    let heard = one(&host, OpAction::PullSwitch).await;
    let message = heard.expect(Outcome::Completed);
    assert!(message.starts_with("Pulled ") && message.ends_with(" Switched to Gen 4."), "{message}");
    // A phase may end before it is reported.
    let mut phases = [Phase::Pulling, Phase::Building, Phase::Activating].into_iter();
    assert!(heard.phases.iter().all(|told| phases.any(|phase| phase == *told)), "{:?}", heard.phases);
    assert_eq!(heard.phases.last(), Some(&Phase::Activating));
    assert_eq!(heard.result.commit.as_ref().unwrap().0, newest);
    assert_eq!((head(&host), &heard.facts.checkout.as_ref().unwrap().commit.0), (newest.clone(), &newest));
    assert_eq!((host.current(), host.running()), (4, host.store_path(4)));
    assert_eq!(heard.facts.current().unwrap().number, 4);

    let again = one(&host, OpAction::PullSwitch).await;
    let message = again.expect(Outcome::Completed);
    assert!(
        message.starts_with("Already at ") && message.contains("builds the same generation"),
        "{message}"
    );
}

#[tokio::test]
async fn a_pull_that_is_refused_lets_nothing_be_built() {
    let (host, _) = host(ACTIVATE);
    let before = head(&host);
    fs::write(host.at("checkout/flake.lock"), "by hand").unwrap();
    let heard = one(&host, OpAction::PullSwitch).await;
    let message = heard.expect(Outcome::Refused);
    assert!(
        message.contains("has changes of its own: flake.lock") && message.contains("Nothing was changed")
    );
    assert_eq!(heard.result.commit, None);
    assert_eq!((head(&host), host.current(), host.running()), (before, 3, host.store_path(3)));
    assert!(host.calls().is_empty(), "{:?}", host.calls());
}

#[tokio::test]
async fn a_pull_that_fails_lets_nothing_be_built() {
    let (host, _) = host(ACTIVATE);
    let own = commit(&host, "checkout", "own");
    let heard = one(&host, OpAction::PullSwitch).await;
    assert!(heard.expect(Outcome::Failed).contains("has diverged from origin/main"));
    assert_eq!((head(&host), host.current()), (own, 3));
    assert!(host.calls().is_empty(), "{:?}", host.calls());
}

#[tokio::test]
async fn a_build_that_fails_leaves_the_checkout_pulled_and_says_so() {
    let (host, newest) = host_that_does_not_build();
    let heard = one(&host, OpAction::PullSwitch).await;
    let message = heard.expect(Outcome::Failed);
    for part in [
        "The build ended with 1.",
        "attribute 'gpc0' missing",
        "on Gen 3",
        "The checkout was pulled first: Pulled ",
        &newest[..7],
    ] {
        assert!(message.contains(part), "“{part}” is not in: {message}");
    }
    assert_eq!(heard.result.commit.as_ref().unwrap().0, newest);
    assert_eq!((head(&host), host.current(), host.running()), (newest, 3, host.store_path(3)));
}

#[tokio::test]
async fn a_cancel_while_it_builds_stops_the_build_and_leaves_the_checkout_pulled() {
    let host = Host::with_three();
    host.stand_in("nixos-rebuild", &format!("echo building >&2\n{HOLD}exit 0\n"));
    let newest = put_behind(&host);
    host.hold();
    let server = Server::start().await;
    let _agent = host.agent(&server);
    let mut connection = server.accept().await;
    let op = connection.run(OpAction::PullSwitch).await;
    until("the build to stand still", || host.is_holding()).await;
    connection.send(&ServerMessage::Cancel { op }).await;
    let heard = connection.finish(op).await;
    let message = heard.expect(Outcome::Cancelled);
    assert!(message.contains("The build was cancelled") && message.contains("pulled first"), "{message}");
    assert_eq!((head(&host), host.current(), host.switches()), (newest, 3, 0));
}

/// The cancel comes after the checkout was moved and before the build: git's merge itself triggers it.
#[tokio::test]
async fn a_cancel_between_the_two_lets_nothing_be_built() {
    let (host, newest) = host(ACTIVATE);
    let git = read(std::process::Command::new("sh").args(["-c", "command -v git"]));
    host.stand_in(
        "git",
        &format!(
            "case \" $* \" in *' rev-parse --short=7 HEAD '*)\n[ -e \"$host/merged\" ] && \
             : >\"$(echo \"$host\"/state/journal/*/lock | sed 's,lock$,cancel,')\" ;;\n*' merge '*) : >\"$host/merged\" ;;\nesac\n\
             exec {git} \"$@\"\n"
        ),
    );
    let server = Server::start().await;
    let _agent = host.agent_with_stand_ins(&server);
    let mut connection = server.accept().await;
    let op = connection.run(OpAction::PullSwitch).await;
    let heard = connection.finish(op).await;
    let message = heard.expect(Outcome::Cancelled);
    assert!(message.starts_with("Cancelled before the switch. The checkout was pulled first"), "{message}");
    assert_eq!((head(&host), host.current()), (newest, 3));
    assert!(!host.calls().iter().any(|call| call.starts_with("nixos-rebuild")), "{:?}", host.calls());
}

#[tokio::test]
async fn an_activation_that_ends_the_agent_completes() {
    let kill = format!("kill -TERM \"$(cat \"$host/agent.pid\")\"\n{ACTIVATE}");
    let (host, newest) = host(&kill);
    let server = Server::start().await;
    let _supervisor = Supervisor::start(&host, &server);
    let mut connection = server.accept().await;
    let op = OpId::new();
    connection
        .send(&ServerMessage::Run {
            op,
            action: OpAction::PullSwitch,
            timeout_secs: 120,
            test_timeout_secs: None,
        })
        .await;
    let mut connection = server.accept().await;
    assert_eq!(connection.journal, [op]);
    let heard = connection.finish(op).await;
    assert!(heard.expect(Outcome::Completed).ends_with("Switched to Gen 4."));
    assert_eq!(heard.result.commit.as_ref().unwrap().0, newest);
    assert_eq!((host.switches(), host.current(), host.running()), (1, 4, host.store_path(4)));
}
