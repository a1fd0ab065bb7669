//! `cargo xtask times`: where the time of the last runs went.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::places::Places;

/// How many tests are shown.
const SLOWEST: usize = 20;

/// The duration of a part or of a test.
#[derive(Debug, Clone, PartialEq)]
struct Time {
    name: String,
    seconds: f64,
}

impl Time {
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

    fn pair(self) -> (String, f64) {
        (self.name, self.seconds)
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

/// How long each part and each test took when it last ran, in seconds by name.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Times {
    parts: BTreeMap<String, f64>,
    tests: Mutex<BTreeMap<String, f64>>,
}

impl Times {
    /// Reads the record of earlier runs; empty if there is none, or none that can be read.
    pub(super) fn recorded(places: &Places) -> Self {
        let read = || serde_json::from_str(&fs::read_to_string(file(places).ok()?).ok()?).ok();
        read().unwrap_or_default()
    }

    /// Takes in a line of nextest, if it names a test.
    pub(super) fn hear(&self, line: &str) {
        self.tests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(Time::of_nextest(line).map(Time::pair));
    }

    /// Takes in Playwright's report.
    pub(super) fn hear_playwright(&self, report: &str) -> Result<()> {
        let report = serde_json::from_str(report).context("Playwright's report is not JSON")?;
        let mut times = vec![];
        Time::of_playwright(&report, &mut times);
        self.tests.lock().unwrap_or_else(PoisonError::into_inner).extend(times.into_iter().map(Time::pair));
        Ok(())
    }

    pub(super) fn add_part(&mut self, title: &str, took: Duration) {
        self.parts.insert(title.to_owned(), took.as_secs_f64());
    }

    /// The Rust tests that took longer than this, as nextest's binary and test.
    pub(super) fn slow_rust_tests(&self, at_least: Duration) -> Vec<(String, String)> {
        let tests = self.tests.lock().unwrap_or_else(PoisonError::into_inner);
        let slow = tests.iter().filter(|(_, seconds)| **seconds >= at_least.as_secs_f64());
        let rust = slow.filter(|(name, _)| !name.contains(".spec.ts: "));
        rust.filter_map(|(name, _)| name.split_once(' '))
            .map(|(binary, test)| (binary.to_owned(), test.to_owned()))
            .collect()
    }

    pub(super) fn save(&self, places: &Places) -> Result<()> {
        let file = file(places)?;
        fs::create_dir_all(file.parent().context("no folder")?)?;
        fs::write(&file, serde_json::to_string(self)?)
            .with_context(|| format!("cannot write {}", file.display()))
    }

    /// The parts and the slowest tests, slowest first.
    fn table(self) -> String {
        let tests = self.tests.into_inner().unwrap_or_else(PoisonError::into_inner);
        let all = tests.len();
        let lines = |times: BTreeMap<String, f64>, at_most: usize| {
            let mut times: Vec<_> = times.into_iter().collect();
            times.sort_by(|(_, a), (_, b)| b.total_cmp(a));
            let line = |(name, seconds): &(String, f64)| format!("{seconds:>8.1} s  {name}");
            times.iter().take(at_most).map(line).collect::<Vec<_>>().join("\n")
        };
        let parts = lines(self.parts, usize::MAX);
        format!(
            "Parts\n{parts}\n\nThe slowest {} of {all} tests\n{}",
            SLOWEST.min(all),
            lines(tests, SLOWEST)
        )
    }
}

/// Prints where the time went when each part and each test last ran.
pub(crate) fn show(places: &Places) -> Result<()> {
    let times = Times::recorded(places);
    ensure!(!times.parts.is_empty(), "no run is recorded yet: `cargo xtask test` records one");
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
        assert_eq!(*times.tests.lock().unwrap(), BTreeMap::from([("a.spec.ts: t".to_owned(), 2.0)]));
    }

    #[test]
    fn the_slowest_come_first() {
        let mut times = Times::default();
        times.add_part("Clippy", Duration::from_secs(3));
        times.add_part("Rust tests", Duration::from_secs(30));
        times.hear("PASS [   0.1s] a quick");
        times.hear("PASS [   9.0s] a slow");
        let table = times.table();
        assert!(table.find("Rust tests") < table.find("Clippy"), "{table}");
        assert!(table.find("slow") < table.find("quick"), "{table}");
        assert!(table.contains("The slowest 2 of 2 tests"), "{table}");
    }

    #[test]
    fn a_slow_test_is_named_as_nextest_names_it() {
        let times = Times::default();
        times.hear("PASS [   9.0s] (1/2) backstay-fleet::revert histories::squashed");
        times.hear("PASS [   1.0s] (2/2) backstay-fleet ops::quick");
        times
            .hear_playwright(
                r#"{"specs":[{"title":"t","file":"a.spec.ts","tests":[{"results":[{"duration":9000}]}]}]}"#,
            )
            .unwrap();
        let slow = times.slow_rust_tests(Duration::from_secs(4));
        assert_eq!(slow, [("backstay-fleet::revert".to_owned(), "histories::squashed".to_owned())]);
    }
}
