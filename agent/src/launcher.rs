//! Starts runners, and ends ops whose runner could not be started.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use backstay_model::wire::limits::cut;
use backstay_model::{Clock, OpAction, Outcome, Platform};
use tokio::process::Command;

use crate::config::{Commands, Config, JOIN_TOKEN_VARIABLE};
use crate::journal::{Entry, ended_without_runner};
use crate::runner;
use crate::unit::{Manager, Unit};

/// Pause before another attempt at an op that can be neither begun nor ended.
const PAUSE: Duration = Duration::from_secs(2);
/// How long to keep requesting a scope from a systemd that does not respond, for example while it re-executes
/// itself.
const SCOPE_PATIENCE: Duration = Duration::from_secs(30);
/// Pause between two such attempts.
const SCOPE_PAUSE: Duration = Duration::from_millis(300);

/// The variables to pass to a runner that `sudo` would remove. None of them holds secrets: they show in the
/// list of processes.
const KEPT: [&str; 12] = [
    "PATH",
    "HOME",
    "LANG",
    "LOCALE_ARCHIVE",
    "TZ",
    "TMPDIR",
    "NIX_PATH",
    "NIX_REMOTE",
    "NIX_SSL_CERT_FILE",
    "SSL_CERT_FILE",
    "GIT_SSH_COMMAND",
    "BACKSTAY_LOG",
];

/// Starts runners.
#[derive(Clone)]
pub(crate) struct Launcher {
    program: PathBuf,
    /// The unit of this agent, or `None` if it is no systemd service, so that nothing stops runners with it.
    unit: Option<Unit>,
    commands: Commands,
    platform: Platform,
    /// The agent's user ID; 0 is root.
    user: u32,
    /// The folder of the user's own systemd (`XDG_RUNTIME_DIR`).
    runtime: Option<PathBuf>,
    /// How long to keep requesting a scope.
    scope_patience: Duration,
    clock: Arc<dyn Clock>,
}

impl Launcher {
    pub(crate) fn new(config: &Config, clock: Arc<dyn Clock>) -> Result<Self> {
        Ok(Self {
            program: std::env::current_exe().context("the path of this program is unknown")?,
            unit: Unit::of_this_process(),
            commands: config.commands.clone(),
            platform: config.platform,
            user: rustix::process::geteuid().as_raw(),
            runtime: std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from),
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
        for scope in self.scopes(entry) {
            let detached = vec![runner::DETACH.to_owned()];
            if self.begins_in_scope(&[scope, runner.clone(), detached].concat(), entry).await {
                return true;
            }
        }
        if let Some(danger) = self.danger(entry).await {
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
            let answers = self.kill_mode().await.is_some_and(|mode| mode.is_ok());
            if (answered && answers) || Instant::now() >= end || !entry.folder().exists() {
                return false;
            }
            answered = answers;
            tokio::time::sleep(SCOPE_PAUSE).await;
        }
    }

    /// What stopping the agent's unit does to runners in it, or `None` if the agent is no service.
    async fn kill_mode(&self) -> Option<Result<String, String>> {
        let (unit, commands) = (self.unit.clone()?, self.commands.clone());
        let asked = tokio::task::spawn_blocking(move || unit.kill_mode(&commands)).await;
        Some(asked.unwrap_or_else(|error| Err(error.to_string())))
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
        if let Some(Unit { name, manager }) = &self.unit {
            let manager = match manager {
                Manager::System => "system",
                Manager::User => "user",
            };
            argv.extend([format!("--unit={name}"), format!("--manager={manager}")]);
        }
        argv
    }

    /// The commands that give a runner a scope of its own. The first that works is used; there are none if
    /// none can.
    ///
    /// After an activation, systemd starts the agent when the scope ends: the activation may have stopped the
    /// agent, and a kill of the whole scope also ends the runner, which would start it. A systemd before 249
    /// does not know `OnSuccess=`.
    fn scopes(&self, entry: &Entry) -> Vec<Vec<String>> {
        let (Some(unit), Some(scope)) = (&self.unit, self.scope()) else { return vec![] };
        let named = |name: String, properties: &[String]| {
            [scope.as_slice(), &[format!("--unit={name}")], properties, &["--".to_owned()]].concat()
        };
        let name = format!("backstay-op-{}", entry.op());
        if !activates(&entry.file().action) {
            return vec![named(name, &[])];
        }
        let starts_agent = ["OnSuccess", "OnFailure"].map(|end| format!("--property={end}={}", unit.name));
        // A scope with these properties keeps its name after its end. An agent that was killed while it started one
        // needs another.
        let again = format!("{name}-again");
        vec![named(name, &starts_agent), named(again, &[])]
    }

    /// The command that gives a runner a scope of its own, so that it is not stopped with the agent's unit.
    /// Returns `None` if that cannot happen, or if no systemd can make a scope.
    fn scope(&self) -> Option<Vec<String>> {
        let unit = self.unit.as_ref()?;
        let systemd_run = &self.commands.systemd_run;
        let mut argv = if self.user == 0 {
            systemd_run.clone()
        } else if unit.manager == Manager::User {
            let has_systemd =
                self.runtime.as_ref().is_some_and(|folder| folder.join("systemd/private").exists());
            has_systemd.then(|| [systemd_run.as_slice(), &["--user".to_owned()]].concat())?
        } else if self.platform == Platform::HomeManager {
            return None;
        } else {
            let user = format!("--uid={}", self.user);
            let kept =
                KEPT.iter().filter_map(|name| Some(format!("--setenv={name}={}", std::env::var(name).ok()?)));
            let sudo = self.commands.sudo.iter().chain(systemd_run).cloned();
            sudo.chain([user]).chain(kept).collect()
        };
        argv.extend(["--scope", "--quiet", "--collect"].map(str::to_owned));
        Some(argv)
    }

    /// Returns the reason that an op must not activate outside of a scope: the activation may stop the
    /// agent's unit, which would end the activation half-way. Returns `None` if that cannot happen.
    async fn danger(&self, entry: &Entry) -> Option<String> {
        let name = &self.unit.as_ref().filter(|_| activates(&entry.file().action))?.name;
        let mode = match self.kill_mode().await? {
            Ok(mode) if matches!(mode.as_str(), "process" | "none") => return None,
            Ok(mode) => format!("KillMode={mode}"),
            Err(why) => format!("its KillMode cannot be read: {why}"),
        };
        let why = last_words(entry).unwrap_or_else(|| "no systemd is reachable".to_owned());
        Some(format!(
            "The op got no systemd scope of its own ({why}), and an activation that stops {name} would end itself half-way \
             ({mode}). Nothing was changed. Set KillMode=process in {name}, or fix systemd-run."
        ))
    }

    /// Whether the host is shutting down, as far as is known. systemd then ends runners and this agent in any
    /// order.
    pub(crate) fn is_going_down(&self) -> bool {
        self.unit.as_ref().is_some_and(|unit| unit.is_going_down(&self.commands))
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

/// Whether an op may activate a generation.
fn activates(action: &OpAction) -> bool {
    match action {
        OpAction::Rollback { .. } | OpAction::Switch | OpAction::PullSwitch => true,
        OpAction::Pull | OpAction::Test | OpAction::Refresh => false,
    }
}

/// The last line that failed runners, or what should have started them, wrote.
fn last_words(entry: &Entry) -> Option<String> {
    let log = std::fs::read(entry.log()).ok()?;
    let log = String::from_utf8_lossy(&log);
    log.lines().rev().map(str::trim).find(|line| !line.is_empty()).map(|line| cut(line, 300))
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
    use backstay_model::{OpId, SystemClock};

    use super::*;
    use crate::journal::{EntryStatus, Journal, OpFile};

    /// A launcher whose unit belongs to this systemd, or which is no service.
    fn runners(manager: Option<Manager>) -> Launcher {
        let argv = |program: &str| vec![program.to_owned()];
        let commands = Commands {
            sudo: argv("no-such-sudo"),
            systemd_run: argv("no-such-systemd-run"),
            systemctl: argv("no-such-systemctl"),
            ..Commands::default()
        };
        Launcher {
            program: "/no/such/agent".into(),
            unit: manager.map(|manager| Unit { name: "agent.service".to_owned(), manager }),
            commands,
            platform: Platform::Nixos,
            user: 0,
            runtime: None,
            scope_patience: Duration::ZERO,
            clock: Arc::new(SystemClock),
        }
    }

    fn entry(state: &Path) -> Entry {
        entry_of(state, OpAction::Refresh)
    }

    fn entry_of(state: &Path, action: OpAction) -> Entry {
        let file = OpFile {
            op: OpId::new(),
            action,
            timeout_secs: 60,
            test_timeout_secs: None,
            accepted_at: SystemClock.now(),
            config: serde_json::Value::Null,
        };
        Journal::open(state).unwrap().add(file, false).unwrap()
    }

    fn starts(argv: Option<Vec<String>>, with: &[&str]) -> bool {
        argv.is_some_and(|argv| {
            argv.starts_with(&with.iter().map(|&word| word.to_owned()).collect::<Vec<_>>())
        })
    }

    #[test]
    fn each_agent_asks_the_systemd_that_can_make_a_scope() {
        let state = tempfile::tempdir().unwrap();
        assert_eq!(runners(None).scope(), None);
        assert!(starts(runners(Some(Manager::System)).scope(), &["no-such-systemd-run", "--scope"]));

        let sudo = Launcher { user: 1000, ..runners(Some(Manager::System)) };
        assert!(starts(sudo.scope(), &["no-such-sudo", "no-such-systemd-run", "--uid=1000"]));
        let home = Launcher { platform: Platform::HomeManager, ..sudo };
        assert_eq!(home.scope(), None);

        let user =
            Launcher { user: 1000, runtime: Some(state.path().to_owned()), ..runners(Some(Manager::User)) };
        assert_eq!(user.scope(), None, "the user has no systemd");
        std::fs::create_dir_all(state.path().join("systemd/private")).unwrap();
        assert!(starts(user.scope(), &["no-such-systemd-run", "--user", "--scope"]));
    }

    #[test]
    fn systemd_starts_the_agent_after_an_activation_and_after_nothing_else() {
        let state = tempfile::tempdir().unwrap();
        let launcher = runners(Some(Manager::System));
        let scopes = launcher.scopes(&entry_of(state.path(), OpAction::Switch));
        let starts = |argv: &[String]| argv.contains(&"--property=OnSuccess=agent.service".to_owned());
        assert_eq!(scopes.iter().map(|argv| starts(argv)).collect::<Vec<_>>(), [true, false]);
        assert!(scopes.iter().all(|argv| argv.last().unwrap() == "--"), "{scopes:?}");
        let name = |argv: &[String]| argv.iter().find(|word| word.starts_with("--unit=")).cloned();
        assert_ne!(name(&scopes[0]), name(&scopes[1]), "the first may still be taken");
        let scopes = launcher.scopes(&entry_of(state.path(), OpAction::Test));
        assert_eq!(scopes.iter().map(|argv| starts(argv)).collect::<Vec<_>>(), [false]);
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
        let mut runners = Launcher { scope_patience: SCOPE_PATIENCE, ..runners(Some(Manager::System)) };
        let argv = |name: &str, does: &str| {
            let script = format!("cd '{}'; echo >>{name}; {does}", folder.display());
            ["sh", "-c", &script].map(str::to_owned).to_vec()
        };
        runners.commands.systemctl = argv("systemctl", systemctl);
        runners.commands.systemd_run = argv("systemd-run", systemd_run);
        runners
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
    async fn what_activates_nothing_needs_no_scope() {
        let state = tempfile::tempdir().unwrap();
        for action in [OpAction::Refresh, OpAction::Pull, OpAction::Test] {
            let entry = entry_of(state.path(), action);
            assert_eq!(runners(Some(Manager::System)).danger(&entry).await, None);
        }
        let entry = entry_of(state.path(), OpAction::Switch);
        assert_eq!(
            runners(None).danger(&entry).await,
            None,
            "nothing stops it with an agent that is no service"
        );
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
