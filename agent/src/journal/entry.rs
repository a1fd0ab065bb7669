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

/// The file that describes the op.
pub(super) const OP: &str = "op.json";
/// The file with the op's result.
const RESULT: &str = "result.json";
/// The file whose existence cancels the op.
pub(super) const CANCEL: &str = "cancel";
/// The file that names the process group of the running command.
const COMMAND: &str = "command";

/// Time beyond the op's own limit to wait for commands whose runner is gone.
const PATIENCE: Duration = Duration::from_mins(1);
/// Upper bound on that wait.
const LONGEST: Duration = Duration::from_hours(7 * 24);

/// The op as it was accepted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct OpFile {
    /// The op.
    pub(crate) op: OpId,
    /// What to do.
    pub(crate) action: OpAction,
    /// The op's time limit, in seconds.
    pub(crate) timeout_secs: u64,
    /// The time limit of each test in seconds, if set for the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) test_timeout_secs: Option<u64>,
    /// When the op was recorded.
    pub(crate) accepted_at: DateTime<Utc>,
    /// The [`Config`] of the agent that accepted the op, even if the configuration file changes later. Kept
    /// as JSON, so that another version of the agent can still read the rest.
    pub(crate) config: serde_json::Value,
}

impl OpFile {
    /// Returns the end of the op's time.
    fn deadline(&self) -> DateTime<Utc> {
        let timeout = i64::try_from(self.timeout_secs).ok().and_then(TimeDelta::try_seconds);
        timeout.and_then(|t| self.accepted_at.checked_add_signed(t)).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

/// How far an op has got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EntryStatus {
    /// No runner has begun.
    NotBegun,
    /// A runner is working on it.
    Running,
    /// It has ended.
    Ended(Box<OpResult>),
    /// Its runner is gone without a result, and a command that it started is still running.
    Orphaned,
    /// Its runner is gone without a result.
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
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "it holds a different op than its name says",
            ));
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

    /// Returns the configuration to perform it with.
    pub(crate) fn config(&self) -> Result<Config, String> {
        serde_json::from_value(self.file.config.clone())
            .map_err(|error| format!("the op was accepted by an agent of another version: {error}"))
    }

    /// The file with lines and phases.
    pub(crate) fn output(&self) -> PathBuf {
        self.folder.join("output.jsonl")
    }

    /// The file with the runner's own log.
    pub(crate) fn log(&self) -> PathBuf {
        self.folder.join("runner.log")
    }

    /// Takes the runner's lock. Returns `None` if another process holds it.
    pub(crate) fn lock(&self) -> io::Result<Option<Lock>> {
        Lock::take(&self.folder.join("lock"))
    }

    /// Marks the op as begun for good, by this process in this boot of the host. The caller holds the lock.
    pub(crate) fn begin(&self) -> io::Result<()> {
        self.begin_in(boot::id())
    }

    /// Like [`begin`](Self::begin), in any boot.
    pub(crate) fn begin_in(&self, boot: Option<String>) -> io::Result<()> {
        let begun = format!("{}\n{}\n", std::process::id(), boot.unwrap_or_default());
        storage::write(&self.folder.join("begun"), begun.as_bytes())
    }

    /// Whether the host was rebooted since a runner began the op. False if the boots cannot be distinguished.
    pub(crate) fn was_rebooted(&self) -> bool {
        let begun = fs::read_to_string(self.folder.join("begun")).unwrap_or_default();
        let then = begun.lines().nth(1).filter(|boot| !boot.is_empty());
        then.is_some_and(|then| boot::id().is_some_and(|now| now != then))
    }

    /// Returns the time at which a runner began the op, by the clock that dates files.
    pub(crate) fn begun_at(&self) -> Option<SystemTime> {
        self.folder.join("begun").metadata().ok()?.modified().ok()
    }

    /// Whether a runner has begun the op, or the op ended without one. No runner may begin it then.
    pub(crate) fn has_begun(&self) -> bool {
        self.folder.join("begun").exists() || self.folder.join(RESULT).exists()
    }

    /// Records the process group of the running command: a command that goes through sudo, which closes
    /// inherited files, does not hold the lock. Without this record an op whose runner is killed is only
    /// reported earlier.
    pub(crate) fn note_command(&self, group: i32) {
        if let Err(error) =
            fs::write(self.folder.join(COMMAND), format!("{group} {}", boot::id().unwrap_or_default()))
        {
            tracing::debug!(op = %self.op(), %error, "the command's process group cannot be recorded");
        }
    }

    /// Whether the recorded command is still running.
    fn command_lives(&self) -> bool {
        let noted = fs::read_to_string(self.folder.join(COMMAND)).unwrap_or_default();
        // IDs are reused after a boot.
        let group = noted
            .split_once(' ')
            .filter(|(_, since)| *since == boot::id().unwrap_or_default())
            .map(|(group, _)| group.parse());
        group.and_then(Result::ok).is_some_and(command::group_lives)
    }

    /// Cancels the op.
    pub(crate) fn cancel(&self) -> io::Result<()> {
        File::create(self.folder.join(CANCEL)).map(drop)
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.folder.join(CANCEL).exists()
    }

    /// Writes the op's result. There is room for that even on a full disk: it was reserved when the op was
    /// accepted.
    pub(crate) fn end(&self, result: &OpResult) -> io::Result<()> {
        let write = || storage::write_json(&self.folder.join(RESULT), result);
        write().or_else(|error| if reserve::give_up(&self.folder) { write() } else { Err(error) })?;
        reserve::give_up(&self.folder);
        Ok(())
    }

    /// Returns how far the op has got.
    pub(crate) fn status(&self) -> io::Result<EntryStatus> {
        self.status_with(|| {})
    }

    /// Like [`status`](Self::status), with something that happens between its two checks.
    pub(super) fn status_with(&self, between: impl FnOnce()) -> io::Result<EntryStatus> {
        if let Some(result) = self.result() {
            return Ok(EntryStatus::Ended(result));
        }
        // Checked before the lock: a runner that takes the lock and begins between the two checks has not
        // died.
        let has_begun = self.has_begun();
        between();
        let status = match Lock::is_held(&self.folder.join("lock"))? {
            true if self.is_orphaned() => EntryStatus::Orphaned,
            true => return Ok(EntryStatus::Running),
            false if has_begun && self.command_lives() => EntryStatus::Orphaned,
            false if has_begun => EntryStatus::Died,
            false => return Ok(EntryStatus::NotBegun),
        };
        // The runner may have ended between the two checks.
        Ok(self.result().map_or(status, EntryStatus::Ended))
    }

    /// How long to wait for the op's commands once its runner is gone. Not measured by the wall clock, which
    /// may jump.
    pub(crate) fn patience(&self) -> Duration {
        Duration::from_secs(self.file.timeout_secs).min(LONGEST) + PATIENCE
    }

    /// Whether the time of an op that was never begun is over. It is not performed late.
    pub(crate) fn is_overdue(&self, now: DateTime<Utc>) -> bool {
        now > self.file.deadline()
    }

    /// Returns the result, or `None` if the op has not ended.
    pub(crate) fn result(&self) -> Option<Box<OpResult>> {
        // A result that cannot be read counts as missing: the op then counts as one whose runner died.
        storage::read_json(&self.folder.join(RESULT)).ok().flatten().map(Box::new)
    }

    /// The file with the op's result.
    pub(super) fn result_file(&self) -> PathBuf {
        self.folder.join(RESULT)
    }

    /// Whether the runner is gone, so that the holder of the lock is a command it left behind.
    fn is_orphaned(&self) -> bool {
        // A process that this one may not signal exists: it belongs to another user.
        self.runner().is_some_and(|pid| test_kill_process(pid) == Err(Errno::SRCH))
    }

    fn runner(&self) -> Option<Pid> {
        let text = fs::read_to_string(self.folder.join("begun")).ok()?;
        text.lines().next()?.trim().parse().ok().and_then(Pid::from_raw)
    }
}

/// The result that the agent writes when no runner can.
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
        // The clock may have been set back since.
        finished_at: now.max(entry.file.accepted_at),
    }
}
