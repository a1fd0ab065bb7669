//! NixOS.

use std::path::Path;

use backstay_model::GenerationRef;

use super::{Adapter, Host, Role, Stage, Step};
use crate::command::{self, Invocation, Services};

/// Where `nixos-rebuild` looks for profiles, and nowhere else.
const PROFILES: &str = "/nix/var/nix/profiles";
/// How the unit is called in which `nixos-rebuild` has systemd activate; versions of 2026 put a suffix behind it.
const SWITCH_UNIT: &str = "nixos-rebuild-switch-to-configuration";
/// What switch-to-configuration prints where it ends before it has changed anything. (Seen: switch-to-configuration-ng
/// of nixpkgs 2026.)
const CHECKING: [&str; 5] = [
    "Could not open lock",
    "Could not acquire lock",
    "Pre-switch check",
    "There are changes to critical components",
    "This is not a NixOS installation",
];
const BOOT_LOADER: [&str; 3] = ["updating GRUB", "Failed to install bootloader", "updating systemd-boot"];
const BEGUN: [&str; 10] = [
    "stopping the following units",
    "stopping swap device",
    "NOT restarting the following changed units",
    "activating the configuration",
    "setting up /etc",
    "Failed to run activate script",
    "restarting systemd",
    "reloading ",
    "restarting the following units",
    "starting the following units",
];

pub(super) struct Nixos;

impl Adapter for Nixos {
    /// The profile, then the build's own activation: neither evaluates, builds or fetches anything, nor takes
    /// `nixos-rebuild`, which builds the checkout before it rolls back. The build is asked first whether it can be
    /// activated, while nothing has been changed yet.
    fn rollback(&self, host: &Host<'_>, target: &GenerationRef) -> Vec<Step> {
        // As `nixos-rebuild` has it, whatever the agent's own environment says.
        let activate = switch_to_configuration(host, target, "switch").with("NIXOS_INSTALL_BOOTLOADER", "0");
        vec![
            Step { role: Role::Check, invocation: switch_to_configuration(host, target, "check") },
            Step { role: Role::SwitchProfile, invocation: self.point_profile(host, target.number) },
            Step { role: Role::Activate, invocation: activate },
        ]
    }

    fn switch(&self, host: &Host<'_>) -> Invocation {
        let words = ["switch".to_owned(), "--flake".to_owned(), host.config.flake()];
        let name = profile_name(host.profile.path()).map(ProfileName::words).unwrap_or_default();
        Invocation::new(&host.config.commands.nixos_rebuild, words.into_iter().chain(name))
            .through(host.sudo())
            .on_behalf(services(host))
    }

    fn point_profile(&self, host: &Host<'_>, number: u32) -> Invocation {
        host.switch_profile(number).through(host.sudo())
    }

    fn stage(&self, line: &str) -> Option<Stage> {
        let says = |words: &[&str]| words.iter().any(|start| line.starts_with(start));
        if says(&BEGUN) {
            Some(Stage::Begun)
        } else if says(&BOOT_LOADER) {
            Some(Stage::BootLoader)
        } else {
            says(&CHECKING).then_some(Stage::Checking)
        }
    }

    /// switch-to-configuration ends with 1 for its checks and the boot loader, and with the number of the system's error
    /// where it cannot take its lock, which is 11 if another holds it. It may also end with 1 later, and the
    /// `nixos-rebuild` of old gives 1 for every failure: what was printed decides.
    fn has_not_begun(&self, code: i32, stage: Option<Stage>) -> bool {
        match code {
            1 | LOCK_HELD => stage != Some(Stage::Begun),
            4 | 100 | 101 => false,
            _ => matches!(stage, Some(Stage::Checking | Stage::BootLoader)),
        }
    }

    fn meaning(&self, code: i32) -> Option<&'static str> {
        Some(match code {
            LOCK_HELD => "another activation holds the host's lock",
            2 => "the activation script failed",
            4 => "units failed",
            100 => "it can only become active at the next boot. Reboot the host",
            101 => "switch-to-configuration itself crashed",
            _ => return None,
        })
    }

    fn services(&self, host: &Host<'_>) -> Option<Services> {
        Some(services(host))
    }
}

/// What switch-to-configuration ends with where another holds its lock.
const LOCK_HELD: i32 = 11;

fn services(host: &Host<'_>) -> Services {
    Services::named(SWITCH_UNIT, &host.config.commands.systemctl, host.sudo())
}

/// The program of a build that activates it.
fn switch_to_configuration(host: &Host<'_>, target: &GenerationRef, action: &str) -> Invocation {
    let program = Path::new(&target.store_path).join("bin/switch-to-configuration");
    Invocation::new(&[command::path(program)], [action]).through(host.sudo())
}

/// A profile that `nixos-rebuild` and `darwin-rebuild` can be told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ProfileName {
    /// The one that they take by themselves.
    System,
    /// One in `system-profiles`.
    Named(String),
}

impl ProfileName {
    /// How it is told.
    pub(super) fn words(self) -> Vec<String> {
        match self {
            Self::System => vec![],
            Self::Named(name) => vec!["--profile-name".to_owned(), name],
        }
    }
}

/// What `nixos-rebuild` calls a profile; nothing where it cannot be told of it and would take another one.
pub(super) fn profile_name(profile: &Path) -> Option<ProfileName> {
    let inside = profile.strip_prefix(PROFILES).ok()?.to_str()?;
    if inside == "system" {
        return Some(ProfileName::System);
    }
    let name = inside.strip_prefix("system-profiles/")?;
    // `nixos-rebuild` takes the name "system" for the system's own profile.
    let nameable = !name.is_empty() && name != "system" && !name.contains('/') && !name.starts_with('-');
    nameable.then(|| ProfileName::Named(name.to_owned()))
}
