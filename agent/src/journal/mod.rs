//! The ops that this host has been given and the server has not yet heard the end of, on disk.
//!
//! ```text
//! journal/<op id>/op.json        what to do, complete from the moment the folder has its name
//! journal/<op id>/begun          a runner has begun: no other ever will
//! journal/<op id>/lock           held by the runner, and by the commands that it started
//! journal/<op id>/cancel         the op is to stop
//! journal/<op id>/output.jsonl   lines and phases, appended
//! journal/<op id>/result.json    how it ended
//! journal/done/<op id>.json      how it ended, once the server has stored that: so that it never runs again
//! journal/damaged/               entries that could not be read
//! ```

mod entry;
mod record;
mod tail;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use backstay_protocol::OpId;
use backstay_protocol::message::OpResult;

use crate::storage;
pub(crate) use entry::{Entry, OpFile, Standing, ended_without_runner};
pub(crate) use record::Recorder;
pub(crate) use tail::Tail;

/// How many ended ops are remembered.
const REMEMBERED: usize = 200;

/// The ops that this host has been given.
#[derive(Debug, Clone)]
pub(crate) struct Journal {
    folder: PathBuf,
}

/// What the journal knows of an op.
#[derive(Debug)]
pub(crate) enum Known {
    /// It is in the journal.
    Open(Entry),
    /// It has ended, and the server knows how.
    Done(Box<OpResult>),
    /// It was in the journal and cannot be read any more; it may have run.
    Damaged,
}

impl Journal {
    /// Opens the journal, and clears away what a crash has left half-written or half-removed.
    pub(crate) fn open(state_dir: &Path) -> io::Result<Self> {
        let journal = Self { folder: state_dir.join("journal") };
        for folder in [journal.folder.clone(), journal.done(), journal.damaged()] {
            storage::create_private_folder(&folder)?;
        }
        for path in storage::names_in(&journal.folder)? {
            if file_name(&path).starts_with('.') {
                fs::remove_dir_all(&path)?;
            }
        }
        Ok(journal)
    }

    /// Writes an op down. When this returns, the op is safe from a crash; it has not begun.
    pub(crate) fn add(&self, op: OpFile) -> io::Result<Entry> {
        let building = self.folder.join(format!(".new-{}", op.op));
        let folder = self.folder.join(op.op.to_string());
        if building.exists() {
            fs::remove_dir_all(&building)?;
        }
        storage::create_private_folder(&building)?;
        storage::write_json(&building.join(entry::OP), &op)?;
        fs::rename(&building, &folder)?;
        storage::sync_folder_of(&folder)?;
        Ok(Entry::new(folder, op))
    }

    /// What is known of an op; nothing if it never reached this host.
    pub(crate) fn find(&self, op: OpId) -> io::Result<Option<Known>> {
        let folder = self.folder.join(op.to_string());
        if folder.exists()
            && let Some(entry) = self.read(&folder)
        {
            return Ok(Some(Known::Open(entry)));
        }
        if folder.exists() || self.damaged().join(op.to_string()).exists() {
            return Ok(Some(Known::Damaged));
        }
        let done = storage::read_json(&self.done().join(format!("{op}.json")));
        Ok(done?.map(|result| Known::Done(Box::new(result))))
    }

    /// Every op whose end the server has not stored, oldest first. What cannot be read is moved aside.
    pub(crate) fn entries(&self) -> io::Result<Vec<Entry>> {
        let folders = storage::names_in(&self.folder)?;
        let ops = folders.iter().filter(|path| file_name(path).parse::<OpId>().is_ok());
        Ok(ops.filter_map(|folder| self.read(folder)).collect())
    }

    /// The ops whose entries could not be read, the latest where there are many.
    pub(crate) fn damaged_ops(&self) -> io::Result<Vec<OpId>> {
        let folders = storage::names_in(&self.damaged())?;
        let latest = folders.iter().rev().filter_map(|path| file_name(path).parse().ok());
        Ok(latest.take(REMEMBERED).collect())
    }

    /// Forgets an op whose end the server has stored, save how it ended.
    pub(crate) fn forget(&self, entry: &Entry, result: &OpResult) -> io::Result<()> {
        storage::write_json(&self.done().join(format!("{}.json", entry.op())), result)?;
        // Renamed first: a folder that is half gone must not be taken for an op.
        let leaving = self.folder.join(format!(".done-{}", entry.op()));
        fs::rename(entry.folder(), &leaving)?;
        fs::remove_dir_all(&leaving)?;
        self.forget_oldest()
    }

    fn forget_oldest(&self) -> io::Result<()> {
        let done = storage::names_in(&self.done())?;
        let surplus = done.len().saturating_sub(REMEMBERED);
        // Identifiers sort by the time of their making.
        done[..surplus].iter().try_for_each(fs::remove_file)
    }

    fn read(&self, folder: &Path) -> Option<Entry> {
        match Entry::read(folder) {
            Ok(entry) => Some(entry),
            Err(error) => {
                let aside = self.damaged().join(file_name(folder));
                tracing::error!(folder = %folder.display(), %error,
                    "an op in the journal cannot be read; it is moved to {} and not run", aside.display());
                if aside.exists() {
                    let _ = fs::remove_dir_all(&aside);
                }
                if let Err(error) = fs::rename(folder, &aside) {
                    tracing::error!(%error, "it cannot be moved either");
                }
                None
            }
        }
    }

    fn done(&self) -> PathBuf {
        self.folder.join("done")
    }

    fn damaged(&self) -> PathBuf {
        self.folder.join("damaged")
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests;
