//! The agent's configuration file, and its defaults.

mod commands;
mod defaults;
mod server_address;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use backstay_model::{Platform, wire::limits};
use http::Uri;
use serde::{Deserialize, Serialize};

use crate::host_tests;

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
    /// Whether the host has the basic tests, which need no program.
    pub basic: bool,
    /// The basic tests that it does not have.
    pub leave_out: Vec<String>,
    /// More tests that need no program, by name.
    pub probes: BTreeMap<String, ProbeConfig>,
    /// The time limit of each test in seconds, unless one is set on the host's page.
    pub timeout: u64,
    /// Upper bound on the limit set there.
    pub max_timeout: u64,
    /// Days that results on generations that left the profile are kept.
    pub keep_days: u32,
}

/// A test that needs no program of its own. Exactly one of `unit`, `tcp`, `http`, `file` and `command` is set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProbeConfig {
    /// A unit of systemd that must be active.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// A host and port that must accept connections: `localhost:5432`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tcp: Option<String>,
    /// The address of a web service that must answer: `http://localhost/health`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<String>,
    /// With `http`: the status of the answer. By default any from 200 to 299.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// With `http`: a text that the answer must contain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// A file that must exist.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// A program and its arguments, which must exit with 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
}

impl ProbeConfig {
    /// Returns what is wrong with it, if anything.
    fn fault(&self) -> Option<&'static str> {
        let set = [
            self.unit.is_some(),
            self.tcp.is_some(),
            self.http.is_some(),
            self.file.is_some(),
            self.command.is_some(),
        ];
        if set.into_iter().filter(|is_set| *is_set).count() != 1 {
            return Some("needs exactly one of unit, tcp, http, file and command");
        }
        if self.http.is_none() && (self.status.is_some() || self.body.is_some()) {
            return Some("has no http, whose answer status and body are about");
        }
        if self.http.as_ref().is_some_and(|url| !is_web_address(url)) {
            return Some("needs an address without a password, as in http://localhost/health");
        }
        if self.tcp.as_ref().is_some_and(|address| !has_port(address)) {
            return Some("needs a host and a port, as in localhost:5432");
        }
        let names_nothing = |argv: &Vec<String>| argv.first().is_none_or(String::is_empty);
        self.command.as_ref().is_some_and(names_nothing).then_some("names no program")
    }
}

fn is_web_address(url: &str) -> bool {
    let Ok(url) = url.parse::<Uri>() else { return false };
    let is_web = matches!(url.scheme_str(), Some("http" | "https"));
    is_web && url.authority().is_some_and(|authority| !authority.as_str().contains('@'))
}

fn has_port(address: &str) -> bool {
    address.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
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

impl TestsConfig {
    /// Returns what is wrong with the tests that need no program, if anything.
    fn fault(&self) -> Option<String> {
        let basic = host_tests::NAMES;
        if let Some(name) = self.leave_out.iter().find(|name| !basic.contains(&name.as_str())) {
            return Some(format!(
                "tests.leave_out: there is no basic test “{name}”, only {}",
                basic.join(", ")
            ));
        }
        self.probes.iter().find_map(|(name, probe)| {
            let is_name = !name.is_empty()
                && name.len() <= limits::TEST_NAME_BYTES
                && !name.starts_with('.')
                && !name.contains(['/', '\n']);
            let fault = if is_name { probe.fault()? } else { "cannot name a test" };
            Some(format!("tests.probes: “{name}” {fault}"))
        })
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
        Self::parse(&text, path)
    }

    /// Reads a configuration that is or will be in this file.
    pub(crate) fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let config: Self = toml::from_str(text)
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
        self.tests.fault().map_or(Ok(()), invalid)?;
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
