//! The programs that the agent runs, each as an argument vector. No shell is involved.

use serde::{Deserialize, Serialize};

/// A program and its first arguments.
type Argv = Vec<String>;

/// The programs that the agent runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Commands {
    /// Compares the packages of two builds.
    pub nix: Argv,
    /// Points a profile at one of its generations.
    pub nix_env: Argv,
    /// Switches NixOS. A rollback does not use it.
    pub nixos_rebuild: Argv,
    /// Switches nix-darwin, and rolls it back.
    pub darwin_rebuild: Argv,
    /// Switches home-manager.
    pub home_manager: Argv,
    /// Reads and pulls the checkout.
    pub git: Argv,
    /// Goes before what only root may run, if the agent is not root.
    pub sudo: Argv,
    /// Lists failed units and running activations; stops the latter.
    pub systemctl: Argv,
    /// Gives a runner a scope of its own, if the agent is a systemd service.
    pub systemd_run: Argv,
}

impl Default for Commands {
    fn default() -> Self {
        let argv = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        Self {
            nix: argv(&["nix"]),
            nix_env: argv(&["nix-env"]),
            nixos_rebuild: argv(&["nixos-rebuild"]),
            darwin_rebuild: argv(&["darwin-rebuild"]),
            home_manager: argv(&["home-manager"]),
            git: argv(&["git"]),
            sudo: argv(&["sudo", "--non-interactive"]),
            systemctl: argv(&["systemctl"]),
            systemd_run: argv(&["systemd-run"]),
        }
    }
}

impl Commands {
    /// Returns the name of a command without a program.
    pub(super) fn empty(&self) -> Option<&'static str> {
        let all = [
            ("nix", &self.nix),
            ("nix_env", &self.nix_env),
            ("nixos_rebuild", &self.nixos_rebuild),
            ("darwin_rebuild", &self.darwin_rebuild),
            ("home_manager", &self.home_manager),
            ("git", &self.git),
            ("sudo", &self.sudo),
            ("systemctl", &self.systemctl),
            ("systemd_run", &self.systemd_run),
        ];
        all.into_iter().find(|(_, argv)| argv.first().is_none_or(String::is_empty)).map(|(name, _)| name)
    }
}
