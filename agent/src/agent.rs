//! The agent as a whole: what it has on its host, and its life from start to stop.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use backstay_model::wire::message::OpResult;
use backstay_model::{Clock, OpAction, OpId, Outcome, SystemClock};

use crate::config::Config;
use crate::facts::FactsReader;
use crate::journal::{Entry, EntryStatus, Journal, ended_without_runner};
use crate::launcher::Launcher;
use crate::platform;
use crate::runner;
use crate::token::HostToken;

/// How long an answer of systemd holds.
const ASK_AGAIN: Duration = Duration::from_secs(2);

/// What the agent has on its host.
pub(crate) struct Agent {
    pub(crate) config: Arc<Config>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) journal: Journal,
    pub(crate) facts: Arc<FactsReader>,
    pub(crate) launcher: Launcher,
    pub(crate) token: HostToken,
    /// Made up at the start, so that the server can tell this agent from another with the same token.
    pub(crate) instance: u64,
    /// Up to which line the server has stored an op's output. Only saves saying it all again after a reconnect.
    stored: Mutex<HashMap<OpId, u64>>,
    /// Since when it is known of an op that its runner is gone while a command of it is still at work.
    orphaned: Mutex<HashMap<OpId, Instant>>,
    /// When systemd was last asked whether an op's activation goes on, and what it said.
    asked: Mutex<HashMap<OpId, (Instant, bool)>>,
}

impl Agent {
    pub(crate) fn new(config: Arc<Config>) -> Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        Ok(Self {
            journal: Journal::open(&config.state_dir).context("the journal cannot be opened")?,
            facts: Arc::new(FactsReader::new(Arc::clone(&config), Arc::clone(&clock))),
            launcher: Launcher::new(&config, Arc::clone(&clock))?,
            token: HostToken::load_or_create(&config.state_dir).context("the host's token")?,
            instance: rand::random(),
            stored: Mutex::default(),
            orphaned: Mutex::default(),
            asked: Mutex::default(),
            config,
            clock,
        })
    }

    /// Takes up what an earlier agent left: an op that was accepted and never begun is begun, or, where its time is
    /// over, called off.
    pub(crate) fn resume(&self) -> Result<()> {
        for entry in self.journal.entries()? {
            match self.status(&entry) {
                Ok(EntryStatus::NotBegun) => self.launcher.start(entry),
                Ok(_) => {}
                Err(error) => tracing::error!(op = %entry.op(), %error, "how far the op is cannot be read"),
            }
        }
        Ok(())
    }

    /// How far an op is. Where nobody else will say how it ended, this does; as long as the disk does not take that, the
    /// op counts as it was.
    pub(crate) fn status(&self, entry: &Entry) -> io::Result<EntryStatus> {
        let status = match entry.status()? {
            EntryStatus::Died if self.still_activates(entry) => EntryStatus::Orphaned,
            status => status,
        };
        match self.settle_orphan(entry, &status) {
            None => Ok(status),
            Some(Ok(())) => entry.status(),
            Some(Err(error)) => {
                tracing::debug!(op = %entry.op(), %error, "the op's end cannot be written yet");
                Ok(status)
            }
        }
    }

    /// Ends an op for which nobody else will speak; nothing where somebody will.
    fn settle_orphan(&self, entry: &Entry, status: &EntryStatus) -> Option<io::Result<()>> {
        let now = self.clock.now();
        let end = |result: OpResult| Some(entry.end(&result));
        match status {
            EntryStatus::NotBegun if entry.is_overdue(now) => {
                let message = "It was not begun before its time ran out. Nothing was changed. Ask again if it is \
                               still wanted.";
                Some(self.launcher.abort(entry, Outcome::TimedOut, message))
            }
            // The next agent tells of the reboot.
            EntryStatus::Died if !entry.was_rebooted() && self.launcher.is_going_down() => None,
            EntryStatus::Died => {
                if matches!(entry.file().action, OpAction::Pull | OpAction::PullSwitch) {
                    runner::note_left_locks(entry);
                }
                let message = if entry.was_rebooted() {
                    "The host was rebooted while the op was at work. Its output up to there is kept; what the host is \
                     now was read afterwards."
                } else {
                    "The runner was killed before it could say how the op ended. Its output up to there is kept; what \
                     the host is now was read afterwards."
                };
                end(ended_without_runner(entry, now, Outcome::Failed, message))
            }
            EntryStatus::Orphaned if self.has_waited_enough(entry) => {
                let message = "The runner was killed before it could say how the op ended, and a command of it is \
                               still at work on the host. Look at the host's processes.";
                end(ended_without_runner(entry, now, Outcome::Failed, message))
            }
            _ => None,
        }
    }

    /// Whether systemd still activates on behalf of an op whose runner is gone: nothing of that holds the op's lock. An
    /// op is followed closely, so systemd is not asked each time.
    fn still_activates(&self, entry: &Entry) -> bool {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, answer)) = asked.get(&entry.op())
            && at.elapsed() < ASK_AGAIN
        {
            return *answer;
        }
        let answer = platform::is_activating(&self.config, &entry.file().action);
        asked.insert(entry.op(), (Instant::now(), answer));
        answer
    }

    fn has_waited_enough(&self, entry: &Entry) -> bool {
        let mut orphaned = self.orphaned.lock().unwrap_or_else(PoisonError::into_inner);
        orphaned.entry(entry.op()).or_insert_with(Instant::now).elapsed() > entry.patience()
    }

    /// Drops what is known of an op that the journal has forgotten.
    pub(crate) fn forget(&self, op: OpId) {
        self.stored().remove(&op);
        self.orphaned.lock().unwrap_or_else(PoisonError::into_inner).remove(&op);
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).remove(&op);
    }

    /// Up to which line the server has stored each op's output.
    pub(crate) fn stored(&self) -> MutexGuard<'_, HashMap<OpId, u64>> {
        self.stored.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use backstay_model::FixedClock;
    use chrono::{DateTime, TimeDelta, Utc};

    use super::*;
    use crate::journal::OpFile;

    /// An agent whose clock is `off` from now, and an op that it was given now and has a minute for.
    fn agent_and_op(state: &std::path::Path, off: TimeDelta) -> (Agent, Entry, DateTime<Utc>) {
        let text = format!("server = \"http://localhost\"\nplatform = \"darwin\"\nstate_dir = {state:?}");
        let mut agent = Agent::new(Arc::new(toml::from_str(&text).unwrap())).unwrap();
        let now = SystemClock.now();
        agent.clock = Arc::new(FixedClock::at(now + off));
        let file = OpFile {
            op: OpId::new(),
            action: OpAction::Refresh,
            timeout_secs: 60,
            test_timeout_secs: None,
            accepted_at: now,
            config: serde_json::Value::Null,
        };
        let entry = agent.journal.add(file, false).unwrap();
        (agent, entry, now)
    }

    #[test]
    fn an_op_that_was_not_begun_before_the_clock_jumped_ahead_is_called_off() {
        let state = tempfile::tempdir().unwrap();
        let (agent, entry, _) = agent_and_op(state.path(), TimeDelta::days(400));
        let EntryStatus::Ended(result) = agent.status(&entry).unwrap() else { panic!() };
        assert_eq!(result.outcome, Outcome::TimedOut);
        assert!(result.message.contains("Nothing was changed"));
    }

    #[test]
    fn an_op_from_the_future_is_not_overdue() {
        let state = tempfile::tempdir().unwrap();
        let (agent, entry, _) = agent_and_op(state.path(), TimeDelta::days(-400));
        assert_eq!(agent.status(&entry).unwrap(), EntryStatus::NotBegun);
    }

    #[test]
    fn commands_that_outlive_their_runner_are_waited_for_however_the_clock_jumps() {
        let state = tempfile::tempdir().unwrap();
        let (agent, entry, _) = agent_and_op(state.path(), TimeDelta::days(400));
        let _held_by_a_command = entry.lock().unwrap().unwrap();
        // No process has this number.
        fs::write(entry.folder().join("begun"), i32::MAX.to_string()).unwrap();
        assert_eq!(agent.status(&entry).unwrap(), EntryStatus::Orphaned);
        let long_ago = Instant::now().checked_sub(entry.patience()).unwrap();
        agent.orphaned.lock().unwrap().insert(entry.op(), long_ago);
        let EntryStatus::Ended(result) = agent.status(&entry).unwrap() else { panic!() };
        assert!(result.message.contains("still at work"), "{}", result.message);
    }

    #[test]
    fn an_op_that_a_reboot_ended_is_told_as_such() {
        let state = tempfile::tempdir().unwrap();
        let (agent, entry, _) = agent_and_op(state.path(), TimeDelta::zero());
        entry.begin_in(Some("another boot".to_owned())).unwrap();
        let EntryStatus::Ended(result) = agent.status(&entry).unwrap() else { panic!() };
        assert_eq!(result.outcome, Outcome::Failed);
        assert!(result.message.starts_with("The host was rebooted"), "{}", result.message);
    }

    #[test]
    fn an_op_whose_boot_is_not_known_was_not_ended_by_a_reboot() {
        let state = tempfile::tempdir().unwrap();
        let (agent, entry, _) = agent_and_op(state.path(), TimeDelta::zero());
        entry.begin_in(None).unwrap();
        let EntryStatus::Ended(result) = agent.status(&entry).unwrap() else { panic!() };
        assert!(result.message.starts_with("The runner was killed"), "{}", result.message);
    }

    #[test]
    fn an_end_that_the_disk_does_not_take_is_no_error_and_is_written_later() {
        let state = tempfile::tempdir().unwrap();
        let (agent, entry, accepted_at) = agent_and_op(state.path(), TimeDelta::seconds(-5));
        entry.begin().unwrap();
        let in_the_way = entry.folder().join(".result.json.new");
        fs::create_dir(&in_the_way).unwrap();
        assert_eq!(agent.status(&entry).unwrap(), EntryStatus::Died);
        fs::remove_dir(in_the_way).unwrap();
        let EntryStatus::Ended(result) = agent.status(&entry).unwrap() else { panic!() };
        assert_eq!(result.outcome, Outcome::Failed);
        // It does not end before it began, although the clock was set back.
        assert_eq!((result.started_at, result.finished_at), (accepted_at, accepted_at));
    }
}
