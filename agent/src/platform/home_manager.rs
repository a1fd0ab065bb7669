//! home-manager, on any system. Its agent runs as its user; nothing here needs root.

use std::path::Path;

use backstay_model::GenerationRef;

use super::{Adapter, Host, Role, Stage, Step};
use crate::command::{self, Invocation};

/// The names of the steps of an activation that come before it changes anything: only checks come before
/// `writeBoundary`. (Seen: home-manager of 2026.)
const CHECK: &str = "Activating check";
/// Lines of an activation that is changing the home, besides the names of its steps.
const BEGUN: [&str; 3] =
    ["Creating profile generation", "Creating home file links", "Cleaning up orphan links"];

pub(super) struct HomeManager;

impl Adapter for HomeManager {
    /// The profile first, then the generation's own activation. A generation with `gen-version` learns that
    /// another program manages its profile. Older ones have no such option, and find their profile as they
    /// would set it.
    fn rollback(&self, host: &Host<'_>, target: &GenerationRef, build: &Path) -> Vec<Step> {
        let driven: &[&str] =
            if build.join("gen-version").exists() { &["--driver-version", "1"] } else { &[] };
        let activate = command::path(build.join("activate"));
        let activate = in_english(Invocation::new(&[activate], driven.iter().copied()));
        vec![
            Step { role: Role::SwitchProfile, invocation: self.point_profile(host, target.number) },
            Step { role: Role::Activate, invocation: activate },
        ]
    }

    fn switch(&self, host: &Host<'_>) -> Invocation {
        let words = ["switch".to_owned(), "--flake".to_owned(), host.config.flake()];
        in_english(Invocation::new(&host.config.commands.home_manager, words))
    }

    fn point_profile(&self, host: &Host<'_>, number: u32) -> Invocation {
        host.switch_profile(number)
    }

    fn stage(&self, line: &str) -> Option<Stage> {
        if line.starts_with("Starting Home Manager activation") || line.starts_with(CHECK) {
            return Some(Stage::Checking);
        }
        let is_step = line.starts_with("Activating ");
        (is_step || BEGUN.iter().any(|start| line.starts_with(start))).then_some(Stage::Begun)
    }

    fn has_not_begun(&self, _code: i32, stage: Option<Stage>) -> bool {
        stage == Some(Stage::Checking)
    }

    fn meaning(&self, _code: i32) -> Option<&'static str> {
        None
    }
}

/// home-manager prints messages in the user's language, and the agent reads them.
fn in_english(invocation: Invocation) -> Invocation {
    invocation.with("LANGUAGE", "en")
}
