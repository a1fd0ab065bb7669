//! The state of the agent.

use parking_lot::{Mutex, MutexGuard};
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
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

/// How long an answer of systemd is valid.
const ASK_AGAIN: Duration = Duration::from_secs(2);

/// The state of the agent.
pub(crate) struct Agent {
    pub(crate) config: Arc<Config>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) journal: Journal,
    pub(crate) facts: Arc<FactsReader>,
    pub(crate) launcher: Launcher,
    pub(crate) token: HostToken,
    /// Random at each start, so that the server can tell this agent from another with the same token.
    pub(crate) instance: u64,
    /// The last line of each op's output that the server has stored. This only avoids sending everything
    /// again after a reconnect.
    stored: Mutex<HashMap<OpId, u64>>,
    /// When each op was found without a runner while one of its commands was still running.
    orphaned: Mutex<HashMap<OpId, Instant>>,
    /// When systemd was last asked whether an op's activation is still running, and its answer.
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

    /// Resumes what an earlier agent left: starts ops that were accepted and not begun, and ends those whose
    /// time is over.
    pub(crate) fn resume(&self) -> Result<()> {
        for entry in self.journal.entries()? {
            match self.status(&entry) {
                Ok(EntryStatus::NotBegun) => self.launcher.start(entry),
                Ok(_) => {}
                Err(error) => tracing::error!(op = %entry.op(), %error, "the op's status cannot be read"),
            }
        }
        Ok(())
    }

    /// Returns how far an op has got. Ends it if nothing else will; until the disk takes that, the status
    /// stays as it was.
    pub(crate) fn status(&self, entry: &Entry) -> io::Result<EntryStatus> {
        let status = match entry.status()? {
            EntryStatus::Died if self.still_activates(entry) => EntryStatus::Orphaned,
            status => status,
        };
        match self.settle_orphan(entry, &status) {
            None => Ok(status),
            Some(Ok(())) => entry.status(),
            Some(Err(error)) => {
                tracing::debug!(op = %entry.op(), %error, "the op's result cannot be written yet");
                Ok(status)
            }
        }
    }

    /// Ends an op that nothing else will end. Returns `None` if something else will.
    fn settle_orphan(&self, entry: &Entry, status: &EntryStatus) -> Option<io::Result<()>> {
        let now = self.clock.now();
        let end = |result: OpResult| Some(entry.end(&result));
        match status {
            EntryStatus::NotBegun if entry.is_overdue(now) => {
                let message = "Its time ran out before it began. Nothing was changed. Request it again if it is \
                               still wanted.";
                Some(self.launcher.abort(entry, Outcome::TimedOut, message))
            }
            // The next agent reports the reboot.
            EntryStatus::Died if !entry.was_rebooted() && self.launcher.is_going_down() => None,
            EntryStatus::Died => {
                if matches!(entry.file().action, OpAction::Pull | OpAction::PullSwitch) {
                    runner::note_left_locks(entry);
                }
                let message = if entry.was_rebooted() {
                    "The host was rebooted while the op was running. Its output until then was kept. The state shown \
                     was read afterwards."
                } else {
                    "The runner was killed before it could report a result. Its output until then was kept. The state \
                     shown was read afterwards."
                };
                end(ended_without_runner(entry, now, Outcome::Failed, message))
            }
            EntryStatus::Orphaned if self.has_waited_enough(entry) => {
                let message = "The runner was killed before it could report a result, and one of its commands is \
                               still running. Check the processes on the host.";
                end(ended_without_runner(entry, now, Outcome::Failed, message))
            }
            _ => None,
        }
    }

    /// Whether systemd is still activating on behalf of an op whose runner is gone. Such an activation does
    /// not hold the op's lock. An op's status is read often, so answers are cached.
    fn still_activates(&self, entry: &Entry) -> bool {
        let mut asked = self.asked.lock();
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
        let mut orphaned = self.orphaned.lock();
        orphaned.entry(entry.op()).or_insert_with(Instant::now).elapsed() > entry.patience()
    }

    /// Forgets what is cached about an op that the journal has forgotten.
    pub(crate) fn forget(&self, op: OpId) {
        self.stored().remove(&op);
        self.orphaned.lock().remove(&op);
        self.asked.lock().remove(&op);
    }

    /// The last line of each op's output that the server has stored.
    pub(crate) fn stored(&self) -> MutexGuard<'_, HashMap<OpId, u64>> {
        self.stored.lock()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use backstay_model::FixedClock;
    use chrono::{DateTime, TimeDelta, Utc};

    use super::*;
    use crate::journal::OpFile;

    /// An agent whose clock is `off` from now, and an op that was accepted now and has a minute.
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
    fn an_op_that_was_not_begun_before_the_clock_jumped_ahead_is_ended() {
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
        // No process has this ID.
        fs::write(entry.folder().join("begun"), i32::MAX.to_string()).unwrap();
        assert_eq!(agent.status(&entry).unwrap(), EntryStatus::Orphaned);
        let long_ago = Instant::now().checked_sub(entry.patience()).unwrap();
        agent.orphaned.lock().insert(entry.op(), long_ago);
        let EntryStatus::Ended(result) = agent.status(&entry).unwrap() else { panic!() };
        assert!(result.message.contains("still running"), "{}", result.message);
    }

    #[test]
    fn an_op_that_a_reboot_ended_says_so() {
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
    fn a_result_that_the_disk_does_not_take_is_written_later() {
        let state = tempfile::tempdir().unwrap();
        let (agent, entry, accepted_at) = agent_and_op(state.path(), TimeDelta::seconds(-5));
        entry.begin().unwrap();
        let in_the_way = entry.folder().join(".result.json.new");
        fs::create_dir(&in_the_way).unwrap();
        assert_eq!(agent.status(&entry).unwrap(), EntryStatus::Died);
        fs::remove_dir(in_the_way).unwrap();
        let EntryStatus::Ended(result) = agent.status(&entry).unwrap() else { panic!() };
        assert_eq!(result.outcome, Outcome::Failed);
        // The result does not end before it starts, although the clock was set back.
        assert_eq!((result.started_at, result.finished_at), (accepted_at, accepted_at));
    }
}
