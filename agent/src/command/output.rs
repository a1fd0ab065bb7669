//! The file that a program writes to, and the place up to which it has been read.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::lines::Lines;

/// How much is read at a time.
const CHUNK: usize = 64 * 1024;

/// How much room on disk a program finds ahead of what was read of it, so that one under way does not fail on a disk that
/// fills up.
#[cfg(target_os = "linux")]
const AHEAD: u64 = 512 * 1024;

/// The file that a program writes to. It has no name, so it goes when its last user does.
pub(super) struct Output {
    file: File,
    read: u64,
    lines: Lines,
    chunk: Box<[u8]>,
}

impl Output {
    /// An empty file in `scratch`; in memory where the disk has no room.
    pub(super) fn create(scratch: &Path) -> io::Result<Self> {
        let on_disk = tempfile::tempfile_in(scratch).and_then(|file| reserve(&file, 0).map(|()| file));
        let file = on_disk.or_else(in_memory)?;
        Ok(Self { file, read: 0, lines: Lines::default(), chunk: vec![0; CHUNK].into_boxed_slice() })
    }

    /// What the program is to write to.
    pub(super) fn writer(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Hands over the lines that were completed by at most one chunk; whether there was any.
    pub(super) fn poll(&mut self, each: &mut impl FnMut(&str)) -> bool {
        // Program and reader share one position in the file: it is the program's, so the reader names its own.
        let Ok(count @ 1..) = self.file.read_at(&mut self.chunk, self.read) else { return false };
        self.lines.take(&self.chunk[..count], each);
        let before = self.read;
        self.read += count as u64;
        self.give_back(before);
        true
    }

    pub(super) fn finish(&mut self, each: &mut impl FnMut(&str)) {
        self.lines.finish(each);
    }

    /// Gives back what has been read, so that a program that writes without end does not fill the disk, and sets as much
    /// aside ahead of it. Where the file system cannot do that, nothing is lost.
    #[cfg(target_os = "linux")]
    fn give_back(&self, before: u64) {
        use rustix::fs::{FallocateFlags, fallocate};
        if before / AHEAD != self.read / AHEAD {
            let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
            let _ = fallocate(&self.file, flags, 0, self.read);
            let _ = reserve(&self.file, self.read);
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn give_back(&self, _before: u64) {}
}

/// Sets room aside from `start` on. Fails only where there is none.
#[cfg(target_os = "linux")]
fn reserve(file: &File, start: u64) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};
    use rustix::io::Errno;
    match fallocate(file, FallocateFlags::KEEP_SIZE, start, AHEAD) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) | Ok(()) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
fn reserve(_file: &File, _start: u64) -> io::Result<()> {
    Ok(())
}

#[cfg(target_os = "linux")]
fn in_memory(_no_room: io::Error) -> io::Result<File> {
    let file = rustix::fs::memfd_create("output", rustix::fs::MemfdFlags::CLOEXEC)?;
    Ok(file.into())
}

#[cfg(not(target_os = "linux"))]
fn in_memory(no_room: io::Error) -> io::Result<File> {
    Err(no_room)
}
