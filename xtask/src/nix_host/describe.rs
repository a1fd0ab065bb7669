//! What one has to know of a host to run an agent on it.

use std::collections::BTreeMap;
use std::env;
use std::path::PathBuf;

use serde::Serialize;

use super::{NixHost, Platform};

/// Where the parts of a host are.
#[derive(Debug, Serialize)]
pub(crate) struct Description {
    /// Its name.
    pub(crate) name: String,
    /// What it is.
    pub(crate) platform: Platform,
    /// Its folder.
    pub(crate) folder: PathBuf,
    /// The variables that an agent on it must be started with.
    pub(crate) environment: BTreeMap<String, String>,
    /// Its profile.
    pub(crate) profile: PathBuf,
    /// The link to the build that runs.
    pub(crate) running: PathBuf,
    /// The link to the build that was booted.
    pub(crate) booted: PathBuf,
    /// Its checkout of the configuration.
    pub(crate) checkout: PathBuf,
    /// The folder with its own tests.
    pub(crate) tests: PathBuf,
    /// The log of its activations.
    pub(crate) activations: PathBuf,
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
