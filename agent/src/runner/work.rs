//! One op under way: its output, its bounds, and what it looks at.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use backstay_protocol::{Clock, Phase, Stream};

use super::position::Position;
use super::report::Report;
use super::verdict::Verdict;
use crate::command::{Bounds, Ended, Invocation};
use crate::config::Config;
use crate::facts::{FactsReader, Profile};
use crate::journal::{Entry, Recorder, missing_lines};
use crate::platform::{Adapter, Host, adapter};

/// The longest that any op may take; what a server asks for beyond that is not meant.
const LONGEST: Duration = Duration::from_hours(7 * 24);

/// One op under way.
pub(crate) struct Work<'a> {
    entry: &'a Entry,
    config: Arc<Config>,
    clock: Arc<dyn Clock>,
    facts: FactsReader,
    profile: Profile,
    recorder: Recorder,
    deadline: Instant,
    is_root: bool,
}

impl<'a> Work<'a> {
    pub(crate) fn new(entry: &'a Entry, config: Arc<Config>, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let facts = FactsReader::new(Arc::clone(&config), Arc::clone(&clock));
        let timeout = Duration::from_secs(entry.file().timeout_secs).min(LONGEST);
        Ok(Self {
            recorder: Recorder::create(&entry.output(), Arc::clone(&clock))?,
            profile: facts.profile(),
            deadline: Instant::now() + timeout,
            is_root: rustix::process::geteuid().is_root(),
            entry,
            config,
            clock,
            facts,
        })
    }

    pub(crate) fn config(&self) -> &Arc<Config> {
        &self.config
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    pub(crate) fn facts(&self) -> &FactsReader {
        &self.facts
    }

    pub(crate) fn adapter(&self) -> &'static dyn Adapter {
        adapter(self.config.platform)
    }

    /// What an adapter looks at.
    pub(crate) fn host(&self) -> Host<'_> {
        Host { config: &self.config, profile: &self.profile, is_root: self.is_root }
    }

    /// Where the host is now.
    pub(crate) fn position(&self) -> Position {
        Position::of(&self.facts.read_generations())
    }

    /// The agent's own words.
    pub(crate) fn say(&mut self, text: &str) {
        self.line(Stream::Agent, text);
    }

    pub(crate) fn line(&mut self, stream: Stream, text: &str) {
        self.recorder.line(stream, text);
    }

    pub(crate) fn phase(&mut self, phase: Phase) {
        self.recorder.phase(phase);
    }

    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.entry.is_cancelled()
    }

    /// The entry, for those who look at it while the work is being written to.
    pub(crate) fn entry(&self) -> &'a Entry {
        self.entry
    }

    /// Where the op was cancelled, or its time ran out, before it touched anything.
    pub(crate) fn stopped(&self) -> Option<Verdict> {
        if self.is_cancelled() {
            return Some(Verdict::of(&Ended::Cancelled, "Cancelled before it began. Nothing was changed."));
        }
        (Instant::now() >= self.deadline)
            .then(|| Verdict::of(&Ended::TimedOut, "Its time ran out before it began. Nothing was changed."))
    }

    /// Where the op was cancelled, or its time ran out, between two parts of it; `what` is the second one.
    pub(crate) fn stopped_before(&self, what: &str) -> Option<Verdict> {
        if self.is_cancelled() {
            return Some(Verdict::of(&Ended::Cancelled, format!("Cancelled before {what}.")));
        }
        (Instant::now() >= self.deadline)
            .then(|| Verdict::of(&Ended::TimedOut, format!("The time ran out before {what}.")))
    }

    /// Runs a command and shows its lines.
    pub(crate) fn run(&mut self, invocation: &Invocation) -> Report {
        self.run_until(invocation, self.deadline, None)
    }

    /// Runs a command that builds and then activates, and tells the one from the other.
    pub(crate) fn run_build(&mut self, invocation: &Invocation) -> Report {
        self.run_until(invocation, self.deadline, Some(Phase::Activating))
    }

    /// Runs a command that puts things right after the op was stopped: it has a minute of its own.
    pub(crate) fn run_after_all(&mut self, invocation: &Invocation) -> Report {
        self.run_until(invocation, Instant::now() + Duration::from_mins(1), None)
    }

    fn run_until(&mut self, invocation: &Invocation, deadline: Instant, then: Option<Phase>) -> Report {
        self.say(&format!("$ {}", invocation.shown()));
        let entry = self.entry;
        let own_time = deadline != self.deadline;
        let cancelled = || !own_time && entry.is_cancelled();
        let bounds = Bounds { deadline, cancelled: &cancelled };
        let recorder = &mut self.recorder;
        let mut report = Report::new();
        let ended = invocation.run(entry.folder(), &bounds, |stream, text| {
            recorder.line(stream, text);
            let before = report.activates;
            report.read(text);
            if let (Some(phase), false, true) = (then, before, report.activates) {
                recorder.phase(phase);
            }
        });
        if let Ended::NotStarted(reason) = &ended {
            recorder.line(Stream::Agent, reason);
        }
        report.ended = ended;
        report
    }

    /// Closes the output with what the op came to.
    pub(crate) fn finish(mut self, verdict: Verdict) -> Verdict {
        self.say(&verdict.message);
        match self.recorder.finish() {
            0 => verdict,
            missed => verdict.and(&format!("{}.", missing_lines(missed))),
        }
    }
}
