//! Starts runners, and speaks for those that could not be started.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use backstay_protocol::Clock;
use backstay_protocol::message::Outcome;
use tokio::process::Command;

use crate::config::{Config, JOIN_TOKEN_VARIABLE};
use crate::facts::units::SYSTEMD;
use crate::journal::{Entry, ended_without_runner};

/// How long to wait before an op is tried again that can be neither begun nor called off.
const PAUSE: Duration = Duration::from_secs(2);

/// Starts runners.
#[derive(Clone)]
pub(crate) struct Runners {
    program: PathBuf,
    systemd_run: Option<Vec<String>>,
    clock: Arc<dyn Clock>,
}

impl Runners {
    pub(crate) fn new(config: &Config, clock: Arc<dyn Clock>) -> Result<Self> {
        let program = std::env::current_exe().context("where this program is, is not known")?;
        let has_systemd = Path::new(SYSTEMD).exists() && rustix::process::geteuid().is_root();
        let systemd_run = has_systemd.then(|| config.commands.systemd_run.clone());
        Ok(Self { program, systemd_run, clock })
    }

    /// Starts a runner for an op, and sees to it that the op ends even if none can be started.
    pub(crate) fn start(&self, entry: Entry) {
        let runners = self.clone();
        tokio::spawn(async move { runners.see_through(&entry).await });
    }

    /// Until the op has begun or is called off: a disk that takes no writes may be mended.
    async fn see_through(&self, entry: &Entry) {
        while entry.folder().exists() && !self.begin_or_call_off(entry).await {
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn begin_or_call_off(&self, entry: &Entry) -> bool {
        for argv in self.ways(entry) {
            match run(&argv, entry).await {
                _ if entry.has_begun() => return true,
                Ok(()) => tracing::warn!(op = %entry.op(), "“{}” did not begin the op", argv.join(" ")),
                Err(error) => tracing::warn!(op = %entry.op(), %error, "“{}” failed", argv.join(" ")),
            }
        }
        let message = "No runner could begin it. Nothing was changed. See the agent's log on the host, and whether its \
                       disk is full.";
        match self.call_off(entry, Outcome::Refused, message) {
            // Somebody who looks at the lock may have held it for an instant.
            Ok(()) => entry.has_begun(),
            Err(error) => {
                tracing::error!(op = %entry.op(), %error, "the op can be neither begun nor called off");
                false
            }
        }
    }

    /// How a runner can be started, the best way first. In a unit of its own it is not stopped with the agent's.
    fn ways(&self, entry: &Entry) -> Vec<Vec<String>> {
        let path = |path: &Path| path.to_string_lossy().into_owned();
        let plain = vec![path(&self.program), "run-op".to_owned(), path(entry.folder())];
        let unit = self.systemd_run.as_ref().map(|systemd_run| {
            let name = format!("--unit=backstay-op-{}", entry.op());
            let words = ["--scope", "--quiet", "--collect", &name, "--"].map(str::to_owned);
            systemd_run.iter().cloned().chain(words).chain(plain.iter().cloned()).collect()
        });
        unit.into_iter().chain([plain]).collect()
    }

    /// Ends an op that no runner has begun, so that none ever will. Does nothing where one has.
    pub(crate) fn call_off(&self, entry: &Entry, outcome: Outcome, message: &str) -> io::Result<()> {
        let Some(_lock) = entry.lock()? else { return Ok(()) };
        if entry.has_begun() {
            return Ok(());
        }
        entry.end(&ended_without_runner(entry, self.clock.now(), outcome, message))
    }
}

/// Starts a runner and waits for its end. It does not end with this process.
async fn run(argv: &[String], entry: &Entry) -> io::Result<()> {
    let open = || OpenOptions::new().create(true).append(true).open(entry.log());
    let log = || open().map_or_else(|_| Stdio::null(), Stdio::from);
    let mut child = Command::new(&argv[0])
        .args(&argv[1..])
        .env_remove(JOIN_TOKEN_VARIABLE)
        .stdin(Stdio::null())
        .stdout(log())
        .stderr(log())
        .kill_on_drop(false)
        .spawn()?;
    child.wait().await.map(drop)
}

#[cfg(test)]
mod tests {
    use backstay_protocol::{OpAction, OpId, SystemClock};

    use super::*;
    use crate::journal::{Journal, OpFile, Standing};

    fn runners(systemd: bool) -> Runners {
        Runners {
            program: "/no/such/agent".into(),
            systemd_run: systemd.then(|| vec!["no-such-systemd-run".into()]),
            clock: Arc::new(SystemClock),
        }
    }

    fn entry(state: &Path) -> Entry {
        let file = OpFile {
            op: OpId::new(),
            action: OpAction::Refresh,
            timeout_secs: 60,
            test_timeout_secs: None,
            accepted_at: SystemClock.now(),
            config: serde_json::Value::Null,
        };
        Journal::open(state).unwrap().add(file, false).unwrap()
    }

    #[test]
    fn a_unit_of_its_own_is_tried_first() {
        let state = tempfile::tempdir().unwrap();
        let entry = entry(state.path());
        let ways = runners(true).ways(&entry);
        assert_eq!(ways.len(), 2);
        assert_eq!(ways[0][..3], ["no-such-systemd-run", "--scope", "--quiet"]);
        assert!(ways[0].ends_with(&ways[1]));
        assert_eq!(runners(false).ways(&entry).len(), 1);
    }

    #[tokio::test]
    async fn what_can_be_neither_begun_nor_called_off_is_tried_again() {
        let state = tempfile::tempdir().unwrap();
        let entry = entry(state.path());
        // Somebody looks at the lock.
        let lock = entry.lock().unwrap();
        assert!(!runners(false).begin_or_call_off(&entry).await);
        drop(lock);
        // The disk does not take the end.
        let in_the_way = entry.folder().join(".result.json.new");
        std::fs::create_dir(&in_the_way).unwrap();
        assert!(!runners(false).begin_or_call_off(&entry).await);
        assert_eq!(entry.standing().unwrap(), Standing::NotBegun);
        std::fs::remove_dir(in_the_way).unwrap();
        assert!(runners(false).begin_or_call_off(&entry).await);
        assert!(matches!(entry.standing().unwrap(), Standing::Ended(_)));
    }

    #[tokio::test]
    async fn an_op_whose_runner_cannot_be_started_is_called_off() {
        let state = tempfile::tempdir().unwrap();
        let entry = entry(state.path());
        runners(true).see_through(&entry).await;
        let Standing::Ended(result) = entry.standing().unwrap() else { panic!() };
        assert_eq!(result.outcome, Outcome::Refused);
        assert!(result.message.contains("Nothing was changed"));
        assert!(entry.has_begun(), "a runner that comes late would begin it");
    }
}
