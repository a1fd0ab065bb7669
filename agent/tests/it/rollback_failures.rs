//! Rollbacks that fail: their messages, and the state of the host.

use backstay_model::Outcome;

use crate::host::{ACTIVATE, HOLD, Host};
use crate::rollback::one;
use crate::server::{Heard, Server};

/// A host on Gen 2, whose Gen 1 runs this when it is activated.
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
    let host = host(
        "echo \"OSError: [Errno 28] No space left on device: '/boot/EFI/nixos'\" >&2\n\
         echo 'Failed to install bootloader' >&2\nexit 1",
    );
    let heard = fail(&host).await;
    let message = heard.expect(Outcome::Failed);
    for part in [
        "No space left on device: '/boot/EFI/nixos'. Nothing was activated",
        "pointed back at Gen 2",
        "The host is on Gen 2.",
    ] {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(heard.result.exit_code, Some(1));
    assert_eq!((host.current(), host.running()), (2, host.store_path(2)));
    assert_eq!(heard.facts.current().unwrap().number, 2);
    // So a second attempt is possible.
    assert!(fail(&host).await.expect(Outcome::Failed).contains("pointed back"));
    assert_eq!(host.switches(), 2);
}

#[tokio::test]
async fn an_activation_that_breaks_off_reports_the_hosts_position() {
    // Seen: switch-to-configuration-ng of nixpkgs 2026.
    let host = host(
        "echo 'stopping the following units: a.service' >&2\necho 'activating the configuration...' >&2\n\
         echo 'Activation script snippet users failed (1)' >&2\nexit 2",
    );
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
async fn a_check_that_fails_changes_nothing() {
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
async fn a_lock_that_another_holds_leaves_the_host_as_it_was() {
    // Seen: switch-to-configuration-ng of nixpkgs 2026 exits with the system's error number.
    let host = host("echo 'Could not acquire lock' >&2\nexit 11");
    let heard = fail(&host).await;
    let message = heard.expect(Outcome::Refused);
    for part in ["another activation holds the host's lock", "pointed back at Gen 2", "The host is on Gen 2."]
    {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!((heard.result.exit_code, host.current()), (Some(11), 2));
}

#[tokio::test]
async fn one_that_ends_with_1_after_it_stopped_units_has_begun() {
    let host =
        host("echo 'stopping the following units: nginx.service' >&2\necho 'Error: D-Bus' >&2\nexit 1");
    let heard = fail(&host).await;
    let message = heard.expect(Outcome::Failed);
    for part in ["It said: Error: D-Bus. ", "points at Gen 1, but Gen 2 runs", "Parts of Gen 1 may be active"]
    {
        assert!(message.contains(part), "{message}");
    }
    assert!(!message.contains("Nothing was activated"), "{message}");
    assert_eq!(host.current(), 1);
}

#[tokio::test]
async fn user_units_that_failed_are_named_and_the_generation_is_active() {
    let host = host(
        "echo 'activating the configuration...' >&2\nrun_it\n\
         echo 'warning: the following user units failed: bar.service' >&2\nexit 4",
    );
    let heard = fail(&host).await;
    assert_eq!(heard.expect(Outcome::Failed), "Gen 1 is active, but these units failed: bar.service.");
}

#[tokio::test]
async fn a_profile_that_cannot_be_moved_is_refused() {
    let host = host(ACTIVATE);
    host.stand_in("nix-env", "echo 'error: creating symlink: Permission denied' >&2\nexit 1\n");
    let server = Server::start().await;
    let _agent = host.agent_with_stand_ins(&server);
    let mut connection = server.accept().await;
    let op = connection.run(host.rollback(2, 1)).await;
    let heard = connection.finish(op).await;
    let message = heard.expect(Outcome::Refused);
    assert!(message.contains("Permission denied. Nothing was changed. The host is on Gen 2."), "{message}");
}

#[tokio::test]
async fn sudo_that_wants_a_password_is_named() {
    let host = host(ACTIVATE);
    // The message of sudo instead of the command's output.
    host.stand_in("nix-env", "echo 'sudo: a password is required' >&2\nexit 1\n");
    let server = Server::start().await;
    let _agent = host.agent_with_stand_ins(&server);
    let mut connection = server.accept().await;
    let op = connection.run(host.rollback(2, 1)).await;
    let heard = connection.finish(op).await;
    let message = heard.expect(Outcome::Refused);
    for part in [
        "does not let it run this as root (sudo: a password is required)",
        "Nothing was changed",
        "without a password",
    ] {
        assert!(message.contains(part), "{message}");
    }
}

/// A home-manager host on Gen 2, whose Gen 1 runs this when it is activated.
fn home(activate: &str) -> Host {
    let host = Host::new("home-manager");
    // Seen: home-manager of 2026; only checks come before `writeBoundary`.
    let start = "echo 'Starting Home Manager activation'\necho 'Activating checkFilesChanged'\n\
                 echo 'Activating checkLinkTargets'\n";
    let broken = host.script(&format!("{start}{activate}"));
    host.set(&host.add("one", &[("activate", &broken), ("gen-version", "1\n")]));
    host.set(&host.add("two", &[("activate", &host.script("run_it\n")), ("gen-version", "1\n")]));
    host.runs(2);
    host
}

#[tokio::test]
async fn home_manager_goes_back_when_its_checks_say_no() {
    let host = home(
        "echo \"Existing file '/home/alex/.profile' would be clobbered\" >&2\n\
         echo \"to, for example, 'backup' and rebuild.\" >&2\nexit 1\n",
    );
    let heard = fail(&host).await;
    let message = heard.expect(Outcome::Refused);
    assert!(
        message.contains("would be clobbered. ") && message.contains("The host is on Gen 2."),
        "{message}"
    );
    assert_eq!(host.current(), 2);
}

#[tokio::test]
async fn home_manager_that_fails_after_it_changed_files_does_not_say_that_nothing_was_activated() {
    let host = home(
        "echo 'Activating writeBoundary'\necho 'Activating linkGeneration'\necho 'Activating dconfSettings'\n\
         echo 'error: dconf is not there' >&2\nexit 1\n",
    );
    let heard = fail(&host).await;
    let message = heard.expect(Outcome::Failed);
    for part in ["dconf is not there. ", "points at Gen 1, but Gen 2 runs", "Parts of Gen 1 may be active"] {
        assert!(message.contains(part), "{message}");
    }
    assert!(!message.contains("Nothing was activated"), "{message}");
    assert_eq!(host.current(), 1, "what the next try is about");
}

/// A nix-darwin host on Gen 3, whose `darwin-rebuild` moves the profile and then runs this.
fn mac(activate: &str) -> Host {
    let host = Host::new("darwin");
    for name in ["one", "two", "three"] {
        host.set(&host.add(name, &[("name", name)]));
    }
    host.runs(3);
    host.stand_in(
        "darwin-rebuild",
        &format!(
            "nix-env --profile \"$host/profiles/system\" --switch-generation \"$2\" || exit 1\n{activate}"
        ),
    );
    host
}

#[tokio::test]
async fn nix_darwin_that_fails_after_it_changed_the_host_does_not_say_that_nothing_was_activated() {
    // Seen: darwin-rebuild of 2026; homebrew is one of the last steps.
    let host = mac("echo 'setting up /etc...' >&2\necho 'Homebrew bundle...' >&2\n\
                    echo 'Error: wget: no bottle available' >&2\nexit 1\n");
    let heard = one(&host, host.rollback(3, 1)).await;
    let message = heard.expect(Outcome::Failed);
    for part in ["no bottle available", "points at Gen 1, but Gen 3 runs", "Parts of Gen 1 may be active"] {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(host.current(), 1);
}

#[tokio::test]
async fn nix_darwin_goes_back_when_its_checks_say_no() {
    let host = mac(
        "printf '\\033[1;31merror: Unexpected files in /etc, aborting activation\\033[0m\\n' >&2\nexit 1\n",
    );
    let heard = one(&host, host.rollback(3, 1)).await;
    let message = heard.expect(Outcome::Refused);
    assert!(
        message.contains("error: Unexpected files in /etc, aborting activation. Nothing was activated"),
        "{message}"
    );
    assert_eq!(host.current(), 3);
}

#[tokio::test]
async fn a_timeout_that_is_too_short_does_not_stop_an_activation() {
    let host = host(&format!("echo 'activating the configuration...' >&2\nsleep 2\n{ACTIVATE}"));
    let server = Server::start().await;
    let mut command = host.agent_command(&server.url, &[]);
    let file = host.at("agent.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("min_timeout = 1\n", "min_timeout = 300\n")).unwrap();
    command.current_dir(&host.path);
    let _agent = crate::process::AgentProcess::start(command, &host.at("agent.log"));
    let mut connection = server.accept().await;
    let op = connection.run_within(host.rollback(2, 1), 1).await;
    connection.finish(op).await.expect(Outcome::Completed);
    assert_eq!(host.running(), host.store_path(1));
}

#[tokio::test]
async fn an_activation_that_ignores_sigterm_is_killed_when_its_time_runs_out() {
    let host = host(&format!("trap '' TERM\necho $$ >\"$host/pid\"\n{HOLD}{ACTIVATE}"));
    host.hold();
    let server = Server::start().await;
    let _agent = host.agent(&server);
    let mut connection = server.accept().await;
    let op = connection.run_within(host.rollback(2, 1), 3).await;
    let heard = connection.finish(op).await;
    assert!(heard.expect(Outcome::TimedOut).contains("Gen 2 runs"), "{heard:#?}");
    assert!(heard.has_line("Killing it."), "{heard:#?}");
    let pid = std::fs::read_to_string(host.at("pid")).unwrap().trim().parse().unwrap();
    assert!(!crate::process::is_running(pid));
}

#[tokio::test]
async fn a_timeout_stops_the_activation_and_everything_it_started() {
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
