//! The agent of a world: a child process of this program, or a unit of a systemd that was booted for it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use backstay_guest::{Guest, Network, Options};
use tokio::process::Command;
use tokio::time::Instant;

use crate::process::{Process, Recipe};

/// The shipped unit file.
const UNIT: &str = include_str!("../../../agent/systemd/backstay-agent.service");
/// Its name.
pub(crate) const NAME: &str = "backstay-agent.service";
/// The units of ops.
const OPS: &str = "backstay-op*";
/// Interval between checks of a unit. Each takes a process.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Time limit for a request to systemd.
const PATIENCE: Duration = Duration::from_mins(1);
/// Pause before the next attempt.
const PAUSE: Duration = Duration::from_millis(200);

/// The agent of a world.
pub(crate) enum Agent {
    Process(Box<Process>),
    Unit(Unit),
}

/// A unit of a guest.
pub(crate) struct Unit {
    guest: Guest,
    looked: Instant,
}

impl Agent {
    /// Like `kill -9`. A process stays dead until [`Self::revive`]; systemd restarts a unit.
    pub(crate) async fn kill(&mut self) -> Result<()> {
        match self {
            Self::Process(process) => process.kill().await,
            // It may or may not be running at this moment.
            Self::Unit(unit) => unit.try_systemctl(&["kill", "--signal=KILL", NAME]).await.map(drop),
        }
    }

    /// Stops it for a while, as if the host were off.
    pub(crate) async fn take_away(&mut self) -> Result<()> {
        match self {
            Self::Process(process) => process.kill().await,
            // A killed unit would be restarted immediately.
            Self::Unit(_) => self.stop().await,
        }
    }

    /// Stops it like a person or a service manager. It stays down until [`Self::revive`].
    pub(crate) async fn stop(&mut self) -> Result<()> {
        match self {
            Self::Process(process) => process.stop().await,
            Self::Unit(unit) => unit.systemctl(&["stop", NAME]).await,
        }
    }

    /// Starts it again if it is dead.
    pub(crate) async fn revive(&mut self) -> Result<()> {
        match self {
            Self::Process(process) => process.revive().map(drop),
            Self::Unit(unit) => unit.revive().await,
        }
    }

    /// Restarts it like an administrator.
    pub(crate) async fn restart(&mut self) -> Result<()> {
        self.unit()?.systemctl(&["restart", NAME]).await
    }

    /// Has systemd re-execute itself and reload its units.
    pub(crate) async fn reexec(&mut self) -> Result<()> {
        let unit = self.unit()?;
        unit.systemctl(&["daemon-reexec"]).await?;
        unit.systemctl(&["daemon-reload"]).await
    }

    /// Kills every process of the running op, like somebody who mistakes its unit for a stray.
    pub(crate) async fn lose_op(&mut self) -> Result<()> {
        self.unit()?.try_systemctl(&["kill", "--signal=KILL", OPS]).await.map(drop)
    }

    fn unit(&mut self) -> Result<&mut Unit> {
        match self {
            Self::Unit(unit) => Ok(unit),
            Self::Process(_) => bail!("there is no systemd here"),
        }
    }
}

impl Unit {
    /// Boots a guest that has the world's folders and shares the machine's network, and starts the agent in
    /// it.
    pub(crate) async fn start(recipe: &Recipe, folders: &[&Path]) -> Result<Self> {
        let (program, _) = recipe.argv.split_first().context("no program is given")?;
        let shared = folders.iter().map(|folder| folder.to_path_buf()).chain([PathBuf::from(program)]);
        let binds = shared.map(|path| (path.clone(), path)).collect();
        let options = Options { binds, network: Network::Machine };
        let guest = tokio::task::spawn_blocking(move || Guest::boot(&options)).await??;
        guest.write(&format!("/etc/systemd/system/{NAME}"), UNIT, 0o644)?;
        guest.write(&format!("/etc/systemd/system/{NAME}.d/chaos.conf"), &drop_in(recipe), 0o644)?;
        let unit = Self { guest, looked: Instant::now() };
        unit.systemctl(&["daemon-reload"]).await?;
        unit.systemctl(&["start", NAME]).await?;
        Ok(unit)
    }

    async fn revive(&mut self) -> Result<()> {
        if self.looked.elapsed() < LOOK_EVERY {
            return Ok(());
        }
        self.looked = Instant::now();
        // There is nothing to do if it is running or systemd itself is just restarting.
        self.try_systemctl(&["start", "--no-block", NAME]).await.map(drop)
    }

    /// Retries if systemd refuses: the op may just be making it re-execute itself.
    async fn systemctl(&self, words: &[&str]) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        loop {
            let output = self.try_systemctl(words).await?;
            if output.status.success() {
                return Ok(());
            }
            if Instant::now() >= end {
                let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
                bail!("`systemctl {}` ended with {}: {said}", words.join(" "), output.status);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn try_systemctl(&self, words: &[&str]) -> Result<std::process::Output> {
        let mut command = Command::from(self.guest.command("systemctl"));
        let ended = tokio::time::timeout(PATIENCE, command.args(words).kill_on_drop(true).output());
        Ok(ended.await.with_context(|| format!("`systemctl {}` does not end", words.join(" ")))??)
    }
}

/// The drop-in that makes the unit this world's agent: its program, its environment, and no long pauses.
fn drop_in(recipe: &Recipe) -> String {
    let quoted =
        |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%"));
    let argv: Vec<_> = recipe.argv.iter().map(|word| quoted(word)).collect();
    let mut lines = vec![
        "[Service]\nExecStart=".to_owned(),
        format!("ExecStart={}", argv.join(" ")),
        "RestartSec=200ms".to_owned(),
        format!("StandardOutput=append:{}", recipe.log.display()),
        format!("StandardError=append:{}", recipe.log.display()),
    ];
    let variables = recipe.variables.iter().map(|(name, value)| quoted(&format!("{name}={value}")));
    lines.extend(variables.map(|variable| format!("Environment={variable}")));
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drop_in_says_program_and_environment_whatever_they_hold() {
        let recipe = Recipe {
            argv: vec!["/a b/agent".into(), "run".into()],
            variables: vec![("PATH".into(), "/x:/50%".into())],
            log: "/log".into(),
            pid_file: "/pid".into(),
        };
        let text = drop_in(&recipe);
        assert!(text.contains("ExecStart=\nExecStart=\"/a b/agent\" \"run\"\n"), "{text}");
        assert!(text.contains("Environment=\"PATH=/x:/50%%\"\n"), "{text}");
    }
}
