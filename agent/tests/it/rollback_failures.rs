//! Rollbacks that fail: what is said, and where the host is left.

use backstay_protocol::message::Outcome;

use crate::host::{ACTIVATE, Host};
use crate::rollback::one;
use crate::server::{Heard, Server};

/// A host on Gen 2, whose Gen 1 does this when it is activated.
fn host(switch: &str) -> Host {
    let host = Host::nixos();
    host.set(&host.build("one", switch));
    host.set(&host.build("two", ACTIVATE));
    host.runs(2);
    host
}

async fn fail(host: &Host) -> Heard {
    one(host, host.rollback(2, 1)).await
}

#[tokio::test]
async fn units_that_failed_are_named_and_the_generation_is_active() {
    let host = host(
        "run_it\necho 'warning: the following units failed: gpu.service, display-manager.service' >&2\nexit 4",
    );
    let heard = fail(&host).await;
    assert_eq!(
        heard.expect(Outcome::Failed),
        "Gen 1 is active, but these units failed: gpu.service, display-manager.service."
    );
    assert_eq!(heard.result.exit_code, Some(4));
    assert_eq!((host.current(), host.running()), (1, host.store_path(1)));
    assert!(heard.has_line("warning: the following units failed"));
}

#[tokio::test]
async fn a_boot_loader_that_fails_leaves_the_host_as_it_was() {
    let host = host("echo 'Failed to install bootloader' >&2\nexit 1");
    let heard = fail(&host).await;
    let message = heard.expect(Outcome::Failed);
    for part in ["Failed to install bootloader", "pointed back at Gen 2", "The host is on Gen 2."] {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(heard.result.exit_code, Some(1));
    assert_eq!((host.current(), host.running()), (2, host.store_path(2)));
    assert_eq!(heard.facts.current().unwrap().number, 2);
    // And so a second try is possible.
    assert!(fail(&host).await.expect(Outcome::Failed).contains("pointed back"));
    assert_eq!(host.switches(), 2);
}

#[tokio::test]
async fn an_activation_that_breaks_off_is_told_with_where_the_host_is() {
    let host = host("echo 'Activation script snippet users failed (1)' >&2\nexit 2");
    let heard = fail(&host).await;
    let message = heard.expect(Outcome::Failed);
    for part in
        ["the activation script failed", "profile points at Gen 1, but Gen 2 runs", "snippet users failed"]
    {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!((heard.result.exit_code, host.current()), (Some(2), 1));
}

#[tokio::test]
async fn one_that_needs_a_reboot_says_so() {
    let host = host("exit 100");
    let heard = fail(&host).await;
    assert!(heard.expect(Outcome::Failed).contains("Reboot the host"), "{heard:#?}");
    assert_eq!((heard.result.exit_code, host.current()), (Some(100), 1));
}

#[tokio::test]
async fn a_check_that_says_no_changes_nothing() {
    let host = Host::nixos();
    let no = "echo 'error: There are changes to critical components: dbus' >&2; exit 1";
    host.set(&host.build_with("one", no, ACTIVATE));
    host.set(&host.build("two", ACTIVATE));
    host.runs(2);
    let heard = fail(&host).await;
    let message = heard.expect(Outcome::Refused);
    assert!(
        message.contains("changes to critical components") && message.contains("Nothing was changed"),
        "{message}"
    );
    assert_eq!((host.current(), host.switches()), (2, 0));
    assert_eq!(heard.result.exit_code, Some(1));
}

#[tokio::test]
async fn a_build_without_an_activation_is_refused() {
    let host = Host::nixos();
    host.set(&host.add("one", &[("name", "one")]));
    host.set(&host.build("two", ACTIVATE));
    host.runs(2);
    let heard = fail(&host).await;
    assert!(heard.expect(Outcome::Refused).contains("Nothing was changed"));
    assert_eq!(host.current(), 2);
}

#[tokio::test]
async fn home_manager_goes_back_when_its_activation_did_not_go_through() {
    let host = Host::new("home-manager");
    let broken = host.script("echo \"Existing file '.profile' would be clobbered\" >&2\nexit 1\n");
    host.set(&host.add("one", &[("activate", &broken), ("gen-version", "1\n")]));
    host.set(&host.add("two", &[("activate", &host.script("run_it\n")), ("gen-version", "1\n")]));
    host.runs(2);
    let heard = fail(&host).await;
    let message = heard.expect(Outcome::Failed);
    assert!(message.contains("would be clobbered") && message.contains("The host is on Gen 2."), "{message}");
    assert_eq!(host.current(), 2);
}

#[tokio::test]
async fn time_that_runs_out_stops_the_activation_and_all_that_it_started() {
    let host = host("sleep 1000 &\necho $! >\"$host/child\"\nwait");
    let server = Server::start().await;
    let _agent = host.agent(&server);
    let mut connection = server.accept().await;
    let op = connection.run_within(host.rollback(2, 1), 3).await;
    let heard = connection.finish(op).await;
    let message = heard.expect(Outcome::TimedOut);
    assert!(message.contains("took too long") && message.contains("Gen 2 runs"), "{message}");
    let child: i32 = std::fs::read_to_string(host.at("child")).unwrap().trim().parse().unwrap();
    assert!(!crate::process::is_running(child));
}
