//! Detects two agents with one identity, after a copied disk or a stolen token.
//!
//! An agent picks a random number each time it starts
//! ([`Hello::instance`](backstay_model::wire::message::Hello::instance)). A restarted agent never returns
//! with an earlier number, but two agents that displace each other do so again and again. A host is shared
//! if, and only if, two numbers have each returned [`RETURNS`] times and neither has been silent for
//! [`QUIET_PERIOD`] since. Nobody can tell which agent is the host, so the connected one stays, the server
//! rejects the other, and neither receives an op.

use parking_lot::{Mutex, MutexGuard};
use std::collections::HashMap;
use std::time::Duration;

use backstay_model::HostId;
use tokio::time::Instant;

/// The returns that make an agent one of two. One is not enough: a stalled connection may deliver the hello
/// of an agent that has exited.
const RETURNS: u32 = 2;
/// The silence of the second agent after which the host has one agent again. Agents reconnect within a
/// minute.
const QUIET_PERIOD: Duration = Duration::from_mins(10);
/// The most agents in memory for each host.
const MAX_AGENTS: usize = 8;
/// The interval between notifications about the same host.
const NOTIFY_INTERVAL: Duration = Duration::from_hours(1);

/// The reason that the second agent of a shared host receives.
pub(crate) const SHARED: &str = "another agent with this host's identity is connected, so the server \
     rejected this one. If the disk was copied, stop this agent, remove its state folder, and enrol it under \
     a name of its own";

/// Who claims the host of an agent that connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claim {
    /// This agent alone.
    Sole,
    /// Two agents.
    Shared {
        /// True if people must be notified now.
        notify: bool,
    },
}

/// The recent agents of each host.
#[derive(Debug, Default)]
pub(crate) struct Identities(Mutex<HashMap<HostId, Seen>>);

#[derive(Debug, Default)]
struct Seen {
    /// Newest last.
    agents: Vec<Agent>,
    shared_until: Option<Instant>,
    notified: Option<Instant>,
}

#[derive(Debug)]
struct Agent {
    instance: u64,
    returns: u32,
    at: Instant,
}

impl Identities {
    /// Records a hello. `connected` is the instance that is connected now.
    pub(crate) fn hello(&self, host: HostId, instance: u64, connected: Option<u64>, now: Instant) -> Claim {
        let mut all = self.all();
        let seen = all.entry(host).or_default();
        seen.note(instance, now);
        let two = seen.agents.iter().filter(|agent| agent.returns >= RETURNS).count() > 1;
        let another = connected.is_some_and(|connected| connected != instance);
        let was_shared = seen.shared_until.is_some_and(|until| now < until);
        if two || (was_shared && another) {
            seen.shared_until = Some(now + QUIET_PERIOD);
        } else if !was_shared {
            return Claim::Sole;
        }
        let notify = seen.notified.is_none_or(|notified| now >= notified + NOTIFY_INTERVAL);
        if notify {
            seen.notified = Some(now);
        }
        Claim::Shared { notify }
    }

    /// Returns whether two agents claim the host.
    pub(crate) fn is_shared(&self, host: HostId, now: Instant) -> bool {
        self.all().get(&host).and_then(|seen| seen.shared_until).is_some_and(|until| now < until)
    }

    /// Returns the hosts that have had one agent again since the last call.
    pub(crate) fn take_resolved(&self, now: Instant) -> Vec<HostId> {
        let mut all = self.all();
        let over = |seen: &Seen| seen.shared_until.is_some_and(|until| until <= now);
        let hosts: Vec<_> = all.iter().filter(|(_, seen)| over(seen)).map(|(host, _)| *host).collect();
        for host in &hosts {
            all.remove(host);
        }
        hosts
    }

    fn all(&self) -> MutexGuard<'_, HashMap<HostId, Seen>> {
        self.0.lock()
    }
}

impl Seen {
    fn note(&mut self, instance: u64, now: Instant) {
        self.agents.retain(|agent| now < agent.at + QUIET_PERIOD);
        let place = self.agents.iter().position(|agent| agent.instance == instance);
        let is_newest = place.is_some_and(|place| place + 1 == self.agents.len());
        let returns = place.map_or(0, |place| self.agents.remove(place).returns + u32::from(!is_newest));
        if self.agents.len() == MAX_AGENTS {
            self.agents.remove(0);
        }
        self.agents.push(Agent { instance, returns, at: now });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A host whose agents connect one second after another.
    struct Host(Identities, HostId, Instant);

    impl Host {
        fn new() -> Self {
            Self(Identities::default(), HostId::new(), Instant::now())
        }

        /// Returns whether the host is shared after the last of these.
        fn is_shared_after(&mut self, instances: &[u64]) -> bool {
            for instance in instances {
                self.2 += Duration::from_secs(1);
                self.0.hello(self.1, *instance, None, self.2);
            }
            self.0.is_shared(self.1, self.2)
        }
    }

    #[test]
    fn an_agent_that_reconnects_or_restarts_is_one() {
        assert!(!Host::new().is_shared_after(&[1; 50]));
        assert!(!Host::new().is_shared_after(&(0..50).collect::<Vec<_>>()));
    }

    #[test]
    fn a_late_hello_of_an_agent_that_has_exited_is_not_a_second_one() {
        assert!(!Host::new().is_shared_after(&[1, 2, 1, 2, 2, 3, 3]));
        assert!(!Host::new().is_shared_after(&[1, 2, 1, 2, 3, 2, 3]));
    }

    #[test]
    fn two_agents_that_displace_each_other_share_the_host() {
        assert!(Host::new().is_shared_after(&[1, 2, 1, 2, 1, 2]));
        assert!(Host::new().is_shared_after(&[1, 1, 2, 2, 2, 1, 2, 2, 1, 2]));
    }

    #[test]
    fn people_are_notified_once_an_hour() {
        let mut host = Host::new();
        assert!(host.is_shared_after(&[1, 2, 1, 2, 1, 2]));
        let Host(identities, id, now) = host;
        let mut notified = 0;
        for minute in 0..60 {
            let at = now + Duration::from_mins(minute);
            notified += u32::from(identities.hello(id, 1, Some(2), at) == Claim::Shared { notify: true });
        }
        assert_eq!(notified, 0, "the first detection notified them");
        let at = now + Duration::from_hours(1);
        assert_eq!(identities.hello(id, 1, Some(2), at), Claim::Shared { notify: true });
    }

    #[test]
    fn once_the_second_agent_is_silent_the_host_has_one_again() {
        let mut host = Host::new();
        assert!(host.is_shared_after(&[1, 2, 1, 2, 1, 2]));
        let Host(identities, id, now) = host;
        assert_eq!(identities.take_resolved(now), []);
        assert_eq!(identities.take_resolved(now + QUIET_PERIOD), [id]);
        assert_eq!(identities.hello(id, 2, None, now + QUIET_PERIOD), Claim::Sole);
        assert_eq!(identities.take_resolved(now + QUIET_PERIOD), []);
    }
}
