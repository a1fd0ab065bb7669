//! Starts a runner that nobody waits for.

use std::fs::OpenOptions;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::journal::Entry;

/// The argument that requests this.
pub(crate) const DETACH: &str = "--detach";
/// Interval between checks that the runner has begun.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Starts the runner in a process of its own, and returns once the runner has begun or has failed to.
///
/// From here on the scope belongs to the runner. The caller is in the agent's unit and may be stopped with
/// it, and `sudo` would forward the signal to the process that it started, which is this one.
///
/// # Errors
/// If it cannot be started.
pub(crate) fn detach(folder: &Path) -> Result<()> {
    let entry = Entry::read(&folder.canonicalize()?)?;
    let program = std::env::current_exe().context("the path of this program is unknown")?;
    // The output of this process may be a pipe to `sudo`, which ends with it.
    let open = || OpenOptions::new().create(true).append(true).open(entry.log());
    let log = || open().map_or_else(|_| Stdio::null(), Stdio::from);
    let mut runner = Command::new(program)
        .args(std::env::args_os().skip(1).filter(|word| word != DETACH))
        .stdin(Stdio::null())
        .stdout(log())
        .stderr(log())
        .process_group(0)
        .spawn()
        .context("the runner cannot be started")?;
    while !entry.has_begun() && runner.try_wait()?.is_none() {
        thread::sleep(LOOK_EVERY);
    }
    Ok(())
}
