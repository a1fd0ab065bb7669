//! What a roll-out does next, and what an op's end means for it: pure, from the roll-out as it is recorded.
//!
//! A host holds a slot from the moment at which its op is sent until that op and the tests that follow by themselves
//! have ended. An op that waits for its host to be connected holds none, so that a host which is switched off does not
//! hold up the others; it is sent when the host is there *and* a slot is free.
//!
//! *Failed* is a host on which something was done that did not go well. One on which nothing was done, because it was
//! busy, refused, away for too long or taken back, is *skipped*: it says nothing of what is rolled out, and so stops
//! nothing.

use super::{Rollout, RolloutState, RolloutStep};
use crate::wire::limits::few;
use crate::{HostId, OpId, OpKind};

/// One thing that a roll-out does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Record the op of this host, and send it if the host is connected.
    Begin(HostId),
    /// Send the op that waited for this host.
    Send(HostId, OpId),
    /// Take back the op that waits for this host.
    TakeBack(HostId, OpId),
    /// Leave this host out.
    Skip(HostId, String),
}

/// How an op ended, as far as a roll-out is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// As it was meant.
    Well,
    /// It was at work on the host, and it did not; why, in a few words.
    Badly(String),
    /// It never reached the host; why, in a sentence.
    NeverBegan(String),
}

impl RolloutStep {
    /// The step after the op that this one names has ended; `tests` are those that follow by themselves. None where the
    /// step waits for no op.
    pub fn after(&self, ended: Ended, tests: Option<OpId>) -> Option<Self> {
        let (op, is_testing) = match self {
            Self::Running { op } => (*op, false),
            Self::Testing { op } => (*op, true),
            _ => return None,
        };
        Some(match (ended, tests.filter(|_| !is_testing)) {
            (Ended::Well, Some(op)) => Self::Testing { op },
            (Ended::Well, None) => Self::Ok { op },
            (Ended::Badly(why), _) => Self::Failed { op: Some(op), why, in_tests: is_testing },
            // What was done is done: not to know whether it works is not well.
            (Ended::NeverBegan(_), _) if is_testing => {
                Self::Failed { op: Some(op), why: "its tests did not run".to_owned(), in_tests: true }
            }
            (Ended::NeverBegan(why), _) => Self::Skipped { why },
        })
    }
}

impl Rollout {
    /// What to do next, in order. `queued` says whether an op has not been sent yet, `connected` whether a host can be
    /// sent one.
    pub fn next(&self, queued: impl Fn(OpId) -> bool, connected: impl Fn(HostId) -> bool) -> Vec<Next> {
        match &self.state {
            RolloutState::Running => self.next_running(queued, connected),
            RolloutState::Stopping { why } => self.next_stopping(queued, why),
            RolloutState::Done | RolloutState::Stopped { .. } => vec![],
        }
    }

    fn next_running(&self, queued: impl Fn(OpId) -> bool, connected: impl Fn(HostId) -> bool) -> Vec<Next> {
        let mut free = self.parallel as usize;
        let mut waits = vec![];
        for host in &self.hosts {
            match host.step {
                RolloutStep::Running { op } if queued(op) => waits.push((host.host, op)),
                RolloutStep::Running { .. } | RolloutStep::Testing { .. } => free = free.saturating_sub(1),
                _ => {}
            }
        }
        let mut next = vec![];
        for (host, op) in waits.into_iter().filter(|(host, _)| connected(*host)) {
            if free > 0 {
                free -= 1;
                next.push(Next::Send(host, op));
            }
        }
        for host in self.hosts.iter().filter(|host| host.step == RolloutStep::Waiting) {
            if free == 0 {
                break;
            }
            free -= usize::from(connected(host.host));
            next.push(Next::Begin(host.host));
        }
        next
    }

    fn next_stopping(&self, queued: impl Fn(OpId) -> bool, why: &str) -> Vec<Next> {
        let next = |host: &super::RolloutHost| match host.step {
            RolloutStep::Waiting => Some(Next::Skip(host.host, stopped(why))),
            RolloutStep::Running { op } if queued(op) => Some(Next::TakeBack(host.host, op)),
            _ => None,
        };
        self.hosts.iter().filter_map(next).collect()
    }

    /// The state to go to now, where it is another one: it stops after a failure, and ends when every host is over.
    pub fn turn(&self, queued: impl Fn(OpId) -> bool) -> Option<RolloutState> {
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

    /// Whether there is a host that was not begun, or not reached.
    pub fn can_be_stopped(&self, queued: impl Fn(OpId) -> bool) -> bool {
        self.hosts.iter().any(|host| match host.step {
            RolloutStep::Waiting => true,
            RolloutStep::Running { op } => queued(op),
            _ => false,
        })
    }

    /// How many hosts went well.
    pub fn went_well(&self) -> usize {
        self.hosts.iter().filter(|host| matches!(host.step, RolloutStep::Ok { .. })).count()
    }

    /// Each host that failed, with why.
    pub fn failures(&self) -> impl Iterator<Item = String> {
        self.failed().map(|(host, why, _)| format!("{host}: {why}"))
    }

    /// Each host that failed, with why, and whether only the tests failed that followed by themselves.
    fn failed(&self) -> impl Iterator<Item = (&str, &str, bool)> {
        self.hosts.iter().filter_map(|host| match &host.step {
            RolloutStep::Failed { why, in_tests, .. } => Some((host.name.as_str(), why.as_str(), *in_tests)),
            _ => None,
        })
    }

    /// How it ended, in counts: on how many hosts it was done, and what failed on which.
    fn counted(&self) -> String {
        let of_tests = |wanted: bool| self.failed().filter(move |(.., in_tests)| *in_tests == wanted);
        let told = |wanted: bool| {
            let hosts: Vec<_> =
                of_tests(wanted).map(|(host, why, _)| format!("{host} ({})", of_what(why))).collect();
            (!hosts.is_empty()).then(|| format!("on {}: {}", hosts.len(), few(&hosts)))
        };
        let done_on = self.went_well() + of_tests(true).count();
        let done = format!("{done_on} of {} {}", hosts(self.hosts.len()), done(self.kind));
        let failed = told(false).map(|hosts| format!("failed {hosts}"));
        let tests = told(true).map(|hosts| format!("tests failed {hosts}"));
        [Some(done), failed, tests].into_iter().flatten().collect::<Vec<_>>().join("; ")
    }

    /// What it does and on how many hosts, such as `Switch on 4 hosts`.
    pub fn title(&self) -> String {
        format!("{} on {}", self.kind.title(), hosts(self.hosts.len()))
    }

    /// How it is or ended, in a sentence. `what` names what is rolled out, such as `PR #42`.
    pub fn told(&self, what: Option<&str>) -> String {
        let title = what.map_or_else(|| self.title(), |what| format!("Roll-out of {what}"));
        match &self.state {
            RolloutState::Stopping { why } => format!("{title} is stopping: {why}"),
            RolloutState::Stopped { why } => format!("{title} stopped: {why}"),
            RolloutState::Running | RolloutState::Done => self.counted(),
        }
    }
}

/// What failed, without that it did: “x11” of “Tests FAIL (x11)”.
fn of_what(why: &str) -> &str {
    why.strip_prefix("Tests FAIL (").and_then(|why| why.strip_suffix(')')).unwrap_or(why)
}

/// Why a host is left out of a roll-out that was stopped.
pub fn stopped(why: &str) -> String {
    format!("stopped: {why}")
}

fn hosts(number: usize) -> String {
    if number == 1 { "1 host".to_owned() } else { format!("{number} hosts") }
}

fn done(kind: OpKind) -> &'static str {
    match kind {
        OpKind::Rollback => "rolled back",
        OpKind::Switch => "switched",
        OpKind::Pull => "pulled",
        OpKind::PullSwitch => "pulled and switched",
        OpKind::Test => "passed their tests",
        OpKind::Refresh => "refreshed",
    }
}

#[cfg(test)]
mod tests;
