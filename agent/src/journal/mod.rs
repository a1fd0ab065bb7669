//! The ops that this host has been given and the server has not yet heard the end of, on disk.
//!
//! ```text
//! journal/<op id>/op.json        what to do, complete from the moment the folder has its name
//! journal/<op id>/begun          which runner has begun, in which boot of the host: no other ever will
//! journal/<op id>/lock           held by the runner, and by the commands that it started
//! journal/<op id>/cancel         the op is to stop
//! journal/<op id>/output.jsonl   lines and phases, appended
//! journal/<op id>/result.json    how it ended
//! journal/<op id>/reserve        room for the end on a full disk
//! journal/done/<op id>.json      how it ended, once the server has stored that: so that it never runs again
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
pub(crate) use entry::{Entry, OpFile, Standing, ended_without_runner};
pub(crate) use record::{Recorder, missing_lines};
pub(crate) use tail::Tail;

/// How many ended ops are remembered.
const REMEMBERED: usize = 200;

/// Where entries are put that cannot be read.
const DAMAGED: &str = "damaged";

/// The ops that this host has been given.
#[derive(Debug, Clone)]
pub(crate) struct Journal {
    folder: PathBuf,
}

/// What the journal knows of an op.
#[derive(Debug)]
pub(crate) enum Known {
    /// It never reached this host.
    Never,
    /// It is in the journal.
    Open(Entry),
    /// It has ended, and the server knows how.
    Done(Box<OpResult>),
    /// It was in the journal and cannot be read any more; it may have run.
    Damaged,
}

impl Known {
    /// What the decision about a delivery looks at.
    pub(crate) fn in_short(&self) -> delivery::JournalState {
        match self {
            Self::Never => delivery::JournalState::Never,
            Self::Open(_) => delivery::JournalState::Open,
            Self::Done(_) => delivery::JournalState::Done,
            Self::Damaged => delivery::JournalState::Damaged,
        }
    }
}

impl Journal {
    /// Opens the journal, and clears away what a crash has left half-written or half-removed.
    pub(crate) fn open(state_dir: &Path) -> io::Result<Self> {
        let journal = Self { folder: state_dir.join("journal") };
        for folder in [journal.folder.clone(), journal.done(), journal.damaged()] {
            storage::create_private_folder(&folder)?;
        }
        for path in storage::names_in(&journal.folder)? {
            if file_name(&path).starts_with('.')
                && let Err(error) = fs::remove_dir_all(&path)
            {
                // They are in nobody's way, and a disk that takes no writes must not keep the agent from telling so.
                tracing::warn!(folder = %path.display(), %error, "the rest of an op cannot be cleared away");
            }
        }
        Ok(journal)
    }

    /// Writes an op down, perhaps as one that is not to begin. When this returns, the op is safe from a crash; it has
    /// not begun. Where it fails, nothing of it is left.
    pub(crate) fn add(&self, op: OpFile, cancelled: bool) -> io::Result<Entry> {
        let building = self.folder.join(format!(".new-{}", op.op));
        let folder = self.folder.join(op.op.to_string());
        let written = build(&building, &op, cancelled)
            .and_then(|()| fs::rename(&building, &folder))
            .and_then(|()| storage::sync_folder_of(&folder));
        if let Err(error) = written {
            // An op that is said not to be here must not be begun by a later agent.
            let _ = fs::rename(&folder, &building);
            let _ = fs::remove_dir_all(&building);
            return Err(error);
        }
        Ok(Entry::new(folder, op))
    }

    /// What is known of an op.
    pub(crate) fn find(&self, op: OpId) -> io::Result<Known> {
        let folder = self.folder.join(op.to_string());
        if folder.try_exists()?
            && let Some(entry) = self.read(&folder)?
        {
            return Ok(Known::Open(entry));
        }
        if folder.try_exists()? || self.damaged().join(op.to_string()).try_exists()? {
            return Ok(Known::Damaged);
        }
        match storage::read_json(&self.done().join(format!("{op}.json"))) {
            Ok(Some(result)) => Ok(Known::Done(Box::new(result))),
            Ok(None) => Ok(Known::Never),
            // It has run, and how it ended is lost.
            Err(error) if is_damage(&error) => Ok(Known::Damaged),
            Err(error) => Err(error),
        }
    }

    /// Every op whose end the server has not stored, oldest first. What is damaged is moved aside.
    ///
    /// # Errors
    /// Also if an entry cannot be read now but may be later: leaving it out would say that the host never had the op.
    pub(crate) fn entries(&self) -> io::Result<Vec<Entry>> {
        let folders = storage::names_in(&self.folder)?;
        let ops = folders.iter().filter(|path| file_name(path).parse::<OpId>().is_ok());
        ops.filter_map(|folder| self.read(folder).transpose()).collect()
    }

    /// The ops whose entries could not be read, the latest where there are many.
    pub(crate) fn damaged_ops(&self) -> io::Result<Vec<OpId>> {
        let folders = storage::names_in(&self.damaged())?;
        let latest = folders.iter().rev().filter_map(|path| file_name(path).parse().ok());
        Ok(latest.take(REMEMBERED).collect())
    }

    /// Forgets an op whose end the server has stored, save how it ended.
    pub(crate) fn forget(&self, entry: &Entry) -> io::Result<()> {
        keep(&entry.result_file(), &self.done().join(format!("{}.json", entry.op())))?;
        // Renamed first: a folder that is half gone must not be taken for an op.
        let leaving = self.folder.join(format!(".done-{}", entry.op()));
        fs::rename(entry.folder(), &leaving)?;
        fs::remove_dir_all(&leaving)?;
        self.forget_oldest()
    }

    /// Forgets those that ended first. Their identifiers do not tell: they carry the time of the server that made them,
    /// whose clock may have been ahead.
    fn forget_oldest(&self) -> io::Result<()> {
        let mut done = storage::names_in(&self.done())?;
        let surplus = done.len().saturating_sub(REMEMBERED);
        if surplus > 0 {
            done.sort_by_cached_key(|file| file.metadata().and_then(|found| found.modified()).ok());
        }
        done[..surplus].iter().try_for_each(fs::remove_file)
    }

    /// Reads an entry, or moves it aside if it is damaged. Any other error, such as too many open files, passes: the op may
    /// be running.
    fn read(&self, folder: &Path) -> io::Result<Option<Entry>> {
        let error = match Entry::read(folder) {
            Ok(entry) => return Ok(Some(entry)),
            Err(error) if is_damage(&error) => error,
            Err(error) => return Err(error),
        };
        let aside = self.damaged().join(file_name(folder));
        tracing::error!(folder = %folder.display(), %error,
            "an op in the journal cannot be read; it is moved to {} and not run", aside.display());
        if aside.exists() {
            let _ = fs::remove_dir_all(&aside);
        }
        if let Err(error) = fs::rename(folder, &aside) {
            tracing::error!(%error, "it cannot be moved either");
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

/// Whether an error says that a file is not as it was written, which no later reading would mend.
fn is_damage(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, NotADirectory, NotFound, UnexpectedEof};
    matches!(error.kind(), InvalidData | NotADirectory | NotFound | UnexpectedEof)
}

/// Makes the folder of an op, complete but for its name.
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

/// Keeps a file under another name too. That takes no room, so it works on a full disk; where the file system cannot do
/// it, the file is copied.
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
