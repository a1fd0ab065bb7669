//! The basic tests and the probes of a configuration, judged by a real systemd.

use anyhow::{Result, ensure};

use crate::Programs;
use crate::world::{Agent, Plan, World};

const UNIT: &str = "[Service]\nExecStart=/usr/bin/sleep infinity\n";
const FAILS: &str = "[Service]\nType=oneshot\nExecStart=/usr/bin/false\n";

/// What a guest without a network and on a small disk can show.
const CONFIGURATION: &str = "tests.leave_out = [\"default-route\", \"space\"]\n\
     tests.probes.web = { unit = \"web.service\" }\n\
     tests.probes.server-port = { tcp = \"127.0.0.1:1\" }\n";

/// Units that fail after an activation fail the tests, and those that had failed before do not.
pub(super) fn judged(programs: &Programs) -> Result<()> {
    let world = World::make(
        programs,
        &Plan { configuration: CONFIGURATION, ..Plan::new(Agent::Root, "become \"$build\"") },
    )?;
    let guest = &world.guest;
    for (name, text) in [("web", UNIT), ("display-manager", UNIT), ("gpu", FAILS)] {
        guest.write(&format!("/etc/systemd/system/{name}.service"), text, 0o644)?;
    }
    guest.script(
        "systemctl daemon-reload; systemctl -q add-wants default.target display-manager; \
         systemctl start web display-manager; systemctl start gpu || true",
    )?;

    guest.script("touch --no-dereference --date='1 hour' /run/current-system")?;
    let (said, _) = world.agent_says("test")?;
    for part in [
        "clock: passed",
        "display: passed",
        "display-manager.service is active (running).",
        "failed-units: passed",
        "Failed before that, so not counted: gpu.service.",
        "server: passed",
        "sshd: passed",
        "web: passed",
        "server-port: FAILED",
        "127.0.0.1:1 accepts no connection",
        "Failed: server-port.",
    ] {
        ensure!(said.contains(part), "without “{part}”: {said}");
    }

    guest.script(
        "touch --no-dereference --date='1 hour ago' /run/current-system; systemctl stop display-manager; \
         rm /etc/systemd/system/web.service; systemctl stop web; systemctl daemon-reload",
    )?;
    let (said, fine) = world.agent_says("test")?;
    ensure!(!fine, "{said}");
    for part in [
        "display: FAILED",
        "display-manager.service is inactive (dead).",
        "failed-units: FAILED",
        "Failed since this system was activated: gpu.service.",
        "web: FAILED",
        "There is no unit web.service.",
    ] {
        ensure!(said.contains(part), "without “{part}”: {said}");
    }
    Ok(())
}

/// A home's tests ask its own systemd.
pub(super) fn judged_at_home(programs: &Programs) -> Result<()> {
    let plan = Plan {
        configuration: "tests.leave_out = [\"space\"]\n",
        ..Plan::new(Agent::Home, "become \"$build\"")
    };
    let world = World::make(programs, &plan)?;
    world.guest.write("/etc/systemd/user/gpu.service", FAILS, 0o644)?;
    world.manage(&["daemon-reload"])?;
    ensure!(world.manage(&["start", "gpu"]).is_err(), "it started");
    let (said, _) = world.agent_says("test")?;
    for part in
        ["server: passed", "failed-units: FAILED", "Failed since this system was activated: gpu.service."]
    {
        ensure!(said.contains(part), "without “{part}”: {said}");
    }
    Ok(())
}
