//! What the host does in the middle of an op: it counts, it writes numbered lines, and at times it ends its own agent.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::Result;

use crate::schedule::{Fault, Schedule, Step};
use crate::world::Host;

/// How many numbered lines an op writes.
pub(crate) const LINES: u32 = 40;

/// The test that the host has: it counts itself, and then does what every op of a schedule does.
pub(crate) fn write_test(host: &Host) -> Result<()> {
    let folder = host.folder.display();
    let script = format!(
        "#!/bin/sh\nhost='{folder}'\n\
         while [ -e \"$host/hold\" ]; do : >\"$host/holding\"; sleep 0.05; done; rm -f \"$host/holding\"\n\
         \"$host/during\"\necho ran >>\"$host/test-runs.log\"\n"
    );
    write(&host.tests.join("counted"), &script)
}

/// Writes what happens in the middle of the op of this schedule. `marker` tells its lines from those of others.
pub(crate) fn write_during(host: &Host, schedule: &Schedule, marker: &str) -> Result<()> {
    let end_agent =
        |signal: &str| format!("kill -{signal} \"$(cat '{}/agent.pid')\" || true\n", host.folder.display());
    let faults: String = schedule
        .at(Step::Running)
        .filter_map(|fault| match fault {
            Fault::OpKillsAgent => Some(end_agent("KILL")),
            Fault::OpStopsAgent => Some(end_agent("TERM")),
            _ => None,
        })
        .collect();
    let half = LINES / 2;
    let script = format!(
        "#!/bin/sh\necho begun >>'{}/begun.log'\nlines() {{ i=$1; while [ $i -le $2 ]; do echo \"{marker} line $i\"; i=$((i+1)); done; }}\n\
         lines 1 {half}\n{faults}lines {} {LINES}\n",
        host.folder.display(),
        half + 1
    );
    write(&host.folder.join("during"), &script)
}

/// How often the host was activated or tested since it was made: how often that began, and how often it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) begun: usize,
    pub(crate) ended: usize,
}

impl Count {
    pub(crate) fn of(host: &Host) -> Self {
        let lines = |log: &Path| fs::read_to_string(log).unwrap_or_default().lines().count();
        let begun = lines(&host.folder.join("begun.log"));
        Self { begun, ended: lines(&host.activations) + lines(&host.folder.join("test-runs.log")) }
    }

    /// What came since then.
    pub(crate) fn since(self, before: Self) -> Self {
        Self { begun: self.begun - before.begun, ended: self.ended - before.ended }
    }
}

/// Has the next op stand still in its middle.
pub(crate) fn hold(host: &Host) -> Result<()> {
    Ok(fs::write(host.folder.join("hold"), "")?)
}

/// Whether it stands still.
pub(crate) fn is_holding(host: &Host) -> bool {
    host.folder.join("holding").exists()
}

/// Lets it go on.
pub(crate) fn let_go(host: &Host) -> Result<()> {
    for file in ["hold", "holding"] {
        match fs::remove_file(host.folder.join(file)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text)?;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o755))?)
}
