//! NixOS.

use std::path::Path;

use backstay_protocol::GenerationRef;

use super::{Adapter, Host, Role, Step};
use crate::command::{self, Invocation};

/// Where `nixos-rebuild` looks for profiles, and nowhere else.
const PROFILES: &str = "/nix/var/nix/profiles";

pub(super) struct Nixos;

impl Adapter for Nixos {
    /// `nixos-rebuild --rollback switch` where that does what was confirmed; else the same by hand. In both cases the
    /// build is first asked whether it can be activated, while nothing has been changed yet.
    fn rollback(&self, host: &Host<'_>, target: &GenerationRef) -> Vec<Step> {
        let mut steps =
            vec![Step { role: Role::Check, invocation: switch_to_configuration(host, target, "check") }];
        if let Some(words) = rebuild_words(host.profile.path(), host.profile.previous(), target.number) {
            let rebuild = Invocation::new(&host.config.commands.nixos_rebuild, words).through(host.sudo());
            steps.push(Step { role: Role::SwitchAndActivate, invocation: rebuild });
            return steps;
        }
        steps.push(Step { role: Role::SwitchProfile, invocation: self.point_profile(host, target.number) });
        steps
            .push(Step { role: Role::Activate, invocation: switch_to_configuration(host, target, "switch") });
        steps
    }

    fn switch(&self, host: &Host<'_>) -> Invocation {
        let words = ["switch".to_owned(), "--flake".to_owned(), host.config.flake()];
        let name = profile_name(host.profile.path()).map(ProfileName::words).unwrap_or_default();
        Invocation::new(&host.config.commands.nixos_rebuild, words.into_iter().chain(name))
            .through(host.sudo())
    }

    fn point_profile(&self, host: &Host<'_>, number: u32) -> Invocation {
        host.switch_profile(number).through(host.sudo())
    }

    /// 1 comes before the activation: lock, checks, boot loader. `nixos-rebuild` gives 1 for every failure, which is
    /// why what runs is looked at too.
    fn has_not_begun(&self, code: i32) -> bool {
        code == 1
    }

    fn meaning(&self, code: i32) -> Option<&'static str> {
        Some(match code {
            1 => "another switch held the lock, a check failed, or the boot loader could not be installed",
            2 => "the activation script failed",
            4 => "units failed",
            100 => "it can only become active at the next boot. Reboot the host",
            101 => "switch-to-configuration itself crashed",
            _ => return None,
        })
    }
}

/// The arguments with which `nixos-rebuild` rolls a profile back to `target`; nothing where it would take another
/// profile, or go elsewhere.
pub(super) fn rebuild_words(profile: &Path, previous: Option<u32>, target: u32) -> Option<Vec<String>> {
    let name = profile_name(profile).filter(|_| previous == Some(target))?;
    Some(["--rollback", "switch"].map(str::to_owned).into_iter().chain(name.words()).collect())
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
