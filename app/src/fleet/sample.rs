//! Hosts for tests.

use backstay_model::{Commit, Generation, HostId, HostView, Light, Lights, Platform, State};

/// A NixOS host with nothing to be said against it.
pub(super) fn host(name: &str) -> HostView {
    let light = Light { state: State::Ok, words: "Fine".into(), hint: "Nothing to do.".into() };
    HostView {
        id: HostId::new(),
        name: name.into(),
        platform: Platform::Nixos,
        online: true,
        last_seen: None,
        agent_version: None,
        auto_test: true,
        tags: vec![],
        lights: Lights {
            agent: light.clone(),
            git: light.clone(),
            lock: light.clone(),
            system: light.clone(),
            tests: light,
        },
        generation: None,
        tests: None,
        op: None,
    }
}

/// A current generation.
pub(super) fn generation(number: u32, commit: Option<&str>) -> Generation {
    Generation {
        number,
        store_path: format!("/nix/store/{number}-nixos-system"),
        commit: commit.map(|commit| Commit(commit.to_owned())),
        tree: None,
        version: None,
        kernel: None,
        created_at: "2025-12-28T14:40:00Z".parse().unwrap(),
        current: true,
        booted: true,
        present: true,
        needs_reboot: false,
        inhibitors: vec![],
    }
}
