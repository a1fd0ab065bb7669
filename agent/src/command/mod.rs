//! Runs programs: argument vectors, no shell, each in a process group of its own that is stopped as a whole.
//!
//! A program writes to files, not to pipes. A pipe breaks when its reader dies, which must not kill a program
//! half-way through an activation.

mod group;
mod lines;
mod output;
mod running;
mod service;
mod user;

use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use backstay_model::Stream;
use backstay_model::git::NON_INTERACTIVE;
use rustix::process::Pid;

use crate::config::JOIN_TOKEN_VARIABLE;
use group::Group;
use output::Outputs;
use running::Running;
pub(crate) use service::Services;
pub(crate) use user::User;

/// Upper bound on the output that [`read`] keeps.
const READ_BYTES: usize = 256 * 1024;

/// Variables of the agent that have no meaning for another user or lead to the agent's files.
const OF_THE_AGENT: [&str; 9] = [
    "GIT_CONFIG_GLOBAL",
    "SSH_AUTH_SOCK",
    "SUDO_UID",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_DIRS",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
];

/// A program to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Invocation {
    /// The program and its arguments.
    pub(crate) argv: Vec<String>,
    /// Variables in addition to the agent's own.
    pub(crate) variables: Vec<(&'static str, String)>,
    /// The command that goes before `kill` if the program runs as root and the agent does not.
    pub(crate) sudo: Option<Vec<String>>,
    /// The services that systemd may run on its behalf.
    pub(crate) services: Option<Box<Services>>,
    /// The user it runs as, if not the agent's own.
    pub(crate) user: Option<User>,
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CommandStatus {
    /// It exited with this code.
    Exited(i32),
    /// A signal that the agent did not send ended it.
    Killed(i32),
    /// Its time ran out, and it was stopped.
    TimedOut,
    /// It was cancelled.
    Cancelled,
    /// It could not be stopped and has not ended.
    StillAtWork,
    /// It could not be started.
    NotStarted(String),
}

impl CommandStatus {
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
    /// The end of its time.
    pub(crate) deadline: Instant,
    /// Whether it has been cancelled.
    pub(crate) cancelled: &'a dyn Fn() -> bool,
}

/// How to treat a program that should not be stopped half-way.
pub(crate) struct Care<'a> {
    /// Whether it is at such a point now.
    pub(crate) is_delicate: &'a dyn Fn() -> bool,
    /// How long a cancel waits there for the program to end. A timeout does not wait.
    pub(crate) patience: Duration,
    /// Receives the ID of the program's process group once it has started.
    pub(crate) started: &'a dyn Fn(i32),
}

impl Care<'static> {
    /// For a program that may be stopped at any point.
    const NONE: Self = Self { is_delicate: &|| false, patience: Duration::ZERO, started: &|_| {} };
}

impl Invocation {
    /// A program with its configured arguments, and more.
    pub(crate) fn new<S: Into<String>>(base: &[String], more: impl IntoIterator<Item = S>) -> Self {
        let argv = base.iter().cloned().chain(more.into_iter().map(Into::into)).collect();
        Self { argv, variables: vec![], sudo: None, services: None, user: None }
    }

    /// Adds arguments.
    fn and(mut self, more: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.argv.extend(more.into_iter().map(Into::into));
        self
    }

    /// Declares that systemd may run `services` on its behalf.
    pub(crate) fn on_behalf(mut self, services: Services) -> Self {
        self.services = Some(Box::new(services));
        self
    }

    /// Runs it as root.
    pub(crate) fn through(mut self, sudo: Option<&[String]>) -> Self {
        if let Some(sudo) = sudo {
            self.argv.splice(0..0, sudo.iter().cloned());
            self.sudo = Some(sudo.to_vec());
        }
        self
    }

    /// Sets a variable.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    /// Runs it as another user: with that user's rights, home and configuration, and without the agent's
    /// groups. Only root can do this.
    pub(crate) fn run_as(mut self, user: User) -> Self {
        self.user = Some(user);
        self
    }

    /// The program and its arguments as a person would type them.
    pub(crate) fn shown(&self) -> String {
        self.argv.join(" ")
    }

    /// Runs the program to completion, and passes on each line. `scratch` is a folder for its output.
    pub(crate) fn run(
        &self,
        scratch: &Path,
        bounds: &Bounds<'_>,
        each_line: impl FnMut(Stream, &str),
    ) -> CommandStatus {
        self.run_with_care(scratch, bounds, &Care::NONE, each_line)
    }

    /// Like [`run`](Self::run), for a program that should not be stopped half-way. It counts as ended only
    /// once everything that systemd runs on its behalf has ended too.
    pub(crate) fn run_with_care(
        &self,
        scratch: &Path,
        bounds: &Bounds<'_>,
        care: &Care<'_>,
        mut each_line: impl FnMut(Stream, &str),
    ) -> CommandStatus {
        match self.start(scratch) {
            Err(error) => CommandStatus::NotStarted(error),
            Ok(running) => {
                (care.started)(running.group());
                running.run_to_completion(bounds, care, &mut each_line)
            }
        }
    }

    fn start(&self, scratch: &Path) -> Result<Running, String> {
        let (program, arguments) = self.argv.split_first().ok_or("no program is given")?;
        let outputs = Outputs::create(scratch).map_err(|e| format!("no file for its output: {e}"))?;
        let mut command = Command::new(program);
        if let Some(user) = &self.user {
            for name in OF_THE_AGENT {
                command.env_remove(name);
            }
            command.uid(user.uid).gid(user.gid);
            command.env("HOME", &user.home).env("USER", &user.name).env("LOGNAME", &user.name);
        }
        command
            .args(arguments)
            .env_remove(JOIN_TOKEN_VARIABLE)
            .envs(NON_INTERACTIVE)
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
        Ok(Running::new(child, group, outputs, self.services.as_deref().cloned()))
    }
}

/// Whether the process group has any processes left.
pub(crate) fn group_lives(group: i32) -> bool {
    Pid::from_raw(group).is_some_and(|leader| !group::is_empty(leader))
}

/// Returns the standard output of a program that is quick and prints little.
///
/// # Errors
/// The reason that there is none, in a few words.
pub(crate) fn read(invocation: &Invocation, timeout: Duration) -> Result<String, String> {
    let bounds = Bounds { deadline: Instant::now() + timeout, cancelled: &|| false };
    let (mut text, mut complaint) = (String::new(), String::new());
    // The first such line is the reason; the rest is advice.
    let is_reason = |line: &str| ["fatal:", "error:"].iter().any(|start| line.starts_with(start));
    let status = invocation.run(&std::env::temp_dir(), &bounds, |stream, line| match stream {
        Stream::Stdout if text.len() < READ_BYTES => {
            text.push_str(line);
            text.push('\n');
        }
        Stream::Stderr if !line.trim().is_empty() && !is_reason(&complaint) => {
            line.clone_into(&mut complaint);
        }
        _ => {}
    });
    match status {
        CommandStatus::Exited(0) => Ok(text),
        CommandStatus::Exited(_) if !complaint.is_empty() => Err(complaint),
        CommandStatus::Exited(code) => Err(format!("it ended with {code}")),
        CommandStatus::NotStarted(reason) => Err(reason),
        CommandStatus::TimedOut => Err(format!("it took longer than {} s", timeout.as_secs())),
        CommandStatus::Killed(signal) => Err(format!("it was ended by signal {signal}")),
        CommandStatus::Cancelled => Err("it was cancelled".to_owned()),
        CommandStatus::StillAtWork => Err("it could not be stopped".to_owned()),
    }
}

/// The path as an argument. Nix uses no paths that are not UTF-8; one would appear with replacement
/// characters.
pub(crate) fn path(path: impl Into<PathBuf>) -> String {
    path.into().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests;
