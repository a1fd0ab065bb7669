//! The running boot of the host.

use std::time::{Duration, SystemTime};

/// Returns the identifier of this boot, or `None` on a system that has none.
pub(crate) fn id() -> Option<String> {
    let text = read_id()?;
    let id = text.trim();
    (!id.is_empty()).then(|| id.to_owned())
}

/// Returns the time of this boot by the kernel's clock, which also dates files.
pub(crate) fn time() -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(read_time()?))
}

#[cfg(not(target_os = "macos"))]
fn read_id() -> Option<String> {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()
}

#[cfg(not(target_os = "macos"))]
fn read_time() -> Option<u64> {
    let stat = std::fs::read_to_string("/proc/stat").ok()?;
    stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

#[cfg(target_os = "macos")]
fn read_id() -> Option<String> {
    sysctl("kern.bootsessionuuid")
}

/// Reads `{ sec = 1764482400, usec = 0 } Sun Nov 30 06:00:00 2025`.
#[cfg(target_os = "macos")]
fn read_time() -> Option<u64> {
    sysctl("kern.boottime")?.split_once("sec = ")?.1.split_once(',')?.0.parse().ok()
}

#[cfg(target_os = "macos")]
fn sysctl(name: &str) -> Option<String> {
    use crate::command::{self, Invocation};

    let sysctl = ["/usr/sbin/sysctl".to_owned()];
    command::read(&Invocation::new(&sysctl, ["-n", name]), Duration::from_secs(5)).ok()
}
