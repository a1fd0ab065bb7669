//! The scopes of runners: what keeps an op from being stopped with the agent's own unit.

use std::path::PathBuf;

use backstay_model::wire::limits::cut;
use backstay_model::{OpAction, Platform};

use crate::config::{Commands, Config};
use crate::journal::Entry;
use crate::unit::{Manager, Unit};

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

/// Gives runners scopes.
#[derive(Clone)]
pub(crate) struct Scopes {
    /// The unit of this agent, or `None` if it is no systemd service, so that nothing stops runners with it.
    unit: Option<Unit>,
    pub(crate) commands: Commands,
    platform: Platform,
    /// The agent's user ID; 0 is root.
    user: u32,
    /// The folder of the user's own systemd (`XDG_RUNTIME_DIR`).
    runtime: Option<PathBuf>,
}

impl Scopes {
    /// For the runners that this process starts.
    pub(crate) fn of_this_process(config: &Config) -> Self {
        Self {
            unit: Unit::of_this_process(),
            commands: config.commands.clone(),
            platform: config.platform,
            user: rustix::process::geteuid().as_raw(),
            runtime: std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from),
        }
    }

    /// The unit of this agent, if it is a systemd service.
    pub(crate) fn unit(&self) -> Option<&Unit> {
        self.unit.as_ref()
    }

    /// Whether the host is shutting down, as far as is known.
    pub(crate) fn is_going_down(&self) -> bool {
        self.unit.as_ref().is_some_and(|unit| unit.is_going_down(&self.commands))
    }

    /// What stopping the agent's unit does to runners in it, or `None` if the agent is no service.
    pub(crate) async fn kill_mode(&self) -> Option<Result<String, String>> {
        let (unit, commands) = (self.unit.clone()?, self.commands.clone());
        let asked = tokio::task::spawn_blocking(move || unit.kill_mode(&commands)).await;
        Some(asked.unwrap_or_else(|error| Err(error.to_string())))
    }

    /// The commands that give a runner a scope of its own. The first that works is used; there are none if
    /// none can.
    ///
    /// After an activation, systemd starts the agent when the scope ends: the activation may have stopped the
    /// agent, and a kill of the whole scope also ends the runner, which would start it. A systemd before 249
    /// does not know `OnSuccess=`.
    pub(crate) fn for_op(&self, entry: &Entry) -> Vec<Vec<String>> {
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
    pub(crate) async fn danger(&self, entry: &Entry) -> Option<String> {
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

#[cfg(test)]
pub(crate) mod tests {
    use std::path::Path;

    use backstay_model::{Clock as _, OpId, SystemClock};

    use super::*;
    use crate::journal::{Journal, OpFile};

    /// For an agent whose unit belongs to this systemd, or which is no service.
    pub(crate) fn scopes(manager: Option<Manager>) -> Scopes {
        let argv = |program: &str| vec![program.to_owned()];
        let commands = Commands {
            sudo: argv("no-such-sudo"),
            systemd_run: argv("no-such-systemd-run"),
            systemctl: argv("no-such-systemctl"),
            ..Commands::default()
        };
        Scopes {
            unit: manager.map(|manager| Unit { name: "agent.service".to_owned(), manager }),
            commands,
            platform: Platform::Nixos,
            user: 0,
            runtime: None,
        }
    }

    pub(crate) fn entry_of(state: &Path, action: OpAction) -> Entry {
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
        assert_eq!(scopes(None).scope(), None);
        assert!(starts(scopes(Some(Manager::System)).scope(), &["no-such-systemd-run", "--scope"]));

        let sudo = Scopes { user: 1000, ..scopes(Some(Manager::System)) };
        assert!(starts(sudo.scope(), &["no-such-sudo", "no-such-systemd-run", "--uid=1000"]));
        let home = Scopes { platform: Platform::HomeManager, ..sudo };
        assert_eq!(home.scope(), None);

        let user =
            Scopes { user: 1000, runtime: Some(state.path().to_owned()), ..scopes(Some(Manager::User)) };
        assert_eq!(user.scope(), None, "the user has no systemd");
        std::fs::create_dir_all(state.path().join("systemd/private")).unwrap();
        assert!(starts(user.scope(), &["no-such-systemd-run", "--user", "--scope"]));
    }

    #[test]
    fn systemd_starts_the_agent_after_an_activation_and_after_nothing_else() {
        let state = tempfile::tempdir().unwrap();
        let of_root = scopes(Some(Manager::System));
        let scopes = of_root.for_op(&entry_of(state.path(), OpAction::Switch));
        let starts = |argv: &[String]| argv.contains(&"--property=OnSuccess=agent.service".to_owned());
        assert_eq!(scopes.iter().map(|argv| starts(argv)).collect::<Vec<_>>(), [true, false]);
        assert!(scopes.iter().all(|argv| argv.last().unwrap() == "--"), "{scopes:?}");
        let name = |argv: &[String]| argv.iter().find(|word| word.starts_with("--unit=")).cloned();
        assert_ne!(name(&scopes[0]), name(&scopes[1]), "the first may still be taken");
        let scopes = of_root.for_op(&entry_of(state.path(), OpAction::Test));
        assert_eq!(scopes.iter().map(|argv| starts(argv)).collect::<Vec<_>>(), [false]);
    }

    #[tokio::test]
    async fn what_activates_nothing_needs_no_scope() {
        let state = tempfile::tempdir().unwrap();
        for action in [OpAction::Refresh, OpAction::Pull, OpAction::Test] {
            let entry = entry_of(state.path(), action);
            assert_eq!(scopes(Some(Manager::System)).danger(&entry).await, None);
        }
        let entry = entry_of(state.path(), OpAction::Switch);
        assert_eq!(
            scopes(None).danger(&entry).await,
            None,
            "nothing stops it with an agent that is no service"
        );
    }
}
