//! Keeps the results of a host's tests.

use std::io;
use std::path::{Path, PathBuf};

use backstay_model::{Generation, TestRun};
use chrono::{DateTime, TimeDelta, Utc};

use crate::storage;

/// Number of the newest runs that stay whatever their age.
const NEWEST: usize = 100;

/// The folder with the latest run on each generation.
pub(crate) fn runs_folder(state_dir: &Path) -> PathBuf {
    state_dir.join("test-runs")
}

/// Keeps a run, in place of the previous one on the same generation.
pub(crate) fn record(state_dir: &Path, run: &TestRun) -> io::Result<()> {
    storage::create_private_folder(&runs_folder(state_dir))?;
    storage::write_json(&file(state_dir, run), run)
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

/// Deletes runs that ended more than `days` days ago, and returns their number. These stay:
///
/// * the newest [`NEWEST`];
/// * those on generations in the profile: each reading of the facts delivers them, and it delivers no others.
pub(crate) fn delete_old(
    state_dir: &Path,
    profile: &[Generation],
    now: DateTime<Utc>,
    days: u32,
) -> io::Result<usize> {
    // A profile without generations was not read.
    if profile.is_empty() {
        return Ok(0);
    }
    let runs = runs(state_dir, &mut vec![]);
    let is_old = |run: &&TestRun| {
        now - run.finished_at > TimeDelta::days(days.into())
            && !profile.iter().any(|generation| generation.store_path == run.generation.store_path)
    };
    let old: Vec<_> = runs.iter().skip(NEWEST).filter(is_old).collect();
    for run in &old {
        std::fs::remove_file(file(state_dir, run))?;
    }
    Ok(old.len())
}

fn file(state_dir: &Path, run: &TestRun) -> PathBuf {
    runs_folder(state_dir).join(format!("{}.json", run.generation.number))
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
