//! A switch stops, re-executes and starts the services around it.

use anyhow::{Result, ensure};

use super::{expect, expect_whole};
use crate::Programs;
use crate::world::{Agent, Plan, World, wait_for};

/// Acts like NixOS's switch-to-configuration if the agent's unit has changed: stops the unit, activates, has
/// systemd re-execute itself and reload its units, and starts the unit. sd-switch does the same for
/// home-manager with the user's systemd. Seen: switch-to-configuration-ng of nixpkgs 2026-10 and sd-switch
/// 0.6 under systemd 252 and 257.
fn restarts(agent: Agent) -> String {
    let systemctl = systemctl(agent);
    format!(
        r#"
echo "stopping the following units: backstay-agent.service" >&2
{systemctl} stop backstay-agent
echo "activating the configuration..." >&2
seq -f 'before %g' 500
{systemctl} daemon-reexec
{systemctl} daemon-reload
seq -f 'after %g' 500
become "$build"
echo "starting the following units: backstay-agent.service" >&2
{systemctl} start backstay-agent
"#
    )
}

fn systemctl(agent: Agent) -> &'static str {
    match agent {
        Agent::Root | Agent::Sudo => "systemctl",
        Agent::Home => "systemctl --user",
    }
}

/// A `systemd-run` that makes no scope.
const NO_SCOPE: &str = "[commands]\nsystemd_run = [\"false\"]\n";
/// A unit with systemd's default.
const CONTROL_GROUP: &str = "[Service]\nKillMode=control-group\n";

pub(super) fn root(programs: &Programs) -> Result<()> {
    holds(programs, &plan(Agent::Root))
}

pub(super) fn sudo(programs: &Programs) -> Result<()> {
    // Only the scope keeps the switch alive: the unit would end it.
    holds(programs, &Plan { drop_in: Some(CONTROL_GROUP), ..plan(Agent::Sudo) })
}

pub(super) fn home(programs: &Programs) -> Result<()> {
    holds(programs, &Plan { drop_in: Some(CONTROL_GROUP), ..plan(Agent::Home) })
}

/// The shipped units keep the runner alive even without a scope.
pub(super) fn plain(programs: &Programs) -> Result<()> {
    holds(programs, &Plan { configuration: NO_SCOPE, ..plan(Agent::Root) })
}

pub(super) fn refused(programs: &Programs) -> Result<()> {
    is_refused(programs, Agent::Root)
}

pub(super) fn sudo_refused(programs: &Programs) -> Result<()> {
    is_refused(programs, Agent::Sudo)
}

fn plan(agent: Agent) -> Plan {
    Plan::new(agent, restarts(agent))
}

fn holds(programs: &Programs, plan: &Plan) -> Result<()> {
    let world = World::make(programs, plan)?;
    world.ask_for_rollback(1)?;
    expect_whole(&world, &world.end_of_op()?, 1)
}

fn is_refused(programs: &Programs, agent: Agent) -> Result<()> {
    let plan = Plan { drop_in: Some(CONTROL_GROUP), configuration: NO_SCOPE, ..plan(agent) };
    let world = World::make(programs, &plan)?;
    world.ask_for_rollback(1)?;
    let op = world.end_of_op()?;
    expect(&op, "failed", "Nothing was changed. Set KillMode=process in backstay-agent.service")?;
    ensure!(world.current()? == 3 && world.activations() == 0, "something was changed");
    world.wait_for_agent()
}

pub(super) fn started_again(programs: &Programs) -> Result<()> {
    is_started_again(programs, Agent::Root)
}

pub(super) fn started_again_at_home(programs: &Programs) -> Result<()> {
    is_started_again(programs, Agent::Home)
}

/// `Restart=` does not start a unit that was stopped.
fn is_started_again(programs: &Programs, agent: Agent) -> Result<()> {
    let dies = format!("{} stop backstay-agent\necho stopped\nkill -KILL $$\n", systemctl(agent));
    let world = World::make(programs, &Plan::new(agent, dies))?;
    world.ask_for_rollback(1)?;
    let op = world.end_of_op()?;
    expect(&op, "failed", "signal 9")?;
    ensure!(op.lines.iter().any(|(_, text)| text == "stopped"), "it did not stop the agent: {}", op.told());
    world.wait_for_agent()?;
    wait_for("the scope to go", || world.has_no_scope())
}

/// Whoever kills the whole scope also kills the runner, so systemd itself starts the agent.
pub(super) fn started_by_systemd(programs: &Programs) -> Result<()> {
    is_started_by_systemd(programs, Agent::Root)
}

pub(super) fn started_by_systemd_at_home(programs: &Programs) -> Result<()> {
    is_started_by_systemd(programs, Agent::Home)
}

fn is_started_by_systemd(programs: &Programs, agent: Agent) -> Result<()> {
    let systemctl = systemctl(agent);
    let stops = format!("{systemctl} stop backstay-agent\necho stopped\npause\n");
    let world = World::make(programs, &Plan::new(agent, stops))?;
    world.ask_for_rollback(1)?;
    world.wait_for_pause()?;
    world.manage(&["kill", "--signal=KILL", "backstay-op-*.scope"])?;
    world.wait_for_agent()?;
    expect(&world.end_of_op()?, "failed", "The runner was killed")?;
    wait_for("the scope to go", || world.has_no_scope())
}
