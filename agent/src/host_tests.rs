//! The host's own tests: the executables of a folder, and what they said of each generation.

use std::collections::VecDeque;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use backstay_model::wire::limits::{TEST_TAIL_BYTES, TEST_TAIL_LINES, TESTS, cut};
use backstay_model::{Clock, GenerationRef, Stream, TestResult, TestRun, TestsFolder, test_run};

use crate::command::{self, Bounds, Ended, Invocation};
use crate::config::TestsConfig;
use crate::storage;

/// One test: an executable file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Test {
    /// Its file name.
    pub(crate) name: String,
    path: PathBuf,
}

/// The tests of a folder, in the order of their names. None where there is no such folder.
pub(crate) fn list(folder: &Path) -> io::Result<Vec<Test>> {
    let mut tests: Vec<_> = storage::names_in(folder)?.into_iter().filter_map(test).collect();
    tests.truncate(TESTS);
    Ok(tests)
}

fn test(path: PathBuf) -> Option<Test> {
    let name = path.file_name()?.to_string_lossy().into_owned();
    let found = path.metadata().ok()?;
    let runs = found.is_file() && found.permissions().mode() & 0o111 != 0;
    (runs && !name.starts_with('.')).then_some(Test { name, path })
}

/// The folder as pages show it.
pub(crate) fn described(config: &TestsConfig, tests: &[Test]) -> TestsFolder {
    TestsFolder {
        path: config.dir.to_string_lossy().into_owned(),
        names: tests.iter().map(|test| test.name.clone()).collect(),
        timeout_secs: config.timeout,
        max_timeout_secs: config.max_timeout,
    }
}

/// Who is told how tests go.
pub(crate) trait Watcher {
    /// A test, or the agent about one, said something.
    fn line(&mut self, stream: Stream, text: &str);
    /// So many tests have ended.
    fn ended(&mut self, done: usize, total: usize);
}

/// How and where tests are run.
pub(crate) struct Conditions<'a> {
    /// The generation that runs meanwhile.
    pub(crate) generation: &'a GenerationRef,
    /// How long each test may take.
    pub(crate) timeout: Duration,
    /// A folder for their output.
    pub(crate) scratch: &'a Path,
    /// What stops all of them.
    pub(crate) bounds: &'a Bounds<'a>,
    /// Tells the time.
    pub(crate) clock: &'a dyn Clock,
}

/// The tests did not run to the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stopped {
    /// How the last one ended.
    pub(crate) by: Ended,
    /// How many had ended before.
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

fn run_one(test: &Test, conditions: &Conditions<'_>, watcher: &mut dyn Watcher) -> Result<TestResult, Ended> {
    let began = Instant::now();
    let bounds = Bounds {
        deadline: conditions.bounds.deadline.min(began + conditions.timeout),
        cancelled: conditions.bounds.cancelled,
    };
    let mut tail = Tail::default();
    let program = Invocation::new::<String>(&[command::path(&test.path)], [])
        .with("BACKSTAY_GENERATION", conditions.generation.number.to_string())
        .with("BACKSTAY_STORE_PATH", conditions.generation.store_path.clone());
    let ended = program.run(conditions.scratch, &bounds, |stream, text| {
        tail.push(text);
        watcher.line(stream, text);
    });
    match &ended {
        Ended::Cancelled => return Err(ended),
        Ended::TimedOut if Instant::now() >= conditions.bounds.deadline => return Err(ended),
        Ended::TimedOut => {
            tail.push(&format!("It took longer than {} s and was stopped.", conditions.timeout.as_secs()));
        }
        Ended::Killed(signal) => tail.push(&format!("It was ended by signal {signal}.")),
        Ended::StillAtWork => tail.push("It took too long and could not be stopped."),
        Ended::NotStarted(reason) => tail.push(reason),
        Ended::Exited(_) => {}
    }
    Ok(TestResult {
        name: test.name.clone(),
        passed: ended.is_success(),
        duration_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        tail: if ended.is_success() { vec![] } else { tail.0.into() },
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

/// Where the results are kept: the latest run of each generation.
pub(crate) fn runs_folder(state_dir: &Path) -> PathBuf {
    state_dir.join("test-runs")
}

/// Keeps a run, in place of the one before on the same generation.
pub(crate) fn record(state_dir: &Path, run: &TestRun) -> io::Result<()> {
    let folder = runs_folder(state_dir);
    storage::create_private_folder(&folder)?;
    storage::write_json(&folder.join(format!("{}.json", run.generation.number)), run)
}

/// Every run that is kept, newest first. What cannot be read is told and left where it is.
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

/// What a run says, in a sentence or two: “3 of 8 tests passed on Gen 48. Failed: a, b.”
pub(crate) fn told(run: &TestRun) -> String {
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

#[cfg(test)]
mod tests {
    use std::fs;

    use backstay_model::SystemClock;

    use super::*;

    #[derive(Default)]
    struct Seen(Vec<String>, Vec<(usize, usize)>);

    impl Watcher for Seen {
        fn line(&mut self, _stream: Stream, text: &str) {
            self.0.push(text.to_owned());
        }

        fn ended(&mut self, done: usize, total: usize) {
            self.1.push((done, total));
        }
    }

    fn folder(scripts: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, script) in scripts {
            let path = folder.path().join(name);
            fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        folder
    }

    fn run_in(folder: &Path, cancelled: &dyn Fn() -> bool) -> (Result<TestRun, Stopped>, Seen) {
        let mut seen = Seen::default();
        let bounds = Bounds { deadline: Instant::now() + Duration::from_mins(5), cancelled };
        let conditions = Conditions {
            generation: &GenerationRef { number: 48, store_path: "/nix/store/x".into() },
            timeout: Duration::from_secs(20),
            scratch: &std::env::temp_dir(),
            bounds: &bounds,
            clock: &SystemClock,
        };
        (run(&list(folder).unwrap(), &conditions, &mut seen), seen)
    }

    #[test]
    fn executables_are_tests_in_the_order_of_their_names() {
        let folder = folder(&[("20-b", "exit 0"), ("10-a", "exit 0"), (".hidden", "exit 0")]);
        fs::write(folder.path().join("README"), "").unwrap();
        fs::create_dir(folder.path().join("dir")).unwrap();
        let names: Vec<_> = list(folder.path()).unwrap().into_iter().map(|t| t.name).collect();
        assert_eq!(names, ["10-a", "20-b"]);
        assert!(list(Path::new("/nowhere/at/all")).unwrap().is_empty());
    }

    #[test]
    fn each_test_is_judged_and_the_run_is_kept() {
        let folder = folder(&[
            ("1", "test \"$BACKSTAY_GENERATION $BACKSTAY_STORE_PATH\" = '48 /nix/store/x'"),
            ("2", "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13; do echo line $i; done; exit 3"),
        ]);
        let (run, seen) = run_in(folder.path(), &|| false);
        let run = run.unwrap();
        assert_eq!(run.results.iter().map(|r| r.passed).collect::<Vec<_>>(), [true, false]);
        assert_eq!(run.results[1].tail.len(), TEST_TAIL_LINES);
        assert_eq!(run.results[1].tail.last().unwrap(), "line 13");
        assert_eq!(seen.1, [(0, 2), (1, 2), (2, 2)]);
        assert_eq!(told(&run), "1 of 2 tests passed on Gen 48. Failed: 2.");

        let state = tempfile::tempdir().unwrap();
        record(state.path(), &run).unwrap();
        fs::write(runs_folder(state.path()).join("7.json"), "{").unwrap();
        let mut problems = vec![];
        assert_eq!(runs(state.path(), &mut problems), [run]);
        assert!(problems[0].contains("7.json"), "{problems:?}");
    }

    #[test]
    fn a_cancelled_run_says_how_far_it_was() {
        let folder = folder(&[("1", "exit 0"), ("2", "sleep 1000")]);
        let mark = folder.path().join("mark");
        fs::write(folder.path().join("2"), format!("#!/bin/sh\n: >{}\nsleep 1000\n", mark.display()))
            .unwrap();
        let (run, _) = run_in(folder.path(), &|| mark.exists());
        assert_eq!(run.unwrap_err(), Stopped { by: Ended::Cancelled, done: 1 });
    }
}
