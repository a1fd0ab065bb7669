//! The properties that hold in every state, whatever happened before.

use backstay_model::OpStatus;
use stateright::Property;

use crate::Delivery;
use crate::step::{self, Step};
use crate::world::{End, Journal, World};

pub(crate) fn all() -> Vec<Property<Delivery>> {
    vec![
        Property::always("runs at most once", |_, world: &World| world.host.executions <= 1),
        Property::always("a success is one", success_is_one),
        Property::always("what is said to have changed nothing has not run", |_, world: &World| {
            !world.server.said_unchanged || world.host.executions == 0
        }),
        Property::always("an end has all of its lines", end_has_all_lines),
        Property::always("the journal forgets only what the server has", forgets_what_the_server_has),
        Property::always("lost only where something was lost", lost_only_where_lost),
        Property::always("connections do not come and go for ever", |model: &Delivery, world: &World| {
            world.sessions <= 2 * model.faults + 1
        }),
        Property::always("nobody is left waiting", nobody_is_left_waiting),
        Property::sometimes("succeeds", |_, world: &World| {
            world.server.status == OpStatus::Succeeded && matches!(world.host.journal, Journal::Done(_))
        }),
    ]
}

fn success_is_one(_: &Delivery, world: &World) -> bool {
    world.server.status != OpStatus::Succeeded
        || (world.host.executions == 1
            && matches!(
                world.host.journal,
                Journal::Ended(End::Completed) | Journal::Done(End::Completed) | Journal::Damaged
            ))
}

fn end_has_all_lines(_: &Delivery, world: &World) -> bool {
    let lines = u8::try_from(world.server.lines.iter().filter(|stored| **stored).count()).unwrap();
    match (world.server.told, world.host.journal) {
        (Some(_), Journal::Ended(_) | Journal::Done(_)) => lines == world.host.lines,
        _ => true,
    }
}

fn forgets_what_the_server_has(_: &Delivery, world: &World) -> bool {
    match world.host.journal {
        Journal::Done(end) => world.server.told == Some(end),
        _ => true,
    }
}

fn lost_only_where_lost(model: &Delivery, world: &World) -> bool {
    world.server.status != OpStatus::Lost || model.impatient || model.broken_host
}

/// If no ordinary step is left, everything is settled: the op is closed with its result on the host, and the
/// host has nothing more to report.
fn nobody_is_left_waiting(_: &Delivery, world: &World) -> bool {
    step::possible(world).into_iter().any(Step::is_progress) || is_settled(world)
}

fn is_settled(world: &World) -> bool {
    let status = world.server.status;
    match world.host.journal {
        Journal::Never | Journal::Damaged => !status.is_open(),
        Journal::Done(End::Completed) => status == OpStatus::Succeeded,
        Journal::Done(End::Failed) => status == OpStatus::Failed,
        Journal::Done(End::Cancelled) => status == OpStatus::Cancelled,
        Journal::Written | Journal::Begun | Journal::Ended(_) => false,
    }
}
