//! How each platform is switched and rolled back: which programs, with which arguments, in which order.
//!
//! Nothing here runs anything. An adapter looks at the host's files and says what is to be run, so that every case can
//! be held against what it should be.

mod darwin;
mod home_manager;
mod nixos;

use backstay_protocol::{GenerationRef, Phase, Platform};

use crate::command::{self, Invocation};
use crate::config::Config;
use crate::facts::Profile;

/// One program to run on the way to a goal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    /// What the program does.
    pub(crate) role: Role,
    /// The program.
    pub(crate) invocation: Invocation,
}

/// What a program does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Asks the build whether it can be activated on what runs. One that does not know the question is no obstacle.
    Check,
    /// Points the profile at the generation.
    SwitchProfile,
    /// Activates what the profile was pointed at before.
    Activate,
    /// Points the profile and activates.
    SwitchAndActivate,
}

impl Role {
    /// What a page shows meanwhile.
    pub(crate) fn phase(self) -> Phase {
        match self {
            Self::Check => Phase::Checking,
            Self::SwitchProfile => Phase::SwitchingProfile,
            Self::Activate | Self::SwitchAndActivate => Phase::Activating,
        }
    }

    /// Whether the profile is pointed elsewhere by it.
    pub(crate) fn moves_profile(self) -> bool {
        matches!(self, Self::SwitchProfile | Self::SwitchAndActivate)
    }
}

/// What an adapter looks at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Host<'a> {
    /// How the agent is configured.
    pub(crate) config: &'a Config,
    /// The profile, as it is now.
    pub(crate) profile: &'a Profile,
    /// Whether the agent is root.
    pub(crate) is_root: bool,
}

impl Host<'_> {
    /// What goes before a program that only root may run; nothing where the agent is root.
    fn sudo(&self) -> Option<&[String]> {
        (!self.is_root).then_some(self.config.commands.sudo.as_slice())
    }

    /// `nix-env` that points the profile at a generation.
    fn switch_profile(&self, number: u32) -> Invocation {
        let profile = command::path(self.profile.path());
        let words = ["--profile".to_owned(), profile, "--switch-generation".to_owned(), number.to_string()];
        Invocation::new(&self.config.commands.nix_env, words)
    }
}

/// How one platform is switched and rolled back.
pub(crate) trait Adapter: Sync {
    /// What takes the host to exactly this generation.
    fn rollback(&self, host: &Host<'_>, target: &GenerationRef) -> Vec<Step>;

    /// What builds and activates the host's checkout.
    fn switch(&self, host: &Host<'_>) -> Invocation;

    /// What points the profile at a generation and activates nothing.
    fn point_profile(&self, host: &Host<'_>, number: u32) -> Invocation;

    /// Whether an activation that ended with `code`, while what runs did not change, has left the host as it was apart
    /// from the profile.
    fn has_not_begun(&self, code: i32) -> bool;

    /// What an activation that ended with `code` means.
    fn meaning(&self, code: i32) -> Option<&'static str>;
}

/// The adapter of a platform.
pub(crate) fn adapter(platform: Platform) -> &'static dyn Adapter {
    match platform {
        Platform::Nixos => &nixos::Nixos,
        Platform::Darwin => &darwin::Darwin,
        Platform::HomeManager => &home_manager::HomeManager,
    }
}

#[cfg(test)]
mod tests;
