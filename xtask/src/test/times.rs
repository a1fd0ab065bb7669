//! `cargo xtask times`: where the time of the last test run went.

use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::places::Places;

/// How many tests are shown.
const SLOWEST: usize = 20;

/// The duration of a part or of a test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Time {
    name: String,
    seconds: f64,
}

impl Time {
    pub(super) fn new(name: impl Into<String>, took: Duration) -> Self {
        Self { name: name.into(), seconds: took.as_secs_f64() }
    }

    /// Reads a line of nextest (`PASS [   0.033s] (12/17) xtask::bin/xtask test::times`).
    fn of_nextest(line: &str) -> Option<Self> {
        let (status, rest) = line.trim_start().split_once(" [")?;
        let (seconds, rest) = rest.split_once("s] ")?;
        if !["PASS", "FAIL", "TIMEOUT"].contains(&status) {
            return None;
        }
        let name = rest.split_once(") ").map_or(rest, |(_, name)| name).trim();
        Some(Self { name: name.to_owned(), seconds: seconds.trim().parse().ok()? })
    }

    /// Reads the report of Playwright's `json` reporter.
    fn of_playwright(report: &Value, times: &mut Vec<Self>) {
        for suite in report["suites"].as_array().into_iter().flatten() {
            Self::of_playwright(suite, times);
        }
        for spec in report["specs"].as_array().into_iter().flatten() {
            let results =
                spec["tests"].as_array().into_iter().flatten().filter_map(|test| test["results"].as_array());
            let millis = results.flatten().filter_map(|result| result["duration"].as_f64()).sum::<f64>();
            let (file, title) = (spec["file"].as_str(), spec["title"].as_str());
            let name = format!("{}: {}", file.unwrap_or_default(), title.unwrap_or_default());
            times.push(Self { name, seconds: millis / 1000.0 });
        }
    }
}

/// The durations of one run, collected while it runs.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Times {
    parts: Vec<Time>,
    tests: Mutex<Vec<Time>>,
}

impl Times {
    /// Takes in a line of nextest, if it names a test.
    pub(super) fn hear(&self, line: &str) {
        if let Some(time) = Time::of_nextest(line) {
            self.tests.lock().unwrap_or_else(PoisonError::into_inner).push(time);
        }
    }

    /// Takes in Playwright's report.
    pub(super) fn hear_playwright(&self, report: &str) -> Result<()> {
        let report = serde_json::from_str(report).context("Playwright's report is not JSON")?;
        Time::of_playwright(&report, &mut self.tests.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(())
    }

    pub(super) fn add_part(&mut self, part: Time) {
        self.parts.push(part);
    }

    /// Replaces the record of the last run.
    pub(super) fn save(&self, places: &Places) -> Result<()> {
        let file = file(places)?;
        fs::create_dir_all(file.parent().context("no folder")?)?;
        fs::write(&file, serde_json::to_string(self)?)
            .with_context(|| format!("cannot write {}", file.display()))
    }

    /// The parts and the slowest tests, slowest first.
    fn table(self) -> String {
        let mut parts = self.parts;
        let mut tests = self.tests.into_inner().unwrap_or_else(PoisonError::into_inner);
        for times in [&mut parts, &mut tests] {
            times.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
        }
        let all = tests.len();
        tests.truncate(SLOWEST);
        let lines = |times: &[Time]| {
            let line = |time: &Time| format!("{:>8.1} s  {}", time.seconds, time.name);
            times.iter().map(line).collect::<Vec<_>>().join("\n")
        };
        format!("Parts\n{}\n\nThe slowest {} of {all} tests\n{}", lines(&parts), tests.len(), lines(&tests))
    }
}

/// Prints where the time of the last run went.
pub(crate) fn show(places: &Places) -> Result<()> {
    let recorded = fs::read_to_string(file(places)?)
        .context("no run is recorded yet: `cargo xtask test` records one")?;
    let times: Times = serde_json::from_str(&recorded).context("the record of the last run is damaged")?;
    println!("{}", times.table());
    Ok(())
}

fn file(places: &Places) -> Result<PathBuf> {
    Ok(places.target()?.join("test-times.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(name: &str, seconds: f64) -> Time {
        Time { name: name.to_owned(), seconds }
    }

    #[test]
    fn reads_the_tests_of_nextest() {
        let line = "        PASS [   0.033s] (12/17) xtask::bin/xtask test::times";
        assert_eq!(Time::of_nextest(line), Some(time("xtask::bin/xtask test::times", 0.033)));
        assert_eq!(Time::of_nextest("        FAIL [   1.5s] app app::x"), Some(time("app app::x", 1.5)));
        assert_eq!(Time::of_nextest("     Summary [   0.189s] 17 tests run: 17 passed"), None);
    }

    #[test]
    fn reads_the_tests_of_playwright_and_its_retries() {
        let report = r#"{"suites":[{"suites":[{"specs":[{"title":"t","file":"a.spec.ts",
            "tests":[{"results":[{"duration":1500},{"duration":500}]}]}]}]}]}"#;
        let times = Times::default();
        times.hear_playwright(report).unwrap();
        assert_eq!(*times.tests.lock().unwrap(), [time("a.spec.ts: t", 2.0)]);
    }

    #[test]
    fn the_slowest_come_first() {
        let mut times = Times::default();
        times.add_part(time("Clippy", 3.0));
        times.add_part(time("Rust tests", 30.0));
        times.hear("PASS [   0.1s] a quick");
        times.hear("PASS [   9.0s] a slow");
        let table = times.table();
        assert!(table.find("Rust tests") < table.find("Clippy"), "{table}");
        assert!(table.find("slow") < table.find("quick"), "{table}");
        assert!(table.contains("The slowest 2 of 2 tests"), "{table}");
    }
}
