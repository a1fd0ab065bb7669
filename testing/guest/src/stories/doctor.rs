//! `backstay-agent doctor`, beside the running agent, its unit, and the server.

use anyhow::{Result, ensure};

use crate::Programs;
use crate::world::{Agent, Plan, World};

const ACTIVATION: &str = "become \"$build\"";

/// A host as the shipped files install it has nothing broken, and its agent stays connected.
pub(super) fn well(programs: &Programs) -> Result<()> {
    for agent in [Agent::Root, Agent::Sudo, Agent::Home] {
        let plan = Plan { configuration: "observe = true\n", ..Plan::new(agent, ACTIVATION) };
        let world = World::make(programs, &plan)?;
        let (said, fine) = world.agent_says("doctor")?;
        ensure!(fine && !said.contains("BROKEN"), "{agent:?}: {said}");
        let sudo = if agent == Agent::Sudo { "allows what a rollback runs" } else { "ok" };
        for part in [
            "backstay-agent.service is loaded, with KillMode=process",
            "3 generations, Gen 3 is current, Gen 3 runs",
            "answers and knows this host",
            "in step with the server's",
            sudo,
        ] {
            ensure!(said.contains(part), "{agent:?}, without “{part}”: {said}");
        }
        let log = world.journal();
        ensure!(!log.contains("another machine") && !log.contains("replaced"), "{log}");
    }
    Ok(())
}

/// What a switch needs and the host does not have is named, as the service would miss it.
pub(super) fn lacking(programs: &Programs) -> Result<()> {
    let plan =
        Plan { drop_in: Some("[Service]\nKillMode=control-group\n"), ..Plan::new(Agent::Root, ACTIVATION) };
    let (said, fine) = World::make(programs, &plan)?.agent_says("doctor")?;
    ensure!(!fine, "{said}");
    for part in [
        "nixos-rebuild is not in the PATH of backstay-agent.service: a switch would fail",
        "/etc/nixos: it is no git checkout. Pull and switch would fail",
        "backstay-agent.service has KillMode=control-group",
        "none in /etc/backstay/tests: nothing says whether a generation works",
    ] {
        ensure!(said.contains(part), "without “{part}”: {said}");
    }
    Ok(())
}
