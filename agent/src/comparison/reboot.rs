//! Whether a generation needs a reboot to run completely.

use std::path::Path;

use backstay_model::comparison::{BootPart, BootPartChange, Reboot};
use backstay_model::{Facts, Generation, Platform};

use super::are_there;
use crate::config::Config;
use crate::facts::build::{boot_differences, kernel_version};

/// Compares a build with what was booted. nix-darwin and home-manager replace neither kernel nor initrd.
pub(super) fn to_run(config: &Config, facts: &Facts, to: &Generation) -> Result<Reboot, String> {
    if config.platform != Platform::Nixos {
        return Ok(Reboot::default());
    }
    are_there([to], "kernel and initrd")?;
    let booted = facts.booted.as_deref().filter(|booted| Path::new(booted).exists());
    let booted = booted.ok_or("It is unknown what was booted, and so whether a reboot is needed.")?;
    let (old, new) = (Path::new(booted), Path::new(&to.store_path));
    let change = |part| match part {
        // The folder of the modules is named after the kernel's version.
        BootPart::Kernel | BootPart::KernelModules => {
            BootPartChange { part, booted: kernel_version(old), next: kernel_version(new) }
        }
        BootPart::Initrd => BootPartChange { part, booted: None, next: None },
    };
    Ok(Reboot {
        booted: Some(booted.to_owned()),
        parts: boot_differences(old, new).into_iter().map(change).collect(),
    })
}
