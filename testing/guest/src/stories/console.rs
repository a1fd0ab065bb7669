//! What the how-to pages have an administrator type on the server, as root, beside the server's own user.

use anyhow::{Result, ensure};

use crate::Programs;
use crate::inside::DATABASE;
use crate::world::{Agent, Plan, World, wait_for};

const PROGRAM: &str = "/usr/local/bin/backstay-server";

/// A rotated master key and a restored backup belong to the server's user again, and the host returns without joining.
pub(super) fn kept(programs: &Programs) -> Result<()> {
    let world = World::make(programs, &Plan::new(Agent::Root, "become \"$build\""))?;
    let guest = &world.guest;
    let on_console = |words: &str| guest.script(&format!("cd /var/lib/backstay; {words}"));

    // `docs/how-to/rotate-a-secret.md`
    let said = on_console(&format!("{PROGRAM} rotate-master-key --database sqlite://{DATABASE}"))?;
    ensure!(said.contains("The master key is new"), "{said}");
    guest.run(&["systemctl", "restart", "backstay-server"])?;
    world.inside(&["serving"])?;

    // `docs/how-to/back-up-and-move.md`, with the server stopped, because the guest has no sqlite3.
    guest.run(&["systemctl", "stop", "backstay-server"])?;
    on_console(
        "cp backstay.sqlite3 /root/backstay-backup.sqlite3; install -m 600 backstay.sqlite3.master-key /root/",
    )?;
    on_console("mkdir before && mv backstay.sqlite3* before/")?;
    on_console(
        "install -m 600 /root/backstay-backup.sqlite3 backstay.sqlite3; install -m 600 /root/backstay.sqlite3.master-key .",
    )?;
    on_console("chown --reference=. backstay.sqlite3 backstay.sqlite3.master-key")?;
    guest.run(&["systemctl", "start", "backstay-server"])?;
    world.inside(&["serving"])?;
    wait_for("the host to be known again", || {
        Ok(world.agent_says("doctor")?.0.contains("answers and knows this host"))
    })?;
    let said = on_console(&format!("{PROGRAM} verify-audit --database sqlite://{DATABASE}"))?;
    ensure!(said.contains("The audit log is intact"), "{said}");
    Ok(())
}

/// The first start without a password file puts one into the journal, where the pages on installing look for it.
pub(super) fn first_start(programs: &Programs) -> Result<()> {
    let world = World::make(programs, &Plan::new(Agent::Root, "become \"$build\""))?;
    let guest = &world.guest;
    guest.script(
        "systemctl stop backstay-server; rm -r /var/lib/private/backstay/*; : >/etc/backstay/server.env",
    )?;
    guest.run(&["systemctl", "start", "backstay-server"])?;
    world.inside(&["serving"])?;
    let said = guest.script("journalctl -u backstay-server -o cat | grep -A 2 'First start'")?;
    let password = said.lines().find_map(|line| line.strip_prefix("    "));
    ensure!(password.is_some_and(|password| password.len() >= 15), "{said}");
    Ok(())
}
