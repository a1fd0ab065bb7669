//! nix-darwin.

use backstay_protocol::GenerationRef;

use super::nixos::{ProfileName, profile_name};
use super::{Adapter, Host, Role, Step};
use crate::command::Invocation;

pub(super) struct Darwin;

impl Adapter for Darwin {
    /// `--switch-generation` with no verb: with one, `darwin-rebuild` would build.
    fn rollback(&self, host: &Host<'_>, target: &GenerationRef) -> Vec<Step> {
        let words = ["--switch-generation".to_owned(), target.number.to_string()];
        vec![Step { role: Role::SwitchAndActivate, invocation: rebuild(host, words) }]
    }

    fn switch(&self, host: &Host<'_>) -> Invocation {
        rebuild(host, ["switch".to_owned(), "--flake".to_owned(), host.config.flake()])
    }

    fn point_profile(&self, host: &Host<'_>, number: u32) -> Invocation {
        host.switch_profile(number).through(host.sudo())
    }

    /// The link to what runs is set when an activation has gone through, and there is no boot loader.
    fn has_not_begun(&self, _code: i32) -> bool {
        true
    }

    fn meaning(&self, _code: i32) -> Option<&'static str> {
        None
    }
}

fn rebuild<const N: usize>(host: &Host<'_>, words: [String; N]) -> Invocation {
    let name = profile_name(host.profile.path()).map(ProfileName::words).unwrap_or_default();
    Invocation::new(&host.config.commands.darwin_rebuild, words.into_iter().chain(name)).through(host.sudo())
}
