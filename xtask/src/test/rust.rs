//! cargo's checks: Clippy, the tests, the documentation.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result, bail};

use super::counts::Counts;
use super::times::Times;
use crate::build;
use crate::places::Places;
use crate::run::{self, shown};

/// All members but the page's entry point: that one builds `app` with a browser's features, the others with a
/// server's.
const NATIVE: &[&str] = &["--workspace", "--exclude", "backstay-frontend"];

/// Crates that the page is built from.
const OF_PAGE: [&str; 4] = ["all()", "=backstay-app", "=backstay-frontend", "=backstay-model"];

/// Checks all crates; the page's only if the filter may select one of them.
pub(super) fn clippy(places: &Places, filter: Option<&str>) -> Result<()> {
    let strict = ["--", "-D", "warnings"];
    build::run(places, &[&["clippy", "--all-targets"], NATIVE, &strict].concat(), &[])?;
    if filter.is_some_and(|filter| !OF_PAGE.iter().any(|name| filter.contains(name))) {
        return Ok(());
    }
    let page = ["clippy", "--package", "backstay-frontend", "--target", "wasm32-unknown-unknown"];
    build::run(places, &[&page[..], &strict].concat(), &[])
}

pub(super) fn docs(places: &Places) -> Result<()> {
    build::run(
        places,
        &[&["doc", "--no-deps"], NATIVE].concat(),
        &[("RUSTDOCFLAGS", "-D warnings --cfg erase_components")],
    )
}

/// Runs all tests, or those of the crates that a filter of nextest selects.
pub(super) fn tests(places: &Places, times: &Times, filter: Option<&str>) -> Result<Counts> {
    // Apart from the tests, so that a log shows where the time went.
    build::run(places, &[&["test", "--no-run"], NATIVE].concat(), &[])?;
    // One server for all tests; it ends with this value.
    let postgres = backstay_postgres::Server::start()?;
    let shared = postgres.folder();
    let has_nextest = run::read(places.cargo()?.args(["nextest", "--version"])).is_ok();
    let counts = if has_nextest {
        let selected = filter.map_or(vec![], |filter| vec!["--filterset", filter]);
        let nextest = [&["nextest", "run", "--no-fail-fast", "--no-tests=pass"], &selected[..]].concat();
        let ran = counted(places, times, shared, &nextest, Counts::of_nextest)?;
        if filter.is_some() {
            return Ok(ran);
        }
        ran.and(counted(places, times, shared, &["test", "--doc", "--no-fail-fast"], Counts::of_cargo_test)?)
    } else {
        counted(places, times, shared, &["test", "--no-fail-fast"], Counts::of_cargo_test)?
    };
    if counts.passed + counts.failed == 0 {
        bail!("no test was run");
    }
    Ok(counts)
}

/// Runs a test runner with its output shown, and adds up its counts.
fn counted(
    places: &Places,
    times: &Times,
    postgres: &Path,
    words: &[&str],
    count: fn(&str) -> Option<Counts>,
) -> Result<Counts> {
    let mut command = places.cargo()?;
    command.args(words).args(NATIVE).env(backstay_postgres::VARIABLE, postgres);
    let count = |line: &str| {
        times.hear(line);
        count(line)
    };
    let (counts, fine) = watch(&mut command, count)?;
    if !fine && counts.failed == 0 {
        bail!("`{}` failed before it had counted its tests", shown(&command));
    }
    Ok(counts)
}

/// Runs a command with its output shown, adds up the counts in its lines, and returns whether it succeeded.
pub(super) fn watch(
    command: &mut Command,
    count: impl Fn(&str) -> Option<Counts> + Sync,
) -> Result<(Counts, bool)> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let output = child.stdout.take().context("no output")?;
    let errors = child.stderr.take().context("no errors")?;
    let counts = thread::scope(|scope| {
        let other = scope.spawn(|| copy(output, std::io::stdout(), &count));
        let one = copy(errors, std::io::stderr(), &count);
        one.and(other.join().unwrap_or_default())
    });
    Ok((counts, child.wait()?.success()))
}

/// Passes lines on and adds up their counts. A terminal that went away does not end the tests.
fn copy(from: impl Read, mut to: impl Write, count: impl Fn(&str) -> Option<Counts>) -> Counts {
    let mut counts = Counts::default();
    let mut lines = BufReader::new(from);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        let _ = to.write_all(&line);
        if let Some(more) = count(&String::from_utf8_lossy(&line)) {
            counts = counts.and(more);
        }
        line.clear();
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_up_what_both_streams_say() {
        let said = "echo 'test result: ok. 2 passed; 0 failed; 0 ignored; x' >&2
                    echo 'test result: FAILED. 1 passed; 1 failed; 0 ignored; x'; exit 101";
        let (counts, fine) = watch(Command::new("sh").args(["-c", said]), Counts::of_cargo_test).unwrap();
        assert_eq!(counts, Counts { passed: 3, failed: 1, skipped: 0 });
        assert!(!fine);
    }
}
