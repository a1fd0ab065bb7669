//! Runs programs: argument vectors, no shell, each in a process group of its own that is stopped as a whole.
//!
//! A program writes to files, not to pipes. A pipe breaks when its reader dies, and a program that activates a system
//! must not be killed by that half-way.

mod group;
mod lines;
mod output;
mod running;
mod service;

use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use backstay_model::Stream;
use backstay_model::git::NON_INTERACTIVE;
use rustix::process::Pid;

use crate::config::JOIN_TOKEN_VARIABLE;
use crate::user::User;
use group::Group;
use output::Outputs;
use running::Running;
pub(crate) use service::Services;

/// How much of the output is kept by [`read`].
const READ_BYTES: usize = 256 * 1024;

/// Variables of the agent that mean nothing to another user, or lead to files of the agent's.
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
    /// Variables beside those that the agent has.
    pub(crate) variables: Vec<(&'static str, String)>,
    /// What is put before a `kill` where the program runs as root and the agent does not.
    pub(crate) sudo: Option<Vec<String>>,
    /// What systemd may run on its behalf.
    pub(crate) services: Option<Box<Services>>,
    /// As whom it runs, if not as the agent's own user.
    pub(crate) user: Option<User>,
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
    /// It was to stop, could not be stopped, and has not ended.
    StillAtWork,
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

/// How a program is treated that is better not stopped half-way.
pub(crate) struct Care<'a> {
    /// Whether it is at such a point.
    pub(crate) is_delicate: &'a dyn Fn() -> bool,
    /// How long a cancel waits there for its own end. Time that runs out does not wait.
    pub(crate) patience: Duration,
    /// Takes the number of the program's process group once it has started.
    pub(crate) started: &'a dyn Fn(i32),
}

impl Care<'static> {
    /// For a program that can be stopped at any point.
    const NONE: Self = Self { is_delicate: &|| false, patience: Duration::ZERO, started: &|_| {} };
}

impl Invocation {
    /// A program with the arguments that its configuration gives it, and more.
    pub(crate) fn new<S: Into<String>>(base: &[String], more: impl IntoIterator<Item = S>) -> Self {
        let argv = base.iter().cloned().chain(more.into_iter().map(Into::into)).collect();
        Self { argv, variables: vec![], sudo: None, services: None, user: None }
    }

    /// The same, with more arguments.
    fn and(mut self, more: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.argv.extend(more.into_iter().map(Into::into));
        self
    }

    /// The same, of a program on whose behalf systemd may run `services`.
    pub(crate) fn on_behalf(mut self, services: Services) -> Self {
        self.services = Some(Box::new(services));
        self
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

    /// The same, as another user: with that user's rights, home and configuration, and none of the agent's groups. Only
    /// root may do this.
    pub(crate) fn run_as(mut self, user: User) -> Self {
        self.user = Some(user);
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
        each_line: impl FnMut(Stream, &str),
    ) -> Ended {
        self.run_with_care(scratch, bounds, &Care::NONE, each_line)
    }

    /// The same, of a program that is better not stopped half-way. It has ended only when what systemd runs on its behalf
    /// has come to rest.
    pub(crate) fn run_with_care(
        &self,
        scratch: &Path,
        bounds: &Bounds<'_>,
        care: &Care<'_>,
        mut each_line: impl FnMut(Stream, &str),
    ) -> Ended {
        match self.start(scratch) {
            Err(error) => Ended::NotStarted(error),
            Ok(running) => {
                (care.started)(running.group());
                running.see_through(bounds, care, &mut each_line)
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

/// Whether a process is left of the group with this number.
pub(crate) fn group_lives(group: i32) -> bool {
    Pid::from_raw(group).is_some_and(|leader| !group::is_empty(leader))
}

/// What a program that is quick and says little wrote to its standard output.
///
/// # Errors
/// Why there is none, in a few words.
pub(crate) fn read(invocation: &Invocation, timeout: Duration) -> Result<String, String> {
    let bounds = Bounds { deadline: Instant::now() + timeout, cancelled: &|| false };
    let (mut text, mut complaint) = (String::new(), String::new());
    // The first line that says so is the reason; what follows is advice.
    let is_reason = |line: &str| ["fatal:", "error:"].iter().any(|start| line.starts_with(start));
    let ended = invocation.run(&std::env::temp_dir(), &bounds, |stream, line| match stream {
        Stream::Stdout if text.len() < READ_BYTES => {
            text.push_str(line);
            text.push('\n');
        }
        Stream::Stderr if !line.trim().is_empty() && !is_reason(&complaint) => {
            line.clone_into(&mut complaint);
        }
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
        Ended::StillAtWork => Err("it could not be stopped".to_owned()),
    }
}

/// The path as an argument. Paths that are not UTF-8 do not occur in Nix; one would show with replacement characters.
pub(crate) fn path(path: impl Into<PathBuf>) -> String {
    path.into().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests;
