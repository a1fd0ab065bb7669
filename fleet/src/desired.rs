//! Reads the branch of the configuration repository by git, and therefore from any forge.
//!
//! A bare repository beside the database holds the branch's newest commit and nothing older. A fetch without news costs one round
//! trip.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use backstay_model::git::NON_INTERACTIVE;
use backstay_model::wire::limits::cut;
use backstay_model::{Commit, DesiredState};
use sha2::{Digest, Sha256};
use tokio::process::Command;

use crate::fleet::Fleet;
use crate::store::StoreError;
use crate::watch::unreadable;

/// Time limit for one run of git.
const GIT_TIMEOUT: Duration = Duration::from_mins(1);
/// The protocols that git may use: none that runs a command.
const PROTOCOLS: &str = "file:git:http:https:ssh";
/// Upper bound on the length of a reason, in bytes.
const REASON_BYTES: usize = 300;
/// The reference to the branch's head in the bare repository.
const HEAD: &str = "refs/backstay/desired";

/// A branch of a repository.
#[derive(Debug, Clone)]
pub struct Repository {
    /// The address for git.
    pub url: String,
    /// The branch that hosts follow.
    pub branch: String,
    /// The folder for the bare repository. Created if it is missing.
    pub folder: PathBuf,
}

/// The state of a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// Its head.
    pub commit: Commit,
    /// The tree of its head.
    pub tree: Commit,
    /// SHA-256 of its `flake.lock`, in lower-case hexadecimal, or `None` if there is no such file.
    pub lock_hash: Option<String>,
}

/// Why the branch could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Git could not be started.
    #[error("git could not be run: {0}")]
    NotRun(#[from] std::io::Error),
    /// Git took too long.
    #[error("git took longer than {}s", GIT_TIMEOUT.as_secs())]
    TimedOut,
    /// Git failed.
    #[error("git {command} failed: {said}")]
    Failed {
        /// Its subcommand.
        command: String,
        /// The reason that git wrote.
        said: String,
    },
}

impl Repository {
    /// Fetches and returns the state of the branch.
    ///
    /// # Errors
    /// [`ReadError`] if the repository cannot be reached or has no such branch.
    pub async fn read(&self) -> Result<Branch, ReadError> {
        if !self.folder.join("HEAD").exists() {
            tokio::fs::create_dir_all(&self.folder).await?;
            git(&self.folder, &["init", "--quiet", "--bare"]).await?;
        }
        let branch = format!("+refs/heads/{}:{HEAD}", self.branch);
        git(&self.folder, &["fetch", "--quiet", "--depth=1", "--no-tags", "--", &self.url, &branch]).await?;
        let commit = git(&self.folder, &["rev-parse", "--verify", HEAD]).await?;
        let lock = format!("{HEAD}:flake.lock");
        let has_lock = git(&self.folder, &["cat-file", "-e", &lock]).await.is_ok();
        let lock_hash = if has_lock {
            Some(format!("{:x}", Sha256::digest(git(&self.folder, &["cat-file", "blob", &lock]).await?)))
        } else {
            None
        };
        let tree = git(&self.folder, &["rev-parse", "--verify", &format!("{HEAD}^{{tree}}")]).await?;
        let name = |said: &[u8]| Commit(String::from_utf8_lossy(said).trim().to_owned());
        Ok(Branch { commit: name(&commit), tree: name(&tree), lock_hash })
    }
}

async fn git(folder: &Path, args: &[&str]) -> Result<Vec<u8>, ReadError> {
    let run = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(args)
        .envs(NON_INTERACTIVE)
        .env("GIT_ALLOW_PROTOCOL", PROTOCOLS)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(GIT_TIMEOUT, run).await.map_err(|_| ReadError::TimedOut)??;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(ReadError::Failed {
        command: args.first().copied().unwrap_or_default().to_owned(),
        said: reason(&String::from_utf8_lossy(&output.stderr)),
    })
}

/// Lines that only report the end of the other side. The line before contains the reason.
const NO_REASON: [&str; 2] =
    ["fatal: Could not read from remote repository", "fatal: the remote end hung up unexpectedly"];

/// Returns why git failed, without a full stop: its first error, or the line before if the error only reports the end of the other
/// side. The rest is advice.
fn reason(written: &str) -> String {
    let lines: Vec<_> = written.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let is_error = |line: &&str| line.starts_with("fatal: ") || line.starts_with("error: ");
    let at = lines.iter().position(is_error).unwrap_or(lines.len().saturating_sub(1));
    let is_empty_reason =
        lines.get(at).is_some_and(|line| NO_REASON.iter().any(|start| line.starts_with(start)));
    let at = if is_empty_reason { at.saturating_sub(1) } else { at };
    let line = lines.get(at).copied().unwrap_or("it gave no reason");
    let line = line.strip_prefix("fatal: ").or_else(|| line.strip_prefix("error: ")).unwrap_or(line);
    cut(line.trim_end_matches(['.', ':']), REASON_BYTES)
}

impl Fleet {
    /// Reads the branch and, if it changed, publishes how the hosts compare with it. An unreadable branch is a state too: the lights
    /// show it, and since when.
    ///
    /// # Errors
    /// [`StoreError`] if the hosts cannot be read.
    pub async fn read_desired(&self, repository: &Repository) -> Result<(), StoreError> {
        let now = self.clock.now();
        let next = match repository.read().await {
            Ok(Branch { commit, tree, lock_hash }) => {
                DesiredState::Known { commit, tree, lock_hash, read_at: now }
            }
            Err(error) => unreadable(&self.desired(), now, &format!("{error}.")),
        };
        if self.set_desired(next) {
            self.publish_all().await;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn commit(folder: &Path, lock: &str) {
        tokio::fs::write(folder.join("flake.lock"), lock).await.unwrap();
        git(folder, &["add", "."]).await.unwrap();
        let identity = ["-c", "user.name=t", "-c", "user.email=t@localhost"];
        git(folder, &[&identity[..], &["commit", "--quiet", "-m", "m"]].concat()).await.unwrap();
    }

    #[tokio::test]
    async fn follows_the_branch() {
        let dir = tempfile::tempdir().unwrap();
        let upstream = dir.path().join("upstream");
        tokio::fs::create_dir(&upstream).await.unwrap();
        git(&upstream, &["init", "--quiet", "--initial-branch=main"]).await.unwrap();
        commit(&upstream, "one").await;
        let repository = Repository {
            url: format!("file://{}", upstream.display()),
            branch: "main".into(),
            folder: dir.path().join("mirror.git"),
        };
        let first = repository.read().await.unwrap();
        assert_eq!(first.lock_hash.unwrap(), format!("{:x}", Sha256::digest("one")));
        commit(&upstream, "two").await;
        let second = repository.read().await.unwrap();
        assert_ne!(first.commit, second.commit);
        assert_ne!(first.tree, second.tree);
        assert_eq!(second.lock_hash.unwrap(), format!("{:x}", Sha256::digest("two")));
    }

    #[tokio::test]
    async fn says_why_it_cannot() {
        let dir = tempfile::tempdir().unwrap();
        let missing = Repository {
            url: format!("file://{}/nowhere", dir.path().display()),
            branch: "main".into(),
            folder: dir.path().join("mirror.git"),
        };
        assert!(matches!(missing.read().await, Err(ReadError::Failed { command, .. }) if command == "fetch"));
    }

    /// As git 2.39 and OpenSSH 9.2 write it.
    #[test]
    fn the_reason_is_what_went_wrong_and_not_the_advice_after_it() {
        let ssh = "git@github.com: Permission denied (publickey).\r\nfatal: Could not read from remote repository.\n\n\
                   Please make sure you have the correct access rights\nand the repository exists.\n";
        let owner = "fatal: detected dubious ownership in repository at '/srv/nixcfg'\n\
                     To add an exception for this directory, call:\n\n\tgit config --global --add safe.directory /srv/nixcfg\n";
        let gone = "fatal: '/srv/gone' does not appear to be a git repository\nfatal: Could not read from remote \
                    repository.\n\nPlease make sure you have the correct access rights\nand the repository exists.\n";
        let prompt = "fatal: could not read Username for 'https://github.com': terminal prompts disabled\n";
        for (written, said) in [
            (ssh, "git@github.com: Permission denied (publickey)"),
            (owner, "detected dubious ownership in repository at '/srv/nixcfg'"),
            (gone, "'/srv/gone' does not appear to be a git repository"),
            (prompt, "could not read Username for 'https://github.com': terminal prompts disabled"),
            ("fatal: couldn't find remote ref refs/heads/nope\n", "couldn't find remote ref refs/heads/nope"),
            ("fatal: Could not read from remote repository.\n", "Could not read from remote repository"),
            (
                "ssh: connect to host x port 22: Connection refused\n",
                "ssh: connect to host x port 22: Connection refused",
            ),
            ("", "it gave no reason"),
        ] {
            assert_eq!(reason(written), said);
        }
    }

    #[tokio::test]
    async fn a_repository_address_never_runs_a_command() {
        let dir = tempfile::tempdir().unwrap();
        let witness = dir.path().join("ran");
        let evil = Repository {
            url: format!("ext::touch {}", witness.display()),
            branch: "main".into(),
            folder: dir.path().join("mirror.git"),
        };
        assert!(evil.read().await.is_err());
        assert!(!witness.exists());
    }
}
