//! Past test runs: run for real, then dated back.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::run;

/// Time from the making of a generation to its test run.
const TESTED_AFTER: Duration = Duration::from_mins(2);

/// Runs the host's tests as its agent does by hand; that some fail is part of the story.
pub(crate) fn run_tests(agent: &mut Command, record: &Path, made: SystemTime) -> Result<()> {
    let output = agent.output().with_context(|| format!("cannot run {}", agent.get_program().display()))?;
    date_back(record, (made + TESTED_AFTER).into()).with_context(|| {
        let said = String::from_utf8_lossy(&output.stderr);
        format!("`{}` ended with {} and left no test run: {}", run::shown(agent), output.status, said.trim())
    })
}

/// Moves a recorded test run to another time.
fn date_back(record: &Path, start: DateTime<Utc>) -> Result<()> {
    let mut test_run: Value = serde_json::from_str(&fs::read_to_string(record)?)?;
    let (started, finished) = (time(&test_run, "started_at")?, time(&test_run, "finished_at")?);
    let took: TimeDelta = finished - started;
    test_run["started_at"] = start.to_rfc3339().into();
    test_run["finished_at"] = (start + took).to_rfc3339().into();
    fs::write(record, serde_json::to_string_pretty(&test_run)?)?;
    Ok(())
}

fn time(test_run: &Value, name: &str) -> Result<DateTime<Utc>> {
    let text = test_run[name].as_str().with_context(|| format!("the test run has no `{name}`"))?;
    Ok(text.parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_keeps_its_length_and_all_else() {
        let folder = tempfile::tempdir().unwrap();
        let record = folder.path().join("47.json");
        let before =
            r#"{"started_at":"2026-01-02T03:04:05Z","finished_at":"2026-01-02T03:04:07.5Z","results":[1]}"#;
        fs::write(&record, before).unwrap();
        date_back(&record, "2025-12-27T18:17:00Z".parse().unwrap()).unwrap();
        let after: Value = serde_json::from_str(&fs::read_to_string(&record).unwrap()).unwrap();
        assert_eq!(time(&after, "started_at").unwrap().to_rfc3339(), "2025-12-27T18:17:00+00:00");
        assert_eq!(time(&after, "finished_at").unwrap().to_rfc3339(), "2025-12-27T18:17:02.500+00:00");
        assert_eq!(after["results"], serde_json::json!([1]));
    }

    #[test]
    fn says_what_the_agent_said_where_it_left_nothing() {
        let mut agent = Command::new("sh");
        agent.args(["-c", "echo no such option >&2; exit 2"]);
        let error = run_tests(&mut agent, Path::new("/nowhere/1.json"), SystemTime::now()).unwrap_err();
        assert!(format!("{error:#}").contains("no such option"), "{error:#}");
    }
}
