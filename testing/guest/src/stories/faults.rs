//! Something dies, stops or starts in the middle of a rollback.

use anyhow::{Result, ensure};

use super::{expect, expect_whole};
use crate::Programs;
use crate::world::{Agent, Plan, TRACES, World, wait_for};

/// An activation that stands still in its middle.
const PAUSES: &str = r#"
echo "activating the configuration..." >&2
seq -f 'before %g' 500
pause
seq -f 'after %g' 500
become "$build"
: >/srv/traces/whole
"#;

fn paused(programs: &Programs) -> Result<World> {
    let world = World::make(programs, &Plan::new(Agent::Root, PAUSES))?;
    world.ask_for_rollback(1)?;
    world.wait_for_pause()?;
    Ok(world)
}

/// Asks for a rollback, lets something happen in its middle, and lets it go on.
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

/// The activation goes on, and ends, without an agent.
pub(super) fn agent_stopped(programs: &Programs) -> Result<()> {
    in_the_middle(programs, |world| {
        world.manage(&["stop", "backstay-agent"])?;
        world.go_on()?;
        wait_for("the activation to end", || world.has_no_scope())?;
        world.manage(&["start", "backstay-agent"]).map(drop)
    })
}

/// The host comes back on what its profile points at, and says what ended the op.
pub(super) fn host_rebooted(programs: &Programs) -> Result<()> {
    let mut world = paused(programs)?;
    world.op_with_line("before 500")?;
    world.guest.reboot()?;
    world.inside(&["serving"])?;
    let op = world.end_of_op()?;
    expect(&op, "failed", "The host was rebooted while the op was at work.")?;
    ensure!(op.lines.iter().any(|(_, text)| text == "before 500"), "its lines are lost: {}", op.told());
    world.inside(&["reported", "1"])?;
    ensure!(world.activations() == 1, "it was activated {} times", world.activations());
    Ok(())
}

/// As nixos-rebuild-ng switches (seen: nixpkgs 2026-10): the activation is a unit of its own, a child of the first process,
/// and what it ends with is the status of the program.
const REBUILD: &str = r#"#!/bin/bash
echo "building the system configuration..." >&2
nix-env --profile /nix/var/nix/profiles/system --set "$(readlink -f /nix/var/nix/profiles/system-2-link)"
switch=(systemd-run -E LOCALE_ARCHIVE -E NIXOS_INSTALL_BOOTLOADER=0 --collect --no-ask-password --pipe --quiet
    --service-type=exec --unit=nixos-rebuild-switch-to-configuration --wait
    /nix/var/nix/profiles/system/bin/switch-to-configuration switch)
"${switch[@]}" && exit 0
status=$?
echo "Command '${switch[*]}' returned non-zero exit status $status." >&2
exit $status
"#;

/// The op ends only once the activation is at rest, which no signal to `nixos-rebuild` stops.
pub(super) fn switch_cancelled(programs: &Programs) -> Result<()> {
    let world = World::make(programs, &Plan::new(Agent::Root, PAUSES))?;
    world.guest.write("/usr/local/bin/nixos-rebuild", REBUILD, 0o755)?;
    world.guest.script("git init --quiet -b main /etc/nixos; git -C /etc/nixos -c user.name=x -c user.email=x@y commit --quiet --allow-empty -m one")?;
    world.wait_for_checkout()?;
    world.inside(&["post", "request_op", "host=gpc0", "kind=switch"])?;
    world.wait_for_pause()?;
    let op = world.op_with_line("before 500")?;
    world.inside(&["post", "cancel_op", &format!("id={}", op.id)])?;
    let later = format!("sleep 3; : >{TRACES}/go");
    let mut later = world.guest.command("sh").args(["-c", &later]).spawn()?;
    let op = world.end_of_op()?;
    let unit = world
        .guest
        .command("systemctl")
        .args(["is-active", "nixos-rebuild-switch-to-configuration"])
        .output()?;
    ensure!(!unit.status.success(), "its activation is still at work: {}", op.told());
    ensure!(world.guest.has(&format!("{TRACES}/whole")), "its activation was cut short: {}", op.told());
    later.wait()?;
    world.inside(&["reported", "4"]).map(drop)
}
