//! A switch stops, re-executes and starts what stands around it.

use anyhow::Result;

use super::expect_whole;
use crate::Programs;
use crate::world::{Agent, Plan, World};

/// As NixOS's switch-to-configuration does where the agent's unit has changed: it stops the unit, activates, has systemd
/// re-execute itself and read its units, and starts the unit.
const RESTARTS: &str = r#"
echo "stopping the following units: backstay-agent.service" >&2
systemctl stop backstay-agent
echo "activating the configuration..." >&2
seq -f 'before %g' 500
systemctl daemon-reexec
systemctl daemon-reload
seq -f 'after %g' 500
become "$build"
echo "starting the following units: backstay-agent.service" >&2
systemctl start backstay-agent
"#;

/// The agent is root, its unit as it ships.
pub(super) fn root(programs: &Programs) -> Result<()> {
    rollback(programs, &Plan::new(Agent::Root, RESTARTS))
}

fn rollback(programs: &Programs, plan: &Plan) -> Result<()> {
    let world = World::make(programs, plan)?;
    world.ask_for_rollback(1)?;
    expect_whole(&world, &world.end_of_op()?, 1)
}
