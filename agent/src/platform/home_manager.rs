//! home-manager, on any system. Its agent runs as its user; nothing here takes root.

use std::path::Path;

use backstay_protocol::GenerationRef;

use super::{Adapter, Host, Role, Step};
use crate::command::{self, Invocation};

pub(super) struct HomeManager;

impl Adapter for HomeManager {
    /// The profile first, then the generation's own activation. One that has `gen-version` is told that its profile is
    /// seen to by somebody else; older ones know no such option, and find their profile as they would make it.
    fn rollback(&self, host: &Host<'_>, target: &GenerationRef) -> Vec<Step> {
        let build = Path::new(&target.store_path);
        let driven: &[&str] =
            if build.join("gen-version").exists() { &["--driver-version", "1"] } else { &[] };
        let activate = Invocation::new(&[command::path(build.join("activate"))], driven.iter().copied());
        vec![
            Step { role: Role::SwitchProfile, invocation: self.point_profile(host, target.number) },
            Step { role: Role::Activate, invocation: activate },
        ]
    }

    fn switch(&self, host: &Host<'_>) -> Invocation {
        let words = ["switch".to_owned(), "--flake".to_owned(), host.config.flake()];
        Invocation::new(&host.config.commands.home_manager, words)
    }

    fn point_profile(&self, host: &Host<'_>, number: u32) -> Invocation {
        host.switch_profile(number)
    }

    /// What runs is told by a link that is set when an activation has gone through.
    fn has_not_begun(&self, _code: i32) -> bool {
        true
    }

    fn meaning(&self, _code: i32) -> Option<&'static str> {
        None
    }
}
