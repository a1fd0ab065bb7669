//! The files that a program writes to, and the position up to which each has been read.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::SystemTime;

use backstay_model::Stream;

use super::lines::Lines;

/// Bytes per read.
const CHUNK: usize = 64 * 1024;

/// Disk space reserved ahead of the read position, so that a running program does not fail when the disk
/// fills up.
#[cfg(target_os = "linux")]
const AHEAD: u64 = 512 * 1024;

/// The output of a program.
pub(super) struct Outputs {
    pub(super) stdout: Output,
    pub(super) stderr: Output,
}

impl Outputs {
    pub(super) fn create(scratch: &Path) -> io::Result<Self> {
        Ok(Self { stdout: Output::create(scratch)?, stderr: Output::create(scratch)? })
    }

    /// Passes on what was written since the last call, and returns whether there was anything. The file that
    /// was written to last comes last, so that a program's own lines precede those of the programs that it
    /// starts.
    pub(super) fn poll(&mut self, each_line: &mut impl FnMut(Stream, &str)) -> bool {
        let stderr_first = self.stderr.last_write() <= self.stdout.last_write();
        let mut any = false;
        for is_stderr in [stderr_first, !stderr_first] {
            let (output, stream) = if is_stderr {
                (&mut self.stderr, Stream::Stderr)
            } else {
                (&mut self.stdout, Stream::Stdout)
            };
            any |= output.poll(&mut |line: &str| each_line(stream, line));
        }
        any
    }

    /// Passes on the rest, and last lines without a newline. Does not wait for what is written after this
    /// begins: a process that the program left behind may write for ever.
    pub(super) fn finish(&mut self, each_line: &mut impl FnMut(Stream, &str)) {
        let (stdout, stderr) = (self.stdout.written(), self.stderr.written());
        while (self.stdout.read < stdout || self.stderr.read < stderr) && self.poll(each_line) {}
        self.stdout.finish(&mut |line: &str| each_line(Stream::Stdout, line));
        self.stderr.finish(&mut |line: &str| each_line(Stream::Stderr, line));
    }
}

/// The file that a program writes to. It has no name, so it disappears with its last user.
pub(super) struct Output {
    file: File,
    read: u64,
    lines: Lines,
    chunk: Box<[u8]>,
}

impl Output {
    /// Creates an empty file in `scratch`, or in memory if the disk is full.
    fn create(scratch: &Path) -> io::Result<Self> {
        let on_disk = tempfile::tempfile_in(scratch).and_then(|file| reserve(&file, 0).map(|()| file));
        let file = on_disk.or_else(in_memory)?;
        Ok(Self { file, read: 0, lines: Lines::default(), chunk: vec![0; CHUNK].into_boxed_slice() })
    }

    /// The program's end of the file.
    pub(super) fn writer(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Passes on the lines that at most one chunk completes, and returns whether there was anything.
    fn poll(&mut self, each: &mut impl FnMut(&str)) -> bool {
        // The file position is shared and belongs to the program, so the reader names its own.
        let Ok(count @ 1..) = self.file.read_at(&mut self.chunk, self.read) else { return false };
        self.lines.take(&self.chunk[..count], each);
        let before = self.read;
        self.read += count as u64;
        self.give_back(before);
        true
    }

    /// The time of the last write, as far as the file system knows.
    fn last_write(&self) -> Option<SystemTime> {
        self.file.metadata().and_then(|about| about.modified()).ok()
    }

    /// The number of bytes written to it.
    fn written(&self) -> u64 {
        self.file.metadata().map_or(0, |about| about.len())
    }

    fn finish(&mut self, each: &mut impl FnMut(&str)) {
        self.lines.finish(each);
    }

    /// Frees what has been read, so that a program that writes endlessly does not fill the disk, and reserves
    /// as much ahead of it. Nothing is lost if the file system cannot do that.
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

/// Reserves space from `start` on. Fails only if there is none.
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
#[expect(clippy::unnecessary_wraps, reason = "it can fail on Linux")]
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

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_process_left_behind_that_writes_for_ever_does_not_hold_the_end_up() {
        let mut outputs = Outputs::create(&std::env::temp_dir()).unwrap();
        let mut writer = outputs.stdout.writer().unwrap();
        writeln!(writer, "line").unwrap();
        let mut lines = 0;
        outputs.finish(&mut |_, _: &str| {
            lines += 1;
            assert!(lines < 100, "it reads on and on");
            writeln!(writer, "another line").unwrap();
        });
        assert_eq!(lines, 1);
    }
}
