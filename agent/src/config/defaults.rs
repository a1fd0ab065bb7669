//! Defaults for keys that the configuration leaves out.

use std::collections::BTreeMap;
use std::env;
use std::path::PathBuf;

use backstay_model::Platform;

use super::{ActivationConfig, CheckoutConfig, TestsConfig};

/// The link to the booted system on NixOS.
pub(super) const BOOTED_SYSTEM: &str = "/run/booted-system";

/// The host's own name, up to its first dot.
pub(super) fn name() -> String {
    let uname = rustix::system::uname();
    let name = uname.nodename().to_string_lossy();
    name.split('.').next().unwrap_or_default().to_owned()
}

pub(super) fn platform() -> Platform {
    if cfg!(target_os = "macos") { Platform::Darwin } else { Platform::Nixos }
}

pub(super) fn state_dir() -> PathBuf {
    "/var/lib/backstay-agent".into()
}

pub(super) fn watch_interval() -> u64 {
    5
}

impl Default for CheckoutConfig {
    fn default() -> Self {
        // Where nixos-rebuild and darwin-rebuild look.
        let path = if cfg!(target_os = "macos") { "/etc/nix-darwin" } else { "/etc/nixos" };
        Self { path: path.into(), branch: "main".into() }
    }
}

impl Default for TestsConfig {
    fn default() -> Self {
        Self {
            dir: "/etc/backstay/tests".into(),
            basic: true,
            leave_out: vec![],
            probes: BTreeMap::new(),
            timeout: 60,
            max_timeout: 30 * 60,
            keep_days: 90,
        }
    }
}

impl Default for ActivationConfig {
    fn default() -> Self {
        Self { min_timeout: 300 }
    }
}

pub(super) fn profile(platform: Platform) -> PathBuf {
    match platform {
        Platform::Nixos | Platform::Darwin => "/nix/var/nix/profiles/system".into(),
        Platform::HomeManager => home_profile(),
    }
}

pub(super) fn running_system(platform: Platform) -> PathBuf {
    match platform {
        Platform::Nixos | Platform::Darwin => "/run/current-system".into(),
        Platform::HomeManager => state_home().join("home-manager/gcroots/current-home"),
    }
}

/// home-manager keeps its profile in one of two places. The newer one is preferred.
fn home_profile() -> PathBuf {
    let own = state_home().join("nix/profiles/home-manager");
    let user = env::var("USER").unwrap_or_default();
    let shared = PathBuf::from("/nix/var/nix/profiles/per-user").join(user).join("home-manager");
    let is_there = |path: &PathBuf| path.symlink_metadata().is_ok();
    if !is_there(&own) && is_there(&shared) { shared } else { own }
}

/// Whether home-manager's default paths can be determined.
pub(super) fn has_home() -> bool {
    let is_absolute = |name| env::var_os(name).is_some_and(|path| PathBuf::from(path).is_absolute());
    is_absolute("XDG_STATE_HOME") || is_absolute("HOME")
}

fn state_home() -> PathBuf {
    let set = env::var_os("XDG_STATE_HOME").filter(|path| !path.is_empty());
    set.map_or_else(
        || PathBuf::from(env::var_os("HOME").unwrap_or_default()).join(".local/state"),
        PathBuf::from,
    )
}
