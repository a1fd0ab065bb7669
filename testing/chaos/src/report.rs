//! The results, in numbers.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use backstay_model::OpStatus;

use crate::check::Findings;
use crate::schedule::Mishap;

/// A promise that did not hold.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) seed: Option<u64>,
    pub(crate) schedule: String,
    pub(crate) broken: Vec<String>,
    /// The folder with the logs of that world.
    pub(crate) logs: String,
}

/// Counts of everything.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) schedules: usize,
    executions: usize,
    lines: usize,
    ends: BTreeMap<&'static str, usize>,
    faults: BTreeMap<String, usize>,
    steps: BTreeMap<String, usize>,
    pub(crate) failures: Vec<Failure>,
}

impl Report {
    /// Counts a schedule that came to rest, and the faults that really happened.
    pub(crate) fn count(&mut self, happened: &[Mishap], status: OpStatus, findings: &Findings) {
        self.executions += findings.executions;
        self.lines += findings.lines;
        *self.ends.entry(status.as_str()).or_default() += 1;
        self.schedules += 1;
        for mishap in happened {
            *self.faults.entry(mishap.fault.kind()).or_default() += 1;
            *self.steps.entry(mishap.step.to_string()).or_default() += 1;
        }
    }

    /// Adds the counts of another world.
    pub(crate) fn add(&mut self, other: Self) {
        self.schedules += other.schedules;
        self.executions += other.executions;
        self.lines += other.lines;
        for (counts, more) in [(&mut self.faults, other.faults), (&mut self.steps, other.steps)] {
            for (name, count) in more {
                *counts.entry(name).or_default() += count;
            }
        }
        for (name, count) in other.ends {
            *self.ends.entry(name).or_default() += count;
        }
        self.failures.extend(other.failures);
    }

    /// Prints the report for people.
    pub(crate) fn told(&self, seed: u64, took: Duration, left_out: &[String]) -> String {
        let mut text = String::new();
        let mut table = |title: &str, rows: Vec<(String, usize)>| {
            let _ = writeln!(text, "{title}");
            for (name, count) in rows {
                let _ = writeln!(text, "  {count:>7}  {name}");
            }
        };
        let rows = |counts: &BTreeMap<String, usize>| counts.iter().map(|(n, c)| (n.clone(), *c)).collect();
        table("Faults", rows(&self.faults));
        table("When", rows(&self.steps));
        table("How ops ended", self.ends.iter().map(|(n, c)| ((*n).to_owned(), *c)).collect());
        for what in left_out {
            let _ = writeln!(text, "Left out on this machine: {what}");
        }
        for failure in &self.failures {
            let _ = writeln!(text, "\nFAILED: {}", failure.schedule);
            for broken in &failure.broken {
                let _ = writeln!(text, "  {broken}");
            }
            let _ = writeln!(text, "  Logs: {}", failure.logs);
            if let Some(seed) = failure.seed {
                let _ = writeln!(text, "  Again: cargo xtask chaos --seed {seed} --schedules 1");
            }
        }
        let _ = writeln!(
            text,
            "\nSeed {seed}: {} passed, {} failed; {} schedules in {} s, {} executions, {} lines",
            self.schedules.saturating_sub(self.failures.len()),
            self.failures.len(),
            self.schedules,
            took.as_secs(),
            self.executions,
            self.lines
        );
        text
    }
}
