//! What the agent is told by its configuration file, and what it assumes where the file is silent.

mod commands;
mod defaults;
mod server_address;

use std::path::{Path, PathBuf};
use std::time::Duration;

use backstay_model::{Platform, wire::limits};
use serde::{Deserialize, Serialize};

pub use commands::Commands;
pub(crate) use server_address::socket_address;

/// The environment variable that a join token may come in.
pub const JOIN_TOKEN_VARIABLE: &str = "BACKSTAY_JOIN_TOKEN";

/// The configuration of an agent. `backstay-agent.example.toml` explains every key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the server is: `https://…`; `http`, `ws` and `wss` are taken too.
    pub server: String,
    /// The name of the host in the fleet.
    #[serde(default = "defaults::name")]
    pub name: String,
    /// What kind of system the host is.
    #[serde(default = "defaults::platform")]
    pub platform: Platform,
    /// The folder for the agent's token, its journal and the results of tests.
    #[serde(default = "defaults::state_dir")]
    pub state_dir: PathBuf,
    /// A file that holds the join token, looked at until the host is enrolled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub join_token_file: Option<PathBuf>,
    /// Certificates in PEM form that the server's may be signed by, beside those that the system trusts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_certificate: Option<PathBuf>,
    /// Every how many seconds the agent looks whether the host has changed.
    #[serde(default = "defaults::watch_interval")]
    pub watch_interval: u64,
    /// The profile and what runs of it.
    #[serde(default)]
    pub profile: ProfileConfig,
    /// The checkout of the configuration repository.
    #[serde(default)]
    pub checkout: CheckoutConfig,
    /// The host's own tests.
    #[serde(default)]
    pub tests: TestsConfig,
    /// What a switch builds.
    #[serde(default)]
    pub switch: SwitchConfig,
    /// How activations are bounded.
    #[serde(default)]
    pub activation: ActivationConfig,
    /// The programs that are run.
    #[serde(default)]
    pub commands: Commands,
}

/// The profile and what runs of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProfileConfig {
    /// The profile whose generations are the host's; found by platform where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// The link that points at what runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub running_system: Option<PathBuf>,
    /// The link that points at what was booted.
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
    /// The folder that they are in.
    pub dir: PathBuf,
    /// How many seconds each of them may take, where nothing is set for the host on its page.
    pub timeout: u64,
    /// The most seconds that may be set there.
    pub max_timeout: u64,
}

/// What a switch builds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SwitchConfig {
    /// The name of the configuration in the flake of the checkout; if it is not given, the host's name, or for home-manager
    /// what that looks for by itself: `USER@HOST`, then `USER`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attribute: Option<String>,
    /// The whole flake reference, in place of checkout and attribute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flake: Option<String>,
}

/// How activations are bounded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ActivationConfig {
    /// How many seconds a rollback or a switch has at least, whatever the server says.
    pub min_timeout: u64,
}

impl ActivationConfig {
    /// How long a rollback or a switch has at least.
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
    /// The file is not as it should be.
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
    /// [`ConfigError`] where it cannot be read, holds a key that is not known, or a value that cannot be used.
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
            return invalid(format!("{keys} are whole seconds, at least 1"));
        }
        if let Some(name) = self.commands.empty() {
            return invalid(format!("commands.{name} is empty: give at least the program"));
        }
        // A branch that looks like an option would be read as one by git.
        if self.checkout.branch.is_empty() || self.checkout.branch.starts_with('-') {
            return invalid(format!("“{}” cannot be a branch", self.checkout.branch));
        }
        let paths = [&self.profile.path, &self.profile.running_system];
        if self.platform == Platform::HomeManager
            && paths.iter().any(|path| path.is_none())
            && !defaults::has_home()
        {
            return invalid(
                "HOME is not set, so the profile of home-manager cannot be found: run the agent as its user with HOME set, \
                 or set profile.path and profile.running_system"
                    .to_owned(),
            );
        }
        socket_address(&self.server).map_err(ConfigError::Invalid)?;
        Ok(())
    }

    /// Every how long the agent looks whether the host has changed.
    pub fn watch_interval(&self) -> Duration {
        Duration::from_secs(self.watch_interval)
    }

    /// How long each test may take, where the server says `set` or nothing. What this file says bounds what people set.
    pub fn test_timeout(&self, set: Option<u64>) -> Duration {
        let set = set.map(|secs| secs.clamp(1, self.tests.max_timeout));
        Duration::from_secs(set.unwrap_or(self.tests.timeout))
    }

    /// The profile whose generations are the host's.
    pub fn profile_path(&self) -> PathBuf {
        self.profile.path.clone().unwrap_or_else(|| defaults::profile(self.platform))
    }

    /// The link that points at what runs.
    pub fn running_system(&self) -> PathBuf {
        self.profile.running_system.clone().unwrap_or_else(|| defaults::running_system(self.platform))
    }

    /// The link that points at what was booted; none where a platform does not boot by generation.
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
                // home-manager looks for USER@HOST, then USER, by itself.
                (None, Platform::HomeManager) => path.to_string(),
                (None, _) => format!("{path}#{}", self.name),
            }
        })
    }
}

#[cfg(test)]
mod tests;
