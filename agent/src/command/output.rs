//! The file that a program writes to, and the place up to which it has been read.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use super::lines::Lines;

/// How much is read at a time.
const CHUNK: usize = 64 * 1024;

/// The file that a program writes to. It has no name, so it goes when its last user does.
pub(super) struct Output {
    file: File,
    read: u64,
    lines: Lines,
    chunk: Box<[u8]>,
}

impl Output {
    pub(super) fn new(file: File) -> Self {
        Self { file, read: 0, lines: Lines::default(), chunk: vec![0; CHUNK].into_boxed_slice() }
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

    /// Gives the disk back what has been read, so that a program that writes without end does not fill it. Where the
    /// file system cannot do that, nothing is lost.
    #[cfg(target_os = "linux")]
    fn give_back(&self, before: u64) {
        use rustix::fs::{FallocateFlags, fallocate};
        const EVERY: u64 = 8 * 1024 * 1024;
        if before / EVERY != self.read / EVERY {
            let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
            let _ = fallocate(&self.file, flags, 0, self.read);
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn give_back(&self, _before: u64) {}
}
