//! How each platform is switched and rolled back: which programs, with which arguments, in which order.
//!
//! Nothing here runs anything. An adapter reads the host's files and returns what to run, so that every case
//! can be tested.

mod darwin;
mod home_manager;
mod nixos;

use std::path::Path;

use backstay_model::{GenerationRef, OpAction, Phase, Platform};

use crate::command::{self, Invocation, Services};
use crate::config::Config;
use crate::facts::Profile;

/// One program to run.
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
    /// Asks the build whether it can be activated on the running system. A build without such a check passes.
    Check,
    /// Points the profile at the generation.
    SwitchProfile,
    /// Activates what the profile points at.
    Activate,
    /// Points the profile at the generation and activates it, in one program.
    SwitchAndActivate,
}

impl Role {
    /// The phase that a page shows while it runs.
    pub(crate) fn phase(self) -> Phase {
        match self {
            Self::Check => Phase::Checking,
            Self::SwitchProfile => Phase::SwitchingProfile,
            Self::Activate | Self::SwitchAndActivate => Phase::Activating,
        }
    }

    /// Whether it moves the profile.
    pub(crate) fn moves_profile(self) -> bool {
        matches!(self, Self::SwitchProfile | Self::SwitchAndActivate)
    }
}

/// What an adapter reads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Host<'a> {
    /// The agent's configuration.
    pub(crate) config: &'a Config,
    /// The profile as it is now.
    pub(crate) profile: &'a Profile,
    /// True if the agent is root.
    pub(crate) is_root: bool,
}

impl Host<'_> {
    /// The command that goes before one that only root may run, or `None` if the agent is root.
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
    /// The programs that point the profile at exactly this generation and activate `build`: the generation's
    /// own build, or one of its specialisations.
    fn rollback(&self, host: &Host<'_>, target: &GenerationRef, build: &Path) -> Vec<Step>;

    /// The program that builds and activates the host's checkout.
    fn switch(&self, host: &Host<'_>) -> Invocation;

    /// The program that points the profile at a generation and activates nothing.
    fn point_profile(&self, host: &Host<'_>, number: u32) -> Invocation;

    /// The stage of an activation that prints this line, or `None` if the line does not show one.
    fn stage(&self, line: &str) -> Option<Stage>;

    /// Whether an activation that ended with `code`, last seen at `stage`, has activated nothing. True only
    /// if code or output show it.
    fn has_not_begun(&self, code: i32, stage: Option<Stage>) -> bool;

    /// The meaning of the exit code of an activation, or `None` if only its output shows it.
    fn meaning(&self, code: i32) -> Option<&'static str>;

    /// The units in which systemd runs an activation on behalf of the platform's own program.
    fn services(&self, _host: &Host<'_>) -> Option<Services> {
        None
    }
}

/// How far an activation has got, according to its output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// It is checking and has changed nothing.
    Checking,
    /// It is writing the boot loader and has changed nothing else.
    BootLoader,
    /// It is changing the running system.
    Begun,
}

/// Returns the adapter of a platform.
pub(crate) fn adapter(platform: Platform) -> &'static dyn Adapter {
    match platform {
        Platform::Nixos => &nixos::Nixos,
        Platform::Darwin => &darwin::Darwin,
        Platform::HomeManager => &home_manager::HomeManager,
    }
}

/// Whether systemd is activating on behalf of an op with this action. True if systemd cannot be asked.
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
