//! Watches and stops a running program.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use backstay_model::Stream;

use super::group::Group;
use super::output::Outputs;
use super::{Bounds, Care, CommandStatus, Services};
use crate::systemd;

/// Time between SIGTERM and SIGKILL. git and others remove their lock files at SIGTERM.
const GRACE: Duration = Duration::from_secs(10);
/// Upper bound on the pause between two checks.
const LONGEST_PAUSE: Duration = Duration::from_millis(20);
/// Pause between two questions to systemd.
const ASK_AGAIN: Duration = Duration::from_millis(250);
/// How long to wait for a program that could not be stopped to end on its own.
const OWN_END: Duration = Duration::from_mins(10);
/// How long systemd may be silent, as it is while it re-executes itself.
const SILENCE: Duration = Duration::from_mins(1);

/// A running program.
pub(super) struct Running {
    child: Child,
    group: Group,
    outputs: Outputs,
    services: Option<Services>,
    /// How it ended, once it has.
    status: Option<ExitStatus>,
}

impl Running {
    pub(super) fn new(child: Child, group: Group, outputs: Outputs, services: Option<Services>) -> Self {
        Self { child, group, outputs, services, status: None }
    }

    /// The ID of its process group.
    pub(super) fn group(&self) -> i32 {
        self.group.id()
    }

    /// Waits until it has ended, and until everything that systemd runs on its behalf has ended.
    pub(super) fn run_to_completion(
        mut self,
        bounds: &Bounds<'_>,
        care: &Care<'_>,
        each_line: &mut impl FnMut(Stream, &str),
    ) -> CommandStatus {
        let mut status = self.watch(bounds, care, each_line);
        if !status.is_success() {
            status = self.rest(status, bounds, care, each_line);
        }
        self.outputs.finish(each_line);
        status
    }

    fn watch(
        &mut self,
        bounds: &Bounds<'_>,
        care: &Care<'_>,
        each_line: &mut impl FnMut(Stream, &str),
    ) -> CommandStatus {
        let mut pause = Duration::from_millis(1);
        let mut spared_until = None;
        loop {
            if let Some(status) = self.poll_status() {
                return status;
            }
            let busy = self.outputs.poll(each_line);
            let now = Instant::now();
            if now >= bounds.deadline {
                return self.stop(CommandStatus::TimedOut, each_line);
            }
            if (bounds.cancelled)() {
                if spared_until.is_none() && (care.is_delicate)() {
                    let message = format!(
                        "Cancelled. An activation is not stopped half-way: waiting up to {} s for it to end.",
                        care.patience.as_secs()
                    );
                    each_line(Stream::Agent, &message);
                    spared_until = Some(now + care.patience);
                }
                if spared_until.is_none_or(|until| now >= until) {
                    return self.stop(CommandStatus::Cancelled, each_line);
                }
            }
            pause = if busy { Duration::from_millis(1) } else { (pause * 2).min(LONGEST_PAUSE) };
            thread::sleep(pause);
        }
    }

    /// Waits for its end and reads nothing.
    #[cfg(test)]
    pub(super) fn wait(&mut self) {
        self.status = self.child.wait().ok();
    }

    /// Returns how it ended, or `None` while it runs.
    fn poll_status(&mut self) -> Option<CommandStatus> {
        if self.status.is_none() {
            match self.child.try_wait() {
                Ok(status) => self.status = status,
                Err(error) => {
                    return Some(CommandStatus::NotStarted(format!("it cannot be waited for: {error}")));
                }
            }
        }
        self.status.map(command_status)
    }

    /// Sends SIGTERM to the whole group and SIGKILL to what remains, and keeps reading their output.
    fn stop(&mut self, why: CommandStatus, each_line: &mut impl FnMut(Stream, &str)) -> CommandStatus {
        if let Err(reason) = self.group.terminate() {
            return self.own_end(&reason, each_line);
        }
        if self.is_gone_within(GRACE, each_line) {
            return why;
        }
        let message = format!("It did not end within {} s of SIGTERM. Killing it.", GRACE.as_secs());
        each_line(Stream::Agent, &message);
        if let Err(reason) = self.group.kill() {
            return self.own_end(&reason, each_line);
        }
        // Nothing survives SIGKILL for long, but a process that hangs in the kernel must not hang the runner.
        let patience = Instant::now() + GRACE;
        while self.poll_status().is_none() {
            if Instant::now() >= patience {
                return CommandStatus::StillAtWork;
            }
            thread::sleep(LONGEST_PAUSE);
        }
        why
    }

    fn is_gone_within(&mut self, patience: Duration, each_line: &mut impl FnMut(Stream, &str)) -> bool {
        let until = Instant::now() + patience;
        loop {
            self.outputs.poll(each_line);
            if self.poll_status().is_some() && self.group.is_empty() {
                return true;
            }
            if Instant::now() >= until {
                return false;
            }
            thread::sleep(LONGEST_PAUSE);
        }
    }

    /// Waits for a program that cannot be stopped to end on its own.
    pub(super) fn own_end(
        &mut self,
        reason: &str,
        each_line: &mut impl FnMut(Stream, &str),
    ) -> CommandStatus {
        each_line(
            Stream::Agent,
            &format!("It could not be stopped: {reason}. Waiting for it to end on its own."),
        );
        let until = Instant::now() + OWN_END;
        loop {
            self.outputs.poll(each_line);
            match self.poll_status() {
                Some(status) => return status,
                None if Instant::now() >= until => return CommandStatus::StillAtWork,
                None => thread::sleep(LONGEST_PAUSE),
            }
        }
    }

    /// Waits until systemd runs nothing more on behalf of the program, which has ended. A timeout stops it;
    /// after a cancel it has some time to end on its own.
    fn rest(
        &mut self,
        status: CommandStatus,
        bounds: &Bounds<'_>,
        care: &Care<'_>,
        each_line: &mut impl FnMut(Stream, &str),
    ) -> CommandStatus {
        let Some(services) = self.services.take() else { return status };
        let began = Instant::now();
        let mut units = at_work(&services, each_line);
        if units.is_empty() {
            return status;
        }
        each_line(
            Stream::Agent,
            &format!("systemd is still running {}. Waiting for it to end.", units.join(", ")),
        );
        let stop_at = match status {
            CommandStatus::TimedOut => began,
            CommandStatus::Cancelled => bounds.deadline.min(began + care.patience),
            _ => bounds.deadline,
        };
        let mut stopped_at = None;
        while !units.is_empty() {
            self.outputs.poll(each_line);
            let now = Instant::now();
            match stopped_at {
                None if now >= stop_at => {
                    stopped_at = Some(now);
                    if let Err(why) = services.stop(&units) {
                        each_line(Stream::Agent, &format!("It could not be stopped: {why}."));
                    }
                }
                Some(at) if now >= at + OWN_END => return CommandStatus::StillAtWork,
                _ => thread::sleep(ASK_AGAIN),
            }
            units = at_work(&services, each_line);
        }
        status
    }
}

/// Returns the units that are still active. systemd may be silent for a while.
fn at_work(services: &Services, each_line: &mut impl FnMut(Stream, &str)) -> Vec<String> {
    let until = Instant::now() + SILENCE;
    loop {
        match services.at_work() {
            Ok(units) => return units,
            Err(_) if Instant::now() < until && systemd::is_running() => thread::sleep(ASK_AGAIN),
            Err(why) => {
                let message = format!("systemd did not say whether the activation is still running: {why}.");
                each_line(Stream::Agent, &message);
                return vec![];
            }
        }
    }
}

fn command_status(status: ExitStatus) -> CommandStatus {
    match (status.code(), status.signal()) {
        (Some(code), _) => CommandStatus::Exited(code),
        (None, signal) => CommandStatus::Killed(signal.unwrap_or_default()),
    }
}
