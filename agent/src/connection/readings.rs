//! Reads the host beside the conversation: a disk that is slow must not make the server think that nobody is there.

use std::collections::VecDeque;
use std::sync::Arc;

use backstay_model::wire::message::OpResult;
use backstay_model::{Facts, OpId};
use tokio::sync::mpsc;

use crate::facts::FactsReader;

/// Something that was read and is to be told.
#[derive(Debug)]
pub(super) enum News {
    /// The host is another than last told.
    Facts(Box<Facts>),
    /// The host, after an op ended.
    Finished(End, Box<Facts>),
}

/// How an op ended.
#[derive(Debug)]
pub(super) struct End {
    pub(super) op: OpId,
    pub(super) result: Box<OpResult>,
    /// How many lines it has written, counted when it had ended: by the time that the host was read, the journal may have
    /// forgotten the op.
    pub(super) lines: u64,
}

/// One reading, as it comes back.
enum Reading {
    Fingerprint(u64),
    Facts { fingerprint: u64, facts: Box<Facts> },
}

/// The readings of one connection. There is never more than one at a time, so that a disk that hangs costs one thread, and
/// what is read later is told later.
pub(super) struct Readings {
    host: Arc<FactsReader>,
    sender: mpsc::UnboundedSender<Reading>,
    receiver: mpsc::UnboundedReceiver<Reading>,
    /// Whether a reading is under way.
    busy: bool,
    /// Whether the host is to be read once that has come back.
    wanted: bool,
    /// The ends that are to be told with the reading that is under way, and with the next one: only what is read after an
    /// op's end says what became of it.
    ends: Vec<End>,
    next_ends: Vec<End>,
    news: VecDeque<News>,
    told: Option<Box<Facts>>,
    fingerprint: Option<u64>,
}

impl Readings {
    /// Of a host of which this connection has told nothing yet.
    pub(super) fn new(host: Arc<FactsReader>) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        Self {
            host,
            sender,
            receiver,
            busy: false,
            wanted: false,
            ends: vec![],
            next_ends: vec![],
            news: VecDeque::new(),
            told: None,
            fingerprint: None,
        }
    }

    /// Looks whether the host has changed, unless it is being read anyway.
    pub(super) fn look(&mut self) {
        if !self.busy {
            self.spawn(|host| Reading::Fingerprint(host.fingerprint()));
        }
    }

    /// Reads the host, to tell it if it is another than last told.
    pub(super) fn read(&mut self) {
        self.wanted = true;
        self.begin();
    }

    /// Reads the host, to tell it in any case.
    pub(super) fn read_anew(&mut self) {
        self.told = None;
        self.read();
    }

    /// Reads the host, to tell it with the end of an op.
    pub(super) fn read_after(&mut self, end: End) {
        self.next_ends.retain(|other| other.op != end.op);
        self.next_ends.push(end);
        self.read();
    }

    /// What is to be told next.
    pub(super) async fn next(&mut self) -> News {
        loop {
            if let Some(news) = self.news.pop_front() {
                return news;
            }
            // This end holds a sender, so the channel never closes.
            let Some(reading) = self.receiver.recv().await else { std::future::pending().await };
            self.take(reading);
        }
    }

    fn take(&mut self, reading: Reading) {
        self.busy = false;
        match reading {
            Reading::Fingerprint(now) => {
                self.wanted |= self.fingerprint.replace(now).is_some_and(|before| before != now);
            }
            Reading::Facts { fingerprint, facts } => {
                let is_known = self.told.as_ref().is_some_and(|told| is_same(told, &facts));
                self.fingerprint = Some(fingerprint);
                self.told = Some(facts.clone());
                if !is_known && self.ends.is_empty() {
                    self.news.push_back(News::Facts(facts.clone()));
                }
                let ends = std::mem::take(&mut self.ends).into_iter();
                self.news.extend(ends.map(|end| News::Finished(end, facts.clone())));
            }
        }
        self.begin();
    }

    /// Begins the reading that is wanted, once the one before has come back.
    fn begin(&mut self) {
        if self.busy || !self.wanted {
            return;
        }
        self.wanted = false;
        self.ends = std::mem::take(&mut self.next_ends);
        self.spawn(|host| {
            // Taken before: what changes while the host is being read shows at the next look.
            let fingerprint = host.fingerprint();
            Reading::Facts { fingerprint, facts: Box::new(host.read()) }
        });
    }

    fn spawn(&mut self, how: impl FnOnce(&FactsReader) -> Reading + Send + 'static) {
        self.busy = true;
        let (host, sender) = (Arc::clone(&self.host), self.sender.clone());
        tokio::spawn(async move {
            // One reading at a time of all connections too: the one before may still hang.
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

/// Whether two readings say the same of the host.
fn is_same(one: &Facts, other: &Facts) -> bool {
    *one == Facts { read_at: one.read_at, ..other.clone() }
}

#[cfg(test)]
mod tests {
    use backstay_model::{Clock as _, SystemClock};

    use super::*;

    fn readings() -> Readings {
        let config = toml::from_str("server = \"http://localhost\"\nplatform = \"darwin\"").unwrap();
        Readings::new(Arc::new(FactsReader::new(Arc::new(config), Arc::new(SystemClock))))
    }

    fn facts(profile: &str) -> Reading {
        let facts = Facts {
            read_at: SystemClock.now(),
            profile: profile.into(),
            generations: vec![],
            running: None,
            specialisation: None,
            booted: None,
            checkout: None,
            no_checkout: None,
            switch_flake: None,
            tests_available: 0,
            tests: None,
            test_runs: vec![],
            failed_units: vec![],
            nix_version: None,
            problems: vec![],
        };
        Reading::Facts { fingerprint: 1, facts: Box::new(facts) }
    }

    fn end(op: OpId) -> End {
        let now = SystemClock.now();
        let result = OpResult {
            outcome: backstay_model::Outcome::Completed,
            exit_code: None,
            commit: None,
            message: String::new(),
            started_at: now,
            finished_at: now,
        };
        End { op, result: Box::new(result), lines: 0 }
    }

    /// What is told of a reading, in short.
    fn told(readings: &mut Readings, reading: Reading) -> Vec<String> {
        readings.take(reading);
        let in_short = |news| match news {
            News::Facts(facts) => facts.profile,
            News::Finished(end, facts) => format!("{} {}", end.op, facts.profile),
        };
        readings.news.drain(..).map(in_short).collect()
    }

    #[tokio::test]
    async fn only_what_is_new_is_told() {
        let mut readings = readings();
        assert_eq!(told(&mut readings, facts("a")), ["a"]);
        assert!(told(&mut readings, facts("a")).is_empty());
        assert_eq!(told(&mut readings, facts("b")), ["b"]);
    }

    #[tokio::test]
    async fn the_end_of_an_op_is_told_with_what_was_read_after_it() {
        let mut readings = readings();
        readings.read();
        let op = OpId::new();
        // The reading that is under way began before the op ended. Told twice, it is one end.
        readings.read_after(end(op));
        readings.read_after(end(op));
        assert_eq!(told(&mut readings, facts("before")), ["before"]);
        assert!(readings.busy, "the host is read again");
        assert_eq!(told(&mut readings, facts("after")), [format!("{op} after")]);
        assert!(!readings.busy);
    }

    /// A pipe that nobody writes to, in place of a file of the checkout, is a disk that does not answer.
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
            // Two connections, one after the other, and what their clocks and ops ask for.
            for mut readings in [Readings::new(Arc::clone(&host)), Readings::new(host)] {
                for _ in 0..20 {
                    readings.look();
                    readings.read();
                    readings.read_after(end(OpId::new()));
                    tokio::task::yield_now().await;
                }
            }
            tokio::task::spawn_blocking(|| ()).await.unwrap();
        });
        runtime.shutdown_background();
    }

    #[tokio::test]
    async fn a_change_is_noticed_even_if_it_came_while_the_host_was_read() {
        let mut readings = readings();
        assert_eq!(told(&mut readings, facts("a")), ["a"]);
        assert!(told(&mut readings, Reading::Fingerprint(1)).is_empty());
        assert!(!readings.busy);
        assert!(told(&mut readings, Reading::Fingerprint(2)).is_empty());
        assert!(readings.busy, "the host is read");
    }
}
