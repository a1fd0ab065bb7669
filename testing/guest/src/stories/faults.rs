//! Something dies, stops or starts in the middle of a rollback.

use anyhow::{Result, ensure};

use super::{expect, expect_whole};
use crate::Programs;
use crate::world::{Agent, Plan, World, wait_for};

/// An activation that pauses in its middle.
const PAUSES: &str = r#"
echo "activating the configuration..." >&2
seq -f 'before %g' 500
pause
seq -f 'after %g' 500
become "$build"
"#;

fn paused(programs: &Programs) -> Result<World> {
    let world = World::make(programs, &Plan::new(Agent::Root, PAUSES))?;
    world.ask_for_rollback(1)?;
    world.wait_for_pause()?;
    Ok(world)
}

/// Requests a rollback, makes something happen in its middle, and lets it continue.
fn in_the_middle(programs: &Programs, happens: fn(&World) -> Result<()>) -> Result<()> {
    let world = paused(programs)?;
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

/// The activation continues and ends without an agent.
pub(super) fn agent_stopped(programs: &Programs) -> Result<()> {
    in_the_middle(programs, |world| {
        world.manage(&["stop", "backstay-agent"])?;
        world.go_on()?;
        wait_for("the activation to end", || world.has_no_scope())?;
        world.manage(&["start", "backstay-agent"]).map(drop)
    })
}

/// The host returns on its profile's generation, and reports what ended the op.
pub(super) fn host_rebooted(programs: &Programs) -> Result<()> {
    let mut world = paused(programs)?;
    world.op_with_line("before 500")?;
    world.guest.reboot()?;
    world.inside(&["serving"])?;
    let op = world.end_of_op()?;
    expect(&op, "failed", "The host was rebooted while the op was running.")?;
    ensure!(op.lines.iter().any(|(_, text)| text == "before 500"), "its lines are lost: {}", op.told());
    world.inside(&["reported", "1"])?;
    ensure!(world.activations() == 1, "it was activated {} times", world.activations());
    Ok(())
}
