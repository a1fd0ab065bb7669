//! Activations that something else runs: a person with nixos-rebuild, a deployment tool, a timer.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::op_end::OpEnd;
use super::work::Work;

/// How often a test run checks for the end of an activation.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

impl Work<'_> {
    /// Returns a refusal if something else activates a generation now.
    pub(crate) fn busy(&self) -> Option<OpEnd> {
        let who = self.other_activations();
        (!who.is_empty()).then(|| {
            OpEnd::refused(format!(
                "Another activation is running on this host ({}). Nothing was changed. Wait for it to end.",
                who.join(", ")
            ))
        })
    }

    /// Waits until nothing else activates a generation: tests of a half-activated system say nothing. Returns the end of
    /// the op if it was cancelled, or its time ran out, before that.
    pub(super) fn wait_for_others(&mut self) -> Option<OpEnd> {
        let mut has_said = false;
        loop {
            if let Some(end) = self.stopped_before("the tests began") {
                return Some(end);
            }
            let who = self.other_activations();
            if who.is_empty() {
                return None;
            }
            if !std::mem::replace(&mut has_said, true) {
                self.say(&format!(
                    "An activation is running ({}). The tests begin when it has ended.",
                    who.join(", ")
                ));
            }
            thread::sleep(LOOK_AGAIN);
        }
    }

    /// What activates a generation now, by unit or program. This op does not.
    fn other_activations(&self) -> Vec<String> {
        let services = self.adapter().services(&self.host());
        let units = services.and_then(|services| services.at_work().ok()).unwrap_or_default();
        if units.is_empty() && is_locked(&activation_lock(&self.config().running_system())) {
            return vec!["switch-to-configuration".to_owned()];
        }
        units
    }
}

/// The file that switch-to-configuration locks from its beginning to its end, on NixOS
/// `/run/nixos/switch-to-configuration.lock`: beside the link to the running system.
fn activation_lock(running_system: &Path) -> PathBuf {
    running_system.with_file_name("nixos").join("switch-to-configuration.lock")
}

/// Returns whether some process holds a lock on this file. The kernel's list is read instead of trying to take the lock:
/// an activation that begins at that moment would find it taken, and give up.
fn is_locked(file: &Path) -> bool {
    let (Ok(file), Ok(locks)) = (fs::metadata(file), fs::read_to_string("/proc/locks")) else { return false };
    holds(&locks, file.ino())
}

/// Reads `/proc/locks` (`proc_locks(5)`): `1: FLOCK ADVISORY WRITE 3 08:01:42 0 EOF`, where `->` marks one that waits. The
/// device is not compared: it is another one than `stat(2)` says on btrfs and overlayfs.
fn holds(locks: &str, inode: u64) -> bool {
    locks.lines().any(|line| {
        let words: Vec<_> = line.split_ascii_whitespace().collect();
        let is_flock = words.get(1) == Some(&"FLOCK");
        let of = words.get(5).and_then(|file| file.rsplit(':').next());
        is_flock && of.and_then(|of| of.parse().ok()) == Some(inode)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_lock_is_seen_without_touching_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("switch-to-configuration.lock");
        assert!(!is_locked(&path), "it is not there");
        let held = fs::File::create(&path).unwrap();
        assert!(!is_locked(&path), "nobody holds it");
        held.lock().unwrap();
        assert!(is_locked(&path));
        drop(held);
        assert!(!is_locked(&path), "it was released");
    }

    #[test]
    fn the_kernels_list_is_read_line_by_line() {
        let locks =
            "1: POSIX  ADVISORY  WRITE 812 00:1a:77 0 EOF\n2: FLOCK  ADVISORY  WRITE 3 08:01:4242 0 EOF\n";
        assert!(holds(locks, 4242));
        assert!(!holds(locks, 77), "switch-to-configuration uses flock");
        assert!(!holds(locks, 42));
        assert!(!holds("", 42));
    }

    #[test]
    fn the_lock_is_beside_the_running_system() {
        let lock = activation_lock(Path::new("/run/current-system"));
        assert_eq!(lock, Path::new("/run/nixos/switch-to-configuration.lock"));
    }
}
