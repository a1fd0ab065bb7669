//! The script that the host runs in the middle of an op: it counts, writes numbered lines, and sometimes ends
//! its own agent.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::Result;

use crate::agent;
use crate::schedule::{Ask, Fault, Place, Schedule, Step};
use crate::world::Host;

/// The number of lines an op writes.
pub(crate) const LINES: u32 = 40;

/// The host's test: it counts its runs, and then runs the script of the schedule.
pub(crate) fn write_test(host: &Host) -> Result<()> {
    let folder = host.folder.display();
    let script = format!(
        "#!/bin/sh\nhost='{folder}'\n\
         while [ -e \"$host/hold\" ]; do : >\"$host/holding\"; sleep 0.05; done; rm -f \"$host/holding\"\n\
         \"$host/during\"\necho ran >>\"$host/test-runs.log\"\n"
    );
    write(&host.tests.join("counted"), &script)
}

/// A wrapper of `git`: counts the fetches of the host, and runs the script of the schedule if the request is
/// only a pull.
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

/// Writes the script of this schedule. `marker` identifies its lines.
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

/// The part that ends the op's own agent.
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

/// What a switch that has stopped the agent does at its end: nothing else starts a stopped unit.
fn start_again(place: Place) -> String {
    match place {
        Place::Bare => String::new(),
        Place::Systemd => format!("systemctl start {}\n", agent::NAME),
    }
}

/// Counts of what was done on the host since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Count {
    /// Runs of the script.
    pub(crate) begun: usize,
    /// Completed activations or tests.
    pub(crate) ended: usize,
    /// Fetches from upstream.
    pub(crate) fetched: usize,
    /// Moves of the checkout to another commit that were not taken back.
    pub(crate) moved: usize,
}

impl Count {
    pub(crate) fn of(host: &Host) -> Self {
        let read = |log: &Path| fs::read_to_string(log).unwrap_or_default();
        let lines = |log: &Path| read(log).lines().count();
        Self {
            begun: lines(&host.folder.join("begun.log")),
            ended: lines(&host.activations) + lines(&host.folder.join("test-runs.log")),
            fetched: lines(&host.folder.join("fetches.log")),
            moved: kept_moves(&read(&host.checkout.join(".git/logs/HEAD"))),
        }
    }

    /// The count of one complete execution.
    pub(crate) fn once(ask: Ask) -> Self {
        let (ended, pulled) = (usize::from(ask != Ask::Pull), usize::from(ask.pulls()));
        Self { begun: 1, ended, fetched: pulled, moved: pulled }
    }

    /// Whether no count exceeds the other's.
    pub(crate) fn is_within(self, other: Self) -> bool {
        self.begun <= other.begun
            && self.ended <= other.ended
            && self.fetched <= other.fetched
            && self.moved <= other.moved
    }

    /// The number of executions of the op, whole or in part.
    pub(crate) fn executions(self) -> usize {
        self.begun.max(self.fetched)
    }

    /// The difference from an earlier count.
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            begun: self.begun - before.begun,
            ended: self.ended - before.ended,
            fetched: self.fetched - before.fetched,
            moved: self.moved.saturating_sub(before.moved),
        }
    }
}

/// Counts the moves in git's log of a head (`git-reflog(1)`). A pull that is cancelled while git moves the checkout puts it back.
fn kept_moves(log: &str) -> usize {
    let taken_back = log.lines().filter(|line| line.contains("\treset: ")).count();
    log.lines().count().saturating_sub(2 * taken_back)
}

/// Makes the next op pause in its middle.
pub(crate) fn hold(host: &Host) -> Result<()> {
    Ok(fs::write(host.folder.join("hold"), "")?)
}

/// Whether it is paused.
pub(crate) fn is_holding(host: &Host) -> bool {
    host.folder.join("holding").exists()
}

/// Lets it continue.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_move_that_was_taken_back_is_none() {
        // Seen: git 2.39.
        let clone = "0000 f5768fc host <h@localhost> 1 +0000\tclone: from upstream\n";
        let merge = "f5768fc 54cfdbf host <h@localhost> 1 +0000\tmerge 54cfdbf: Fast-forward\n";
        let back = "54cfdbf f5768fc host <h@localhost> 1 +0000\treset: moving to f5768fc\n";
        assert_eq!(kept_moves(clone), 1);
        assert_eq!(kept_moves(&[clone, merge].concat()), 2);
        assert_eq!(kept_moves(&[clone, merge, back].concat()), 1);
        assert_eq!(kept_moves(&[clone, merge, back, merge].concat()), 2);
    }
}
