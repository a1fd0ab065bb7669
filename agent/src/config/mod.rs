//! The agent's configuration file, and its defaults.

mod commands;
mod defaults;
mod server_address;

use std::path::{Path, PathBuf};
use std::time::Duration;

use backstay_model::{Platform, wire::limits};
use serde::{Deserialize, Serialize};

pub use commands::Commands;
pub(crate) use server_address::{EXPOSED, is_exposed, socket_address};

/// The environment variable that may hold a join token.
pub const JOIN_TOKEN_VARIABLE: &str = "BACKSTAY_JOIN_TOKEN";

/// The configuration of an agent. `backstay-agent.example.toml` explains every key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The server's address: `https://…`; `http`, `ws` and `wss` are accepted too.
    pub server: String,
    /// The name of the host in the fleet.
    #[serde(default = "defaults::name")]
    pub name: String,
    /// The kind of system on the host.
    #[serde(default = "defaults::platform")]
    pub platform: Platform,
    /// The folder for the agent's token, its journal and test results.
    #[serde(default = "defaults::state_dir")]
    pub state_dir: PathBuf,
    /// A file with the join token, read until the host is enrolled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub join_token_file: Option<PathBuf>,
    /// Certificates in PEM form that may sign the server's, in addition to the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_certificate: Option<PathBuf>,
    /// Seconds between checks for changes on the host.
    #[serde(default = "defaults::watch_interval")]
    pub watch_interval: u64,
    /// Whether something else deploys the host. The agent then reports, tests and rolls back, needs no
    /// checkout, and refuses to pull or switch.
    #[serde(default)]
    pub observe: bool,
    /// The profile, and what runs of it.
    #[serde(default)]
    pub profile: ProfileConfig,
    /// The checkout of the configuration repository.
    #[serde(default)]
    pub checkout: CheckoutConfig,
    /// The host's own tests.
    #[serde(default)]
    pub tests: TestsConfig,
    /// The configuration that a switch builds.
    #[serde(default)]
    pub switch: SwitchConfig,
    /// Limits of activations.
    #[serde(default)]
    pub activation: ActivationConfig,
    /// The programs that the agent runs.
    #[serde(default)]
    pub commands: Commands,
}

/// The profile, and what runs of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProfileConfig {
    /// The profile whose generations are the host's. The default depends on the platform.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// The link to the running system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub running_system: Option<PathBuf>,
    /// The link to the booted system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub booted_system: Option<PathBuf>,
}

/// The checkout of the configuration repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CheckoutConfig {
    /// Its folder.
    pub path: PathBuf,
    /// The branch that it follows.
    pub branch: String,
}

/// The host's own tests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TestsConfig {
    /// Their folder.
    pub dir: PathBuf,
    /// The time limit of each test in seconds, unless one is set on the host's page.
    pub timeout: u64,
    /// Upper bound on the limit set there.
    pub max_timeout: u64,
    /// Days that results on generations that left the profile are kept.
    pub keep_days: u32,
}

/// The configuration that a switch builds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SwitchConfig {
    /// The configuration's name in the checkout's flake. By default the host's name; home-manager looks for
    /// `USER@HOST`, then `USER`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attribute: Option<String>,
    /// The complete flake reference, instead of checkout and attribute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flake: Option<String>,
}

/// Limits of activations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ActivationConfig {
    /// Lower bound on the time limit of a rollback or switch in seconds, whatever the server says.
    pub min_timeout: u64,
}

impl ActivationConfig {
    /// Lower bound on the time limit of a rollback or switch.
    pub(crate) fn min_timeout(&self) -> Duration {
        Duration::from_secs(self.min_timeout)
    }
}

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The file cannot be parsed.
    #[error("{}: {error}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and why.
        error: Box<toml::de::Error>,
    },
    /// A key has a value that cannot be used.
    #[error("the agent's configuration: {0}")]
    Invalid(String),
}

impl Config {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// [`ConfigError`] if it cannot be read, has an unknown key, or a value that cannot be used.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::Unreadable { path: path.to_owned(), error })?;
        let config: Self = toml::from_str(&text)
            .map_err(|error| ConfigError::Malformed { path: path.to_owned(), error: Box::new(error) })?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let invalid = |text: String| Err(ConfigError::Invalid(text));
        if !limits::is_host_name(&self.name) {
            return invalid(format!(
                "“{}” cannot name a host: letters, digits and hyphens, at most {}",
                self.name,
                limits::HOST_NAME_CHARS
            ));
        }
        if self.watch_interval == 0 || self.tests.timeout == 0 || self.tests.max_timeout == 0 {
            let keys = "watch_interval, tests.timeout and tests.max_timeout";
            return invalid(format!("{keys} must be whole seconds, at least 1"));
        }
        if let Some(name) = self.commands.empty() {
            return invalid(format!("commands.{name} is empty; name at least the program"));
        }
        // git would read such a branch as an option.
        if self.checkout.branch.is_empty() || self.checkout.branch.starts_with('-') {
            return invalid(format!("“{}” is not a branch name", self.checkout.branch));
        }
        let paths = [&self.profile.path, &self.profile.running_system];
        if self.platform == Platform::HomeManager
            && paths.iter().any(|path| path.is_none())
            && !defaults::has_home()
        {
            return invalid(
                "HOME is not set, so home-manager's profile cannot be found: run the agent as its user with HOME set, \
                 or set profile.path and profile.running_system"
                    .to_owned(),
            );
        }
        socket_address(&self.server).map_err(ConfigError::Invalid)?;
        Ok(())
    }

    /// The interval between checks for changes on the host.
    pub fn watch_interval(&self) -> Duration {
        Duration::from_secs(self.watch_interval)
    }

    /// The time limit of each test, given the limit that the server `set`, if any. This file bounds what
    /// people set.
    pub fn test_timeout(&self, set: Option<u64>) -> Duration {
        let set = set.map(|secs| secs.clamp(1, self.tests.max_timeout));
        Duration::from_secs(set.unwrap_or(self.tests.timeout))
    }

    /// The profile whose generations are the host's.
    pub fn profile_path(&self) -> PathBuf {
        self.profile.path.clone().unwrap_or_else(|| defaults::profile(self.platform))
    }

    /// The link to the running system.
    pub fn running_system(&self) -> PathBuf {
        self.profile.running_system.clone().unwrap_or_else(|| defaults::running_system(self.platform))
    }

    /// The link to the booted system, or `None` on a platform that does not boot by generation.
    pub fn booted_system(&self) -> Option<PathBuf> {
        let default = (self.platform == Platform::Nixos).then(|| PathBuf::from(defaults::BOOTED_SYSTEM));
        self.profile.booted_system.clone().or(default)
    }

    /// The flake reference that a switch builds.
    pub fn flake(&self) -> String {
        self.switch.flake.clone().unwrap_or_else(|| {
            let path = self.checkout.path.display();
            match (&self.switch.attribute, self.platform) {
                (Some(attribute), _) => format!("{path}#{attribute}"),
                // home-manager itself looks for USER@HOST, then USER.
                (None, Platform::HomeManager) => path.to_string(),
                (None, _) => format!("{path}#{}", self.name),
            }
        })
    }
}

#[cfg(test)]
mod tests;
