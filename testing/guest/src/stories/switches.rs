//! A switch whose activation systemd runs as a separate unit, as with `nixos-rebuild`.

use anyhow::{Result, ensure};

use super::expect;
use crate::Programs;
use crate::world::{Agent, Plan, TRACES, World, wait_for};

/// `nixos-rebuild` with a ready build. (Seen: nixos-rebuild-ng of nixpkgs 2026-10.)
const REBUILD: &str = r#"#!/bin/sh
echo $$ >/srv/traces/rebuild
echo "building the system configuration..." >&2
build=$(readlink -f /nix/var/nix/profiles/system-1-link)
nix-env --profile /nix/var/nix/profiles/system --set "$build" || exit 1
systemd-run -E LOCALE_ARCHIVE -E NIXOS_INSTALL_BOOTLOADER --collect --wait --no-ask-password --pipe --quiet \
    --service-type=exec --unit=nixos-rebuild-switch-to-configuration "$build/bin/switch-to-configuration" switch
status=$?
[ $status = 0 ] || echo "Command 'systemd-run … switch' returned non-zero exit status $status." >&2
exit $status
"#;

/// An activation that pauses in its middle.
const PAUSES: &str = r#"
echo "activating the configuration..." >&2
pause
become "$build"
echo "all is done"
"#;

/// `nixos-rebuild` that builds until the story makes it fail.
const BUILDS: &str = r#"#!/bin/sh
ps -o pgid= -p $$ >/srv/traces/group
echo "building the system configuration..." >&2
while [ ! -e /srv/traces/built ]; do sleep 0.05; done
exit 3
"#;

/// The configuration of the checkout.
const CHECKOUT: &str = "[checkout]\npath = \"/srv/checkout\"\n";

/// The unit.
const UNIT: &str = "nixos-rebuild-switch-to-configuration.service";

/// A host in the middle of a switch's activation.
fn activating(programs: &Programs) -> Result<World> {
    let world = World::make(programs, &Plan { configuration: CHECKOUT, ..Plan::new(Agent::Root, PAUSES) })?;
    request_switch(&world, REBUILD)?;
    world.wait_for_pause()?;
    Ok(world)
}

/// Requests a switch with this `nixos-rebuild`.
fn request_switch(world: &World, rebuild: &str) -> Result<()> {
    world.guest.write("/usr/bin/nixos-rebuild", rebuild, 0o755)?;
    world.guest.script(
        "git init -q -b main /srv/checkout; git -C /srv/checkout -c user.name=t -c user.email=t@t commit -q --allow-empty -m x",
    )?;
    // The server refuses a switch until the host has reported its checkout.
    let ask = || Ok(world.inside(&["post", "request_op", "host=gpc0", "kind=switch"]).is_ok());
    wait_for("the switch to be taken", ask)
}

/// A cancel stops neither the activation nor the supervision of it.
pub(super) fn cancelled(programs: &Programs) -> Result<()> {
    let world = activating(programs)?;
    let op = world.op_with_line("activating the configuration...")?;
    world.inside(&["post", "cancel_op", &format!("id={}", op.id)])?;
    world.op_with_line(
        "Cancelled. An activation is not stopped half-way: waiting up to 300 s for it to end.",
    )?;
    world.go_on()?;
    let op = world.end_of_op()?;
    expect(&op, "succeeded", "The cancel came too late")?;
    at_rest(&world)
}

/// The unit outlives the program that started it.
pub(super) fn rebuild_killed(programs: &Programs) -> Result<()> {
    let world = activating(programs)?;
    world.guest.script(&format!("kill -KILL $(cat {TRACES}/rebuild); pkill -KILL -x systemd-run"))?;
    world.op_with_line(&format!("systemd is still running {UNIT}. Waiting for it to end."))?;
    world.go_on()?;
    expect(&world.end_of_op()?, "failed", "The host is on Gen 4.")?;
    at_rest(&world)
}

/// The unit outlives the op's whole scope.
pub(super) fn scope_killed(programs: &Programs) -> Result<()> {
    let world = activating(programs)?;
    world.guest.script("systemctl kill --signal=KILL 'backstay-op-*.scope'")?;
    wait_for("the scope to go", || world.has_no_scope())?;
    ensure!(
        world.guest.run(&["systemctl", "is-active", UNIT]).is_ok(),
        "the activation ended with its scope"
    );
    // The agent checks many times during this.
    let ended = world.inside(&["op", "--seconds", "3"]);
    ensure!(ended.is_err(), "the op ended while its activation was running");
    world.go_on()?;
    expect(&world.end_of_op()?, "failed", "The runner was killed")?;
    // The facts in the result were read after the activation was over.
    at_rest(&world)
}

/// Without `sudo kill` a cancel cannot stop a build that runs as root. The op says so, and ends with the
/// build.
pub(super) fn kill_refused(programs: &Programs) -> Result<()> {
    let world = World::make(programs, &Plan { configuration: CHECKOUT, ..Plan::new(Agent::Sudo, PAUSES) })?;
    world.guest.script("sed -i -e 's/systemctl, .$/systemctl/' -e '/bin.kill$/d' /etc/sudoers.d/backstay")?;
    // Without a session sudo becomes the command, and passes no signal on to it.
    let no_session = "Defaults !pam_session, !pam_setcred, !use_pty\n";
    world.guest.write("/etc/sudoers.d/no-session", no_session, 0o440)?;
    world.guest.script("visudo --check --quiet")?;
    request_switch(&world, BUILDS)?;
    let op = world.op_with_line("building the system configuration...")?;
    world.inside(&["post", "cancel_op", &format!("id={}", op.id)])?;
    let group = world.guest.read(&format!("{TRACES}/group"))?;
    world.op_with_line(&format!(
        "It could not be stopped: “sudo --non-interactive kill -s TERM -- -{}” failed (sudo: a password is required). \
         Waiting for it to end on its own.",
        group.trim()
    ))?;
    world.guest.write(&format!("{TRACES}/built"), "", 0o644)?;
    expect(&world.end_of_op()?, "failed", "The build ended with 3.")?;
    ensure!(world.activations() == 0, "there were {} activations", world.activations());
    Ok(())
}

/// The activation has ended, and the host reports that.
fn at_rest(world: &World) -> Result<()> {
    ensure!(world.guest.run(&["systemctl", "is-active", UNIT]).is_err(), "the activation is still running");
    ensure!(world.activations() == 1, "there were {} activations", world.activations());
    let running = world.guest.run(&["readlink", "/run/current-system"])?;
    let built = world.guest.run(&["readlink", "/nix/var/nix/profiles/system-1-link"])?;
    ensure!(running == built, "{} runs", running.trim());
    world.inside(&["reported", "4"]).map(drop)
}
