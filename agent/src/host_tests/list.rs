//! Lists the tests of a host.

use std::collections::BTreeMap;
use std::env;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use backstay_model::TestsFolder;
use backstay_model::wire::limits::TESTS;

use super::basic::{self, Configured};
use crate::command;
use crate::config::{Config, TestsConfig};
use crate::probe::Probe;
use crate::storage;

/// One test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Test {
    /// Its name.
    pub(crate) name: String,
    /// The program that passes by exiting with 0, and its arguments.
    pub(super) argv: Vec<String>,
}

/// Returns the tests of a host in the order of their names: the executables of its folder, what its configuration names, and
/// the basic ones. Of one name, the first of these counts.
pub(crate) fn list(config: &Config) -> io::Result<Vec<Test>> {
    let mut tests = BTreeMap::new();
    for (name, probe) in basic::basic(config) {
        tests.insert(name, of_probe(&probe)?);
    }
    for (name, test) in &config.tests.probes {
        let argv = match basic::configured(test, config) {
            Some(Configured::Probe(probe)) => of_probe(&probe)?,
            Some(Configured::Command(argv)) => argv,
            None => continue,
        };
        tests.insert(name.clone(), argv);
    }
    for path in executables(&config.tests.dir)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        tests.insert(name, vec![command::path(path)]);
    }
    Ok(tests.into_iter().take(TESTS).map(|(name, argv)| Test { name, argv }).collect())
}

/// This program, to look at one thing.
fn of_probe(probe: &Probe) -> io::Result<Vec<String>> {
    Ok(vec![command::path(env::current_exe()?), "probe".to_owned(), serde_json::to_string(probe)?])
}

fn executables(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let runs = |path: &PathBuf| {
        let is_hidden = path.file_name().is_none_or(|name| name.to_string_lossy().starts_with('.'));
        let found = path.metadata();
        !is_hidden && found.is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    Ok(storage::names_in(folder)?.into_iter().filter(runs).collect())
}

/// Describes the tests for pages.
pub(crate) fn tests_folder(config: &TestsConfig, tests: &[Test]) -> TestsFolder {
    TestsFolder {
        path: config.dir.to_string_lossy().into_owned(),
        names: tests.iter().map(|test| test.name.clone()).collect(),
        timeout_secs: config.timeout,
        max_timeout_secs: config.max_timeout,
    }
}
