//! The ops that this host has accepted and whose results the server has not stored, on disk.
//!
//! ```text
//! journal/<op id>/op.json        what to do, complete once the folder has its name
//! journal/<op id>/begun          the runner that has begun the op, and the boot of the host: no other runner will
//! journal/<op id>/lock           held by the runner, and by the commands that it started
//! journal/<op id>/cancel         exists if the op is cancelled
//! journal/<op id>/output.jsonl   lines and phases, appended
//! journal/<op id>/result.json    the result
//! journal/<op id>/reserve        disk space for the result
//! journal/done/<op id>.json      the result, once the server has stored it: the op never runs again
//! journal/damaged/               entries that could not be read
//! ```

mod damage;
mod entry;
mod record;
mod reserve;
mod tail;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use backstay_model::wire::message::OpResult;
use backstay_model::{OpId, wire::delivery};

use crate::storage;
pub(crate) use damage::damage;
pub(crate) use entry::{Entry, EntryStatus, OpFile, ended_without_runner};
pub(crate) use record::{Recorder, missing_lines};
pub(crate) use tail::Tail;

/// Number of ended ops to remember.
const REMEMBERED: usize = 200;

/// The folder for entries that cannot be read.
const DAMAGED: &str = "damaged";

/// The ops that this host has accepted.
#[derive(Debug, Clone)]
pub(crate) struct Journal {
    folder: PathBuf,
}

/// What the journal holds about an op.
#[derive(Debug)]
pub(crate) enum OpRecord {
    /// The op never reached this host.
    Never,
    /// The op is in the journal.
    Open(Entry),
    /// The op has ended, and the server has its result.
    Done(Box<OpResult>),
    /// The entry is damaged; the op may have run.
    Damaged,
}

impl OpRecord {
    /// The part that the delivery rules need.
    pub(crate) fn summary(&self) -> delivery::JournalState {
        match self {
            Self::Never => delivery::JournalState::Never,
            Self::Open(_) => delivery::JournalState::Open,
            Self::Done(_) => delivery::JournalState::Done,
            Self::Damaged => delivery::JournalState::Damaged,
        }
    }
}

impl Journal {
    /// Opens the journal, and removes what a crash left half-written or half-removed.
    pub(crate) fn open(state_dir: &Path) -> io::Result<Self> {
        let journal = Self { folder: state_dir.join("journal") };
        for folder in [journal.folder.clone(), journal.done(), journal.damaged()] {
            storage::create_private_folder(&folder)?;
        }
        for path in storage::names_in(&journal.folder)? {
            if file_name(&path).starts_with('.')
                && let Err(error) = fs::remove_dir_all(&path)
            {
                // They do no harm, and a disk that takes no writes must not keep the agent from reporting
                // that.
                tracing::warn!(folder = %path.display(), %error, "the remains of an op cannot be removed");
            }
        }
        Ok(journal)
    }

    /// Records an op, which may be cancelled already. When this returns, the op is safe from a crash and has
    /// not begun. If it fails, nothing of the op is left.
    pub(crate) fn add(&self, op: OpFile, cancelled: bool) -> io::Result<Entry> {
        let building = self.folder.join(format!(".new-{}", op.op));
        let folder = self.folder.join(op.op.to_string());
        let written = build(&building, &op, cancelled)
            .and_then(|()| fs::rename(&building, &folder))
            .and_then(|()| storage::sync_folder_of(&folder));
        if let Err(error) = written {
            // A later agent must not begin an op that was reported as not recorded.
            let _ = fs::rename(&folder, &building);
            let _ = fs::remove_dir_all(&building);
            return Err(error);
        }
        Ok(Entry::new(folder, op))
    }

    /// Looks an op up.
    pub(crate) fn find(&self, op: OpId) -> io::Result<OpRecord> {
        let folder = self.folder.join(op.to_string());
        if folder.try_exists()?
            && let Some(entry) = self.read(&folder)?
        {
            return Ok(OpRecord::Open(entry));
        }
        if folder.try_exists()? || self.damaged().join(op.to_string()).try_exists()? {
            return Ok(OpRecord::Damaged);
        }
        match storage::read_json(&self.done().join(format!("{op}.json"))) {
            Ok(Some(result)) => Ok(OpRecord::Done(Box::new(result))),
            Ok(None) => Ok(OpRecord::Never),
            // It has run, and its result is lost.
            Err(error) if is_damage(&error) => Ok(OpRecord::Damaged),
            Err(error) => Err(error),
        }
    }

    /// Returns every op whose result the server has not stored, oldest first. Moves damaged entries aside.
    ///
    /// # Errors
    /// If an entry cannot be read now but may be readable later: leaving it out would say that the host never
    /// had the op.
    pub(crate) fn entries(&self) -> io::Result<Vec<Entry>> {
        let folders = storage::names_in(&self.folder)?;
        let ops = folders.iter().filter(|path| file_name(path).parse::<OpId>().is_ok());
        ops.filter_map(|folder| self.read(folder).transpose()).collect()
    }

    /// Returns the ops whose entries could not be read, or the latest of them if there are many.
    pub(crate) fn damaged_ops(&self) -> io::Result<Vec<OpId>> {
        let folders = storage::names_in(&self.damaged())?;
        let latest = folders.iter().rev().filter_map(|path| file_name(path).parse().ok());
        Ok(latest.take(REMEMBERED).collect())
    }

    /// Forgets an op whose result the server has stored, except for the result.
    pub(crate) fn forget(&self, entry: &Entry) -> io::Result<()> {
        keep(&entry.result_file(), &self.done().join(format!("{}.json", entry.op())))?;
        // Renamed first: a half-removed folder must not be mistaken for an op.
        let leaving = self.folder.join(format!(".done-{}", entry.op()));
        fs::rename(entry.folder(), &leaving)?;
        fs::remove_dir_all(&leaving)?;
        self.forget_oldest()
    }

    /// Forgets the ops that ended first. Their IDs do not show the order: they carry the time of the server
    /// that made them, whose clock may have been ahead.
    fn forget_oldest(&self) -> io::Result<()> {
        let mut done = storage::names_in(&self.done())?;
        let surplus = done.len().saturating_sub(REMEMBERED);
        if surplus > 0 {
            done.sort_by_cached_key(|file| file.metadata().and_then(|found| found.modified()).ok());
        }
        done[..surplus].iter().try_for_each(fs::remove_file)
    }

    /// Reads an entry, or moves it aside if it is damaged. Any other error, such as too many open files, may
    /// pass, and the op may be running.
    fn read(&self, folder: &Path) -> io::Result<Option<Entry>> {
        let error = match Entry::read(folder) {
            Ok(entry) => return Ok(Some(entry)),
            Err(error) if is_damage(&error) => error,
            Err(error) => return Err(error),
        };
        let aside = self.damaged().join(file_name(folder));
        tracing::error!(folder = %folder.display(), %error,
            "a journal entry cannot be read; it is moved to {} and not run", aside.display());
        if aside.exists() {
            let _ = fs::remove_dir_all(&aside);
        }
        if let Err(error) = fs::rename(folder, &aside) {
            tracing::error!(%error, "the damaged entry cannot be moved");
        }
        Ok(None)
    }

    fn done(&self) -> PathBuf {
        self.folder.join("done")
    }

    fn damaged(&self) -> PathBuf {
        self.folder.join(DAMAGED)
    }
}

/// Whether an error shows that a file has changed since it was written, which no later attempt would fix.
fn is_damage(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, NotADirectory, NotFound, UnexpectedEof};
    matches!(error.kind(), InvalidData | NotADirectory | NotFound | UnexpectedEof)
}

/// Makes the folder of an op, complete except for its name.
fn build(folder: &Path, op: &OpFile, cancelled: bool) -> io::Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    storage::create_private_folder(folder)?;
    storage::write_json(&folder.join(entry::OP), op)?;
    if cancelled {
        storage::write(&folder.join(entry::CANCEL), b"")?;
    }
    reserve::set_aside(folder)
}

/// Keeps a file under a second name. A link takes no space, so it works on a full disk. If the file system
/// has no links, the file is copied.
fn keep(file: &Path, as_name: &Path) -> io::Result<()> {
    match fs::hard_link(file, as_name) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(error),
        Err(_) => storage::write(as_name, &fs::read(file)?),
        Ok(()) => storage::sync_folder_of(as_name),
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests;
