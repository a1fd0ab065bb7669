//! A running op: its output, its limits, and what it reads.

use std::cell::Cell;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use backstay_model::{Clock, OpAction, Outcome, Phase, Stream};

use super::op_end::OpEnd;
use super::position::Position;
use super::report::Report;
use crate::command::{Bounds, Care, CommandStatus, Invocation};
use crate::config::Config;
use crate::facts::{FactsReader, Profile};
use crate::journal::{Entry, Recorder, missing_lines};
use crate::platform::{Adapter, Host, adapter};

/// Upper bound on the duration of any op, whatever the server requests.
const LONGEST: Duration = Duration::from_hours(7 * 24);
/// Upper bound on the time that a cancel waits for an activation to end: a host left between two generations
/// is worse than one that takes a moment longer. After that the activation is stopped.
const PATIENCE: Duration = Duration::from_mins(5);
/// Time limit for a command that cleans up.
const CLEANUP: Duration = Duration::from_mins(1);

/// A running op.
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
        let timeout = Duration::from_secs(entry.file().timeout_secs).min(LONGEST).max(least(entry, &config));
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

    /// The host as an adapter sees it.
    pub(crate) fn host(&self) -> Host<'_> {
        Host { config: &self.config, profile: &self.profile, is_root: self.is_root }
    }

    /// The host's position now.
    pub(crate) fn position(&self) -> Position {
        Position::of(&self.facts.read_generations())
    }

    /// Writes a line of the agent's own.
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

    /// The journal entry, for callers that use it while they write to this value.
    pub(crate) fn entry(&self) -> &'a Entry {
        self.entry
    }

    /// Returns the end of the op if it was cancelled or its time ran out before it touched anything.
    pub(crate) fn stopped(&self) -> Option<OpEnd> {
        if self.is_cancelled() {
            return Some(OpEnd::of(
                &CommandStatus::Cancelled,
                "Cancelled before it began. Nothing was changed.",
            ));
        }
        (Instant::now() >= self.deadline).then(|| {
            OpEnd::of(&CommandStatus::TimedOut, "Its time ran out before it began. Nothing was changed.")
        })
    }

    /// Returns the end of the op if it was cancelled or its time ran out between two parts. `what` is the
    /// second one.
    pub(crate) fn stopped_before(&self, what: &str) -> Option<OpEnd> {
        if self.is_cancelled() {
            return Some(OpEnd::of(&CommandStatus::Cancelled, format!("Cancelled before {what}.")));
        }
        (Instant::now() >= self.deadline)
            .then(|| OpEnd::of(&CommandStatus::TimedOut, format!("The time ran out before {what}.")))
    }

    /// Runs a command and records its lines.
    pub(crate) fn run(&mut self, invocation: &Invocation) -> Report {
        self.run_within(invocation, Limits { delicate: Delicate::Never, own_time: false })
    }

    /// Runs a command that builds and then activates, and tells the two apart.
    pub(crate) fn run_build(&mut self, invocation: &Invocation) -> Report {
        self.run_within(invocation, Limits { delicate: Delicate::OnceItActivates, own_time: false })
    }

    /// Runs a command that activates.
    pub(crate) fn run_activation(&mut self, invocation: &Invocation) -> Report {
        self.run_within(invocation, Limits { delicate: Delicate::Always, own_time: false })
    }

    /// Runs a command that cleans up after the op was stopped. It has a minute of its own.
    pub(crate) fn run_cleanup(&mut self, invocation: &Invocation) -> Report {
        self.run_within(invocation, Limits { delicate: Delicate::Never, own_time: true })
    }

    fn run_within(&mut self, invocation: &Invocation, limits: Limits) -> Report {
        self.say(&format!("$ {}", invocation.shown()));
        let (entry, adapter) = (self.entry, self.adapter());
        let deadline = if limits.own_time { Instant::now() + CLEANUP } else { self.deadline };
        let cancelled = || !limits.own_time && entry.is_cancelled();
        let bounds = Bounds { deadline, cancelled: &cancelled };
        let is_delicate = Cell::new(limits.delicate == Delicate::Always);
        let care = Care {
            is_delicate: &|| is_delicate.get(),
            patience: PATIENCE,
            started: &|group| entry.note_command(group),
        };
        let recorder = &mut self.recorder;
        let mut report = Report::new();
        let status = invocation.run_with_care(entry.folder(), &bounds, &care, |stream, text| {
            recorder.line(stream, text);
            let before = report.stage;
            // The runner's own lines reveal nothing about the command.
            if stream != Stream::Agent {
                report.read(adapter, text);
            }
            if limits.delicate == Delicate::OnceItActivates && before.is_none() && report.stage.is_some() {
                is_delicate.set(true);
                recorder.phase(Phase::Activating);
            }
        });
        if let CommandStatus::NotStarted(reason) = &status {
            recorder.line(Stream::Agent, reason);
        }
        report.status = status;
        report
    }

    /// Adds a sentence if a cancel came too late to stop an activation.
    pub(crate) fn with_late_cancel(&self, end: OpEnd) -> OpEnd {
        if !self.is_cancelled() || end.outcome == Outcome::Cancelled {
            return end;
        }
        end.and("The cancel came too late: an activation is not stopped half-way.")
    }

    /// Closes the output with the op's message.
    pub(crate) fn finish(mut self, end: OpEnd) -> OpEnd {
        self.say(&end.message);
        let end = OpEnd { activated: self.recorder.has_activated(), ..end };
        match self.recorder.finish() {
            0 => end,
            missed => end.and(&format!("{}.", missing_lines(missed))),
        }
    }
}

/// Limits of a command.
#[derive(Debug, Clone, Copy)]
struct Limits {
    delicate: Delicate,
    /// True if it has a time limit of its own and ignores cancels.
    own_time: bool,
}

/// When a command should not be stopped half-way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Delicate {
    Never,
    OnceItActivates,
    Always,
}

/// Lower bound on the op's time limit, whatever the server says. A limit that is too short must not stop an
/// activation.
fn least(entry: &Entry, config: &Config) -> Duration {
    match entry.file().action {
        OpAction::Rollback { .. } | OpAction::Switch | OpAction::PullSwitch => {
            config.activation.min_timeout()
        }
        OpAction::Pull | OpAction::Test | OpAction::Refresh => Duration::ZERO,
    }
}
