//! A model of delivery, explored in every order of events: one op, its server, its host, and the faults
//! between them. The surroundings are modelled in small and crude form; the decisions are the code that
//! server and agent ship: [`OpStatus::to`](backstay_model::OpStatus::to) and the functions of
//! [`delivery`](backstay_model::wire::delivery).
//!
//! * [`world`]: the state on disk and in memory, and the messages in transit;
//! * [`step`]: the possible next steps and their effects;
//! * [`promise`]: the properties that hold in every state.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue fails there")]
#![allow(clippy::trivially_copy_pass_by_ref, reason = "stateright defines the signature of properties")]

mod chance;
mod promise;
mod step;
mod world;

use std::time::Duration;

use stateright::{Checker, Expectation, Model, Property};
use step::Step;
use world::World;

/// The possible faults, and their number.
#[derive(Debug, Clone, Copy)]
struct Delivery {
    /// Upper bound on the faults.
    faults: u8,
    /// Whether the server's deadline may pass at any moment, as after a jump of its clock.
    impatient: bool,
    /// Whether a person may cancel the op.
    cancel: bool,
    /// Number of lines that the op writes: two can overtake each other, fewer keep the state space small.
    lines: u8,
    /// Whether the host's journal may be damaged and its runner killed.
    broken_host: bool,
}

impl Delivery {
    /// Connections and processes fail; host, clock and person do not.
    fn plain(faults: u8) -> Self {
        Self { faults, lines: 2, impatient: false, cancel: false, broken_host: false }
    }
}

impl Model for Delivery {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        vec![World::new(self)]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        steps.extend(step::possible(world));
    }

    fn next_state(&self, world: &World, step: Step) -> Option<World> {
        let mut next = world.clone();
        step::take(&mut next, step);
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        promise::all()
    }
}

/// Explores every state, and fails with the shortest path to a broken promise.
fn explore(model: Delivery) {
    let checker = model.checker().threads(2).spawn_bfs().join();
    println!("{model:?}: {} states", checker.unique_state_count());
    checker.assert_properties();
}

#[test]
fn nothing_fails() {
    explore(Delivery::plain(0));
}

#[test]
fn wire_and_processes_fail() {
    explore(Delivery::plain(1));
}

#[test]
fn wire_and_processes_fail_twice() {
    explore(Delivery { lines: 1, ..Delivery::plain(2) });
}

#[test]
fn a_person_cancels_in_between() {
    explore(Delivery { cancel: true, lines: 0, ..Delivery::plain(2) });
}

#[test]
fn the_server_loses_patience_in_between() {
    explore(Delivery { impatient: true, lines: 0, ..Delivery::plain(2) });
}

#[test]
fn the_host_breaks() {
    explore(Delivery { broken_host: true, lines: 1, ..Delivery::plain(2) });
}

/// Random runs, longer than can be explored in full. The printed seed reproduces a run.
#[test]
fn everything_fails_again_and_again() {
    let seed = std::env::var("BACKSTAY_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.map_or(0, |time| u64::from(time.subsec_nanos()))
    });
    println!("BACKSTAY_SEED={seed}");
    let model = Delivery { faults: 8, lines: 2, impatient: true, cancel: true, broken_host: true };
    let checker = model
        .checker()
        .target_state_count(2_000_000)
        .timeout(Duration::from_mins(2))
        .spawn_simulation(seed, chance::MostlyProgress)
        .join();
    println!("{} states, stories of up to {} steps", checker.state_count(), checker.max_depth());
    for (name, path) in checker.discoveries() {
        let is_wanted = checker.model().property(name).expectation == Expectation::Sometimes;
        assert!(is_wanted, "“{name}” does not hold after {path}");
    }
}
