//! Follows what a runner writes.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use backstay_model::wire::limits::LINES_PER_MESSAGE;
use backstay_model::{OutputLine, Phase, Stream};
use chrono::{DateTime, Utc};

use super::record::Record;

/// Bytes per read. JSON has the same length on disk and in a message, so a batch stays below a message's limit.
const CHUNK: usize = 512 * 1024;

/// A position in an op's output.
#[derive(Debug)]
pub(crate) struct Tail {
    path: PathBuf,
    offset: u64,
    lines: u64,
}

/// What comes next in the output.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Batch {
    /// Lines, in order.
    pub(crate) lines: Vec<OutputLine>,
    /// The latest phase.
    pub(crate) phase: Option<Phase>,
    /// Whether anything was read, so that there may be more.
    pub(crate) read: bool,
}

impl Tail {
    /// Starts at the first line.
    pub(crate) fn from(path: PathBuf) -> Self {
        Self { path, offset: 0, lines: 0 }
    }

    /// Returns the number of lines read so far.
    pub(crate) fn lines(&self) -> u64 {
        self.lines
    }

    /// Returns the next complete lines, as many as fit into one message.
    pub(crate) fn next_batch(&mut self) -> io::Result<Batch> {
        let chunk = self.read()?;
        let mut batch = Batch::default();
        let mut taken = 0;
        for line in chunk.split_inclusive(|&b| b == b'\n') {
            // No runner writes a line that fills a whole chunk.
            if (line.last() != Some(&b'\n') && chunk.len() < CHUNK) || batch.lines.len() == LINES_PER_MESSAGE
            {
                break;
            }
            if line.last() != Some(&b'\n') && taken > 0 {
                break;
            }
            taken += line.len();
            self.take(line, &mut batch);
        }
        self.offset += taken as u64;
        batch.read = taken > 0;
        Ok(batch)
    }

    fn read(&self) -> io::Result<Vec<u8>> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
            Err(error) => return Err(error),
        };
        let there = file.metadata()?.len().saturating_sub(self.offset);
        let mut chunk = vec![0; CHUNK.min(usize::try_from(there).unwrap_or(CHUNK))];
        let mut filled = 0;
        while filled < chunk.len() {
            match file.read_at(&mut chunk[filled..], self.offset + filled as u64)? {
                0 => break,
                count => filled += count,
            }
        }
        chunk.truncate(filled);
        Ok(chunk)
    }

    fn take(&mut self, line: &[u8], batch: &mut Batch) {
        let (stream, at, text) = match serde_json::from_slice(line) {
            Ok(Record::Phase(phase)) => {
                batch.phase = Some(phase);
                return;
            }
            Ok(Record::Line { stream, at, text }) => (stream, at, text),
            // Line numbers must have no gaps, so a damaged line keeps its position.
            Err(_) => (Stream::Agent, DateTime::<Utc>::UNIX_EPOCH, "(a line was damaged on disk)".to_owned()),
        };
        self.lines += 1;
        batch.lines.push(OutputLine { seq: self.lines, stream, at, text });
    }
}
