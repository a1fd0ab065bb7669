//! Disk space that is reserved when an op is accepted, so that its result can be written even if the disk is
//! full by then.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Enough for the result, the file it replaces, and the file system's records of their names.
const BYTES: usize = 64 * 1024;
/// The file that takes up the space.
const FILE: &str = "reserve";

/// Reserves space in the folder of an op.
pub(super) fn set_aside(folder: &Path) -> io::Result<()> {
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(folder.join(FILE))?;
    if !allocate(&file)? {
        file.write_all(&vec![0; BYTES])?;
    }
    file.sync_all()
}

/// Frees the space, and returns whether there was any.
pub(super) fn give_up(folder: &Path) -> bool {
    fs::remove_file(folder.join(FILE)).is_ok()
}

/// Has the file system reserve the space. Returns false if it does not support that.
#[cfg(target_os = "linux")]
fn allocate(file: &File) -> io::Result<bool> {
    use rustix::fs::{FallocateFlags, fallocate};
    use rustix::io::Errno;
    match fallocate(file, FallocateFlags::empty(), 0, BYTES as u64) {
        Ok(()) => Ok(true),
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "it can fail on Linux")]
fn allocate(_file: &File) -> io::Result<bool> {
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_really_taken_and_given_back_once() {
        use std::os::unix::fs::MetadataExt as _;
        let folder = tempfile::tempdir().unwrap();
        set_aside(folder.path()).unwrap();
        let taken = folder.path().join(FILE).metadata().unwrap();
        assert_eq!(taken.len(), BYTES as u64);
        assert!(taken.blocks() * 512 >= BYTES as u64);
        assert!(give_up(folder.path()));
        assert!(!give_up(folder.path()));
    }
}
