//! NixOS.

use std::path::Path;

use backstay_model::GenerationRef;

use super::{Adapter, Host, Role, Stage, Step};
use crate::command::{self, Invocation, Services};

/// The only folder in which `nixos-rebuild` looks for profiles.
const PROFILES: &str = "/nix/var/nix/profiles";
/// The unit in which `nixos-rebuild` has systemd activate. Versions of 2026 append a suffix.
const SWITCH_UNIT: &str = "nixos-rebuild-switch-to-configuration";
/// Lines of a switch-to-configuration that ends before it has changed anything. (Seen:
/// switch-to-configuration-ng of nixpkgs 2026.)
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
    /// The profile, then the build's own activation. Neither evaluates, builds or fetches anything, nor needs
    /// `nixos-rebuild`, which builds the checkout before it rolls back. The build's check comes first, while
    /// nothing has been changed.
    ///
    /// A specialisation is activated by its own program, as `nixos-rebuild switch --specialisation` does.
    fn rollback(&self, host: &Host<'_>, target: &GenerationRef, build: &Path) -> Vec<Step> {
        // As in `nixos-rebuild`, whatever the agent's own environment says.
        let activate = switch_to_configuration(host, build, "switch").with("NIXOS_INSTALL_BOOTLOADER", "0");
        vec![
            Step { role: Role::Check, invocation: switch_to_configuration(host, build, "check") },
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

    /// switch-to-configuration exits with 1 for its checks and the boot loader, and with the system's error
    /// number if it cannot take its lock: 11 if another process holds it. It may also exit with 1 later, and
    /// the old `nixos-rebuild` exits with 1 for every failure, so the output decides.
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

/// The exit code of switch-to-configuration if another process holds its lock.
const LOCK_HELD: i32 = 11;

fn services(host: &Host<'_>) -> Services {
    Services::named(SWITCH_UNIT, &host.config.commands.systemctl, host.sudo())
}

/// The program that activates a build.
fn switch_to_configuration(host: &Host<'_>, build: &Path, action: &str) -> Invocation {
    let program = build.join("bin/switch-to-configuration");
    Invocation::new(&[command::path(program)], [action]).through(host.sudo())
}

/// A profile that `nixos-rebuild` and `darwin-rebuild` can address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ProfileName {
    /// Their default profile.
    System,
    /// One in `system-profiles`.
    Named(String),
}

impl ProfileName {
    /// The arguments that select it.
    pub(super) fn words(self) -> Vec<String> {
        match self {
            Self::System => vec![],
            Self::Named(name) => vec!["--profile-name".to_owned(), name],
        }
    }
}

/// Returns the name of a profile for `nixos-rebuild`, or `None` if it has none and `nixos-rebuild` would use
/// another profile.
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
