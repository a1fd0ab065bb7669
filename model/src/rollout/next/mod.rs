//! The next actions of a roll-out, and what the end of an op means for it: pure functions of the recorded
//! roll-out.
//!
//! A host holds a slot from the moment its op is sent until that op and its automatic tests have ended. An op
//! that waits for its host to connect holds none, so that a host that is switched off does not block the
//! others; the server sends it when the host is connected *and* a slot is free.
//!
//! A host has *failed* if something was done on it and did not succeed. A host on which nothing was done (it
//! was busy, refused, was offline for too long, or was cancelled) is *skipped*: it says nothing about the
//! change that is rolled out, so it stops nothing.

use super::{Rollout, RolloutState, RolloutStep};
use crate::wire::limits::few;
use crate::{HostId, OpId};

/// A next action of a roll-out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Record the host's op, and send it if the host is connected.
    Start(HostId),
    /// Send the host's queued op.
    Send(HostId, OpId),
    /// Cancel the host's queued op.
    Cancel(HostId, OpId),
    /// Skip the host, for this reason.
    Skip(HostId, String),
}

/// The end of an op, as a roll-out sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpEnd {
    /// It reached its goal.
    Succeeded,
    /// It ran on the host and failed, for this reason, in a few words.
    Failed(String),
    /// It never reached the host, for this reason, in a sentence.
    NeverStarted(String),
}

impl RolloutStep {
    /// The step after this step's op has ended; `tests` is the automatic test op that follows. Returns `None`
    /// if the step waits for no op.
    pub fn after(&self, ended: OpEnd, tests: Option<OpId>) -> Option<Self> {
        let (op, is_testing) = match self {
            Self::Running { op } => (*op, false),
            Self::Testing { op } => (*op, true),
            _ => return None,
        };
        Some(match (ended, tests.filter(|_| !is_testing)) {
            (OpEnd::Succeeded, Some(op)) => Self::Testing { op },
            (OpEnd::Succeeded, None) => Self::Ok { op },
            (OpEnd::Failed(why), _) => Self::Failed { op: Some(op), why, in_tests: is_testing },
            // The action is done, and it is unknown whether the host works: that is a failure.
            (OpEnd::NeverStarted(_), _) if is_testing => {
                Self::Failed { op: Some(op), why: "its tests did not run".to_owned(), in_tests: true }
            }
            (OpEnd::NeverStarted(why), _) => Self::Skipped { why },
        })
    }
}

impl Rollout {
    /// The next actions, in order. `queued` returns whether an op has not been sent yet, `connected` whether
    /// a host can receive one.
    pub fn next(&self, queued: impl Fn(OpId) -> bool, connected: impl Fn(HostId) -> bool) -> Vec<Next> {
        match &self.state {
            RolloutState::Running if self.is_paused() => vec![],
            RolloutState::Running => self.next_running(queued, connected),
            RolloutState::Stopping { why } => self.next_stopping(queued, why),
            RolloutState::Done | RolloutState::Stopped { .. } => vec![],
        }
    }

    fn next_running(&self, queued: impl Fn(OpId) -> bool, connected: impl Fn(HostId) -> bool) -> Vec<Next> {
        let mut free =
            (self.parallel as usize).saturating_sub(self.under_way(&queued)).min(self.until_pause(&queued));
        let mut next = vec![];
        for host in &self.hosts {
            if let RolloutStep::Running { op } = host.step
                && free > 0
                && queued(op)
                && connected(host.host)
            {
                free -= 1;
                next.push(Next::Send(host.host, op));
            }
        }
        for host in self.hosts.iter().filter(|host| host.step == RolloutStep::Waiting) {
            if free == 0 {
                break;
            }
            free -= usize::from(connected(host.host));
            next.push(Next::Start(host.host));
        }
        next
    }

    /// Number of hosts that hold a slot.
    fn under_way(&self, queued: impl Fn(OpId) -> bool) -> usize {
        let is_under_way = |step: &RolloutStep| match step {
            RolloutStep::Running { op } => !queued(*op),
            step => matches!(step, RolloutStep::Testing { .. }),
        };
        self.hosts.iter().filter(|host| is_under_way(&host.step)).count()
    }

    /// Number of hosts that may still start before it pauses automatically. A host counts if something was done
    /// on it, so that one that is offline or skipped does not stand for the others.
    fn until_pause(&self, queued: impl Fn(OpId) -> bool) -> usize {
        let Some(first) = self.pause_after else { return usize::MAX };
        let is_done =
            |step: &RolloutStep| matches!(step, RolloutStep::Ok { .. } | RolloutStep::Failed { .. });
        let done = self.hosts.iter().filter(|host| is_done(&host.step)).count();
        (first as usize).saturating_sub(done + self.under_way(queued))
    }

    /// Returns whether as many hosts have finished as are to finish before it pauses automatically.
    pub fn has_reached_pause(&self, queued: impl Fn(OpId) -> bool) -> bool {
        self.until_pause(&queued) == 0 && self.under_way(queued) == 0
    }

    /// Returns whether it is to pause now automatically.
    pub fn pauses_now(&self, queued: impl Fn(OpId) -> bool) -> bool {
        let is_running = self.state == RolloutState::Running && !self.is_paused();
        is_running && self.has_reached_pause(&queued) && self.can_be_stopped(queued)
    }

    fn next_stopping(&self, queued: impl Fn(OpId) -> bool, why: &str) -> Vec<Next> {
        let next = |host: &super::RolloutHost| match host.step {
            RolloutStep::Waiting => Some(Next::Skip(host.host, stopped(why))),
            RolloutStep::Running { op } if queued(op) => Some(Next::Cancel(host.host, op)),
            _ => None,
        };
        self.hosts.iter().filter_map(next).collect()
    }

    /// The state to change to now, if any: the roll-out stops after a failure, and ends when every host has
    /// finished.
    pub fn next_state(&self, queued: impl Fn(OpId) -> bool) -> Option<RolloutState> {
        let is_over = self.hosts.iter().all(|host| host.step.is_over());
        match &self.state {
            RolloutState::Running if is_over => Some(RolloutState::Done),
            RolloutState::Running if self.stop_on_failure && self.can_be_stopped(queued) => {
                self.failures().next().map(|why| RolloutState::Stopping { why })
            }
            RolloutState::Stopping { why } if is_over => Some(RolloutState::Stopped { why: why.clone() }),
            _ => None,
        }
    }

    /// Returns whether a host was not started, or its op was not sent.
    pub fn can_be_stopped(&self, queued: impl Fn(OpId) -> bool) -> bool {
        self.hosts.iter().any(|host| match host.step {
            RolloutStep::Waiting => true,
            RolloutStep::Running { op } => queued(op),
            _ => false,
        })
    }

    /// Number of hosts that succeeded.
    pub fn succeeded(&self) -> usize {
        self.hosts.iter().filter(|host| matches!(host.step, RolloutStep::Ok { .. })).count()
    }

    /// Each failed host with the reason.
    pub fn failures(&self) -> impl Iterator<Item = String> {
        self.failed().map(|(host, why, _)| format!("{host}: {why}"))
    }

    /// Each failed host with the reason, and whether only its automatic tests failed.
    fn failed(&self) -> impl Iterator<Item = (&str, &str, bool)> {
        self.hosts.iter().filter_map(|host| match &host.step {
            RolloutStep::Failed { why, in_tests, .. } => Some((host.name.as_str(), why.as_str(), *in_tests)),
            _ => None,
        })
    }

    /// Its result in counts: the number of hosts done, and the failures by host.
    fn counted(&self) -> String {
        let of_tests = |wanted: bool| self.failed().filter(move |(.., in_tests)| *in_tests == wanted);
        let listed = |wanted: bool| {
            let hosts: Vec<_> =
                of_tests(wanted).map(|(host, why, _)| format!("{host} ({})", of_what(why))).collect();
            (!hosts.is_empty()).then(|| format!("on {}: {}", hosts.len(), few(&hosts)))
        };
        let done_on = self.succeeded() + of_tests(true).count();
        let done = format!("{done_on} of {} {}", hosts(self.hosts.len()), self.kind.done());
        let failed = listed(false).map(|hosts| format!("failed {hosts}"));
        let tests = listed(true).map(|hosts| format!("tests failed {hosts}"));
        [Some(done), failed, tests].into_iter().flatten().collect::<Vec<_>>().join("; ")
    }

    /// Its action and number of hosts, such as `Switch on 4 hosts`.
    pub fn title(&self) -> String {
        format!("{} on {}", self.kind.title(), hosts(self.hosts.len()))
    }

    /// Its state or result, in a sentence. `what` names the change, such as `PR #42`.
    pub fn summary(&self, what: Option<&str>) -> String {
        let title = what.map_or_else(|| self.title(), |what| format!("Roll-out of {what}"));
        match &self.state {
            RolloutState::Stopping { why } => format!("{title} is stopping: {why}"),
            RolloutState::Stopped { why } => format!("{title} stopped: {why}"),
            RolloutState::Running | RolloutState::Done => self.counted(),
        }
    }
}

/// The failed part alone: “x11” of “Tests FAIL (x11)”.
fn of_what(why: &str) -> &str {
    why.strip_prefix("Tests FAIL (").and_then(|why| why.strip_suffix(')')).unwrap_or(why)
}

/// Why a stopped roll-out skips a host.
pub fn stopped(why: &str) -> String {
    format!("stopped: {why}")
}

fn hosts(number: usize) -> String {
    if number == 1 { "1 host".to_owned() } else { format!("{number} hosts") }
}

#[cfg(test)]
mod tests;
