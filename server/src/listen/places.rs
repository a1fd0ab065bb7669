//! How many connections there may be, and who gives way when there are too many.
//!
//! A connection begins as a stranger's. It becomes a person's with the first request of a session, and an agent's with
//! the token of a host. Strangers have a share of their own, so they never take the room of the others. When that share is full,
//! a newcomer takes the place of the stranger who was silent for longest, of those from the address with the most
//! connections: a flood drives out itself, and whoever sends a request at once gets an answer.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Connections of strangers at once, where there is room for so many.
const STRANGERS: usize = 512;
/// Connections of people who are logged in.
const PEOPLE: usize = 4_096;
/// Connections of one person that count as a person's. Any further one counts as a stranger's and is served like one.
const OF_ONE_PERSON: usize = 64;
/// Connections of one host that count as an agent's: one, and those that it takes the place of.
const OF_ONE_HOST: usize = 4;
/// Strangers that were told to leave and are still there: beyond that many, newcomers are turned away.
const LEAVING: usize = 128;

/// How many connections each kind may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    strangers: usize,
    people: usize,
    agents: usize,
}

impl Limits {
    /// Shares of `room` connections: agents have whatever strangers and people do not take, at least half of it.
    pub(crate) fn of(room: u64) -> Self {
        let room = usize::try_from(room).unwrap_or(usize::MAX).max(64);
        let strangers = STRANGERS.min(room / 4);
        let people = PEOPLE.min(room / 4);
        Self { strangers, people, agents: room - strangers - people - LEAVING.min(room / 8) }
    }
}

/// Every connection there is.
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
    strangers: HashMap<u64, Stranger>,
    /// How many strangers there are from each network.
    networks: HashMap<IpAddr, usize>,
    people: Known,
    agents: Known,
    leaving: usize,
}

/// Connections of those who showed who they are.
#[derive(Debug, Default)]
struct Known {
    all: usize,
    of_each: HashMap<String, usize>,
}

impl Known {
    /// Takes in one more, if there is room.
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
struct Stranger {
    network: IpAddr,
    heard: Instant,
    gone: CancellationToken,
}

/// Whose a connection is.
#[derive(Debug)]
enum Whose {
    Stranger,
    Person(String),
    Agent(String),
}

/// The place of one connection, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    shared: Arc<Shared>,
    number: u64,
    whose: Mutex<Whose>,
    gone: CancellationToken,
}

impl Places {
    pub(crate) fn new(limits: Limits) -> Self {
        Self(Arc::new(Shared { limits, state: Mutex::default() }))
    }

    /// A place for a connection from this address. `None` if there is no room even after somebody gave way.
    pub(crate) fn enter(&self, from: IpAddr) -> Option<Arc<Place>> {
        let mut state = self.0.state();
        if state.strangers.len() >= self.0.limits.strangers {
            if state.leaving >= LEAVING {
                return None;
            }
            state.drive_one_out();
        }
        let network = network_of(from);
        let gone = CancellationToken::new();
        let number = state.next;
        state.next += 1;
        *state.networks.entry(network).or_default() += 1;
        state.strangers.insert(number, Stranger { network, heard: Instant::now(), gone: gone.clone() });
        drop(state);
        Some(Arc::new(Place {
            shared: Arc::clone(&self.0),
            number,
            whose: Mutex::new(Whose::Stranger),
            gone,
        }))
    }

    /// How many connections count as strangers'.
    #[cfg(test)]
    pub(super) fn strangers(&self) -> usize {
        self.0.state().strangers.len()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn drive_one_out(&mut self) {
        let crowd = |stranger: &Stranger| self.networks.get(&stranger.network).copied().unwrap_or(0);
        let first = self
            .strangers
            .iter()
            .min_by_key(|(_, stranger)| (std::cmp::Reverse(crowd(stranger)), stranger.heard))
            .map(|(number, _)| *number);
        if let Some(stranger) = first.and_then(|number| self.forget_stranger(number)) {
            self.leaving += 1;
            stranger.gone.cancel();
        }
    }

    fn forget_stranger(&mut self, number: u64) -> Option<Stranger> {
        let stranger = self.strangers.remove(&number)?;
        if let Some(count) = self.networks.get_mut(&stranger.network) {
            *count -= 1;
            if *count == 0 {
                self.networks.remove(&stranger.network);
            }
        }
        Some(stranger)
    }
}

impl Place {
    /// A request came.
    pub(crate) fn heard(&self) {
        if let Some(stranger) = self.shared.state().strangers.get_mut(&self.number) {
            stranger.heard = Instant::now();
        }
    }

    /// Whether the connection counts as a stranger's.
    pub(crate) fn is_strangers(&self) -> bool {
        matches!(*self.whose(), Whose::Stranger)
    }

    /// The connection is this person's from now on, if there is room among the people.
    pub(crate) fn give_to_person(&self, name: &str) {
        let limit = self.shared.limits.people;
        self.give(Whose::Person(name.to_owned()), |state| state.people.enter(name, limit, OF_ONE_PERSON));
    }

    /// The connection is this host's agent's from now on, if there is room among the agents. `host` is anything that is
    /// the same for each connection of a host.
    pub(crate) fn give_to_agent(&self, host: &str) {
        let limit = self.shared.limits.agents;
        self.give(Whose::Agent(host.to_owned()), |state| state.agents.enter(host, limit, OF_ONE_HOST));
    }

    fn give(&self, to: Whose, enter: impl FnOnce(&mut State) -> bool) {
        let mut whose = self.whose();
        let mut state = self.shared.state();
        // One that was driven out leaves, whoever it turns out to be: it comes again.
        if matches!(*whose, Whose::Stranger)
            && state.strangers.contains_key(&self.number)
            && enter(&mut state)
        {
            state.forget_stranger(self.number);
            *whose = to;
        }
    }

    /// Ends when the connection is to give way.
    pub(super) fn gone(&self) -> WaitForCancellationFutureOwned {
        self.gone.clone().cancelled_owned()
    }

    fn whose(&self) -> MutexGuard<'_, Whose> {
        self.whose.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        match self.whose.get_mut().unwrap_or_else(PoisonError::into_inner) {
            Whose::Stranger if state.forget_stranger(self.number).is_none() => state.leaving -= 1,
            Whose::Stranger => {}
            Whose::Agent(host) => state.agents.leave(host),
            Whose::Person(name) => state.people.leave(name),
        }
    }
}

/// Whose address it is: with IPv6, one subscriber has a whole /64.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let bits = address.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(std::net::Ipv6Addr::from_bits(bits))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRANGERS: usize = 4;

    fn places() -> Places {
        Places::new(Limits { strangers: STRANGERS, people: 3, agents: 2 })
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
        assert_eq!((large.strangers, large.people), (super::STRANGERS, PEOPLE));
        for room in [0, 100, 768, 500_000] {
            let limits = Limits::of(room);
            let all = limits.strangers + limits.people + limits.agents;
            assert!(limits.agents >= limits.people && limits.strangers >= 16, "{limits:?}");
            assert!(u64::try_from(all).unwrap() <= room.max(64), "{limits:?}");
        }
    }

    #[test]
    fn a_flood_drives_out_itself() {
        let places = places();
        let honest = places.enter(address(1)).unwrap();
        let flood: Vec<_> = (0..100).map(|_| places.enter(address(2)).unwrap()).collect();
        assert!(is_there(&honest));
        assert_eq!(flood.iter().filter(|place| is_there(place)).count(), STRANGERS - 1);
        assert!(is_there(flood.last().unwrap()), "the newest stays");
    }

    #[test]
    fn behind_a_proxy_the_one_who_was_silent_for_longest_gives_way() {
        let places = places();
        let four: Vec<_> = (0..STRANGERS).map(|_| places.enter(address(1)).unwrap()).collect();
        four[0].heard();
        let _newcomer = places.enter(address(1)).unwrap();
        assert_eq!(four.iter().map(|place| is_there(place)).collect::<Vec<_>>(), [true, false, true, true]);
    }

    #[test]
    fn agents_and_people_never_give_way_to_strangers() {
        let places = places();
        let agent = places.enter(address(1)).unwrap();
        agent.give_to_agent("gpc0");
        let person = places.enter(address(1)).unwrap();
        person.give_to_person("maria");
        let _flood: Vec<_> = (0..100).map(|_| places.enter(address(1)).unwrap()).collect();
        assert!(is_there(&agent) && is_there(&person));
    }

    #[test]
    fn beyond_its_share_a_connection_counts_as_a_strangers() {
        let places = places();
        let agents: Vec<_> = (0..3).map(|_| places.enter(address(1)).unwrap()).collect();
        for (place, host) in agents.iter().zip(["a", "b", "c"]) {
            place.give_to_agent(host);
        }
        assert_eq!(agents.iter().filter(|place| place.is_strangers()).count(), 1);
        drop(agents);
        let again = places.enter(address(1)).unwrap();
        again.give_to_agent("a");
        assert!(!again.is_strangers(), "places are given back");
    }

    #[test]
    fn one_host_does_not_take_the_room_of_the_others() {
        let places = Places::new(Limits { strangers: 50, people: 3, agents: 50 });
        let all: Vec<_> = (0..50).map(|_| places.enter(address(1)).unwrap()).collect();
        for place in &all {
            place.give_to_agent("gpc0");
        }
        assert_eq!(all.iter().filter(|place| !place.is_strangers()).count(), OF_ONE_HOST);
    }

    #[test]
    fn those_who_do_not_leave_keep_newcomers_out_and_not_the_room_of_others() {
        let places = places();
        let mut all = vec![];
        while let Some(place) = places.enter(address(1)) {
            all.push(place);
        }
        assert_eq!(all.len(), STRANGERS + LEAVING);
        all.clear();
        let state = places.0.state();
        assert_eq!((state.strangers.len(), state.leaving, state.networks.len()), (0, 0, 0));
    }

    #[test]
    fn addresses_of_one_network_count_together() {
        let of = |text: &str| network_of(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8:0:1::1"), of("2001:db8::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }
}
