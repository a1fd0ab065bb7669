//! Notices two agents with one identity: those of a copied disk, or one whose token was stolen.
//!
//! An agent makes up a number each time it starts ([`Hello::instance`](backstay_model::wire::message::Hello::instance)). An
//! agent that was started again never comes back with an earlier number. Two agents that push each other out do so again
//! and again. When two numbers have each come back twice, nobody can say which agent is the host, so until one of them
//! has been silent for [`OVER`], the one that is connected stays, the other is turned away, and no op is sent to either.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use backstay_model::HostId;
use tokio::time::Instant;

/// How often each of two agents has to come back. Once is not enough: a connection that hung may deliver the hello of an
/// agent that has ended.
const RETURNS: u32 = 2;
/// Without another agent for so long, a host is one again. Agents come back after a minute at most.
const OVER: Duration = Duration::from_mins(10);
/// Agents that are remembered of each host.
const REMEMBERED: usize = 8;
/// How often people are told of the same host.
const TOLD_AGAIN: Duration = Duration::from_hours(1);

/// What the agent of a host that two claim is told.
pub(crate) const SHARED: &str = "another agent with this host's identity is connected, so this one is turned away. If the disk was copied, \
     stop this agent, remove its state folder, and enrol it under a name of its own";

/// What is to be done about an agent that said hello.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meeting {
    /// It is welcome.
    Welcome,
    /// Two agents claim the host. `tell` is whether people are to be told of it now.
    Shared {
        /// See [`Meeting::Shared`].
        tell: bool,
    },
}

/// The agents that spoke for each host.
#[derive(Debug, Default)]
pub(crate) struct Identities(Mutex<HashMap<HostId, Seen>>);

#[derive(Debug, Default)]
struct Seen {
    /// Newest last.
    agents: Vec<Agent>,
    shared_until: Option<Instant>,
    told: Option<Instant>,
}

#[derive(Debug)]
struct Agent {
    instance: u64,
    returns: u32,
    at: Instant,
}

impl Identities {
    /// Takes note of a hello. `connected` is the instance that is connected now.
    pub(crate) fn hello(&self, host: HostId, instance: u64, connected: Option<u64>, now: Instant) -> Meeting {
        let mut all = self.all();
        let seen = all.entry(host).or_default();
        seen.note(instance, now);
        let two = seen.agents.iter().filter(|agent| agent.returns >= RETURNS).count() > 1;
        let another = connected.is_some_and(|connected| connected != instance);
        let was_shared = seen.shared_until.is_some_and(|until| now < until);
        if two || (was_shared && another) {
            seen.shared_until = Some(now + OVER);
        } else if !was_shared {
            return Meeting::Welcome;
        }
        let tell = seen.told.is_none_or(|told| now >= told + TOLD_AGAIN);
        if tell {
            seen.told = Some(now);
        }
        Meeting::Shared { tell }
    }

    /// Whether two agents claim the host.
    pub(crate) fn is_shared(&self, host: HostId, now: Instant) -> bool {
        self.all().get(&host).and_then(|seen| seen.shared_until).is_some_and(|until| now < until)
    }

    /// The hosts that have been one again since the last time.
    pub(crate) fn take_over(&self, now: Instant) -> Vec<HostId> {
        let mut all = self.all();
        let over = |seen: &Seen| seen.shared_until.is_some_and(|until| until <= now);
        let hosts: Vec<_> = all.iter().filter(|(_, seen)| over(seen)).map(|(host, _)| *host).collect();
        for host in &hosts {
            all.remove(host);
        }
        hosts
    }

    fn all(&self) -> MutexGuard<'_, HashMap<HostId, Seen>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    fn note(&mut self, instance: u64, now: Instant) {
        self.agents.retain(|agent| now < agent.at + OVER);
        let place = self.agents.iter().position(|agent| agent.instance == instance);
        let is_newest = place.is_some_and(|place| place + 1 == self.agents.len());
        let returns = place.map_or(0, |place| self.agents.remove(place).returns + u32::from(!is_newest));
        if self.agents.len() == REMEMBERED {
            self.agents.remove(0);
        }
        self.agents.push(Agent { instance, returns, at: now });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A host whose agents come one after the other, each a second after the one before.
    struct Host(Identities, HostId, Instant);

    impl Host {
        fn new() -> Self {
            Self(Identities::default(), HostId::new(), Instant::now())
        }

        /// Whether the host is shared once the last of these has come.
        fn is_shared_after(&mut self, instances: &[u64]) -> bool {
            for instance in instances {
                self.2 += Duration::from_secs(1);
                self.0.hello(self.1, *instance, None, self.2);
            }
            self.0.is_shared(self.1, self.2)
        }
    }

    #[test]
    fn an_agent_that_comes_back_or_is_started_again_is_one() {
        assert!(!Host::new().is_shared_after(&[1; 50]));
        assert!(!Host::new().is_shared_after(&(0..50).collect::<Vec<_>>()));
    }

    #[test]
    fn a_hello_of_an_agent_that_has_ended_may_come_late() {
        assert!(!Host::new().is_shared_after(&[1, 2, 1, 2, 2, 3, 3]));
        assert!(!Host::new().is_shared_after(&[1, 2, 1, 2, 3, 2, 3]));
    }

    #[test]
    fn two_that_push_each_other_out_are_two() {
        assert!(Host::new().is_shared_after(&[1, 2, 1, 2, 1, 2]));
        assert!(Host::new().is_shared_after(&[1, 1, 2, 2, 2, 1, 2, 2, 1, 2]));
    }

    #[test]
    fn people_are_told_once_an_hour() {
        let mut host = Host::new();
        assert!(host.is_shared_after(&[1, 2, 1, 2, 1, 2]));
        let Host(identities, id, now) = host;
        let mut told = 0;
        for minute in 0..60 {
            let at = now + Duration::from_mins(minute);
            told += u32::from(identities.hello(id, 1, Some(2), at) == Meeting::Shared { tell: true });
        }
        assert_eq!(told, 0, "it was told at the first");
        let at = now + Duration::from_hours(1);
        assert_eq!(identities.hello(id, 1, Some(2), at), Meeting::Shared { tell: true });
    }

    #[test]
    fn once_the_other_has_been_silent_for_long_the_host_is_one_again() {
        let mut host = Host::new();
        assert!(host.is_shared_after(&[1, 2, 1, 2, 1, 2]));
        let Host(identities, id, now) = host;
        assert_eq!(identities.take_over(now), []);
        assert_eq!(identities.take_over(now + OVER), [id]);
        assert_eq!(identities.hello(id, 2, None, now + OVER), Meeting::Welcome);
        assert_eq!(identities.take_over(now + OVER), []);
    }
}
