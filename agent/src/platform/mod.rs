//! How each platform is switched and rolled back: which programs, with which arguments, in which order.
//!
//! Nothing here runs anything. An adapter looks at the host's files and says what is to be run, so that every case can
//! be held against what it should be.

mod darwin;
mod home_manager;
mod nixos;

use backstay_model::{GenerationRef, OpAction, Phase, Platform};

use crate::command::{self, Invocation, Services};
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
    /// Points the profile and activates, in one program.
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

    /// How far an activation has come that prints this line; `None` for a line that does not say.
    fn stage(&self, line: &str) -> Option<Stage>;

    /// Whether an activation that ended with `code`, and that was last seen at `stage`, has activated nothing. Never
    /// `true` unless code or output show it.
    fn has_not_begun(&self, code: i32, stage: Option<Stage>) -> bool;

    /// What an activation that ended with `code` means; `None` where its output alone says it.
    fn meaning(&self, code: i32) -> Option<&'static str>;

    /// The units in which systemd runs an activation on behalf of the platform's own program.
    fn services(&self, _host: &Host<'_>) -> Option<Services> {
        None
    }
}

/// How far an activation has come, by what it prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// It checks, and has changed nothing.
    Checking,
    /// It writes the boot loader, and has changed nothing else.
    BootLoader,
    /// It changes what runs.
    Begun,
}

/// The adapter of a platform.
pub(crate) fn adapter(platform: Platform) -> &'static dyn Adapter {
    match platform {
        Platform::Nixos => &nixos::Nixos,
        Platform::Darwin => &darwin::Darwin,
        Platform::HomeManager => &home_manager::HomeManager,
    }
}

/// Whether systemd activates on behalf of an op with this action. If it cannot be asked, it may.
pub(crate) fn is_activating(config: &Config, action: &OpAction) -> bool {
    if !matches!(action, OpAction::Switch | OpAction::PullSwitch) {
        return false;
    }
    let profile = Profile::at(config.profile_path());
    let host = Host { config, profile: &profile, is_root: rustix::process::geteuid().is_root() };
    let services = adapter(config.platform).services(&host);
    services.is_some_and(|services| services.at_work().map_or(true, |units| !units.is_empty()))
}

#[cfg(test)]
mod tests;
