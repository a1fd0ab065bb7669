//! Stories about guests themselves.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use backstay_guest::{Guest, Options, output};

use crate::Programs;
use crate::world::wait_for;

const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// A guest that is dropped leaves no processes, mounts, folders or control groups.
pub(super) fn dropped(_: &Programs) -> Result<()> {
    let mut guest = Guest::boot(&Options::default())?;
    let (first, boot_id) = (guest.pid(), guest.read(BOOT_ID)?);
    guest.reboot()?;
    ensure!(guest.pid() != first && guest.read(BOOT_ID)? != boot_id, "it was not booted again");
    let (pid, folder) = (guest.pid(), guest.folder().to_owned());
    drop(guest);
    wait_until_gone(&folder, pid)
}

/// Neither does one whose program is killed.
pub(super) fn abandoned(_: &Programs) -> Result<()> {
    let mut program = Command::new(std::env::current_exe()?).arg("hold").stdout(Stdio::piped()).spawn()?;
    let mut told = String::new();
    let read = BufReader::new(program.stdout.take().context("no output")?).read_line(&mut told);
    program.kill()?;
    program.wait()?;
    read?;
    let (pid, folder) = told.trim().split_once(' ').context("no guest was booted")?;
    wait_until_gone(Path::new(folder), pid.parse()?)
}

/// Boots a guest, prints its process, and keeps it until this program is killed.
pub(crate) fn hold() -> Result<()> {
    let guest = Guest::boot(&Options::default())?;
    println!("{} {}", guest.pid(), guest.folder().display());
    loop {
        std::thread::park();
    }
}

fn wait_until_gone(folder: &Path, pid: u32) -> Result<()> {
    // A process that has ended exists until its parent has reaped it.
    let alive = || {
        std::fs::read_to_string(format!("/proc/{pid}/status")).is_ok_and(|text| !text.contains("State:\tZ"))
    };
    wait_for("the guest's first process to go", || Ok(!alive()))?;
    wait_for("the guest's folder to go", || Ok(!folder.exists()))?;
    let name = folder.file_name().context("a folder without a name")?.to_string_lossy().into_owned();
    ensure!(!std::fs::read_to_string("/proc/self/mounts")?.contains(&name), "a mount is left");
    let found = output(Command::new("find").args(["/sys/fs/cgroup", "-maxdepth", "2", "-name", &name]))?;
    ensure!(found.is_empty(), "a control group is left: {found}");
    Ok(())
}
