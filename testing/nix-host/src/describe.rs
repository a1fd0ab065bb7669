//! What an agent on a host needs to know.

use std::collections::BTreeMap;
use std::env;
use std::path::PathBuf;

use serde::Serialize;

use crate::{NixHost, Platform};

/// The paths of a host's parts.
#[derive(Debug, Serialize)]
pub struct Description {
    /// Its name.
    pub name: String,
    /// Its platform.
    pub platform: Platform,
    /// Its folder.
    pub folder: PathBuf,
    /// The variables for an agent on it.
    pub environment: BTreeMap<String, String>,
    /// Its profile.
    pub profile: PathBuf,
    /// The link to the running build.
    pub running: PathBuf,
    /// The link to the booted build.
    pub booted: PathBuf,
    /// Its checkout of the configuration.
    pub checkout: PathBuf,
    /// The folder with its own tests.
    pub tests: PathBuf,
    /// The log of its activations.
    pub activations: PathBuf,
}

pub(super) fn describe(host: &NixHost) -> Description {
    let at = |path: &str| host.folder.join(path);
    let mut environment: BTreeMap<String, String> = host
        .store
        .environment()
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_string_lossy().into_owned()))
        .collect();
    let path = env::var("PATH").unwrap_or_default();
    environment.insert("PATH".to_owned(), format!("{}:{path}", at("bin").display()));
    Description {
        name: host.name.clone(),
        platform: host.platform,
        folder: host.folder.clone(),
        environment,
        profile: host.profile_path(),
        running: host.running(),
        booted: at("run/booted-system"),
        checkout: host.checkout(),
        tests: at("tests"),
        activations: at("activations.log"),
    }
}
