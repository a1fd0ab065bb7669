//! The demo's processes: the server, the agents, and everything that those start.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{Write as _, stderr};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, getpid, kill_process, wait, waitpid};

use super::LOOK_EVERY;
use crate::run;

/// Time that processes have to end after a request.
const PATIENCE: Duration = Duration::from_secs(5);

/// Runs processes, notices when one exits unexpectedly, and ends them all.
///
/// Agents start runners in sessions of their own, which outlive them on purpose. So this process adopts the
/// orphans among its descendants, and at the end kills its children until none are left.
pub(crate) struct Supervisor {
    processes: Vec<Process>,
    /// Children that this process already had; a shell that became this process may have left some.
    foreign: HashSet<Pid>,
}

struct Process {
    name: String,
    pid: Pid,
    log: PathBuf,
    /// The command to restart it with.
    command: Command,
}

impl Supervisor {
    pub(crate) fn new() -> Result<Self> {
        adopt_orphans()?;
        Ok(Self { processes: Vec::new(), foreign: children()? })
    }

    /// Starts a process with its output in a log, out of reach of the terminal's Ctrl-C.
    pub(crate) fn start(&mut self, name: &str, mut command: Command, log: &Path) -> Result<u32> {
        let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).process_group(0);
        let pid = spawn(&mut command)?;
        self.processes.push(Process { name: name.to_owned(), pid, log: log.to_path_buf(), command });
        Ok(pid.as_raw_nonzero().get().unsigned_abs())
    }

    /// Kills all processes of a program, and restarts each. Everything here survives being killed.
    pub(crate) fn restart(&mut self, program: &Path) -> Result<()> {
        for process in self.processes.iter_mut().filter(|process| process.command.get_program() == program) {
            kill_process(process.pid, Signal::KILL)?;
            waitpid(Some(process.pid), WaitOptions::empty())?;
            process.pid = spawn(&mut process.command)?;
        }
        Ok(())
    }

    /// Fails with the last lines of its log if a process has ended. Call it only while no other command is
    /// running: it reaps every child.
    pub(crate) fn check(&mut self) -> Result<()> {
        match self.collect().into_iter().next() {
            Some((process, status)) => bail!(
                "{} exited unexpectedly, with {}. The last lines of its log:\n{}",
                process.name,
                words(status),
                run::last_lines(&process.log)
            ),
            None => Ok(()),
        }
    }

    /// Reaps the children that have ended, and returns our processes among them.
    fn collect(&mut self) -> Vec<(Process, WaitStatus)> {
        let mut ended = Vec::new();
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            if let Some(index) = self.processes.iter().position(|process| process.pid == pid) {
                ended.push((self.processes.remove(index), status));
            }
        }
        ended
    }

    fn end(&mut self) {
        for process in &self.processes {
            let _ = kill_process(process.pid, Signal::TERM);
        }
        let patience = Instant::now() + PATIENCE;
        while !self.processes.is_empty() && Instant::now() < patience {
            self.collect();
            thread::sleep(LOOK_EVERY);
        }
        let patience = Instant::now() + PATIENCE;
        while Instant::now() < patience {
            self.collect();
            let left = self.left();
            if left.is_empty() {
                return;
            }
            for pid in left {
                let _ = kill_process(pid, Signal::KILL);
            }
            thread::yield_now();
        }
        let _ = writeln!(stderr(), "Some processes of the demo do not end: {:?}", self.left());
    }

    fn left(&self) -> Vec<Pid> {
        children().unwrap_or_default().difference(&self.foreign).copied().collect()
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.end();
    }
}

fn spawn(command: &mut Command) -> Result<Pid> {
    let child =
        command.spawn().with_context(|| format!("cannot start {}", command.get_program().display()))?;
    Ok(Pid::from_child(&child))
}

#[cfg(target_os = "linux")]
fn adopt_orphans() -> Result<()> {
    rustix::process::set_child_subreaper(Some(getpid()))
        .context("this system does not let the demo adopt orphans")
}

#[cfg(not(target_os = "linux"))]
fn adopt_orphans() -> Result<()> {
    bail!("the demo requires Linux: elsewhere it could not end everything that it starts")
}

/// This process's children, adopted ones included.
fn children() -> Result<HashSet<Pid>> {
    let us = getpid().as_raw_nonzero().get();
    let found = fs::read_dir("/proc").context("this system has no /proc")?.flatten().filter_map(|entry| {
        let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        (parent(&stat)? == us).then(|| Pid::from_raw(pid))?
    });
    Ok(found.collect())
}

/// The parent in a line of `/proc/PID/stat`. The program's name before it may hold anything.
fn parent(stat: &str) -> Option<i32> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

fn words(status: WaitStatus) -> String {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (_, Some(signal)) => format!("signal {signal}"),
        _ => format!("status {status:?}"),
    }
}

#[cfg(test)]
mod tests {
    use std::env;

    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    /// Returns whether a process with this number is alive, not counting zombies.
    fn lives(pid: &str) -> bool {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
    }

    fn wait_for(path: &Path) -> String {
        loop {
            match fs::read_to_string(path) {
                Ok(text) if text.ends_with('\n') => return text.trim().to_owned(),
                _ => thread::yield_now(),
            }
        }
    }

    /// Set in the process in which the test runs itself: the supervisor reaps every child, and other tests
    /// have some too.
    const ALONE: &str = "BACKSTAY_TEST_ALONE";

    #[test]
    fn notices_an_early_end_and_leaves_nothing() {
        if env::var_os(ALONE).is_none() {
            let test = "demo::supervisor::tests::notices_an_early_end_and_leaves_nothing";
            let itself = env::current_exe().unwrap();
            let said = Command::new(itself).args(["--exact", test]).env(ALONE, "1").output().unwrap();
            assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let mut supervisor = Supervisor::new().unwrap();
        // A runner in a session of its own, with a child, ignoring TERM; its parent ends at once.
        let runner = format!("trap '' TERM; echo $$ >{}; sleep 1000; :", at("runner").display());
        let parent = format!("setsid sh -c \"{}\" & exec sleep 1000", runner.replace('$', "\\$"));
        supervisor.start("agent", shell(&parent), &at("agent.log")).unwrap();
        let runner = wait_for(&at("runner"));
        supervisor.check().unwrap();

        let say_pid = "echo $$; exec sleep 1000";
        let mut other = Command::new("/bin/sh");
        other.args(["-c", say_pid]);
        let first = supervisor.start("other", other, &at("other.log")).unwrap().to_string();
        assert_eq!(wait_for(&at("other.log")), first);
        supervisor.restart(Path::new("/bin/sh")).unwrap();
        assert!(!lives(&first));
        supervisor.check().unwrap();

        supervisor.start("server", shell("echo no luck >&2; exit 3"), &at("server.log")).unwrap();
        let error = loop {
            if let Err(error) = supervisor.check() {
                break error.to_string();
            }
            thread::yield_now();
        };
        assert!(error.contains("server exited unexpectedly, with exit status 3"), "{error}");
        assert!(error.contains("| no luck"), "{error}");

        assert!(lives(&runner));
        drop(supervisor);
        assert!(!lives(&runner));
        assert!(children().unwrap().is_empty());
    }

    #[test]
    fn finds_the_parent_after_any_name() {
        assert_eq!(parent("12 (a) b (c) S 34 5 6"), Some(34));
        assert_eq!(parent("nonsense"), None);
    }
}
