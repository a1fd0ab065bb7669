//! Runs programs: argument vectors, no shell, each in a process group of its own that is stopped as a whole.
//!
//! A program writes to files, not to pipes. A pipe breaks when its reader dies, and a program that activates a system
//! must not be killed by that half-way.

mod group;
mod lines;
mod output;

use std::io;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use backstay_protocol::Stream;

use crate::config::JOIN_TOKEN_VARIABLE;
use group::Group;
use output::Output;

/// How long a program may take to end after it was asked to, before it is killed.
const GRACE: Duration = Duration::from_secs(10);
/// The longest pause between two looks at a running program.
const LONGEST_PAUSE: Duration = Duration::from_millis(20);
/// How much of the output is kept by [`read`].
const READ_BYTES: usize = 256 * 1024;

/// A program to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Invocation {
    /// The program and its arguments.
    pub(crate) argv: Vec<String>,
    /// Variables beside those that the agent has.
    pub(crate) variables: Vec<(&'static str, String)>,
    /// What is put before a `kill` where the program runs as root and the agent does not.
    pub(crate) sudo: Option<Vec<String>>,
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    /// By itself, with this status.
    Exited(i32),
    /// By a signal that was not ours.
    Killed(i32),
    /// Its time ran out, and it was stopped.
    TimedOut,
    /// It was told to stop.
    Cancelled,
    /// It could not be started.
    NotStarted(String),
}

impl Ended {
    pub(crate) fn is_success(&self) -> bool {
        *self == Self::Exited(0)
    }

    pub(crate) fn exit_code(&self) -> Option<i32> {
        match self {
            Self::Exited(code) => Some(*code),
            _ => None,
        }
    }
}

/// What stops a program from outside.
pub(crate) struct Bounds<'a> {
    /// When its time is over.
    pub(crate) deadline: Instant,
    /// Whether it has been cancelled.
    pub(crate) cancelled: &'a dyn Fn() -> bool,
}

impl Invocation {
    /// A program with the arguments that its configuration gives it, and more.
    pub(crate) fn new<S: Into<String>>(base: &[String], more: impl IntoIterator<Item = S>) -> Self {
        let argv = base.iter().cloned().chain(more.into_iter().map(Into::into)).collect();
        Self { argv, variables: vec![], sudo: None }
    }

    /// The same, as root.
    pub(crate) fn through(mut self, sudo: Option<&[String]>) -> Self {
        if let Some(sudo) = sudo {
            self.argv.splice(0..0, sudo.iter().cloned());
            self.sudo = Some(sudo.to_vec());
        }
        self
    }

    /// The same, with a variable set.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    /// The program and its arguments as a person would type them.
    pub(crate) fn shown(&self) -> String {
        self.argv.join(" ")
    }

    /// Runs the program to its end, and hands over each line as it comes. `scratch` is a folder for its output.
    pub(crate) fn run(
        &self,
        scratch: &Path,
        bounds: &Bounds<'_>,
        mut each_line: impl FnMut(Stream, &str),
    ) -> Ended {
        match self.start(scratch) {
            Err(error) => Ended::NotStarted(error),
            Ok(mut running) => {
                let ended = running.watch(bounds, &mut each_line);
                running.outputs.finish(&mut each_line);
                ended
            }
        }
    }

    fn start(&self, scratch: &Path) -> Result<Running, String> {
        let (program, arguments) = self.argv.split_first().ok_or("no program is given")?;
        let outputs = Outputs::create(scratch).map_err(|e| format!("no file for its output: {e}"))?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_remove(JOIN_TOKEN_VARIABLE)
            .env("NO_COLOR", "1")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(outputs.stdout.writer().map_err(|e| e.to_string())?)
            .stderr(outputs.stderr.writer().map_err(|e| e.to_string())?)
            .process_group(0);
        let child = command.spawn().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => format!("there is no program “{program}” on this host"),
            _ => format!("“{program}” cannot be started: {error}"),
        })?;
        let group = Group::of(&child, self.sudo.clone());
        Ok(Running { child, group, outputs })
    }
}

/// What a program that is quick and says little wrote to its standard output.
///
/// # Errors
/// Why there is none, in a few words.
pub(crate) fn read(invocation: &Invocation, timeout: Duration) -> Result<String, String> {
    let bounds = Bounds { deadline: Instant::now() + timeout, cancelled: &|| false };
    let (mut text, mut complaint) = (String::new(), String::new());
    let ended = invocation.run(&std::env::temp_dir(), &bounds, |stream, line| match stream {
        Stream::Stdout if text.len() < READ_BYTES => {
            text.push_str(line);
            text.push('\n');
        }
        Stream::Stderr if !line.trim().is_empty() => line.clone_into(&mut complaint),
        _ => {}
    });
    match ended {
        Ended::Exited(0) => Ok(text),
        Ended::Exited(_) if !complaint.is_empty() => Err(complaint),
        Ended::Exited(code) => Err(format!("it ended with {code}")),
        Ended::NotStarted(reason) => Err(reason),
        Ended::TimedOut => Err(format!("it took longer than {} s", timeout.as_secs())),
        Ended::Killed(signal) => Err(format!("it was ended by signal {signal}")),
        Ended::Cancelled => Err("it was cancelled".to_owned()),
    }
}

struct Outputs {
    stdout: Output,
    stderr: Output,
}

impl Outputs {
    fn create(scratch: &Path) -> io::Result<Self> {
        Ok(Self { stdout: Output::create(scratch)?, stderr: Output::create(scratch)? })
    }

    /// Hands over what was written since the last time; whether there was anything.
    fn poll(&mut self, each_line: &mut impl FnMut(Stream, &str)) -> bool {
        let out = self.stdout.poll(&mut |line: &str| each_line(Stream::Stdout, line));
        let err = self.stderr.poll(&mut |line: &str| each_line(Stream::Stderr, line));
        out || err
    }

    /// Hands over the rest, and last lines that lack their end.
    fn finish(&mut self, each_line: &mut impl FnMut(Stream, &str)) {
        while self.poll(each_line) {}
        self.stdout.finish(&mut |line: &str| each_line(Stream::Stdout, line));
        self.stderr.finish(&mut |line: &str| each_line(Stream::Stderr, line));
    }
}

struct Running {
    child: Child,
    group: Group,
    outputs: Outputs,
}

impl Running {
    fn watch(&mut self, bounds: &Bounds<'_>, each_line: &mut impl FnMut(Stream, &str)) -> Ended {
        let mut pause = Duration::from_millis(1);
        loop {
            if let Some(status) = self.ended() {
                return status;
            }
            let busy = self.outputs.poll(each_line);
            if (bounds.cancelled)() {
                return self.stop(Ended::Cancelled, each_line);
            }
            if Instant::now() >= bounds.deadline {
                return self.stop(Ended::TimedOut, each_line);
            }
            pause = if busy { Duration::from_millis(1) } else { (pause * 2).min(LONGEST_PAUSE) };
            thread::sleep(pause);
        }
    }

    fn ended(&mut self) -> Option<Ended> {
        match self.child.try_wait() {
            Ok(status) => status.map(ended),
            Err(error) => Some(Ended::NotStarted(format!("it cannot be waited for: {error}"))),
        }
    }

    /// Asks the whole group to end, kills what has not ended after a while, and still reads what they say.
    fn stop(&mut self, why: Ended, each_line: &mut impl FnMut(Stream, &str)) -> Ended {
        self.group.terminate();
        let patience = Instant::now() + GRACE;
        let mut gone = false;
        while Instant::now() < patience {
            self.outputs.poll(each_line);
            gone = gone || self.ended().is_some();
            if gone && self.group.is_empty() {
                return why;
            }
            thread::sleep(LONGEST_PAUSE);
        }
        let told = format!("It did not end within {} s of being told to, and is killed.", GRACE.as_secs());
        each_line(Stream::Agent, &told);
        self.group.kill();
        if !gone {
            // Nothing outlives SIGKILL for long, but a process that hangs in the kernel must not hang the runner.
            let patience = Instant::now() + GRACE;
            while self.ended().is_none() && Instant::now() < patience {
                thread::sleep(LONGEST_PAUSE);
            }
        }
        why
    }
}

fn ended(status: ExitStatus) -> Ended {
    match (status.code(), status.signal()) {
        (Some(code), _) => Ended::Exited(code),
        (None, signal) => Ended::Killed(signal.unwrap_or_default()),
    }
}

/// The path as an argument. Paths that are not UTF-8 do not occur in Nix; one would show with replacement characters.
pub(crate) fn path(path: impl Into<PathBuf>) -> String {
    path.into().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests;
