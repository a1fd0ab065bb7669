//! Standard output, reserved for programs that asked for JSON.

use std::fs::File;
use std::io::{Write as _, stderr, stdout};
use std::os::fd::AsFd as _;

use anyhow::{Context, Result};

/// The original standard output.
pub(crate) struct Output {
    file: File,
}

impl Output {
    /// For programs, redirects to standard error whatever this program and its children write to standard
    /// output; only [`Output::line`] reaches the real one.
    pub(crate) fn for_people_or_programs(programs: bool) -> Result<Self> {
        let file = File::from(stdout().as_fd().try_clone_to_owned().context("standard output is closed")?);
        if programs {
            rustix::stdio::dup2_stdout(stderr().as_fd()).context("standard error is closed")?;
        }
        Ok(Self { file })
    }

    /// Writes a line.
    pub(crate) fn line(&self, text: &str) -> Result<()> {
        (&self.file).write_all(format!("{text}\n").as_bytes()).context("nobody reads standard output")
    }
}
