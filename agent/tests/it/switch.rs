//! Switches.

use backstay_model::{OpAction, Outcome, Phase};

use crate::host::{ACTIVATE, Host};
use crate::rollback::one;

/// A host with three generations, and a `nixos-rebuild` that uses a ready build in place of the flake's.
pub(crate) fn host(switch: &str) -> Host {
    let host = Host::with_three();
    let build = host.build("four", switch);
    host.stand_in(
        "nixos-rebuild",
        &format!(
            "echo 'building the system configuration...' >&2\n\
             nix-env --profile \"$host/profiles/system\" --set {0} || exit 1\n{0}/bin/switch-to-configuration switch\n",
            build.display()
        ),
    );
    host
}

#[tokio::test]
async fn the_checkouts_configuration_is_built_and_activated() {
    let host = host(ACTIVATE);
    let heard = one(&host, OpAction::Switch).await;
    assert_eq!(heard.expect(Outcome::Completed), "Switched to Gen 4.");
    let flake = format!("{}#gpc0", host.at("checkout").display());
    assert_eq!(host.calls()[0], format!("nixos-rebuild switch --flake {flake}"));
    assert_eq!(heard.phases.last(), Some(&Phase::Activating));
    assert_eq!((host.current(), host.running()), (4, host.store_path(4)));

    let again = one(&host, OpAction::Switch).await;
    assert!(again.expect(Outcome::Completed).contains("builds the same generation"));
}

#[tokio::test]
async fn a_build_that_fails_changes_nothing() {
    let host = Host::with_three();
    host.stand_in(
        "nixos-rebuild",
        "echo building >&2\necho \"error: attribute 'gpc0' missing\" >&2\nexit 1\n",
    );
    let heard = one(&host, OpAction::Switch).await;
    let message = heard.expect(Outcome::Failed);
    for part in ["The build ended with 1", "attribute 'gpc0' missing", "Nothing was changed", "on Gen 3"] {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(heard.phases, [Phase::Building]);
}

#[tokio::test]
async fn units_that_failed_are_named() {
    let host =
        host(&format!("{ACTIVATE}\necho 'warning: the following units failed: gpu.service' >&2\nexit 4"));
    let heard = one(&host, OpAction::Switch).await;
    assert_eq!(heard.expect(Outcome::Failed), "Gen 4 is active, but these units failed: gpu.service.");
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let host = Host::with_three();
    let heard = one(&host, OpAction::Switch).await;
    let message = heard.expect(Outcome::Failed);
    // If the tests do not run as root, the stand-in for sudo says so.
    let is_told = message.contains("there is no program") || message.contains("nixos-rebuild’: No such file");
    assert!(is_told && message.contains("Nothing was changed"), "{message}");
}

#[tokio::test]
async fn the_reason_is_not_the_last_line_of_a_wrapper() {
    let host = host(
        "echo \"OSError: [Errno 28] No space left on device: '/boot'\" >&2\n\
         echo 'Failed to install bootloader' >&2\n\
         echo \"Command 'systemd-run -E LOCALE_ARCHIVE switch' returned non-zero exit status 1.\" >&2\nexit 1",
    );
    let heard = one(&host, OpAction::Switch).await;
    let message = heard.expect(Outcome::Failed);
    for part in
        ["No space left on device: '/boot'. Nothing was activated.", "points at Gen 4, but Gen 3 runs"]
    {
        assert!(message.contains(part), "{message}");
    }
    assert!(!message.contains("returned non-zero") && !message.contains("may be active"), "{message}");
}

#[tokio::test]
async fn home_manager_that_only_fails_to_show_its_news_has_switched() {
    let host = Host::new("home-manager");
    let activate =
        host.script("echo 'Starting Home Manager activation'\necho 'Activating writeBoundary'\nrun_it\n");
    for name in ["one", "two"] {
        host.set(&host.add(name, &[("activate", &activate), ("gen-version", "1\n"), ("name", name)]));
    }
    host.runs(2);
    let build = host.add("three", &[("activate", &activate), ("gen-version", "1\n"), ("name", "three")]);
    // Seen: home-manager of 2026 without a network.
    host.stand_in(
        "home-manager",
        &format!(
            "nix-env --profile \"$host/profiles/system\" --set {0} || exit 1\n{0}/activate || exit 1\n\
             echo 'error: unable to download news: Could not resolve host' >&2\nexit 1\n",
            build.display()
        ),
    );
    let heard = one(&host, OpAction::Switch).await;
    let message = heard.expect(Outcome::Completed);
    assert!(message.starts_with("Switched to Gen 3. home-manager ended with 1 after that."), "{message}");
    assert!(message.contains("Could not resolve host"), "{message}");
}
