//! A runner that nobody waits for.

use std::fs::OpenOptions;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::journal::Entry;

/// The argument that asks for this.
pub(crate) const DETACH: &str = "--detach";
/// How often it is looked whether the runner has begun.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Starts the runner in a process of its own, and returns once that has begun or has ended in vain.
///
/// The scope is the runner's from here on. Whoever asked for it is in the unit of the agent and may be stopped with it:
/// `sudo` would pass the signal on to the process that it has started, which is this one.
///
/// # Errors
/// Where it cannot be started.
pub(crate) fn detach(folder: &Path) -> Result<()> {
    let entry = Entry::read(&folder.canonicalize()?)?;
    let program = std::env::current_exe().context("where this program is, is not known")?;
    // What this process writes to may be read by `sudo`, and goes with it.
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
