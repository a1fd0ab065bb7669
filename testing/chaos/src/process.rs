//! Processes that are killed and come back.

use std::fs::File;
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

/// The command that starts a process, each time.
#[derive(Debug, Clone)]
pub(crate) struct Recipe {
    pub(crate) argv: Vec<String>,
    pub(crate) variables: Vec<(String, String)>,
    /// Receives standard output and standard error.
    pub(crate) log: PathBuf,
    /// Receives the ID of the process.
    pub(crate) pid_file: PathBuf,
}

/// A process that is started again after it has died.
pub(crate) struct Process {
    recipe: Recipe,
    child: Child,
}

impl Process {
    pub(crate) fn start(recipe: Recipe) -> Result<Self> {
        let child = recipe.spawn()?;
        Ok(Self { recipe, child })
    }

    /// Like `kill -9`. It stays dead until [`Self::revive`].
    pub(crate) async fn kill(&mut self) -> Result<()> {
        // It may have died on its own a moment ago.
        let _ = self.child.start_kill();
        self.child.wait().await?;
        Ok(())
    }

    /// Like a service manager: sends SIGTERM and waits for the end.
    pub(crate) async fn stop(&mut self) -> Result<()> {
        if let Some(pid) = self.child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?)) {
            let _ = kill_process(pid, Signal::TERM);
        }
        self.child.wait().await?;
        Ok(())
    }

    /// Starts it again if it is dead. Returns whether it was.
    pub(crate) fn revive(&mut self) -> Result<bool> {
        if self.child.try_wait()?.is_none() {
            return Ok(false);
        }
        self.child = self.recipe.spawn()?;
        Ok(true)
    }
}

impl Recipe {
    fn spawn(&self) -> Result<Child> {
        let log = File::options().create(true).append(true).open(&self.log)?;
        let (program, arguments) = self.argv.split_first().context("no program is given")?;
        let child = Command::new(program)
            .args(arguments)
            // Not a systemd service, whatever started this program.
            .env_remove("INVOCATION_ID")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {program}"))?;
        let pid = child.id().context("it is dead already")?;
        std::fs::write(&self.pid_file, pid.to_string())?;
        Ok(child)
    }
}
