//! What a runner writes while it works: lines and phases, one JSON object per line.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use backstay_model::wire::limits::{LINE_BYTES, LINES_PER_OP, cut};
use backstay_model::{Clock, Phase, Stream};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Number of last lines to keep of an op that writes too many. They show what went wrong.
const LAST: usize = 500;

/// One line of the file. The number of an output line is its position, so it is not stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Record {
    /// A line of output.
    Line {
        /// Its source.
        stream: Stream,
        /// When it was read.
        at: DateTime<Utc>,
        /// The text.
        text: String,
    },
    /// What the op does from here on.
    Phase(Phase),
}

/// Writes to the journal and never fails: a running op is worth more than its output. Counts lines that a
/// full disk does not take, and reports the number once there is room.
pub(crate) struct Recorder {
    file: File,
    /// Length of the file without a torn last line.
    length: u64,
    clock: Arc<dyn Clock>,
    first: u64,
    written: u64,
    last: VecDeque<Record>,
    dropped: u64,
    /// Lost lines that the output does not mention yet.
    missed: u64,
    /// True if the file ends with part of a line.
    torn: bool,
    activated: bool,
}

impl Recorder {
    /// Appends to a file.
    pub(crate) fn create(path: &Path, clock: Arc<dyn Clock>) -> io::Result<Self> {
        Self::keeping(path, clock, LINES_PER_OP)
    }

    fn keeping(path: &Path, clock: Arc<dyn Clock>, lines: u64) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
        let length = file.metadata()?.len();
        // One line reports the number of lines dropped.
        let first = lines.saturating_sub(LAST as u64 + 1);
        Ok(Self {
            file,
            length,
            clock,
            first,
            written: 0,
            last: VecDeque::new(),
            dropped: 0,
            missed: 0,
            torn: false,
            activated: false,
        })
    }

    /// Records a line.
    pub(crate) fn line(&mut self, stream: Stream, text: &str) {
        let record = Record::Line { stream, at: self.clock.now(), text: cut(text, LINE_BYTES) };
        if self.written < self.first {
            self.written += 1;
            self.write_line(&record);
            return;
        }
        if self.last.len() == LAST {
            self.last.pop_front();
            self.dropped += 1;
        }
        self.last.push_back(record);
    }

    /// Records what the op does from here on.
    pub(crate) fn phase(&mut self, phase: Phase) {
        self.activated |= phase == Phase::Activating;
        if let Err(error) = self.write(&Record::Phase(phase)) {
            tracing::warn!(%error, "the op's phase cannot be recorded");
        }
    }

    /// Whether the op has begun an activation.
    pub(crate) fn has_activated(&self) -> bool {
        self.activated
    }

    /// Writes the lines that were held back, and syncs the file. Returns the number of lost lines that the
    /// output could not mention.
    pub(crate) fn finish(mut self) -> u64 {
        if self.dropped > 0 {
            let text = format!("… {} lines were dropped: the op wrote too many.", self.dropped);
            let notice = self.words(text);
            self.write_line(&notice);
        }
        for record in std::mem::take(&mut self.last) {
            self.write_line(&record);
        }
        let _ = self.write_missed();
        if let Err(error) = self.file.sync_all() {
            tracing::warn!(%error, "the op's output may not survive a crash");
        }
        self.missed
    }

    /// Writes a line, after a notice about those that could not be written before it.
    fn write_line(&mut self, record: &Record) {
        if let Err(error) = self.write_missed().and_then(|()| self.write(record)) {
            if self.missed == 0 {
                tracing::warn!(%error, "output cannot be recorded; counting the lost lines");
            }
            self.missed += 1;
        }
    }

    /// The notice replaces at least one line, so the output stays within its limit.
    fn write_missed(&mut self) -> io::Result<()> {
        if self.missed > 0 {
            let notice = self.words(format!("… {}.", missing_lines(self.missed)));
            self.write(&notice)?;
            self.missed = 0;
        }
        Ok(())
    }

    fn words(&self, text: String) -> Record {
        Record::Line { stream: Stream::Agent, at: self.clock.now(), text }
    }

    /// Writes a record whole or not at all: half a line would merge with the next one.
    fn write(&mut self, record: &Record) -> io::Result<()> {
        let mut json = serde_json::to_vec(record)?;
        json.push(b'\n');
        self.mend()?;
        self.torn = true;
        let written = self.file.write_all(&json);
        if written.is_ok() {
            self.torn = false;
            self.length += json.len() as u64;
        } else {
            let _ = self.mend();
        }
        written
    }

    fn mend(&mut self) -> io::Result<()> {
        if self.torn {
            self.file.set_len(self.length)?;
            self.torn = false;
        }
        Ok(())
    }
}

/// States the number of missing lines, without the final full stop.
pub(crate) fn missing_lines(count: u64) -> String {
    let lines = if count == 1 { "line of output is" } else { "lines of output are" };
    format!("{count} {lines} missing: the disk did not take them")
}

#[cfg(test)]
mod tests {
    use backstay_model::SystemClock;

    use super::super::Tail;
    use super::*;

    /// Returns all lines of a file.
    fn lines(path: &Path) -> Vec<backstay_model::OutputLine> {
        let mut tail = Tail::from(path.to_owned());
        std::iter::from_fn(|| Some(tail.next_batch().unwrap().lines).filter(|lines| !lines.is_empty()))
            .flatten()
            .collect()
    }

    #[test]
    fn lost_lines_are_counted_and_reported() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("output.jsonl");
        let mut recorder = Recorder::create(&path, Arc::new(SystemClock)).unwrap();
        recorder.line(Stream::Stdout, "one");
        // A file that takes no writes, as on a full disk, and then one with half a line at its end.
        let writable = std::mem::replace(&mut recorder.file, File::open(&path).unwrap());
        for _ in 0..3 {
            recorder.line(Stream::Stdout, "lost");
        }
        recorder.file = writable;
        recorder.file.write_all(b"{\"stream\":\"std").unwrap();
        recorder.line(Stream::Stdout, "two");
        assert_eq!(recorder.finish(), 0);
        let told = lines(&path);
        let texts: Vec<_> = told.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["one", "… 3 lines of output are missing: the disk did not take them.", "two"]);
    }

    #[test]
    fn lines_that_are_never_written_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("output.jsonl");
        let mut recorder = Recorder::create(&path, Arc::new(SystemClock)).unwrap();
        recorder.file = File::open(&path).unwrap();
        for _ in 0..3 {
            recorder.line(Stream::Stdout, "lost");
        }
        assert_eq!(recorder.finish(), 3);
        assert!(lines(&path).is_empty());
    }

    #[test]
    fn of_too_many_lines_the_first_and_the_last_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("output.jsonl");
        let mut recorder = Recorder::keeping(&path, Arc::new(SystemClock), 1000).unwrap();
        for i in 0..2000 {
            recorder.line(Stream::Stdout, &i.to_string());
        }
        recorder.finish();
        let lines = lines(&path);
        assert_eq!(lines.len(), 1000);
        assert!(lines.iter().enumerate().all(|(i, line)| line.seq == i as u64 + 1));
        assert_eq!((lines[498].text.as_str(), lines[500].text.as_str()), ("498", "1500"));
        assert!(lines[499].text.contains("1001 lines were dropped"), "{}", lines[499].text);
        assert_eq!(lines[999].text, "1999");
    }
}
