//! Which boot of the host this is.

/// The identifier of this boot; none on a system that does not tell it.
pub(crate) fn id() -> Option<String> {
    let told = told()?;
    let id = told.trim();
    (!id.is_empty()).then(|| id.to_owned())
}

#[cfg(not(target_os = "macos"))]
fn told() -> Option<String> {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()
}

#[cfg(target_os = "macos")]
fn told() -> Option<String> {
    use std::time::Duration;

    use crate::command::{self, Invocation};

    let sysctl = ["/usr/sbin/sysctl".to_owned()];
    command::read(&Invocation::new(&sysctl, ["-n", "kern.bootsessionuuid"]), Duration::from_secs(5)).ok()
}
