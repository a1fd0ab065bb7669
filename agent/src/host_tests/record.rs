//! Keeps the results of a host's tests.

use std::io;
use std::path::{Path, PathBuf};

use backstay_model::TestRun;

use crate::storage;

/// The folder with the latest run on each generation.
pub(crate) fn runs_folder(state_dir: &Path) -> PathBuf {
    state_dir.join("test-runs")
}

/// Keeps a run, in place of the previous one on the same generation.
pub(crate) fn record(state_dir: &Path, run: &TestRun) -> io::Result<()> {
    let folder = runs_folder(state_dir);
    storage::create_private_folder(&folder)?;
    storage::write_json(&folder.join(format!("{}.json", run.generation.number)), run)
}

/// Returns every kept run, newest first. Reports files that cannot be read and leaves them.
pub(crate) fn runs(state_dir: &Path, problems: &mut Vec<String>) -> Vec<TestRun> {
    let files = storage::names_in(&runs_folder(state_dir)).unwrap_or_default();
    let mut runs = vec![];
    for file in files.iter().filter(|file| file.extension().is_some_and(|e| e == "json")) {
        match storage::read_json::<TestRun>(file) {
            Ok(run) => runs.extend(run),
            Err(error) => {
                problems.push(format!("The test results in {} are damaged: {error}.", file.display()));
            }
        }
    }
    runs.sort_by_key(|run| std::cmp::Reverse(run.finished_at));
    runs
}

/// Describes a run: “3 of 8 tests passed on Gen 48. Failed: a, b.”
pub(crate) fn describe(run: &TestRun) -> String {
    let summary = run.summary();
    if summary.all_passed() {
        return format!("All {} tests passed on {}.", summary.total, run.generation);
    }
    let failed: Vec<_> = run.failed().collect();
    let named = failed.iter().take(20).copied().collect::<Vec<_>>().join(", ");
    let more = if failed.len() > 20 { format!(" and {} more", failed.len() - 20) } else { String::new() };
    format!(
        "{} of {} tests passed on {}. Failed: {named}{more}.",
        summary.passed, summary.total, run.generation
    )
}
