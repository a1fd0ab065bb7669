//! The stories: what happens to a host, and what must hold afterwards.

mod basic;
mod console;
mod doctor;
mod faults;
pub(crate) mod guests;
mod join;
mod restarts;
mod switches;
mod units;

use anyhow::{Result, ensure};

use crate::Programs;
use crate::inside::Op;
use crate::world::World;

/// One story.
pub(crate) struct Story {
    /// Its subject.
    pub(crate) name: &'static str,
    /// Runs it. An error says what did not hold.
    pub(crate) tell: fn(&Programs) -> Result<()>,
}

/// All stories.
pub(crate) const ALL: &[Story] = &[
    Story { name: "a guest reboots, and leaves nothing behind", tell: guests::dropped },
    Story { name: "a guest whose program is killed leaves nothing behind", tell: guests::abandoned },
    Story { name: "the unit files that ship are sound", tell: units::sound },
    Story {
        name: "the doctor finds nothing broken where the shipped files are installed",
        tell: doctor::well,
    },
    Story { name: "the doctor names what a switch would miss", tell: doctor::lacking },
    Story { name: "a host joins by command, and is known", tell: join::joined },
    Story { name: "the first password is in the journal", tell: console::first_start },
    Story {
        name: "a key is rotated and a backup restored on the console: the server serves",
        tell: console::kept,
    },
    Story { name: "the basic tests and probes judge units as systemd does", tell: basic::judged },
    Story { name: "the same in a home, by its own systemd", tell: basic::judged_at_home },
    Story { name: "a rollback restarts the agent and systemd: agent as root", tell: restarts::root },
    Story { name: "a rollback restarts the agent and systemd: agent with sudo", tell: restarts::sudo },
    Story { name: "a rollback restarts the agent and systemd: agent of a home", tell: restarts::home },
    Story { name: "no scope is available, and the unit keeps the runner: it works", tell: restarts::plain },
    Story {
        name: "no scope is available, and the unit would end the runner: refused",
        tell: restarts::refused,
    },
    Story {
        name: "no scope is available by sudo, and the unit would end the runner: refused",
        tell: restarts::sudo_refused,
    },
    Story {
        name: "an activation dies between stop and start of the agent: it is started",
        tell: restarts::started_again,
    },
    Story { name: "the same in a home", tell: restarts::started_again_at_home },
    Story {
        name: "an op whose scope is killed has stopped the agent: it is started",
        tell: restarts::started_by_systemd,
    },
    Story { name: "the same with a scope in a home", tell: restarts::started_by_systemd_at_home },
    Story { name: "the agent is killed in the middle of a rollback", tell: faults::agent_killed },
    Story { name: "the server is restarted in the middle of a rollback", tell: faults::server_restarted },
    Story {
        name: "the agent is stopped in the middle of a rollback and started later",
        tell: faults::agent_stopped,
    },
    Story { name: "the host is rebooted in the middle of a rollback", tell: faults::host_rebooted },
    Story { name: "a switch is cancelled while systemd activates", tell: switches::cancelled },
    Story { name: "nixos-rebuild is killed while systemd activates", tell: switches::rebuild_killed },
    Story { name: "the scope of a switch is killed while systemd activates", tell: switches::scope_killed },
    Story {
        name: "sudo refuses to kill a cancelled build: its end is awaited",
        tell: switches::kill_refused,
    },
];

/// Checks that an op succeeded, and that its activation wrote `before 1` to `before 500` and `after 1` to
/// `after 500`.
fn expect_whole(world: &World, op: &Op, target: u32) -> Result<()> {
    expect(op, "succeeded", &format!("Rolled back to Gen {target}"))?;
    for word in ["before", "after"] {
        let prefix = format!("{word} ");
        let lines: Vec<&str> =
            op.lines.iter().map(|(_, text)| text.as_str()).filter(|text| text.starts_with(&prefix)).collect();
        let due: Vec<String> = (1..=500).map(|number| format!("{word} {number}")).collect();
        ensure!(lines == due, "not each line of “{word}” once and in order: {} of them", lines.len());
    }
    ensure!(
        op.lines.iter().zip(1..).all(|((number, _), due)| *number == due),
        "the numbers of the lines have gaps"
    );
    at_rest(world, target)
}

/// Checks how an op ended.
fn expect(op: &Op, status: &str, message: &str) -> Result<()> {
    let fine = op.status == status && op.message.contains(message);
    ensure!(fine, "not {status}, “{message}”, but {}", op.told());
    Ok(())
}

/// Checks that the host is on `target`, which was activated once, that its agent runs, and that no unit of
/// the op is left.
fn at_rest(world: &World, target: u32) -> Result<()> {
    ensure!(world.current()? == target, "the profile points at Gen {}", world.current()?);
    ensure!(world.activations() == 1, "there were {} activations", world.activations());
    world.wait_for_agent()?;
    world.inside(&["reported", &target.to_string()])?;
    ensure!(world.has_no_scope()?, "a scope of the op is left");
    Ok(())
}
