//! Git itself, through its command line: it makes every commit, tree and merge of the stand-in.

mod diff;
mod history;
mod merge;
mod object;
mod refs;
mod write;

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

pub(crate) use diff::{ChangedFile, FileStatus};
pub(crate) use merge::Merge;
pub(crate) use object::{Commit, Entry, FolderEntry, Kind, Person};
pub(crate) use refs::Moved;
pub use write::Change;
pub(crate) use write::NewCommit;

/// A failure of git.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// It did not start, or did not read its input.
    #[error("git could not be run: {0}")]
    Run(#[from] io::Error),
    /// It exited with an error.
    #[error("git {command} failed: {said}")]
    Failed {
        /// The arguments.
        command: String,
        /// Its error output.
        said: String,
    },
    /// Its output could not be parsed.
    #[error("unexpected output of git: {0}")]
    Unexpected(String),
}

/// A bare repository.
#[derive(Debug)]
pub(crate) struct Git {
    dir: PathBuf,
}

/// The output of git.
struct Said {
    code: Option<i32>,
    out: Vec<u8>,
    err: String,
}

impl Said {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.out).trim_end_matches('\n').to_owned()
    }
}

impl Git {
    /// Creates an empty bare repository, or opens the existing one.
    pub(crate) async fn init(dir: &Path, branch: &str) -> Result<Self, GitError> {
        let git = Self { dir: dir.to_owned() };
        if !dir.join("HEAD").exists() {
            std::fs::create_dir_all(dir)?;
            git.text(&["init", "--quiet", "--bare", &format!("--initial-branch={branch}"), "."]).await?;
            // Objects that no branch has must stay, as at GitHub.
            git.text(&["config", "gc.auto", "0"]).await?;
        }
        Ok(git)
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Runs git, whatever its exit code.
    async fn run(&self, args: &[&str], input: &[u8], env: &[(&str, &str)]) -> Result<Said, GitError> {
        let mut command = Command::new("git");
        command
            .current_dir(&self.dir)
            .args(args)
            .env("LC_ALL", "C")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env_remove("GIT_DIR")
            .env_remove("GIT_INDEX_FILE")
            .env_remove("GIT_WORK_TREE")
            .envs(env.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let stdin = child.stdin.take();
        let feed = async {
            if let Some(mut stdin) = stdin {
                // A program that needs no input may have exited by now.
                drop(stdin.write_all(input).await);
            }
        };
        let ((), output) = tokio::join!(feed, child.wait_with_output());
        let output = output?;
        let err = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Ok(Said { code: output.status.code(), out: output.stdout, err })
    }

    /// Runs git with input; it must succeed.
    async fn feed(&self, args: &[&str], input: &[u8], env: &[(&str, &str)]) -> Result<Said, GitError> {
        let said = self.run(args, input, env).await?;
        if said.code == Some(0) { Ok(said) } else { Err(failed(args, &said)) }
    }

    /// Runs git, which must succeed; returns its output without the final newline.
    async fn text(&self, args: &[&str]) -> Result<String, GitError> {
        Ok(self.feed(args, b"", &[]).await?.text())
    }

    /// Asks a question that git answers with its exit code, 0 or 1.
    async fn is(&self, args: &[&str]) -> Result<bool, GitError> {
        let said = self.run(args, b"", &[]).await?;
        match said.code {
            Some(0) => Ok(true),
            Some(1) => Ok(false),
            _ => Err(failed(args, &said)),
        }
    }
}

fn failed(args: &[&str], said: &Said) -> GitError {
    GitError::Failed { command: args.first().copied().unwrap_or_default().to_owned(), said: said.err.clone() }
}
