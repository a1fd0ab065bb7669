//! Starts runners, and ends ops whose runner could not be started.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use backstay_model::{Clock, Outcome};
use tokio::process::Command;

use crate::config::{Config, JOIN_TOKEN_VARIABLE};
use crate::journal::{Entry, ended_without_runner};
use crate::runner;
use crate::scope::Scopes;
use crate::unit::{Manager, Unit};

/// Pause before another attempt at an op that can be neither begun nor ended.
const PAUSE: Duration = Duration::from_secs(2);
/// How long to keep requesting a scope from a systemd that does not respond, for example while it re-executes
/// itself.
const SCOPE_PATIENCE: Duration = Duration::from_secs(30);
/// Pause between two such attempts.
const SCOPE_PAUSE: Duration = Duration::from_millis(300);

/// Starts runners.
#[derive(Clone)]
pub(crate) struct Launcher {
    program: PathBuf,
    scopes: Scopes,
    /// How long to keep requesting a scope.
    scope_patience: Duration,
    clock: Arc<dyn Clock>,
}

impl Launcher {
    pub(crate) fn new(config: &Config, clock: Arc<dyn Clock>) -> Result<Self> {
        Ok(Self {
            program: std::env::current_exe().context("the path of this program is unknown")?,
            scopes: Scopes::of_this_process(config),
            scope_patience: SCOPE_PATIENCE,
            clock,
        })
    }

    /// Starts a runner for an op, and ends the op if none can be started.
    pub(crate) fn start(&self, entry: Entry) {
        let launcher = self.clone();
        tokio::spawn(async move { launcher.begin_with_retries(&entry).await });
    }

    /// Retries until the op has begun or ended: a disk that takes no writes may be repaired.
    async fn begin_with_retries(&self, entry: &Entry) {
        while entry.folder().exists() && !self.begin_or_abort(entry).await {
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn begin_or_abort(&self, entry: &Entry) -> bool {
        let runner = self.runner(entry);
        for scope in self.scopes.for_op(entry) {
            let detached = vec![runner::DETACH.to_owned()];
            if self.begins_in_scope(&[scope, runner.clone(), detached].concat(), entry).await {
                return true;
            }
        }
        if let Some(danger) = self.scopes.danger(entry).await {
            return self.refuse(entry, &danger);
        }
        if begins(&runner, entry).await {
            return true;
        }
        let message = "No runner could be started. Nothing was changed. See the agent's log on the host, and check \
                       whether its disk is full.";
        self.refuse(entry, message)
    }

    /// Starts a runner in a scope. Returns whether it has begun the op. A refusal counts only from a systemd
    /// that responds before and after the attempt: one that re-executes itself is silent for a moment.
    async fn begins_in_scope(&self, argv: &[String], entry: &Entry) -> bool {
        let end = Instant::now() + self.scope_patience;
        let mut answered = false;
        loop {
            if begins(argv, entry).await {
                return true;
            }
            let answers = self.scopes.kill_mode().await.is_some_and(|mode| mode.is_ok());
            if (answered && answers) || Instant::now() >= end || !entry.folder().exists() {
                return false;
            }
            answered = answers;
            tokio::time::sleep(SCOPE_PAUSE).await;
        }
    }

    /// Ends an op as not begun. Returns whether that is on disk.
    fn refuse(&self, entry: &Entry, message: &str) -> bool {
        match self.abort(entry, Outcome::Refused, message) {
            // A process that checks the lock may have held it for an instant.
            Ok(()) => entry.has_begun(),
            Err(error) => {
                tracing::error!(op = %entry.op(), %error, "the op can be neither begun nor ended");
                false
            }
        }
    }

    /// The runner's command line.
    fn runner(&self, entry: &Entry) -> Vec<String> {
        let path = |path: &Path| path.to_string_lossy().into_owned();
        let mut argv = vec![path(&self.program), "run-op".to_owned(), path(entry.folder())];
        if let Some(Unit { name, manager }) = self.scopes.unit() {
            let manager = match manager {
                Manager::System => "system",
                Manager::User => "user",
            };
            argv.extend([format!("--unit={name}"), format!("--manager={manager}")]);
        }
        argv
    }

    /// Whether the host is shutting down, as far as is known. systemd then ends runners and this agent in any
    /// order.
    pub(crate) fn is_going_down(&self) -> bool {
        self.scopes.is_going_down()
    }

    /// Ends an op that no runner has begun, so that none ever will. Does nothing if one has.
    pub(crate) fn abort(&self, entry: &Entry, outcome: Outcome, message: &str) -> io::Result<()> {
        let Some(_lock) = entry.lock()? else { return Ok(()) };
        if entry.has_begun() {
            return Ok(());
        }
        entry.end(&ended_without_runner(entry, self.clock.now(), outcome, message))
    }
}

/// Starts a runner and waits for its end. Returns whether it has begun the op.
async fn begins(argv: &[String], entry: &Entry) -> bool {
    let ran = run(argv, entry).await;
    let has_begun = entry.has_begun();
    match ran {
        _ if has_begun => {}
        Ok(()) => tracing::warn!(op = %entry.op(), "“{}” did not begin the op", argv.join(" ")),
        Err(error) => tracing::warn!(op = %entry.op(), %error, "“{}” failed", argv.join(" ")),
    }
    has_begun
}

/// Starts a runner and waits for its end, or until it has detached itself. It does not end with this process.
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
    use backstay_model::{OpAction, SystemClock};

    use super::*;
    use crate::config::Commands;
    use crate::journal::EntryStatus;
    use crate::scope::tests::{entry_of, scopes};

    /// A launcher whose unit belongs to this systemd, or which is no service.
    fn runners(manager: Option<Manager>) -> Launcher {
        with(scopes(manager), Duration::ZERO)
    }

    fn with(scopes: Scopes, scope_patience: Duration) -> Launcher {
        Launcher { program: "/no/such/agent".into(), scopes, scope_patience, clock: Arc::new(SystemClock) }
    }

    fn entry(state: &Path) -> Entry {
        entry_of(state, OpAction::Refresh)
    }

    #[tokio::test]
    async fn an_activation_without_a_scope_is_refused_if_stopping_the_agent_may_end_it() {
        let state = tempfile::tempdir().unwrap();
        let entry = entry_of(state.path(), OpAction::Switch);
        assert!(runners(Some(Manager::System)).begin_or_abort(&entry).await);
        let EntryStatus::Ended(result) = entry.status().unwrap() else { panic!() };
        assert_eq!(result.outcome, Outcome::Refused);
        for words in ["Nothing was changed", "Set KillMode=process in agent.service"] {
            assert!(result.message.contains(words), "{}", result.message);
        }
    }

    /// A patient launcher whose `systemctl` and `systemd-run` do this.
    fn with_systemd(folder: &Path, systemctl: &str, systemd_run: &str) -> Launcher {
        let argv = |name: &str, does: &str| {
            let script = format!("cd '{}'; echo >>{name}; {does}", folder.display());
            ["sh", "-c", &script].map(str::to_owned).to_vec()
        };
        let commands = Commands {
            systemctl: argv("systemctl", systemctl),
            systemd_run: argv("systemd-run", systemd_run),
            ..Commands::default()
        };
        let mut scopes = scopes(Some(Manager::System));
        scopes.commands = commands;
        with(scopes, SCOPE_PATIENCE)
    }

    /// The number of calls of such a program.
    fn calls(folder: &Path, name: &str) -> usize {
        std::fs::read_to_string(folder.join(name)).unwrap_or_default().lines().count()
    }

    /// Seen: during `daemon-reexec` of systemd 252 both programs report that the transport endpoint is not
    /// connected.
    #[tokio::test]
    async fn a_scope_is_requested_until_a_re_executing_systemd_answers() {
        let state = tempfile::tempdir().unwrap();
        let entry = entry_of(state.path(), OpAction::Switch);
        let begins = format!("[ $(wc -l <systemd-run) -ge 4 ] && : >'{}/begun'", entry.folder().display());
        let runners =
            with_systemd(state.path(), "[ $(wc -l <systemctl) -ge 3 ] && echo KillMode=process", &begins);
        assert!(runners.begin_or_abort(&entry).await);
        assert_eq!(entry.status().unwrap(), EntryStatus::Died, "it was begun, by a runner that is gone");
        assert_eq!(calls(state.path(), "systemd-run"), 4);
    }

    #[tokio::test]
    async fn a_systemd_that_refuses_is_not_asked_forever() {
        let state = tempfile::tempdir().unwrap();
        let entry = entry_of(state.path(), OpAction::Switch);
        let runners = with_systemd(state.path(), "echo KillMode=control-group", "exit 1");
        assert!(runners.begin_or_abort(&entry).await);
        let EntryStatus::Ended(result) = entry.status().unwrap() else { panic!() };
        assert!(result.message.contains("KillMode=control-group"), "{}", result.message);
        assert_eq!(calls(state.path(), "systemd-run"), 4, "twice for each kind of scope");
    }

    #[tokio::test]
    async fn what_can_be_neither_begun_nor_ended_is_retried() {
        let state = tempfile::tempdir().unwrap();
        let entry = entry(state.path());
        // Another process checks the lock.
        let lock = entry.lock().unwrap();
        assert!(!runners(None).begin_or_abort(&entry).await);
        drop(lock);
        // The disk does not take the result.
        let in_the_way = entry.folder().join(".result.json.new");
        std::fs::create_dir(&in_the_way).unwrap();
        assert!(!runners(None).begin_or_abort(&entry).await);
        assert_eq!(entry.status().unwrap(), EntryStatus::NotBegun);
        std::fs::remove_dir(in_the_way).unwrap();
        assert!(runners(None).begin_or_abort(&entry).await);
        assert!(matches!(entry.status().unwrap(), EntryStatus::Ended(_)));
    }

    #[tokio::test]
    async fn an_op_whose_runner_cannot_be_started_is_ended() {
        let state = tempfile::tempdir().unwrap();
        let entry = entry(state.path());
        runners(Some(Manager::System)).begin_with_retries(&entry).await;
        let EntryStatus::Ended(result) = entry.status().unwrap() else { panic!() };
        assert_eq!(result.outcome, Outcome::Refused);
        assert!(result.message.contains("Nothing was changed"));
        assert!(entry.has_begun(), "a runner that comes late would begin it");
    }
}
