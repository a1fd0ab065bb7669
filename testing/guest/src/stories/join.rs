//! A host that joins by command.

use anyhow::{Result, ensure};

use crate::Programs;
use crate::inside::{DATABASE, SERVER};
use crate::world::{Agent, Plan, World, wait_for};

/// `backstay-agent join` writes what the agent needs to be known to its server, and does not write twice.
pub(super) fn joined(programs: &Programs) -> Result<()> {
    let world = World::make(programs, &Plan::new(Agent::Root, "become \"$build\""))?;
    let guest = &world.guest;
    guest.script("systemctl stop backstay-agent; rm -r /etc/backstay/agent.toml /var/lib/backstay-agent")?;
    guest.script(&format!(
        "umask 077; /usr/local/bin/backstay-server join-token --database sqlite://{DATABASE} --name gpc1 >/root/token"
    ))?;
    let join = format!(
        "/usr/local/bin/backstay-agent join --server {SERVER} --name gpc1 --platform nixos --token-file"
    );

    let unreachable = join.replace(SERVER, "http://127.0.0.1:1");
    let said = guest.script(&format!("{unreachable} /root/token 2>&1 || true"))?;
    ensure!(said.contains("nothing was written") && !guest.has("/etc/backstay/agent.toml"), "{said}");

    let said = guest.script(&format!("{join} - </root/token"))?;
    for part in [
        "Wrote /etc/backstay/agent.toml",
        "settings.name = \"gpc1\";",
        "systemctl enable --now backstay-agent",
    ] {
        ensure!(said.contains(part), "without “{part}”: {said}");
    }
    let modes =
        guest.run(&["stat", "--format=%a", "/etc/backstay/agent.toml", "/etc/backstay/join-token"])?;
    ensure!(modes.split_whitespace().eq(["644", "600"]), "{modes}");

    guest.script("systemctl start backstay-agent")?;
    wait_for("the host that joined to be known", || {
        Ok(world.agent_says("doctor")?.0.contains("answers and knows this host"))
    })?;

    let said = guest.script(&format!("{join} /root/token 2>&1 || true"))?;
    ensure!(said.contains("exists already. Nothing was changed"), "{said}");
    Ok(())
}
