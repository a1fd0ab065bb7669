//! Reads the host beside the conversation: a disk that is slow must not make the server think that nobody is there.

use std::sync::Arc;

use backstay_protocol::message::OpResult;
use backstay_protocol::{Facts, OpId};
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
    Facts { number: u64, fingerprint: u64, facts: Box<Facts>, after: Option<End> },
}

/// The readings of one connection.
pub(super) struct Readings {
    host: Arc<FactsReader>,
    sender: mpsc::UnboundedSender<Reading>,
    receiver: mpsc::UnboundedReceiver<Reading>,
    /// How many readings have begun, and the number of the latest that was told: a slow one must not undo a later one.
    begun: u64,
    latest: u64,
    told: Option<Box<Facts>>,
    fingerprint: Option<u64>,
    /// Whether somebody is looking: a disk that hangs must not gather those who wait for it.
    looking: bool,
}

impl Readings {
    /// Of a host of which this connection has told nothing yet.
    pub(super) fn new(host: Arc<FactsReader>) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        Self { host, sender, receiver, begun: 0, latest: 0, told: None, fingerprint: None, looking: false }
    }

    /// Looks whether the host has changed.
    pub(super) fn look(&mut self) {
        if !self.looking {
            self.looking = true;
            self.spawn(|host| Reading::Fingerprint(host.fingerprint()));
        }
    }

    /// Reads the host, to tell it if it is another than last told.
    pub(super) fn read(&mut self) {
        self.begin(None);
    }

    /// Reads the host, to tell it in any case.
    pub(super) fn read_anew(&mut self) {
        self.told = None;
        self.begin(None);
    }

    /// Reads the host, to tell it with the end of an op.
    pub(super) fn read_after(&mut self, end: End) {
        self.begin(Some(end));
    }

    /// What is to be told next.
    pub(super) async fn next(&mut self) -> News {
        loop {
            // This end holds a sender, so the channel never closes.
            let Some(reading) = self.receiver.recv().await else { std::future::pending().await };
            if let Some(news) = self.take(reading) {
                return news;
            }
        }
    }

    fn take(&mut self, reading: Reading) -> Option<News> {
        match reading {
            Reading::Fingerprint(now) => {
                self.looking = false;
                if self.fingerprint.replace(now).is_some_and(|before| before != now) {
                    self.read();
                }
                None
            }
            Reading::Facts { number, fingerprint, facts, after } => {
                let late = number < self.latest;
                let known = self.told.as_ref().is_some_and(|told| is_same(told, &facts));
                if !late {
                    self.latest = number;
                    self.fingerprint = Some(fingerprint);
                    self.told = Some(facts.clone());
                }
                match after {
                    // A later reading is one after the end of the op too, and the server keeps what it hears last.
                    Some(end) if late => Some(News::Finished(end, self.told.clone().unwrap_or(facts))),
                    Some(end) => Some(News::Finished(end, facts)),
                    None => (!late && !known).then_some(News::Facts(facts)),
                }
            }
        }
    }

    fn begin(&mut self, after: Option<End>) {
        self.begun += 1;
        let number = self.begun;
        self.spawn(move |host| {
            // Taken before: what changes while the host is being read shows at the next look.
            let fingerprint = host.fingerprint();
            Reading::Facts { number, fingerprint, facts: Box::new(host.read()), after }
        });
    }

    fn spawn(&self, how: impl FnOnce(&FactsReader) -> Reading + Send + 'static) {
        let (host, sender) = (Arc::clone(&self.host), self.sender.clone());
        tokio::task::spawn_blocking(move || sender.send(how(&host)));
    }
}

/// Whether two readings say the same of the host.
fn is_same(one: &Facts, other: &Facts) -> bool {
    *one == Facts { read_at: one.read_at, ..other.clone() }
}

#[cfg(test)]
mod tests {
    use backstay_protocol::{Clock as _, SystemClock};

    use super::*;

    fn readings() -> Readings {
        let config = toml::from_str("server = \"http://localhost\"\nplatform = \"darwin\"").unwrap();
        Readings::new(Arc::new(FactsReader::new(Arc::new(config), Arc::new(SystemClock))))
    }

    fn facts(number: u64, profile: &str) -> Reading {
        let facts = Facts {
            read_at: SystemClock.now(),
            profile: profile.into(),
            generations: vec![],
            running: None,
            booted: None,
            checkout: None,
            tests_available: 0,
            tests: None,
            test_runs: vec![],
            failed_units: vec![],
            nix_version: None,
            problems: vec![],
        };
        Reading::Facts { number, fingerprint: number, facts: Box::new(facts), after: None }
    }

    #[test]
    fn only_what_is_new_is_told() {
        let mut readings = readings();
        assert!(readings.take(facts(1, "a")).is_some());
        assert!(readings.take(facts(2, "a")).is_none());
        assert!(readings.take(facts(3, "b")).is_some());
    }

    #[test]
    fn a_slow_reading_does_not_undo_a_later_one() {
        let mut readings = readings();
        assert!(readings.take(facts(2, "new")).is_some());
        assert!(readings.take(facts(1, "old")).is_none());
        assert_eq!(readings.told.as_ref().unwrap().profile, "new");
    }

    #[test]
    fn the_end_of_an_op_is_told_with_the_latest_reading() {
        let mut readings = readings();
        assert!(readings.take(facts(2, "new")).is_some());
        let Reading::Facts { number, fingerprint, facts, .. } = facts(1, "old") else { unreachable!() };
        let now = SystemClock.now();
        let result = OpResult {
            outcome: backstay_protocol::message::Outcome::Completed,
            exit_code: None,
            commit: None,
            message: String::new(),
            started_at: now,
            finished_at: now,
        };
        let after = Some(End { op: OpId::new(), result: Box::new(result), lines: 0 });
        let Some(News::Finished(_, told)) =
            readings.take(Reading::Facts { number, fingerprint, facts, after })
        else {
            panic!("the end was not told")
        };
        assert_eq!(told.profile, "new");
    }

    #[tokio::test]
    async fn a_change_is_noticed_even_if_it_came_while_the_host_was_read() {
        let mut readings = readings();
        assert!(readings.take(facts(1, "a")).is_some());
        assert!(readings.take(Reading::Fingerprint(1)).is_none());
        assert_eq!(readings.begun, 0);
        assert!(readings.take(Reading::Fingerprint(2)).is_none());
        assert_eq!(readings.begun, 1);
    }
}
