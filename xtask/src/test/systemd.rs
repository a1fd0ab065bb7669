//! The real programs under this machine's own systemd, booted in namespaces: `testing/guest`.

use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use super::counts::Counts;
use super::rust::watch;
use crate::build::{self, Built};
use crate::places::Places;
use crate::run::{self, shown};

pub(super) fn tests(places: &Places) -> Result<Counts> {
    build::programs(places)?;
    let mut tests = command(&Built::find(places)?)?;
    let (counts, fine) = watch(tests.stdin(Stdio::null()), Counts::of_systemd)?;
    if !fine && counts.failed == 0 {
        bail!("`{}` failed before it had counted its tests", shown(&tests));
    }
    Ok(counts)
}

/// The test program, as root if that takes no password. Otherwise the program says what it leaves out.
fn command(built: &Built) -> Result<Command> {
    let is_root = run::read(Command::new("id").arg("-u"))?.trim() == "0";
    let mut command = if !is_root && run::read(Command::new("sudo").args(["-n", "true"])).is_ok() {
        let mut sudo = Command::new("sudo");
        sudo.arg("-n").arg(&built.systemd);
        sudo
    } else {
        Command::new(&built.systemd)
    };
    command.arg("test").arg("--server").arg(&built.server).arg("--agent").arg(&built.agent);
    Ok(command)
}
