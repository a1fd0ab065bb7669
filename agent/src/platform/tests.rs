use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::nixos::{ProfileName, profile_name};
use super::*;

fn config() -> Config {
    toml::from_str("server = \"http://localhost\"\nname = \"gpc0\"").unwrap()
}

/// A profile with these generations, the first of them current.
fn profile(numbers: &[u32]) -> (tempfile::TempDir, Profile) {
    let folder = tempfile::tempdir().unwrap();
    for number in numbers {
        symlink("build", folder.path().join(format!("system-{number}-link"))).unwrap();
    }
    symlink(format!("system-{}-link", numbers[0]), folder.path().join("system")).unwrap();
    let profile = Profile::at(folder.path().join("system"));
    (folder, profile)
}

fn target(number: u32, build: &Path) -> GenerationRef {
    GenerationRef { number, store_path: build.display().to_string() }
}

fn shown(steps: &[Step]) -> Vec<(Role, String)> {
    steps.iter().map(|step| (step.role, step.invocation.shown())).collect()
}

#[test]
fn only_profiles_that_nixos_rebuild_finds_have_a_name() {
    let name = |path: &str| profile_name(Path::new(path));
    assert_eq!(name("/nix/var/nix/profiles/system"), Some(ProfileName::System));
    assert_eq!(name("/nix/var/nix/profiles/system-profiles/comin"), Some(ProfileName::Named("comin".into())));
    for other in [
        "/nix/var/nix/profiles/system-profiles/a/b",
        "/nix/var/nix/profiles/system-profiles/-x",
        "/nix/var/nix/profiles/per-user/alex/home-manager",
        "/home/alex/nix/var/nix/profiles/system",
        "/nix/var/nix/profiles",
    ] {
        assert_eq!(name(other), None, "{other}");
    }
}

#[test]
fn nixos_is_rolled_back_without_nixos_rebuild_whichever_generation_and_profile() {
    let (folder, own) = profile(&[48, 47, 46]);
    let config = config();
    let by_hand = |profile: &Profile, number: u32, path: &str| {
        let host = Host { config: &config, profile, is_root: true };
        let steps = nixos::Nixos.rollback(
            &host,
            &target(number, Path::new("/nix/store/b")),
            Path::new("/nix/store/b"),
        );
        assert_eq!(
            shown(&steps),
            [
                (Role::Check, "/nix/store/b/bin/switch-to-configuration check".to_owned()),
                (Role::SwitchProfile, format!("nix-env --profile {path} --switch-generation {number}")),
                (Role::Activate, "/nix/store/b/bin/switch-to-configuration switch".to_owned()),
            ]
        );
        // No boot loader is installed, whatever the agent's own environment says.
        assert_eq!(steps[2].invocation.variables, [("NIXOS_INSTALL_BOOTLOADER", "0".to_owned())]);
    };
    let path = folder.path().join("system").display().to_string();
    by_hand(&own, 47, &path);
    by_hand(&own, 46, &path);
    for path in ["/nix/var/nix/profiles/system", "/nix/var/nix/profiles/system-profiles/comin"] {
        by_hand(&Profile::at(path.into()), 47, path);
    }
}

#[test]
fn only_code_and_output_together_say_that_nothing_was_activated() {
    use Stage::{Begun, BootLoader, Checking};
    let nixos = |code, stage| nixos::Nixos.has_not_begun(code, stage);
    assert!(nixos(1, None) && nixos(1, Some(BootLoader)) && nixos(11, None) && nixos(13, Some(Checking)));
    // Died between stopping units and the activation script.
    assert!(!nixos(1, Some(Begun)) && !nixos(11, Some(Begun)));
    for code in [2, 4, 100, 101] {
        assert!(!nixos(code, None), "{code}");
    }
    assert!(!nixos(100, Some(BootLoader)), "it becomes active at the next boot");
    for adapter in [&darwin::Darwin as &dyn Adapter, &home_manager::HomeManager] {
        assert!(adapter.has_not_begun(1, Some(Checking)));
        assert!(!adapter.has_not_begun(1, None) && !adapter.has_not_begun(1, Some(Begun)));
    }
}

#[test]
fn sudo_goes_before_what_only_root_may_do() {
    let (_folder, profile) = profile(&[48, 47]);
    let mut config = config();
    let host = Host { config: &config, profile: &profile, is_root: false };
    let steps =
        nixos::Nixos.rollback(&host, &target(47, Path::new("/nix/store/b")), Path::new("/nix/store/b"));
    assert!(steps.iter().all(|step| step.invocation.shown().starts_with("sudo --non-interactive ")));
    assert!(nixos::Nixos.switch(&host).shown().starts_with("sudo --non-interactive nixos-rebuild switch"));
    let steps = home_manager::HomeManager.rollback(
        &host,
        &target(47, Path::new("/nix/store/b")),
        Path::new("/nix/store/b"),
    );
    assert!(steps.iter().all(|step| !step.invocation.shown().contains("sudo")));
    config.commands.sudo = vec!["doas".into()];
    let host = Host { config: &config, profile: &profile, is_root: false };
    let steps =
        darwin::Darwin.rollback(&host, &target(47, Path::new("/nix/store/b")), Path::new("/nix/store/b"));
    assert_eq!(shown(&steps)[0].1, "doas darwin-rebuild --switch-generation 47");
}

#[test]
fn home_manager_is_driven_if_it_has_gen_version() {
    let (folder, profile) = profile(&[48, 47]);
    let config = config();
    let host = Host { config: &config, profile: &profile, is_root: false };
    let build = folder.path().join("build");
    fs::create_dir(&build).unwrap();
    let activate = |host: &Host<'_>| {
        let steps = home_manager::HomeManager.rollback(host, &target(47, &build), &build);
        assert_eq!(steps[0].role, Role::SwitchProfile);
        steps[1].invocation.shown()
    };
    assert_eq!(activate(&host), build.join("activate").display().to_string());
    fs::write(build.join("gen-version"), "1").unwrap();
    assert_eq!(activate(&host), format!("{} --driver-version 1", build.join("activate").display()));
}

#[test]
fn switches_build_what_is_configured() {
    let (_folder, profile) = profile(&[48]);
    let config = config();
    let host = Host { config: &config, profile: &profile, is_root: true };
    assert_eq!(nixos::Nixos.switch(&host).shown(), "nixos-rebuild switch --flake /etc/nixos#gpc0");
    assert_eq!(darwin::Darwin.switch(&host).shown(), "darwin-rebuild switch --flake /etc/nixos#gpc0");
    assert_eq!(
        home_manager::HomeManager.switch(&host).shown(),
        "home-manager switch --flake /etc/nixos#gpc0"
    );
    let comin = Profile::at("/nix/var/nix/profiles/system-profiles/comin".into());
    let host = Host { profile: &comin, ..host };
    assert!(nixos::Nixos.switch(&host).shown().ends_with("--profile-name comin"));
    assert!(darwin::Darwin.switch(&host).shown().ends_with("--profile-name comin"));
}
