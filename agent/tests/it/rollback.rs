//! Rollbacks that work, and those that are refused.

use std::fs;

use backstay_model::{OpAction, Outcome, Phase};

use crate::host::{ACTIVATE, Host};
use crate::process::read;
use crate::server::{Heard, Server};

/// Runs one op on a host with a new agent, to its end.
pub(crate) async fn one(host: &Host, action: OpAction) -> Heard {
    let server = Server::start().await;
    let _agent = host.agent(&server);
    let mut connection = server.accept().await;
    let op = connection.run(action).await;
    connection.finish(op).await
}

#[tokio::test]
async fn to_the_generation_before() {
    let host = Host::with_three();
    let heard = one(&host, host.rollback(3, 2)).await;
    assert_eq!(heard.expect(Outcome::Completed), "Rolled back to Gen 2.");
    assert_eq!(host.current(), 2);
    assert_eq!(host.running(), host.store_path(2));
    assert_eq!(host.calls(), ["switch-to-configuration check", "switch-to-configuration switch"]);
    assert_eq!(heard.result.exit_code, Some(0));
    assert_eq!(heard.phases.last(), Some(&Phase::Activating));
    assert!(heard.has_line("switching profile from version 3 to 2"), "{heard:#?}");
    assert!(heard.has_line("activating the configuration..."));
    assert_eq!(heard.facts.current().unwrap().number, 2);
    assert_eq!(heard.facts.running_generation().unwrap().number, 2);
}

#[tokio::test]
async fn to_an_older_one_and_forward_again() {
    let host = Host::with_three();
    one(&host, host.rollback(3, 1)).await.expect(Outcome::Completed);
    assert_eq!((host.current(), host.running()), (1, host.store_path(1)));
    let heard = one(&host, host.rollback(1, 3)).await;
    assert_eq!(heard.expect(Outcome::Completed), "Went forward to Gen 3.");
    assert_eq!((host.current(), host.running()), (3, host.store_path(3)));
    assert_eq!(host.switches(), 2);
}

#[tokio::test]
async fn a_checkout_that_does_not_evaluate_and_no_nixos_rebuild_are_no_obstacle() {
    let host = Host::with_three();
    // Seen: nixos-rebuild-ng of nixpkgs 2026-10 builds itself from the checkout first, even with
    // `--rollback`.
    host.stand_in(
        "nixos-rebuild",
        "echo \"error: flake 'path:/etc/nixos' does not provide attribute 'gpc0'\" >&2\nexit 1\n",
    );
    one(&host, host.rollback(3, 2)).await.expect(Outcome::Completed);
    assert_eq!((host.current(), host.running()), (2, host.store_path(2)));
    fs::remove_file(host.at("bin/nixos-rebuild")).unwrap();
    one(&host, host.rollback(2, 1)).await.expect(Outcome::Completed);
    assert_eq!((host.current(), host.running()), (1, host.store_path(1)));
    assert!(!host.calls().iter().any(|call| call.starts_with("nixos-rebuild")), "{:?}", host.calls());
}

#[tokio::test]
async fn a_second_attempt_finishes_what_the_first_left() {
    let host = Host::nixos();
    let broken_at_first =
        format!("echo 'activating the configuration...' >&2\n[ -e \"$host/mended\" ] || exit 2\n{ACTIVATE}");
    host.set(&host.build("one", &broken_at_first));
    host.set(&host.build("two", ACTIVATE));
    host.runs(2);
    let message = one(&host, host.rollback(2, 1)).await.expect(Outcome::Failed).to_owned();
    assert!(message.contains("points at Gen 1, but Gen 2 runs"), "{message}");
    fs::write(host.at("mended"), "").unwrap();
    assert_eq!(one(&host, host.rollback(1, 1)).await.expect(Outcome::Completed), "Rolled back to Gen 1.");
    assert_eq!((host.current(), host.running()), (1, host.store_path(1)));
}

#[tokio::test]
async fn the_profiles_generation_is_activated_if_another_runs() {
    // As after `nixos-rebuild test`: the profile points at the good generation.
    let host = Host::with_three();
    host.runs(2);
    one(&host, host.rollback(3, 3)).await.expect(Outcome::Completed);
    assert_eq!((host.current(), host.running()), (3, host.store_path(3)));
}

#[tokio::test]
async fn refused_when_the_host_has_moved_on() {
    let host = Host::with_three();
    let asked = host.rollback(3, 2);
    host.set(&host.build("four", ACTIVATE));
    let heard = one(&host, asked).await;
    let message = heard.expect(Outcome::Refused);
    assert!(
        message.contains("is on Gen 4 now; you saw Gen 3") && message.contains("Nothing was changed"),
        "{message}"
    );
    assert_eq!(host.current(), 4);
    assert!(host.calls().is_empty());
}

#[tokio::test]
async fn refused_when_the_number_stands_for_another_build() {
    let host = Host::with_three();
    let OpAction::Rollback { mut target, seen_current, .. } = host.rollback(3, 2) else { panic!() };
    target.store_path = host.store_path(1).display().to_string();
    let heard = one(&host, OpAction::Rollback { target, seen_current, specialisation: None }).await;
    assert!(heard.expect(Outcome::Refused).contains("is not the build that you saw"));
    assert!(host.calls().is_empty());
}

#[tokio::test]
async fn refused_when_the_target_was_garbage_collected() {
    let host = Host::with_three();
    let asked = host.rollback(3, 2);
    read(host.command("nix-store").args(["--delete", "--ignore-liveness"]).arg(host.store_path(2)));
    let heard = one(&host, asked).await;
    assert!(heard.expect(Outcome::Refused).contains("was garbage-collected"));
    assert_eq!((host.current(), host.calls().len()), (3, 0));
    assert!(!heard.facts.generation(2).unwrap().present);
}

#[tokio::test]
async fn refused_when_it_is_there_already() {
    let host = Host::with_three();
    let heard = one(&host, host.rollback(3, 3)).await;
    assert!(heard.expect(Outcome::Refused).contains("already on Gen 3"));
    assert!(host.calls().is_empty());
}

#[tokio::test]
async fn home_manager_is_driven_if_it_has_gen_version() {
    let host = Host::new("home-manager");
    let activate = host.script("echo 'Starting Home Manager activation'\nrun_it\n");
    let old = host.add("old", &[("activate", &activate)]);
    let new = host.add("new", &[("activate", &activate), ("gen-version", "1\n"), ("hm-version", "25.11\n")]);
    let newest = host.add("newest", &[("activate", &activate), ("gen-version", "1\n"), ("x", "")]);
    for build in [&old, &new, &newest] {
        host.set(build);
    }
    host.runs(3);
    let heard = one(&host, host.rollback(3, 2)).await;
    assert_eq!(heard.expect(Outcome::Completed), "Rolled back to Gen 2.");
    assert_eq!((host.current(), host.running()), (2, new.clone()));
    assert_eq!(heard.facts.running_generation().unwrap().number, 2);

    one(&host, host.rollback(2, 1)).await.expect(Outcome::Completed);
    assert_eq!((host.current(), host.running()), (1, old));
    assert_eq!(host.calls(), ["activate --driver-version 1", "activate"]);
}

#[tokio::test]
async fn nix_darwin_gets_a_number_and_no_verb() {
    let host = Host::new("darwin");
    for name in ["one", "two", "three"] {
        host.set(&host.add(name, &[("darwin-version.json", r#"{"darwinLabel":"26.05"}"#), ("name", name)]));
    }
    host.runs(3);
    // Acts like darwin-rebuild with these arguments, and does nothing with others.
    host.stand_in(
        "darwin-rebuild",
        "[ \"$#\" = 2 ] && [ \"$1\" = --switch-generation ] || { echo 'it would build'; exit 1; }\n\
         nix-env --profile \"$host/profiles/system\" --switch-generation \"$2\" || exit 1\n\
         ln -sfn \"$(readlink -f \"$host/profiles/system\")\" \"$host/run/current-system\"\n",
    );
    let heard = one(&host, host.rollback(3, 1)).await;
    heard.expect(Outcome::Completed);
    assert_eq!(host.calls(), ["darwin-rebuild --switch-generation 1"]);
    assert_eq!((host.current(), host.running()), (1, host.store_path(1)));
    assert_eq!(heard.facts.generation(1).unwrap().version.as_deref(), Some("26.05"));
}

#[tokio::test]
async fn a_build_without_a_check_is_activated() {
    let host = Host::with_three();
    let usage = "echo 'Usage: switch-to-configuration [switch|boot|test|dry-activate]' >&2; exit 1";
    host.set(&host.build_with("old-script", usage, ACTIVATE));
    host.set(&host.build("five", ACTIVATE));
    host.runs(5);
    let heard = one(&host, host.rollback(5, 4)).await;
    heard.expect(Outcome::Completed);
    assert_eq!(host.running(), host.store_path(4));
    assert!(heard.has_line("has no check to run before"));
}

#[tokio::test]
async fn the_lines_of_agent_and_commands_all_arrive() {
    let host = Host::with_three();
    let heard = one(&host, host.rollback(3, 2)).await;
    let texts = heard.texts();
    assert!(texts[0].ends_with("/bin/switch-to-configuration check"), "{texts:#?}");
    assert!(texts.iter().any(|text| text.contains("--switch-generation 2")), "{texts:#?}");
    assert_eq!(texts.last(), Some(&"Rolled back to Gen 2."));
    assert!(fs::read_dir(host.at("state/journal/done")).unwrap().count() <= 1);
}
