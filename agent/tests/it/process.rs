//! The agent's process.

use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::channel;
use std::thread;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::wait::{LIMIT, until};

/// The program under test.
pub(crate) const AGENT: &str = env!("CARGO_BIN_EXE_backstay-agent");

/// A running agent, killed when it goes out of scope.
pub(crate) struct AgentProcess(Child);

impl AgentProcess {
    pub(crate) fn start(mut command: Command, log: &Path) -> Self {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        Self(command.spawn().unwrap())
    }

    pub(crate) fn id(&self) -> i32 {
        Pid::from_child(&self.0).as_raw_nonzero().get()
    }

    /// Like `kill -9`.
    pub(crate) fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Like systemd: sends SIGTERM and waits for the end.
    pub(crate) async fn terminate(mut self) -> ExitStatus {
        kill_process(Pid::from_child(&self.0), Signal::TERM).unwrap();
        let mut status = None;
        until("the agent to stop", || {
            status = self.0.try_wait().unwrap();
            status.is_some()
        })
        .await;
        status.unwrap()
    }
}

impl Drop for AgentProcess {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Kills any process, like `kill -9`.
pub(crate) fn kill(pid: i32) {
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
}

/// The peak memory of a process in KiB, or `None` if it is gone.
pub(crate) fn peak_memory(pid: i32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    peak.trim().strip_suffix(" kB")?.parse().ok()
}

/// Whether a process is running. A zombie is not.
pub(crate) fn is_running(pid: i32) -> bool {
    let dead = std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") Z "));
    !dead && test_kill_process(Pid::from_raw(pid).unwrap()).is_ok()
}

/// Runs a program to completion.
#[track_caller]
pub(crate) fn output(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let pid = Pid::from_child(&child);
    let (done, end) = channel();
    thread::spawn(move || done.send(child.wait_with_output()));
    let Ok(output) = end.recv_timeout(LIMIT) else {
        let _ = kill_process(pid, Signal::KILL);
        panic!("{command:?} does not end")
    };
    output.unwrap()
}

/// Runs a program that must succeed, and returns its standard output.
#[track_caller]
pub(crate) fn read(command: &mut Command) -> String {
    let output = output(command);
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
