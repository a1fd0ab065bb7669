//! Switches.

use backstay_protocol::message::Outcome;
use backstay_protocol::{OpAction, Phase};

use crate::host::{ACTIVATE, Host};
use crate::rollback::one;

/// A host with three generations, and a `nixos-rebuild` that takes a build which is there already for what the flake builds.
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
    assert!(again.expect(Outcome::Completed).contains("nothing new"));
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
    // Where the tests do not run as root, it is what stands for sudo that says so.
    let is_told = message.contains("there is no program") || message.contains("nixos-rebuild’: No such file");
    assert!(is_told && message.contains("Nothing was changed"), "{message}");
}
