//! What a runner writes while it works: lines and phases, one JSON object to a line.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use backstay_protocol::limits::{LINE_BYTES, LINES_PER_OP, cut};
use backstay_protocol::{Clock, Phase, Stream};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// How many of the last lines are kept of an op that writes more than is kept. They tell what went wrong.
const LAST: usize = 500;

/// One line of the file. A line's number is its place among the lines, so it is not written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Record {
    /// A line of output.
    Line {
        /// Where it came from.
        stream: Stream,
        /// When it was read.
        at: DateTime<Utc>,
        /// The text.
        text: String,
    },
    /// What the op is doing from here on.
    Phase(Phase),
}

/// Writes what happens to the journal. It never fails: an op under way is worth more than its output.
pub(crate) struct Recorder {
    file: File,
    clock: Arc<dyn Clock>,
    first: u64,
    written: u64,
    last: VecDeque<Record>,
    dropped: u64,
}

impl Recorder {
    /// Appends to a file.
    pub(crate) fn create(path: &Path, clock: Arc<dyn Clock>) -> io::Result<Self> {
        Self::keeping(path, clock, LINES_PER_OP)
    }

    fn keeping(path: &Path, clock: Arc<dyn Clock>, lines: u64) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
        // One line is for saying how many were not kept.
        let first = lines.saturating_sub(LAST as u64 + 1);
        Ok(Self { file, clock, first, written: 0, last: VecDeque::new(), dropped: 0 })
    }

    /// Writes a line down.
    pub(crate) fn line(&mut self, stream: Stream, text: &str) {
        let record = Record::Line { stream, at: self.clock.now(), text: cut(text, LINE_BYTES) };
        if self.written < self.first {
            self.written += 1;
            self.write(&record);
            return;
        }
        if self.last.len() == LAST {
            self.last.pop_front();
            self.dropped += 1;
        }
        self.last.push_back(record);
    }

    /// Writes down what the op is doing from here on.
    pub(crate) fn phase(&mut self, phase: Phase) {
        self.write(&Record::Phase(phase));
    }

    /// Writes down what was held back, and makes all of it last.
    pub(crate) fn finish(mut self) {
        if self.dropped > 0 {
            let text = format!("… {} lines are not kept: the op wrote too many.", self.dropped);
            self.write(&Record::Line { stream: Stream::Agent, at: self.clock.now(), text });
        }
        for record in std::mem::take(&mut self.last) {
            self.write(&record);
        }
        if let Err(error) = self.file.sync_all() {
            tracing::warn!(%error, "the op's output may not survive a crash");
        }
    }

    fn write(&mut self, record: &Record) {
        let Ok(mut json) = serde_json::to_vec(record) else { return };
        json.push(b'\n');
        if let Err(error) = self.file.write_all(&json) {
            tracing::warn!(%error, "a line of output is lost");
        }
    }
}

#[cfg(test)]
mod tests {
    use backstay_protocol::SystemClock;

    use super::super::Tail;
    use super::*;

    #[test]
    fn of_too_many_lines_the_first_and_the_last_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("output.jsonl");
        let mut recorder = Recorder::keeping(&path, Arc::new(SystemClock), 1000).unwrap();
        for i in 0..2000 {
            recorder.line(Stream::Stdout, &i.to_string());
        }
        recorder.finish();
        let mut tail = Tail::from(path);
        let mut lines = vec![];
        loop {
            let batch = tail.next_batch().unwrap();
            if batch.lines.is_empty() {
                break;
            }
            lines.extend(batch.lines);
        }
        assert_eq!(lines.len(), 1000);
        assert!(lines.iter().enumerate().all(|(i, line)| line.seq == i as u64 + 1));
        assert_eq!((lines[498].text.as_str(), lines[500].text.as_str()), ("498", "1500"));
        assert!(lines[499].text.contains("1001 lines are not kept"), "{}", lines[499].text);
        assert_eq!(lines[999].text, "1999");
    }
}
