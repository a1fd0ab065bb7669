//! Limits the number of connections, and decides which one to evict when there are too many.
//!
//! A connection starts unauthenticated. It becomes a person's with the first request of a session, and an agent's with the
//! token of a host. Unauthenticated connections have a share of their own, so they never take the room of the others. When that
//! share is full, a new connection evicts the one that was silent for longest, among those from the address with the most
//! connections: a flood evicts itself, and a client that sends a request at once gets an answer.

use parking_lot::{Mutex, MutexGuard};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use backstay_fleet::accounts::Network;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Number of unauthenticated connections, if there is room for that many.
const UNAUTHENTICATED: usize = 512;
/// Number of connections of people who are logged in.
const PEOPLE: usize = 4_096;
/// Number of connections of one person that count as a person's. Further ones count as unauthenticated.
const OF_ONE_PERSON: usize = 64;
/// Number of connections of one host that count as an agent's: the current one, and those that it replaces.
const OF_ONE_HOST: usize = 4;
/// Number of evicted connections that are still open. Beyond it, the server rejects new connections.
const LEAVING: usize = 128;

/// The share of each kind of connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    unauthenticated: usize,
    people: usize,
    agents: usize,
}

impl Limits {
    /// Divides `room` connections: agents get what the others leave, which is at least half.
    pub(crate) fn of(room: u64) -> Self {
        let room = usize::try_from(room).unwrap_or(usize::MAX).max(64);
        let unauthenticated = UNAUTHENTICATED.min(room / 4);
        let people = PEOPLE.min(room / 4);
        Self { unauthenticated, people, agents: room - unauthenticated - people - LEAVING.min(room / 8) }
    }
}

/// All connections.
#[derive(Debug, Clone)]
pub(crate) struct Places(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limits: Limits,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    unauthenticated: HashMap<u64, Unauthenticated>,
    /// Number of unauthenticated connections from each network.
    networks: HashMap<Network, usize>,
    people: Authenticated,
    agents: Authenticated,
    leaving: usize,
}

/// Authenticated connections.
#[derive(Debug, Default)]
struct Authenticated {
    all: usize,
    of_each: HashMap<String, usize>,
}

impl Authenticated {
    /// Adds one, if there is room.
    fn enter(&mut self, who: &str, limit: usize, of_one: usize) -> bool {
        let own = self.of_each.get(who).copied().unwrap_or(0);
        let fits = self.all < limit && own < of_one;
        if fits {
            self.all += 1;
            self.of_each.insert(who.to_owned(), own + 1);
        }
        fits
    }

    fn leave(&mut self, who: &str) {
        self.all -= 1;
        if let Some(own) = self.of_each.get_mut(who) {
            *own -= 1;
            if *own == 0 {
                self.of_each.remove(who);
            }
        }
    }
}

#[derive(Debug)]
struct Unauthenticated {
    network: Network,
    heard: Instant,
    gone: CancellationToken,
}

/// The owner of a connection.
#[derive(Debug)]
enum Owner {
    Unauthenticated,
    Person(String),
    Agent(String),
}

/// The place of one connection, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    shared: Arc<Shared>,
    peer: IpAddr,
    number: u64,
    owner: Mutex<Owner>,
    gone: CancellationToken,
}

impl Places {
    pub(crate) fn new(limits: Limits) -> Self {
        Self(Arc::new(Shared { limits, state: Mutex::default() }))
    }

    /// Returns a place for a connection from this address, or `None` if there is no room even after an eviction.
    pub(crate) fn enter(&self, from: IpAddr) -> Option<Arc<Place>> {
        let mut state = self.0.state();
        if state.unauthenticated.len() >= self.0.limits.unauthenticated {
            if state.leaving >= LEAVING {
                return None;
            }
            state.evict_one();
        }
        let network = Network::of(from);
        let gone = CancellationToken::new();
        let number = state.next;
        state.next += 1;
        *state.networks.entry(network).or_default() += 1;
        state
            .unauthenticated
            .insert(number, Unauthenticated { network, heard: Instant::now(), gone: gone.clone() });
        drop(state);
        Some(Arc::new(Place {
            shared: Arc::clone(&self.0),
            peer: from,
            number,
            owner: Mutex::new(Owner::Unauthenticated),
            gone,
        }))
    }

    /// Number of connections that count as unauthenticated.
    #[cfg(test)]
    pub(super) fn unauthenticated(&self) -> usize {
        self.0.state().unauthenticated.len()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

impl State {
    fn evict_one(&mut self) {
        let crowd =
            |connection: &Unauthenticated| self.networks.get(&connection.network).copied().unwrap_or(0);
        let first = self
            .unauthenticated
            .iter()
            .min_by_key(|(_, connection)| (std::cmp::Reverse(crowd(connection)), connection.heard))
            .map(|(number, _)| *number);
        if let Some(connection) = first.and_then(|number| self.forget_unauthenticated(number)) {
            self.leaving += 1;
            connection.gone.cancel();
        }
    }

    fn forget_unauthenticated(&mut self, number: u64) -> Option<Unauthenticated> {
        let connection = self.unauthenticated.remove(&number)?;
        if let Some(count) = self.networks.get_mut(&connection.network) {
            *count -= 1;
            if *count == 0 {
                self.networks.remove(&connection.network);
            }
        }
        Some(connection)
    }
}

impl Place {
    /// The address that the connection comes from: the client's, or that of the proxy before it.
    pub(crate) fn peer(&self) -> IpAddr {
        self.peer
    }

    /// Notes that a request arrived.
    pub(crate) fn heard(&self) {
        if let Some(connection) = self.shared.state().unauthenticated.get_mut(&self.number) {
            connection.heard = Instant::now();
        }
    }

    /// Returns whether the connection counts as unauthenticated.
    pub(crate) fn is_unauthenticated(&self) -> bool {
        matches!(*self.owner(), Owner::Unauthenticated)
    }

    /// Gives the connection to this person, if there is room among the people.
    pub(crate) fn give_to_person(&self, name: &str) {
        let limit = self.shared.limits.people;
        self.give(Owner::Person(name.to_owned()), |state| state.people.enter(name, limit, OF_ONE_PERSON));
    }

    /// Gives the connection to this host's agent, if there is room among the agents. `host` is any text that all connections of a
    /// host share.
    pub(crate) fn give_to_agent(&self, host: &str) {
        let limit = self.shared.limits.agents;
        self.give(Owner::Agent(host.to_owned()), |state| state.agents.enter(host, limit, OF_ONE_HOST));
    }

    fn give(&self, to: Owner, enter: impl FnOnce(&mut State) -> bool) {
        let mut owner = self.owner();
        let mut state = self.shared.state();
        // An evicted connection closes in any case; its client reconnects.
        if matches!(*owner, Owner::Unauthenticated)
            && state.unauthenticated.contains_key(&self.number)
            && enter(&mut state)
        {
            state.forget_unauthenticated(self.number);
            *owner = to;
        }
    }

    /// Resolves when the connection is evicted.
    pub(super) fn gone(&self) -> WaitForCancellationFutureOwned {
        self.gone.clone().cancelled_owned()
    }

    fn owner(&self) -> MutexGuard<'_, Owner> {
        self.owner.lock()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        match self.owner.get_mut() {
            Owner::Unauthenticated if state.forget_unauthenticated(self.number).is_none() => {
                state.leaving -= 1;
            }
            Owner::Unauthenticated => {}
            Owner::Agent(host) => state.agents.leave(host),
            Owner::Person(name) => state.people.leave(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNAUTHENTICATED: usize = 4;

    fn places() -> Places {
        Places::new(Limits { unauthenticated: UNAUTHENTICATED, people: 3, agents: 2 })
    }

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    fn is_there(place: &Place) -> bool {
        !place.gone.is_cancelled()
    }

    #[test]
    fn shares_leave_most_of_the_room_to_agents() {
        let large = Limits::of(500_000);
        assert_eq!((large.unauthenticated, large.people), (super::UNAUTHENTICATED, PEOPLE));
        for room in [0, 100, 768, 500_000] {
            let limits = Limits::of(room);
            let all = limits.unauthenticated + limits.people + limits.agents;
            assert!(limits.agents >= limits.people && limits.unauthenticated >= 16, "{limits:?}");
            assert!(u64::try_from(all).unwrap() <= room.max(64), "{limits:?}");
        }
    }

    #[test]
    fn a_flood_drives_out_itself() {
        let places = places();
        let honest = places.enter(address(1)).unwrap();
        let flood: Vec<_> = (0..100).map(|_| places.enter(address(2)).unwrap()).collect();
        assert!(is_there(&honest));
        assert_eq!(flood.iter().filter(|place| is_there(place)).count(), UNAUTHENTICATED - 1);
        assert!(is_there(flood.last().unwrap()), "the newest stays");
    }

    #[test]
    fn behind_a_proxy_the_one_who_was_silent_for_longest_gives_way() {
        let places = places();
        let four: Vec<_> = (0..UNAUTHENTICATED).map(|_| places.enter(address(1)).unwrap()).collect();
        four[0].heard();
        let _newcomer = places.enter(address(1)).unwrap();
        assert_eq!(four.iter().map(|place| is_there(place)).collect::<Vec<_>>(), [true, false, true, true]);
    }

    #[test]
    fn agents_and_people_never_give_way_to_unauthenticated_connections() {
        let places = places();
        let agent = places.enter(address(1)).unwrap();
        agent.give_to_agent("gpc0");
        let person = places.enter(address(1)).unwrap();
        person.give_to_person("maria");
        let _flood: Vec<_> = (0..100).map(|_| places.enter(address(1)).unwrap()).collect();
        assert!(is_there(&agent) && is_there(&person));
    }

    #[test]
    fn beyond_its_share_a_connection_counts_as_unauthenticated() {
        let places = places();
        let agents: Vec<_> = (0..3).map(|_| places.enter(address(1)).unwrap()).collect();
        for (place, host) in agents.iter().zip(["a", "b", "c"]) {
            place.give_to_agent(host);
        }
        assert_eq!(agents.iter().filter(|place| place.is_unauthenticated()).count(), 1);
        drop(agents);
        let again = places.enter(address(1)).unwrap();
        again.give_to_agent("a");
        assert!(!again.is_unauthenticated(), "places are given back");
    }

    #[test]
    fn one_host_does_not_take_the_room_of_the_others() {
        let places = Places::new(Limits { unauthenticated: 50, people: 3, agents: 50 });
        let all: Vec<_> = (0..50).map(|_| places.enter(address(1)).unwrap()).collect();
        for place in &all {
            place.give_to_agent("gpc0");
        }
        assert_eq!(all.iter().filter(|place| !place.is_unauthenticated()).count(), OF_ONE_HOST);
    }

    #[test]
    fn those_who_do_not_leave_keep_newcomers_out_and_not_the_room_of_others() {
        let places = places();
        let mut all = vec![];
        while let Some(place) = places.enter(address(1)) {
            all.push(place);
        }
        assert_eq!(all.len(), UNAUTHENTICATED + LEAVING);
        all.clear();
        let state = places.0.state();
        assert_eq!((state.unauthenticated.len(), state.leaving, state.networks.len()), (0, 0, 0));
    }
}
