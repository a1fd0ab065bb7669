//! The results of a host's own tests on one generation.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::GenerationRef;

/// One run of a host's tests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestRun {
    /// The generation that was running.
    pub generation: GenerationRef,
    /// When the first test started.
    pub started_at: DateTime<Utc>,
    /// When the last one ended.
    pub finished_at: DateTime<Utc>,
    /// The results, in running order.
    pub results: Vec<TestResult>,
}

impl TestRun {
    /// The number of passed and of all tests.
    pub fn summary(&self) -> TestSummary {
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        TestSummary {
            passed: count(self.results.iter().filter(|r| r.passed).count()),
            total: count(self.results.len()),
        }
    }

    /// The names of the tests that failed.
    pub fn failed(&self) -> impl Iterator<Item = &str> {
        self.results.iter().filter(|r| !r.passed).map(|r| r.name.as_str())
    }
}

/// The result of one test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestResult {
    /// The file name of the executable.
    pub name: String,
    /// Whether it exited with 0.
    pub passed: bool,
    /// Its duration in milliseconds.
    pub duration_ms: u64,
    /// The last lines of its output, kept if it failed.
    pub tail: Vec<String>,
}

/// The line that an agent adds to an op's output after a test's own output, “40-gpu: FAILED after”. Pages
/// search for it.
pub fn end_marker(test: &str, passed: bool) -> String {
    let verdict = if passed { "passed" } else { "FAILED" };
    format!("{test}: {verdict} after")
}

/// The number of passed and of all tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestSummary {
    /// Tests that passed.
    pub passed: u32,
    /// Tests that ran.
    pub total: u32,
}

impl TestSummary {
    /// Returns whether there were tests and all of them passed.
    pub fn all_passed(self) -> bool {
        self.total > 0 && self.passed == self.total
    }

    /// The result in words: “8/8 passed”, or “5 of 8 failed”. Beside a red light nothing says “passed”.
    pub fn verdict(self) -> String {
        match self.total.saturating_sub(self.passed) {
            0 => format!("{self} passed"),
            failed => format!("{failed} of {} failed", self.total),
        }
    }
}

impl fmt::Display for TestSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.passed, self.total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_tests_is_not_a_pass() {
        assert!(!TestSummary { passed: 0, total: 0 }.all_passed());
        assert!(!TestSummary { passed: 3, total: 8 }.all_passed());
        assert!(TestSummary { passed: 8, total: 8 }.all_passed());
    }

    #[test]
    fn a_verdict_counts_what_it_names() {
        assert_eq!(TestSummary { passed: 8, total: 8 }.verdict(), "8/8 passed");
        assert_eq!(TestSummary { passed: 3, total: 8 }.verdict(), "5 of 8 failed");
    }
}
