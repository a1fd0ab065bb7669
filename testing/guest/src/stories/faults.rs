//! Something dies, stops or starts in the middle of a rollback.

use anyhow::Result;

use super::expect_whole;
use crate::Programs;
use crate::world::{Agent, Plan, World};

/// An activation that stands still in its middle.
const PAUSES: &str = r#"
echo "activating the configuration..." >&2
seq -f 'before %g' 500
pause
seq -f 'after %g' 500
become "$build"
"#;

/// Asks for a rollback, lets something happen in its middle, and lets it go on.
fn in_the_middle(programs: &Programs, happens: fn(&World) -> Result<()>) -> Result<()> {
    let world = World::make(programs, &Plan::new(Agent::Root, PAUSES))?;
    world.ask_for_rollback(1)?;
    world.wait_for_pause()?;
    happens(&world)?;
    let op = world.end_of_op()?;
    expect_whole(&world, &op, 1)
}

pub(super) fn agent_killed(programs: &Programs) -> Result<()> {
    in_the_middle(programs, |world| {
        world.manage(&["kill", "--signal=KILL", "--kill-who=main", "backstay-agent"])?;
        world.go_on()
    })
}

pub(super) fn server_restarted(programs: &Programs) -> Result<()> {
    in_the_middle(programs, |world| {
        world.manage(&["restart", "backstay-server"])?;
        world.go_on()
    })
}

/// The activation goes on, and ends, without an agent.
pub(super) fn agent_stopped(programs: &Programs) -> Result<()> {
    in_the_middle(programs, |world| {
        world.manage(&["stop", "backstay-agent"])?;
        world.go_on()?;
        crate::world::wait_for("the activation to end", || world.has_no_scope())?;
        world.manage(&["start", "backstay-agent"]).map(drop)
    })
}
