//! One op in the journal.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use backstay_model::wire::message::OpResult;
use backstay_model::{OpAction, OpId, Outcome};
use chrono::{DateTime, TimeDelta, Utc};
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use serde::{Deserialize, Serialize};

use super::reserve;
use crate::boot;
use crate::command;
use crate::config::Config;
use crate::lock::Lock;
use crate::storage;

/// The file that says what to do.
pub(super) const OP: &str = "op.json";
/// The file that says how it ended.
const RESULT: &str = "result.json";
/// The file that says that the op is to stop.
pub(super) const CANCEL: &str = "cancel";
/// The file that names the process group of the command that runs.
const COMMAND: &str = "command";

/// How much longer than the op may take it is waited for commands of it whose runner is gone.
const PATIENCE: Duration = Duration::from_mins(1);
/// The longest that is waited for them.
const LONGEST: Duration = Duration::from_hours(7 * 24);

/// What to do, as it was when the op was accepted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct OpFile {
    /// Which op.
    pub(crate) op: OpId,
    /// What to do.
    pub(crate) action: OpAction,
    /// After how many seconds to stop it.
    pub(crate) timeout_secs: u64,
    /// How many seconds each test may take, where that is set for the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) test_timeout_secs: Option<u64>,
    /// When it was written down.
    pub(crate) accepted_at: DateTime<Utc>,
    /// How: the [`Config`] of the agent that accepted it, whatever becomes of the configuration file meanwhile. Kept as
    /// it was written, so that an agent of another version can still read the rest.
    pub(crate) config: serde_json::Value,
}

impl OpFile {
    /// When its time is over.
    fn deadline(&self) -> DateTime<Utc> {
        let timeout = i64::try_from(self.timeout_secs).ok().and_then(TimeDelta::try_seconds);
        timeout.and_then(|t| self.accepted_at.checked_add_signed(t)).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

/// How far an op is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EntryStatus {
    /// No runner has begun.
    NotBegun,
    /// A runner is at work.
    Running,
    /// It has ended.
    Ended(Box<OpResult>),
    /// Its runner is gone without a word, and a command that it started is still at work.
    Orphaned,
    /// A runner had begun and is gone, without a word.
    Died,
}

/// One op in the journal.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    folder: PathBuf,
    file: OpFile,
}

impl Entry {
    pub(super) fn new(folder: PathBuf, file: OpFile) -> Self {
        Self { folder, file }
    }

    /// Reads an entry from its folder.
    pub(crate) fn read(folder: &Path) -> io::Result<Self> {
        let missing = || io::Error::new(io::ErrorKind::NotFound, "it has no op.json");
        let file: OpFile = storage::read_json(&folder.join(OP))?.ok_or_else(missing)?;
        if folder.file_name().is_none_or(|name| *name != *file.op.to_string()) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it holds another op than its name says"));
        }
        Ok(Self::new(folder.to_owned(), file))
    }

    pub(crate) fn op(&self) -> OpId {
        self.file.op
    }

    pub(crate) fn file(&self) -> &OpFile {
        &self.file
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// How it is to be done.
    pub(crate) fn config(&self) -> Result<Config, String> {
        serde_json::from_value(self.file.config.clone())
            .map_err(|error| format!("the op was accepted by an agent of another version: {error}"))
    }

    /// Where lines and phases are.
    pub(crate) fn output(&self) -> PathBuf {
        self.folder.join("output.jsonl")
    }

    /// Where the runner writes what it has to say of itself.
    pub(crate) fn log(&self) -> PathBuf {
        self.folder.join("runner.log")
    }

    /// The lock of the runner; none where another holds it.
    pub(crate) fn lock(&self) -> io::Result<Option<Lock>> {
        Lock::take(&self.folder.join("lock"))
    }

    /// Marks the op as begun, for ever, by this process in this boot of the host. Whoever does this holds the lock.
    pub(crate) fn begin(&self) -> io::Result<()> {
        self.begin_in(boot::id())
    }

    /// The same, in any boot.
    pub(crate) fn begin_in(&self, boot: Option<String>) -> io::Result<()> {
        let begun = format!("{}\n{}\n", std::process::id(), boot.unwrap_or_default());
        storage::write(&self.folder.join("begun"), begun.as_bytes())
    }

    /// Whether the host was booted again since a runner began the op. Where a boot cannot be told from another, it was
    /// not.
    pub(crate) fn was_rebooted(&self) -> bool {
        let begun = fs::read_to_string(self.folder.join("begun")).unwrap_or_default();
        let then = begun.lines().nth(1).filter(|boot| !boot.is_empty());
        then.is_some_and(|then| boot::id().is_some_and(|now| now != then))
    }

    /// Returns the time at which a runner began the op, by the clock that dates files.
    pub(crate) fn begun_at(&self) -> Option<SystemTime> {
        self.folder.join("begun").metadata().ok()?.modified().ok()
    }

    /// Whether a runner has begun it, or it ended without one: none may begin it then.
    pub(crate) fn has_begun(&self) -> bool {
        self.folder.join("begun").exists() || self.folder.join(RESULT).exists()
    }

    /// Takes note of the process group of the command that runs now: what goes through sudo, which closes what it
    /// inherits, does not hold the lock. Without a note an op whose runner is killed is only told earlier.
    pub(crate) fn note_command(&self, group: i32) {
        if let Err(error) =
            fs::write(self.folder.join(COMMAND), format!("{group} {}", boot::id().unwrap_or_default()))
        {
            tracing::debug!(op = %self.op(), %error, "the command's process group cannot be noted");
        }
    }

    /// Whether a command that was noted is still at work.
    fn command_lives(&self) -> bool {
        let noted = fs::read_to_string(self.folder.join(COMMAND)).unwrap_or_default();
        // Numbers are given again after a boot.
        let group = noted
            .split_once(' ')
            .filter(|(_, since)| *since == boot::id().unwrap_or_default())
            .map(|(group, _)| group.parse());
        group.and_then(Result::ok).is_some_and(command::group_lives)
    }

    /// Asks for the op to stop.
    pub(crate) fn cancel(&self) -> io::Result<()> {
        File::create(self.folder.join(CANCEL)).map(drop)
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.folder.join(CANCEL).exists()
    }

    /// Writes how the op ended. On a full disk there is room for that: it was set aside when the op was accepted.
    pub(crate) fn end(&self, result: &OpResult) -> io::Result<()> {
        let write = || storage::write_json(&self.folder.join(RESULT), result);
        write().or_else(|error| if reserve::give_up(&self.folder) { write() } else { Err(error) })?;
        reserve::give_up(&self.folder);
        Ok(())
    }

    /// How far the op is.
    pub(crate) fn status(&self) -> io::Result<EntryStatus> {
        self.status_with(|| {})
    }

    /// The same, with what may happen between two looks.
    pub(super) fn status_with(&self, meanwhile: impl FnOnce()) -> io::Result<EntryStatus> {
        if let Some(result) = self.result() {
            return Ok(EntryStatus::Ended(result));
        }
        // Looked at before the lock: a runner that takes the lock and begins between the two looks is not one that died.
        let has_begun = self.has_begun();
        meanwhile();
        let status = match Lock::is_held(&self.folder.join("lock"))? {
            true if self.is_orphaned() => EntryStatus::Orphaned,
            true => return Ok(EntryStatus::Running),
            false if has_begun && self.command_lives() => EntryStatus::Orphaned,
            false if has_begun => EntryStatus::Died,
            false => return Ok(EntryStatus::NotBegun),
        };
        // The runner may have ended between the first look and the second.
        Ok(self.result().map_or(status, EntryStatus::Ended))
    }

    /// How long commands of the op are waited for once its runner is gone. Not measured by the clock on the wall,
    /// which may jump.
    pub(crate) fn patience(&self) -> Duration {
        Duration::from_secs(self.file.timeout_secs).min(LONGEST) + PATIENCE
    }

    /// Whether the time of an op that never began is over: what a person asked for then is not done now.
    pub(crate) fn is_overdue(&self, now: DateTime<Utc>) -> bool {
        now > self.file.deadline()
    }

    /// How it ended; none where it has not.
    pub(crate) fn result(&self) -> Option<Box<OpResult>> {
        // One that cannot be read is as good as none: the op then counts as one whose runner died.
        storage::read_json(&self.folder.join(RESULT)).ok().flatten().map(Box::new)
    }

    /// The file that says how it ended.
    pub(super) fn result_file(&self) -> PathBuf {
        self.folder.join(RESULT)
    }

    /// Whether the runner is gone, so that whoever holds the lock is a command that it left behind.
    fn is_orphaned(&self) -> bool {
        // One that may not be signalled is there all the same: it runs as another user.
        self.runner().is_some_and(|pid| test_kill_process(pid) == Err(Errno::SRCH))
    }

    fn runner(&self) -> Option<Pid> {
        let text = fs::read_to_string(self.folder.join("begun")).ok()?;
        text.lines().next()?.trim().parse().ok().and_then(Pid::from_raw)
    }
}

/// A result that the agent writes where no runner could.
pub(crate) fn ended_without_runner(
    entry: &Entry,
    now: DateTime<Utc>,
    outcome: Outcome,
    message: &str,
) -> OpResult {
    OpResult {
        outcome,
        exit_code: None,
        commit: None,
        message: message.to_owned(),
        started_at: entry.file.accepted_at,
        // The clock may have been set back meanwhile.
        finished_at: now.max(entry.file.accepted_at),
    }
}
