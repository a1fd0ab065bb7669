//! nix-darwin.

use std::path::Path;

use backstay_model::GenerationRef;

use super::nixos::{ProfileName, profile_name};
use super::{Adapter, Host, Role, Stage, Step};
use crate::command::Invocation;

/// Beginnings of the lines of those steps of nix-darwin's `activate` that change the host. (Seen: nix-darwin
/// of 2026.)
const BEGUN: [&str; 10] = [
    "setting up ",
    "setting ",
    "patching ",
    "applying patches",
    "configuring ",
    "user defaults...",
    "system defaults...",
    "reloading ",
    "Homebrew bundle...",
    "waiting for nix-daemon",
];

pub(super) struct Darwin;

impl Adapter for Darwin {
    /// `--switch-generation` without a verb: with one, `darwin-rebuild` would build.
    /// nix-darwin has no specialisations, so the build is the generation's own.
    fn rollback(&self, host: &Host<'_>, target: &GenerationRef, _build: &Path) -> Vec<Step> {
        let words = ["--switch-generation".to_owned(), target.number.to_string()];
        vec![Step { role: Role::SwitchAndActivate, invocation: rebuild(host, words) }]
    }

    fn switch(&self, host: &Host<'_>) -> Invocation {
        rebuild(host, ["switch".to_owned(), "--flake".to_owned(), host.config.flake()])
    }

    fn point_profile(&self, host: &Host<'_>, number: u32) -> Invocation {
        host.switch_profile(number).through(host.sudo())
    }

    /// Checks come first and say that they abort. The link to the running system is set at the very end, so
    /// it reveals nothing about an earlier failure.
    fn stage(&self, line: &str) -> Option<Stage> {
        if line.contains("aborting activation") || line.contains("must be run as root") {
            return Some(Stage::Checking);
        }
        BEGUN.iter().any(|start| line.starts_with(start)).then_some(Stage::Begun)
    }

    /// A step may fail before it prints anything.
    fn has_not_begun(&self, _code: i32, stage: Option<Stage>) -> bool {
        stage == Some(Stage::Checking)
    }

    fn meaning(&self, _code: i32) -> Option<&'static str> {
        None
    }
}

fn rebuild<const N: usize>(host: &Host<'_>, words: [String; N]) -> Invocation {
    let name = profile_name(host.profile.path()).map(ProfileName::words).unwrap_or_default();
    Invocation::new(&host.config.commands.darwin_rebuild, words.into_iter().chain(name)).through(host.sudo())
}
