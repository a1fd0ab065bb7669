//! Runs the tests of a host.

use std::collections::VecDeque;
use std::path::Path;
use std::time::{Duration, Instant};

use backstay_model::wire::limits::{TEST_TAIL_BYTES, TEST_TAIL_LINES, cut};
use backstay_model::{Clock, GenerationRef, Stream, TestResult, TestRun, test_run};

use super::Test;
use crate::command::{Bounds, CommandStatus, Invocation};

/// Receives the progress of a test run.
pub(crate) trait Watcher {
    /// A line of a test, or of the agent about one.
    fn line(&mut self, stream: Stream, text: &str);
    /// `done` tests have ended.
    fn ended(&mut self, done: usize, total: usize);
}

/// How tests are run.
pub(crate) struct Conditions<'a> {
    /// The running generation.
    pub(crate) generation: &'a GenerationRef,
    /// Time limit of each test.
    pub(crate) timeout: Duration,
    /// A folder for their output.
    pub(crate) scratch: &'a Path,
    /// What stops the whole run.
    pub(crate) bounds: &'a Bounds<'a>,
    /// The clock.
    pub(crate) clock: &'a dyn Clock,
}

/// The tests did not all run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stopped {
    /// How the last one ended.
    pub(crate) by: CommandStatus,
    /// The number of tests that had ended before.
    pub(crate) done: usize,
}

/// Runs tests one after the other.
pub(crate) fn run(
    tests: &[Test],
    conditions: &Conditions<'_>,
    watcher: &mut dyn Watcher,
) -> Result<TestRun, Stopped> {
    let started_at = conditions.clock.now();
    let mut results = vec![];
    watcher.ended(0, tests.len());
    for test in tests {
        let result = run_one(test, conditions, watcher).map_err(|by| Stopped { by, done: results.len() })?;
        let end = test_run::end_marker(&result.name, result.passed);
        watcher.line(Stream::Agent, &format!("{end} {} ms", result.duration_ms));
        results.push(result);
        watcher.ended(results.len(), tests.len());
    }
    let finished_at = conditions.clock.now();
    Ok(TestRun { generation: conditions.generation.clone(), started_at, finished_at, results })
}

fn run_one(
    test: &Test,
    conditions: &Conditions<'_>,
    watcher: &mut dyn Watcher,
) -> Result<TestResult, CommandStatus> {
    let began = Instant::now();
    let bounds = Bounds {
        deadline: conditions.bounds.deadline.min(began + conditions.timeout),
        cancelled: conditions.bounds.cancelled,
    };
    let mut tail = Tail::default();
    let program = Invocation::new::<String>(&test.argv, [])
        .with("BACKSTAY_GENERATION", conditions.generation.number.to_string())
        .with("BACKSTAY_STORE_PATH", conditions.generation.store_path.clone());
    let status = program.run(conditions.scratch, &bounds, |stream, text| {
        tail.push(text);
        watcher.line(stream, text);
    });
    match &status {
        CommandStatus::Cancelled => return Err(status),
        CommandStatus::TimedOut if Instant::now() >= conditions.bounds.deadline => return Err(status),
        CommandStatus::TimedOut => {
            tail.push(&format!("It took longer than {} s and was stopped.", conditions.timeout.as_secs()));
        }
        CommandStatus::Killed(signal) => tail.push(&format!("It was ended by signal {signal}.")),
        CommandStatus::StillAtWork => tail.push("It took too long and could not be stopped."),
        CommandStatus::NotStarted(reason) => tail.push(reason),
        CommandStatus::Exited(_) => {}
    }
    Ok(TestResult {
        name: test.name.clone(),
        passed: status.is_success(),
        duration_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        tail: if status.is_success() { vec![] } else { tail.0.into() },
    })
}

/// The last lines of a test's output.
#[derive(Debug, Default)]
struct Tail(VecDeque<String>);

impl Tail {
    fn push(&mut self, line: &str) {
        if self.0.len() == TEST_TAIL_LINES {
            self.0.pop_front();
        }
        self.0.push_back(cut(line, TEST_TAIL_BYTES));
    }
}
