//! The unit files themselves.

use anyhow::{Result, ensure};
use backstay_guest::output;

use crate::Programs;
use crate::world::{Agent, Plan, World};

/// Upper bound on the exposure of the server's unit, in tenths, as `systemd-analyze security` counts.
const EXPOSURE: &str = "--threshold=15";

/// systemd has no complaints about them, and the server's is as restricted as documented.
pub(super) fn sound(programs: &Programs) -> Result<()> {
    for agent in [Agent::Sudo, Agent::Home] {
        let world = World::make(programs, &Plan::new(agent, "become \"$build\""))?;
        let (verify, unit): (&[&str], _) = match agent {
            Agent::Home => (&["--user", "verify"], "/home/alex/.config/systemd/user/backstay-agent.service"),
            Agent::Root | Agent::Sudo => (&["verify"], "/etc/systemd/system/backstay-agent.service"),
        };
        let said = world.complaints(&[verify, &[unit]].concat())?;
        ensure!(said.is_empty(), "{unit}: {said}");
        if agent == Agent::Sudo {
            let said = world.complaints(&["verify", "/etc/systemd/system/backstay-server.service"])?;
            ensure!(said.is_empty(), "backstay-server.service: {said}");
            let score = ["systemd-analyze", "security", "--no-pager", EXPOSURE, "backstay-server.service"];
            world.guest.run(&score)?;
            output(world.guest.command("visudo").args(["-cf", "/etc/sudoers.d/backstay"]))?;
        }
    }
    Ok(())
}
