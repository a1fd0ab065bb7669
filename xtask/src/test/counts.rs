//! Counts of passed and failed tests, parsed from the output of the test runners.

use anyhow::{Context, Result};

/// Counts of passed, failed and skipped tests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Passed.
    pub(crate) passed: u64,
    /// Failed, or timed out.
    pub(crate) failed: u64,
    /// Skipped.
    pub(crate) skipped: u64,
}

impl Counts {
    /// Adds two counts.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            skipped: self.skipped + other.skipped,
        }
    }

    /// For people; empty if nothing was counted.
    pub(crate) fn words(self) -> String {
        if self == Self::default() {
            return String::new();
        }
        format!("{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }

    /// Parses a line of `cargo test` (`test result: ok. 3 passed; 0 failed; 1 ignored; ...`).
    pub(crate) fn of_cargo_test(line: &str) -> Option<Self> {
        let rest = line.trim().strip_prefix("test result: ")?.split_once(". ")?.1;
        Some(Self::of_words(rest.split(';')))
    }

    /// Parses nextest's last line (`Summary [ 0.1s] 3 tests run: 2 passed, 1 failed, 0 skipped`).
    pub(crate) fn of_nextest(line: &str) -> Option<Self> {
        let rest = line.trim().strip_prefix("Summary [")?.split_once(" run: ")?.1;
        Some(Self::of_words(rest.split(',')))
    }

    /// Parses the last line of `backstay-chaos` (`Seed 1: 560 passed, 0 failed; ...`).
    pub(crate) fn of_chaos(line: &str) -> Option<Self> {
        let rest = line.strip_prefix("Seed ")?.split_once(": ")?.1;
        Some(Self::of_words(rest.split_once(';')?.0.split(',')))
    }

    /// Parses the last line of `backstay-systemd` (`Systemd: 12 passed, 0 failed`).
    pub(crate) fn of_systemd(line: &str) -> Option<Self> {
        Some(Self::of_words(line.strip_prefix("Systemd: ")?.trim().split(',')))
    }

    fn of_words<'a>(parts: impl Iterator<Item = &'a str>) -> Self {
        let mut counts = Self::default();
        for part in parts {
            let mut words = part.split_whitespace();
            let Some(number) = words.next().and_then(|word| word.parse::<u64>().ok()) else { continue };
            match part.trim().split_once(' ').map_or("", |(_, word)| word) {
                word if word.starts_with("passed") => counts.passed += number,
                word if word.starts_with("failed")
                    || word.starts_with("timed out")
                    || word.starts_with("exec failed") =>
                {
                    counts.failed += number;
                }
                "skipped" | "ignored" => counts.skipped += number,
                _ => {}
            }
        }
        counts
    }

    /// Parses the report of Playwright's `json` reporter.
    pub(crate) fn of_playwright(report: &str) -> Result<Self> {
        let report: serde_json::Value =
            serde_json::from_str(report).context("Playwright's report is not JSON")?;
        let number =
            |name: &str| report["stats"][name].as_u64().with_context(|| format!("no `{name}` in its stats"));
        Ok(Self {
            passed: number("expected")? + number("flaky")?,
            failed: number("unexpected")?,
            skipped: number("skipped")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(passed: u64, failed: u64, skipped: u64) -> Counts {
        Counts { passed, failed, skipped }
    }

    #[test]
    fn reads_cargo_test() {
        let line = "test result: FAILED. 3 passed; 2 failed; 1 ignored; 0 measured; 4 filtered out; finished in 0.00s";
        assert_eq!(Counts::of_cargo_test(line), Some(counts(3, 2, 1)));
        assert_eq!(Counts::of_cargo_test("running 3 tests"), None);
    }

    #[test]
    fn reads_nextest() {
        let line = "     Summary [   1.010s] 12 tests run: 8 passed (1 slow), 2 failed, 1 timed out, 1 exec failed, 3 skipped";
        assert_eq!(Counts::of_nextest(line), Some(counts(8, 4, 3)));
        let line = "     Summary [   0.010s] 1 test run: 1 passed, 0 skipped";
        assert_eq!(Counts::of_nextest(line), Some(counts(1, 0, 0)));
        let cut = "     Summary [   0.3s] 5/9 tests run: 4 passed, 1 failed, 0 skipped";
        assert_eq!(Counts::of_nextest(cut), Some(counts(4, 1, 0)));
        assert_eq!(Counts::of_nextest("Summary of the day"), None);
    }

    #[test]
    fn reads_chaos() {
        let line = "Seed 7: 559 passed, 1 failed; 560 schedules in 150 s, 540 executions, 30000 lines";
        assert_eq!(Counts::of_chaos(line), Some(counts(559, 1, 0)));
        assert_eq!(Counts::of_chaos("Seed 7"), None);
    }

    #[test]
    fn reads_what_was_told_of_systemd() {
        assert_eq!(Counts::of_systemd("Systemd: 11 passed, 1 failed\n"), Some(counts(11, 1, 0)));
        assert_eq!(Counts::of_systemd("Systemd: 0 passed, 0 failed, 12 skipped\n"), Some(counts(0, 0, 12)));
        assert_eq!(Counts::of_systemd("PASS systemd: 3 passed"), None);
    }

    #[test]
    fn reads_playwright() {
        let report = r#"{"suites":[],"stats":{"expected":5,"skipped":1,"unexpected":2,"flaky":1}}"#;
        assert_eq!(Counts::of_playwright(report).unwrap(), counts(6, 2, 1));
        assert!(Counts::of_playwright("{}").is_err());
    }
}
