//! The configuration repository of a world. Its branch moves on, and all of its commits hold the same files:
//! each of the host's two builds counts as a build of any checked-out commit.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use tokio::process::Command;

use crate::world::read;

/// A repository with a branch `main`.
pub(crate) struct Upstream {
    folder: PathBuf,
}

impl Upstream {
    /// Creates one in a folder.
    pub(crate) async fn create(folder: PathBuf) -> Result<Self> {
        fs::create_dir(&folder)?;
        fs::write(folder.join("flake.nix"), "{ outputs = _: { }; }\n")?;
        fs::write(
            folder.join("flake.lock"),
            "{ \"nodes\": { \"root\": {} }, \"root\": \"root\", \"version\": 7 }\n",
        )?;
        let upstream = Self { folder };
        upstream.git(&["init", "--quiet", "--initial-branch=main"]).await?;
        upstream.git(&["add", "--all"]).await?;
        Ok(upstream)
    }

    /// Makes a commit, and returns its name.
    pub(crate) async fn commit(&self, message: &str) -> Result<String> {
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]).await?;
        self.git(&["rev-parse", "HEAD"]).await
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    async fn git(&self, words: &[&str]) -> Result<String> {
        read(git(&self.folder).args(words)).await
    }
}

/// The commit of a checkout.
pub(crate) async fn head(checkout: &Path) -> Result<String> {
    read(git(checkout).args(["rev-parse", "HEAD"])).await
}

/// git without the user's settings.
fn git(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
    for role in ["AUTHOR", "COMMITTER"] {
        command
            .env(format!("GIT_{role}_NAME"), "Chaos")
            .env(format!("GIT_{role}_EMAIL"), "chaos@example.org");
    }
    command
}
