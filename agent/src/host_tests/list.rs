//! Lists the tests of a host.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use backstay_model::TestsFolder;
use backstay_model::wire::limits::TESTS;

use crate::config::TestsConfig;
use crate::storage;

/// One test: an executable file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Test {
    /// Its file name.
    pub(crate) name: String,
    pub(super) path: PathBuf,
}

/// Returns the tests of a folder in the order of their names, or none if there is no such folder.
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

/// Describes the folder for pages.
pub(crate) fn tests_folder(config: &TestsConfig, tests: &[Test]) -> TestsFolder {
    TestsFolder {
        path: config.dir.to_string_lossy().into_owned(),
        names: tests.iter().map(|test| test.name.clone()).collect(),
        timeout_secs: config.timeout,
        max_timeout_secs: config.max_timeout,
    }
}
