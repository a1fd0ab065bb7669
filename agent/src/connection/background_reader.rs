//! Reads the host in the background: a slow disk must not make the server think that the agent is gone.

use std::collections::VecDeque;
use std::sync::Arc;

use backstay_model::wire::message::OpResult;
use backstay_model::{Facts, OpId};
use tokio::sync::mpsc;

use crate::facts::FactsReader;

/// Something to send to the server.
#[derive(Debug)]
pub(super) enum Update {
    /// The host has changed since the last facts were sent.
    Facts(Box<Facts>),
    /// An op ended, and the host was read after that.
    Finished(FinishedOp, Box<Facts>),
}

/// An op that ended.
#[derive(Debug)]
pub(super) struct FinishedOp {
    pub(super) op: OpId,
    pub(super) result: Box<OpResult>,
    /// The number of lines that it wrote, counted when it ended: by the time the host has been read, the
    /// journal may have forgotten the op.
    pub(super) lines: u64,
}

/// The result of one reading.
enum ReadResult {
    Fingerprint(u64),
    Facts { fingerprint: u64, facts: Box<Facts> },
}

/// Reads the host for one connection. There is never more than one reading at a time, so that a disk that
/// hangs costs one thread, and facts are sent in the order in which they were read.
pub(super) struct BackgroundReader {
    host: Arc<FactsReader>,
    sender: mpsc::UnboundedSender<ReadResult>,
    receiver: mpsc::UnboundedReceiver<ReadResult>,
    /// True while a reading is running.
    busy: bool,
    /// True if the host must be read after that.
    wanted: bool,
    /// The ops to report with the running reading, and with the next one: only facts that were read after the
    /// op ended show its effect.
    finished: Vec<FinishedOp>,
    next_finished: Vec<FinishedOp>,
    updates: VecDeque<Update>,
    last_sent: Option<Box<Facts>>,
    fingerprint: Option<u64>,
}

impl BackgroundReader {
    /// A reader for a connection that has sent no facts.
    pub(super) fn new(host: Arc<FactsReader>) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        Self {
            host,
            sender,
            receiver,
            busy: false,
            wanted: false,
            finished: vec![],
            next_finished: vec![],
            updates: VecDeque::new(),
            last_sent: None,
            fingerprint: None,
        }
    }

    /// Checks whether the host has changed, unless it is being read anyway.
    pub(super) fn check_for_changes(&mut self) {
        if !self.busy {
            self.spawn(|host| ReadResult::Fingerprint(host.fingerprint()));
        }
    }

    /// Reads the host, and sends the facts if they have changed.
    pub(super) fn read(&mut self) {
        self.wanted = true;
        self.begin();
    }

    /// Reads the host, and sends the facts in any case.
    pub(super) fn read_and_send(&mut self) {
        self.last_sent = None;
        self.read();
    }

    /// Reads the host, and sends the facts with the result of an op.
    pub(super) fn read_after_op(&mut self, end: FinishedOp) {
        self.next_finished.retain(|other| other.op != end.op);
        self.next_finished.push(end);
        self.read();
    }

    /// Returns what to send next.
    pub(super) async fn next(&mut self) -> Update {
        loop {
            if let Some(update) = self.updates.pop_front() {
                return update;
            }
            // This value holds a sender, so the channel never closes.
            let Some(reading) = self.receiver.recv().await else { std::future::pending().await };
            self.take(reading);
        }
    }

    fn take(&mut self, reading: ReadResult) {
        self.busy = false;
        match reading {
            ReadResult::Fingerprint(now) => {
                self.wanted |= self.fingerprint.replace(now).is_some_and(|before| before != now);
            }
            ReadResult::Facts { fingerprint, facts } => {
                let is_known = self.last_sent.as_ref().is_some_and(|last_sent| is_same(last_sent, &facts));
                self.fingerprint = Some(fingerprint);
                self.last_sent = Some(facts.clone());
                if !is_known && self.finished.is_empty() {
                    self.updates.push_back(Update::Facts(facts.clone()));
                }
                let finished = std::mem::take(&mut self.finished).into_iter();
                self.updates.extend(finished.map(|end| Update::Finished(end, facts.clone())));
            }
        }
        self.begin();
    }

    /// Starts the requested reading once the previous one has come back.
    fn begin(&mut self) {
        if self.busy || !self.wanted {
            return;
        }
        self.wanted = false;
        self.finished = std::mem::take(&mut self.next_finished);
        self.spawn(|host| {
            // Taken first: a change during the reading shows at the next check.
            let fingerprint = host.fingerprint();
            ReadResult::Facts { fingerprint, facts: Box::new(host.read()) }
        });
    }

    fn spawn(&mut self, how: impl FnOnce(&FactsReader) -> ReadResult + Send + 'static) {
        self.busy = true;
        let (host, sender) = (Arc::clone(&self.host), self.sender.clone());
        tokio::spawn(async move {
            // One reading at a time across connections too: the previous connection's may still hang.
            let turn = host.turn().await;
            let read = tokio::task::spawn_blocking(move || {
                let reading = how(&host);
                drop(turn);
                sender.send(reading)
            });
            drop(read.await);
        });
    }
}

/// Whether two readings agree.
fn is_same(one: &Facts, other: &Facts) -> bool {
    *one == Facts { read_at: one.read_at, ..other.clone() }
}

#[cfg(test)]
mod tests {
    use backstay_model::{Outcome, SystemClock, sample};

    use super::*;

    fn reader() -> BackgroundReader {
        let config = toml::from_str("server = \"http://localhost\"\nplatform = \"darwin\"").unwrap();
        BackgroundReader::new(Arc::new(FactsReader::new(Arc::new(config), Arc::new(SystemClock))))
    }

    fn facts(profile: &str) -> ReadResult {
        let facts = Facts { profile: profile.into(), ..sample::facts_of(vec![]) };
        ReadResult::Facts { fingerprint: 1, facts: Box::new(facts) }
    }

    fn end(op: OpId) -> FinishedOp {
        let result = sample::op_result(Outcome::Completed, "", sample::now());
        FinishedOp { op, result: Box::new(result), lines: 0 }
    }

    /// Describes what is sent after a reading.
    fn sent_after(reader: &mut BackgroundReader, reading: ReadResult) -> Vec<String> {
        reader.take(reading);
        let in_short = |update| match update {
            Update::Facts(facts) => facts.profile,
            Update::Finished(end, facts) => format!("{} {}", end.op, facts.profile),
        };
        reader.updates.drain(..).map(in_short).collect()
    }

    #[tokio::test]
    async fn only_changed_facts_are_sent() {
        let mut reader = reader();
        assert_eq!(sent_after(&mut reader, facts("a")), ["a"]);
        assert!(sent_after(&mut reader, facts("a")).is_empty());
        assert_eq!(sent_after(&mut reader, facts("b")), ["b"]);
    }

    #[tokio::test]
    async fn a_result_is_sent_with_facts_that_were_read_after_the_op() {
        let mut reader = reader();
        reader.read();
        let op = OpId::new();
        // The running reading began before the op ended. Reported twice, it is one result.
        reader.read_after_op(end(op));
        reader.read_after_op(end(op));
        assert_eq!(sent_after(&mut reader, facts("before")), ["before"]);
        assert!(reader.busy, "the host is read again");
        assert_eq!(sent_after(&mut reader, facts("after")), [format!("{op} after")]);
        assert!(!reader.busy);
    }

    /// A pipe that nobody writes to, in place of a file of the checkout, simulates a disk that does not
    /// respond.
    #[test]
    fn a_disk_that_hangs_costs_one_thread() {
        let folder = tempfile::tempdir().unwrap();
        let git = folder.path().join(".git");
        std::fs::create_dir(&git).unwrap();
        let pipe = std::process::Command::new("mkfifo").arg(git.join("HEAD")).status();
        assert!(pipe.unwrap().success());
        let config =
            format!("server = \"http://localhost\"\n[checkout]\npath = \"{}\"", folder.path().display());
        let config = Arc::new(toml::from_str(&config).unwrap());
        let host = Arc::new(FactsReader::new(config, Arc::new(SystemClock)));
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.max_blocking_threads(2).build().unwrap();
        runtime.block_on(async {
            // Two connections in sequence, with what their timers and ops request.
            for mut reader in [BackgroundReader::new(Arc::clone(&host)), BackgroundReader::new(host)] {
                for _ in 0..20 {
                    reader.check_for_changes();
                    reader.read();
                    reader.read_after_op(end(OpId::new()));
                    tokio::task::yield_now().await;
                }
            }
            tokio::task::spawn_blocking(|| ()).await.unwrap();
        });
        runtime.shutdown_background();
    }

    #[tokio::test]
    async fn a_change_is_noticed_even_if_it_came_while_the_host_was_read() {
        let mut reader = reader();
        assert_eq!(sent_after(&mut reader, facts("a")), ["a"]);
        assert!(sent_after(&mut reader, ReadResult::Fingerprint(1)).is_empty());
        assert!(!reader.busy);
        assert!(sent_after(&mut reader, ReadResult::Fingerprint(2)).is_empty());
        assert!(reader.busy, "the host is read");
    }
}
