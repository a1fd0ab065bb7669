//! A program and everything it started.

use std::process::Child;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

use super::{Invocation, read};

/// Time limit for `sudo kill`.
const SUDO_KILL: Duration = Duration::from_secs(10);

/// The process group of a program.
pub(super) struct Group {
    leader: Pid,
    sudo: Option<Vec<String>>,
}

impl Group {
    pub(super) fn of(child: &Child, sudo: Option<Vec<String>>) -> Self {
        Self { leader: Pid::from_child(child), sudo }
    }

    /// Its ID.
    pub(super) fn id(&self) -> i32 {
        self.leader.as_raw_nonzero().get()
    }

    /// Sends SIGTERM to the group.
    ///
    /// # Errors
    /// The reason that the signal could not be delivered.
    pub(super) fn terminate(&self) -> Result<(), String> {
        self.signal(Signal::TERM, "TERM")
    }

    /// Sends SIGKILL to the group.
    ///
    /// # Errors
    /// The reason that the signal could not be delivered.
    pub(super) fn kill(&self) -> Result<(), String> {
        self.signal(Signal::KILL, "KILL")
    }

    /// Whether no process of the group is left.
    pub(super) fn is_empty(&self) -> bool {
        is_empty(self.leader)
    }

    fn signal(&self, signal: Signal, name: &str) -> Result<(), String> {
        match kill_process_group(self.leader, signal) {
            Ok(()) | Err(Errno::SRCH) => return Ok(()),
            Err(Errno::PERM) => {}
            Err(error) => return Err(error.to_string()),
        }
        // What sudo started belongs to root: an agent that is not root must use sudo too.
        let Some(sudo) = self.sudo.as_deref() else { return Err("it belongs to another user".to_owned()) };
        let group = format!("-{}", self.leader.as_raw_nonzero());
        let kill = Invocation::new(sudo, ["kill", "-s", name, "--", &group]);
        match read(&kill, SUDO_KILL) {
            Err(why) if !self.is_empty() => Err(format!("“{}” failed ({why})", kill.shown())),
            _ => Ok(()),
        }
    }
}

/// Whether no process of a group is left.
pub(super) fn is_empty(leader: Pid) -> bool {
    test_kill_process_group(leader) == Err(Errno::SRCH)
}
