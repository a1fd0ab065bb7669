//! A program and all that it started.

use std::process::{Child, Command, Stdio};

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

/// The process group of a program.
pub(super) struct Group {
    leader: Pid,
    sudo: Option<Vec<String>>,
}

impl Group {
    pub(super) fn of(child: &Child, sudo: Option<Vec<String>>) -> Self {
        Self { leader: Pid::from_child(child), sudo }
    }

    /// Asks everything in the group to end.
    pub(super) fn terminate(&self) {
        self.signal(Signal::TERM, "TERM");
    }

    /// Ends everything in the group.
    pub(super) fn kill(&self) {
        self.signal(Signal::KILL, "KILL");
    }

    /// Whether nothing is left of the group.
    pub(super) fn is_empty(&self) -> bool {
        test_kill_process_group(self.leader) == Err(Errno::SRCH)
    }

    fn signal(&self, signal: Signal, name: &str) {
        let denied = kill_process_group(self.leader, signal) == Err(Errno::PERM);
        // What sudo has started belongs to root: an agent that is not root must ask the same way.
        if let (true, Some([sudo, arguments @ ..])) = (denied, self.sudo.as_deref()) {
            let group = format!("-{}", self.leader.as_raw_nonzero());
            let mut command = Command::new(sudo);
            command.args(arguments).args(["kill", "-s", name, "--", &group]);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            if let Err(error) = command.status() {
                tracing::warn!(%error, "a program that runs as root cannot be stopped");
            }
        }
    }
}
