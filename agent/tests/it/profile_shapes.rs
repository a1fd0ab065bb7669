//! Profiles whose generations contain the running system instead of being it, with real Nix profiles.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use backstay_model::{OpAction, Outcome};

use crate::host::{ACTIVATE, Host};
use crate::rollback::one;

/// The profile of deploy-rs (seen: deploy-rs of 2025, `nixpkgs.buildEnv` around the system and its own
/// activation script): a folder whose entries are links into the system.
fn environment(host: &Host, name: &str, system: &Path) -> PathBuf {
    let link = |file: &'static str| (file, system.join(file));
    host.add_with_links(name, &[("deploy-rs-activate", "#!/bin/sh\n")], &[link("bin"), link("nixos-version")])
}

fn runs(host: &Host, build: &Path) {
    let link = host.at("run/current-system");
    let _ = fs::remove_file(&link);
    symlink(build, link).unwrap();
}

#[tokio::test]
async fn a_system_inside_an_environment_is_its_generation() {
    let host = Host::nixos();
    let systems = ["one", "two"].map(|name| host.build(name, ACTIVATE));
    for (name, system) in ["env-one", "env-two"].into_iter().zip(&systems) {
        host.set(&environment(&host, name, system));
    }
    runs(&host, &systems[1]);
    host.write_test("10-dns", "true");
    let tested = one(&host, OpAction::Test).await;
    assert_eq!(tested.expect(Outcome::Completed), "All 1 tests passed on Gen 2.");
    let heard = one(&host, host.rollback(2, 1)).await;
    heard.expect(Outcome::Completed);
    assert_eq!(host.running(), systems[0], "the system itself is linked");
    assert_eq!(heard.facts.running.as_deref(), host.store_path(1).to_str());
    assert_eq!(heard.facts.running_generation().unwrap().number, 1);
    assert!(heard.facts.problems.is_empty(), "{:?}", heard.facts.problems);
}

#[tokio::test]
async fn a_specialisation_belongs_to_its_generation() {
    let host = Host::nixos();
    host.set(&host.build("one", ACTIVATE));
    let special = host.build("special", ACTIVATE);
    let script = host.script(&format!("case \"$1\" in check) ;; switch)\n{ACTIVATE}\n;; esac\n"));
    let files = [("bin/switch-to-configuration", script.as_str()), ("specialisation/.keep", "")];
    host.set(&host.add_with_links("two", &files, &[("specialisation/gaming", special.clone())]));
    runs(&host, &special);
    host.write_test("10-dns", "true");
    let tested = one(&host, OpAction::Test).await;
    tested.expect(Outcome::Completed);
    assert_eq!(tested.facts.specialisation.as_deref(), Some("gaming"));
    assert_eq!(tested.facts.running_generation().unwrap().number, 2);
    assert_eq!(tested.facts.test_runs[0].generation, host.reference(2));
    assert!(tested.facts.problems.is_empty(), "{:?}", tested.facts.problems);
    let heard = one(&host, host.rollback(2, 1)).await;
    let message = heard.expect(Outcome::Completed);
    assert!(message.contains("specialisation “gaming” was active before; Gen 1 itself runs"), "{message}");
    assert_eq!((heard.facts.running_generation().unwrap().number, heard.facts.specialisation), (1, None));
}

/// As `nixos-rebuild switch --specialisation gaming` does: the profile points at the generation, and the
/// specialisation's own program activates it.
#[tokio::test]
async fn a_rollback_activates_the_specialisation_that_it_is_asked_for() {
    let host = Host::nixos();
    let script = host.script(&format!("case \"$1\" in check) ;; switch)\n{ACTIVATE}\n;; esac\n"));
    let files = [("bin/switch-to-configuration", script.as_str()), ("specialisation/.keep", "")];
    let special = ["one", "two"].map(|name| {
        let special = host.build(&format!("{name}-gaming"), ACTIVATE);
        host.set(&host.add_with_links(name, &files, &[("specialisation/gaming", special.clone())]));
        special
    });
    runs(&host, &special[1]);
    let to = |name: &str| {
        let (target, seen_current) = (host.reference(1), host.reference(2));
        OpAction::Rollback { target, seen_current, specialisation: Some(name.to_owned()) }
    };
    let before = one(&host, OpAction::Refresh).await.facts;
    assert_eq!(before.generation(1).unwrap().specialisations, ["gaming"]);
    let unknown = one(&host, to("../gaming")).await;
    let refusal = unknown.expect(Outcome::Refused);
    assert!(refusal.contains("has no specialisation “../gaming”. Nothing was changed."), "{refusal}");
    assert!(host.calls().is_empty());
    let heard = one(&host, to("gaming")).await;
    assert_eq!(heard.expect(Outcome::Completed), "Rolled back to Gen 1 (gaming).");
    assert_eq!((host.current(), host.running()), (1, special[0].clone()));
    assert_eq!(heard.facts.specialisation.as_deref(), Some("gaming"));
    assert_eq!(host.calls(), ["switch-to-configuration check", "switch-to-configuration switch"]);
}

/// `ln -sfn system /nix/var/nix/profiles/system`, and links to a store path or to a generation that is gone.
#[tokio::test]
async fn a_profile_that_points_at_none_of_its_generations_is_reported() {
    let host = Host::with_three();
    let elsewhere = host.store_path(1);
    for target in [Path::new("system"), Path::new("system-9-link"), &elsewhere] {
        fs::remove_file(host.profile()).unwrap();
        symlink(target, host.profile()).unwrap();
        let facts = one(&host, OpAction::Refresh).await.facts;
        assert_eq!((facts.generations.len(), facts.current()), (3, None));
        assert_eq!(facts.running_generation().unwrap().number, 3);
        let told = facts.problems.join(" ");
        assert!(told.contains("none of its generations") && told.contains("--switch-generation"), "{told}");
    }
}
