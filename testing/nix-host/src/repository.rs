//! The configuration repository: a bare upstream, and clones of it on the hosts.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use serde_json::{Value, json};

use crate::command::read;

/// A bare repository with the configuration of all hosts on its branch `main`.
pub struct Upstream {
    bare: PathBuf,
    /// A clone in which commits are made.
    work: PathBuf,
    /// Its creation time, from which ages count.
    made: SystemTime,
}

impl Upstream {
    /// Creates an empty upstream in a folder.
    pub fn create(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let folder = folder.canonicalize()?;
        let upstream =
            Self { bare: folder.join("nixcfg.git"), work: folder.join("work"), made: SystemTime::now() };
        read(git(&folder).args(["init", "--quiet", "--bare", "--initial-branch=main"]).arg(&upstream.bare))?;
        read(git(&folder).args(["init", "--quiet", "--initial-branch=main"]).arg(&upstream.work))?;
        // The commits of a pull request must stay, whatever happens to its branch.
        read(git(&upstream.bare).args(["config", "gc.auto", "0"]))?;
        read(git(&upstream.work).args(["remote", "add", "origin"]).arg(&upstream.bare))?;
        Ok(upstream)
    }

    /// The path to clone it from.
    pub fn url(&self) -> &Path {
        &self.bare
    }

    /// Commits a flake with these inputs, and returns the commit.
    pub fn commit(&self, message: &str, pins: &Pins, age: Duration) -> Result<String> {
        fs::write(self.work.join("flake.nix"), flake(message))?;
        fs::write(self.work.join("flake.lock"), self.lock_file(pins)?)?;
        read(git(&self.work).args(["add", "--all"]))?;
        let date = format!("@{} +0000", self.seconds(age)?);
        let mut commit = git(&self.work);
        commit.args(["commit", "--quiet", "--allow-empty", "--message", message]);
        read(commit.env("GIT_AUTHOR_DATE", &date).env("GIT_COMMITTER_DATE", &date))?;
        read(git(&self.work).args(["push", "--quiet", "origin", "main"]))?;
        Ok(read(git(&self.work).args(["rev-parse", "HEAD"]))?.trim().to_owned())
    }
    /// The lock file with these inputs, as Nix writes it.
    pub fn lock_file(&self, pins: &Pins) -> Result<String> {
        let node = |owner: &str, repo: &str, branch: &str, pin: Pin| -> Result<Value> {
            let modified = self.seconds(Duration::from_mins(pin.age_minutes))?;
            Ok(json!({
                "locked": {
                    "lastModified": modified, "owner": owner, "repo": repo, "rev": pin.revision, "type": "github",
                },
                "original": { "owner": owner, "ref": branch, "repo": repo, "type": "github" },
            }))
        };
        let mut home_manager = node("nix-community", "home-manager", "release-25.11", pins.home_manager)?;
        home_manager["inputs"] = json!({ "nixpkgs": ["nixpkgs"] });
        let nodes = json!({
            "home-manager": home_manager,
            "nixpkgs": node("NixOS", "nixpkgs", "nixos-25.11", pins.nixpkgs)?,
            "root": { "inputs": { "home-manager": "home-manager", "nixpkgs": "nixpkgs" } },
        });
        Ok(serde_json::to_string_pretty(&json!({ "nodes": nodes, "root": "root", "version": 7 }))? + "\n")
    }

    /// The time `age` before its creation, in seconds since the epoch.
    fn seconds(&self, age: Duration) -> Result<u64> {
        Ok((self.made - age).duration_since(UNIX_EPOCH)?.as_secs())
    }
}

/// The pins of a `flake.lock`.
#[derive(Debug, Clone, Copy)]
pub struct Pins {
    /// The pin of nixpkgs.
    pub nixpkgs: Pin,
    /// The pin of home-manager.
    pub home_manager: Pin,
}

/// The pin of an input.
#[derive(Debug, Clone, Copy)]
pub struct Pin {
    /// A commit.
    pub revision: &'static str,
    /// Its age in minutes.
    pub age_minutes: u64,
}

/// Clones an upstream for a host, with `main` at this commit.
pub(crate) fn clone(upstream: &Path, commit: &str, into: &Path) -> Result<()> {
    read(git(Path::new("/")).args(["clone", "--quiet"]).arg(upstream).arg(into))?;
    read(git(into).args(["reset", "--quiet", "--hard", commit])).map(drop)
}

/// git without the user's settings.
fn git(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
    for role in ["AUTHOR", "COMMITTER"] {
        command
            .env(format!("GIT_{role}_NAME"), "Fleet")
            .env(format!("GIT_{role}_EMAIL"), "fleet@example.org");
    }
    command
}

fn flake(message: &str) -> String {
    format!(
        "# {message}\n{{\n  inputs = {{\n    nixpkgs.url = \"github:NixOS/nixpkgs/nixos-25.11\";\n    \
         home-manager.url = \"github:nix-community/home-manager/release-25.11\";\n    \
         home-manager.inputs.nixpkgs.follows = \"nixpkgs\";\n  }};\n  outputs = _: {{ }};\n}}\n"
    )
}
