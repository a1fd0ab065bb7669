//! Follows one op for as long as a connection lives.

use backstay_protocol::OutputLine;
use backstay_protocol::message::OpResult;

use crate::journal::{Entry, Standing, Tail};

/// How far the server has been told of an op's end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    /// It has not ended, or not all of its output has been sent.
    Open,
    /// The host is being read, to be told with it.
    ReadingFacts,
    /// It has been told.
    Told(Box<OpResult>),
}

/// One op of the journal, as this connection knows it.
#[derive(Debug)]
pub(super) struct Follow {
    pub(super) entry: Entry,
    pub(super) ending: Ending,
    tail: Tail,
}

/// What is to be sent next.
#[derive(Debug, Default)]
pub(super) struct News {
    pub(super) lines: Vec<OutputLine>,
    pub(super) phase: Option<backstay_protocol::Phase>,
    /// How the op ended, once all of its output has been handed out.
    pub(super) result: Option<Box<OpResult>>,
    /// Whether there may be more at once.
    pub(super) more: bool,
}

impl Follow {
    /// Follows an op from its first line.
    pub(super) fn new(entry: Entry) -> Self {
        Self { tail: Tail::from(entry.output()), ending: Ending::Open, entry }
    }

    /// How many lines the op has written, as far as it has been followed.
    pub(super) fn lines(&self) -> u64 {
        self.tail.lines()
    }

    /// What came since the last time. `standing` was read before: when the op had ended by then, all its output is
    /// there now. Lines up to `stored` are known to the server.
    pub(super) fn news(&mut self, standing: Standing, stored: u64) -> std::io::Result<News> {
        let batch = self.tail.next_batch()?;
        let mut news = News { phase: batch.phase, more: batch.read, ..News::default() };
        news.lines = batch.lines.into_iter().filter(|line| line.seq > stored).collect();
        if let (false, Ending::Open, Standing::Ended(result)) = (batch.read, &self.ending, standing) {
            news.result = Some(result);
            self.ending = Ending::ReadingFacts;
        }
        Ok(news)
    }
}
