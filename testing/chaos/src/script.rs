//! What the host does in the middle of an op: it counts, it writes numbered lines, and at times it ends its own agent.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::Result;

use crate::agent;
use crate::schedule::{Ask, Fault, Place, Schedule, Step};
use crate::world::Host;

/// How many numbered lines an op writes.
pub(crate) const LINES: u32 = 40;

/// The test that the host has: it counts itself, and then does what every op of a schedule does.
pub(crate) fn write_test(host: &Host) -> Result<()> {
    let folder = host.folder.display();
    let script = format!(
        "#!/bin/sh\nhost='{folder}'\n\
         while [ -e \"$host/hold\" ]; do : >\"$host/holding\"; sleep 0.05; done; rm -f \"$host/holding\"\n\
         \"$host/during\"\necho ran >>\"$host/test-runs.log\"\n"
    );
    write(&host.tests.join("counted"), &script)
}

/// Stands before `git`: counts how often the host fetches, and does what every op of a schedule does where nothing but a
/// pull was asked for.
pub(crate) fn write_git(host: &Host, git: &Path) -> Result<()> {
    let script = format!(
        "#!/bin/sh\nhost='{}'\n\
         case \" $* \" in *' fetch '*)\n\
         echo begun >>\"$host/fetches.log\"\n\
         if [ -e \"$host/only-pulls\" ]; then\n\
         while [ -e \"$host/hold\" ]; do : >\"$host/holding\"; sleep 0.05; done; rm -f \"$host/holding\"\n\
         \"$host/during\"\nfi ;;\nesac\nexec '{}' \"$@\"\n",
        host.folder.display(),
        git.display()
    );
    write(&host.folder.join("bin/git"), &script)
}

/// Writes what happens in the middle of the op of this schedule. `marker` tells its lines from those of others.
pub(crate) fn write_during(host: &Host, schedule: &Schedule, marker: &str) -> Result<()> {
    let faults: String =
        schedule.at(Step::Running).map(|fault| fault_of_op(host, schedule.place, fault)).collect();
    let last = if schedule.at(Step::Running).any(|fault| fault == Fault::OpStopsAgent) {
        start_again(schedule.place)
    } else {
        String::new()
    };
    let half = LINES / 2;
    let script = format!(
        "#!/bin/sh\necho begun >>'{}/begun.log'\nlines() {{ i=$1; while [ $i -le $2 ]; do echo \"{marker} line $i\"; i=$((i+1)); done; }}\n\
         lines 1 {half}\n{faults}lines {} {LINES}\n{last}",
        host.folder.display(),
        half + 1
    );
    let only_pulls = host.folder.join("only-pulls");
    if schedule.ask == Ask::Pull {
        fs::write(only_pulls, "")?;
    } else {
        remove(&only_pulls)?;
    }
    write(&host.folder.join("during"), &script)
}

/// What the op does to its own agent.
fn fault_of_op(host: &Host, place: Place, fault: Fault) -> String {
    let name = agent::NAME;
    let pid = host.folder.join("agent.pid");
    match (place, fault) {
        (Place::Bare, Fault::OpKillsAgent) => format!("kill -KILL \"$(cat '{}')\" || true\n", pid.display()),
        (Place::Bare, Fault::OpStopsAgent) => format!("kill -TERM \"$(cat '{}')\" || true\n", pid.display()),
        (Place::Systemd, Fault::OpKillsAgent) => format!("systemctl kill --signal=KILL {name} || true\n"),
        (Place::Systemd, Fault::OpStopsAgent) => format!("systemctl stop {name}\n"),
        (Place::Systemd, Fault::OpReexecs) => "systemctl daemon-reexec; systemctl daemon-reload\n".to_owned(),
        _ => String::new(),
    }
}

/// What a switch does at its end that has stopped the agent: nobody else starts a unit that was stopped.
fn start_again(place: Place) -> String {
    match place {
        Place::Bare => String::new(),
        Place::Systemd => format!("systemctl start {}\n", agent::NAME),
    }
}

/// How often something was done on the host since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Count {
    /// How often what happens in the middle of an op happened.
    pub(crate) begun: usize,
    /// How often an activation or a test came to its end.
    pub(crate) ended: usize,
    /// How often the upstream was fetched from.
    pub(crate) fetched: usize,
    /// How often the checkout came to another commit.
    pub(crate) moved: usize,
}

impl Count {
    pub(crate) fn of(host: &Host) -> Self {
        let lines = |log: &Path| fs::read_to_string(log).unwrap_or_default().lines().count();
        Self {
            begun: lines(&host.folder.join("begun.log")),
            ended: lines(&host.activations) + lines(&host.folder.join("test-runs.log")),
            fetched: lines(&host.folder.join("fetches.log")),
            moved: lines(&host.checkout.join(".git/logs/HEAD")),
        }
    }

    /// What is counted where something was done once and to its end.
    pub(crate) fn once(ask: Ask) -> Self {
        let (ended, pulled) = (usize::from(ask != Ask::Pull), usize::from(ask.pulls()));
        Self { begun: 1, ended, fetched: pulled, moved: pulled }
    }

    /// Whether nothing happened more often than there.
    pub(crate) fn is_within(self, other: Self) -> bool {
        self.begun <= other.begun
            && self.ended <= other.ended
            && self.fetched <= other.fetched
            && self.moved <= other.moved
    }

    /// How often the op was carried out, whole or in part.
    pub(crate) fn executions(self) -> usize {
        self.begun.max(self.fetched)
    }

    /// What came since then.
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            begun: self.begun - before.begun,
            ended: self.ended - before.ended,
            fetched: self.fetched - before.fetched,
            moved: self.moved - before.moved,
        }
    }
}

/// Has the next op stand still in its middle.
pub(crate) fn hold(host: &Host) -> Result<()> {
    Ok(fs::write(host.folder.join("hold"), "")?)
}

/// Whether it stands still.
pub(crate) fn is_holding(host: &Host) -> bool {
    host.folder.join("holding").exists()
}

/// Lets it go on.
pub(crate) fn let_go(host: &Host) -> Result<()> {
    ["hold", "holding"].iter().try_for_each(|file| remove(&host.folder.join(file)))
}

fn remove(file: &Path) -> Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text)?;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o755))?)
}
