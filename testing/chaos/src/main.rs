//! Breaks a running Backstay in every way that it is said to survive, and looks whether it did.
//!
//! ```text
//! person ─▶ server ◀─▶ proxy ◀─▶ agent ─▶ runner ─▶ nix-env, activation script
//!              │          │         │                     │
//!           database   stops at   journal             counts itself
//!                      messages
//! ```
//!
//! A [`schedule`] is one op and what goes wrong with it, drawn from a seed. It happens ([`story`]) to a [`world`] of real
//! processes, a real database and a real Nix profile, and when all is at rest again, [`check`] holds what is there
//! against what was promised (`docs/reliability.md`).

mod agent;
mod check;
mod ledger;
mod means;
mod person;
mod process;
mod proxy;
mod report;
mod schedule;
mod script;
mod story;
mod upstream;
mod world;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Parser;

use crate::means::Machine;
use crate::report::{Failure, Report};
use crate::schedule::{Place, Schedule};
use crate::world::{Programs, World};

/// After how many failures it is time to look at them.
const ENOUGH_FAILURES: usize = 5;

/// Breaks a running Backstay in every way that it is said to survive.
#[derive(Debug, Parser)]
struct Options {
    #[command(flatten)]
    programs: Programs,
    /// The seed of the first schedule; the others follow on it. Random where none is given.
    #[arg(long)]
    seed: Option<u64>,
    /// How many schedules are drawn.
    #[arg(long, default_value_t = 100)]
    schedules: usize,
    /// For how many seconds schedules are drawn, whatever their number.
    #[arg(long)]
    seconds: Option<u64>,
    /// How many worlds there are at a time.
    #[arg(long, default_value_t = 4)]
    jobs: usize,
    /// Go through the list of every fault at every step first.
    #[arg(long)]
    fixed: bool,
}

/// What all worlds share.
struct Run {
    options: Options,
    machine: Machine,
    seed: u64,
    fixed: Vec<Schedule>,
    /// How many of the list were told, and how many of those that are drawn for each kind of world.
    listed: AtomicUsize,
    drawn: [AtomicUsize; 2],
    enough: AtomicBool,
    end: Option<Instant>,
    folder: PathBuf,
}

fn main() -> ExitCode {
    let options = Options::parse();
    // One thread: the work is done by the processes.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ran =
        means::enter_namespace().and(runtime.map_err(Into::into)).and_then(|rt| rt.block_on(run(options)));
    match ran {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("backstay-chaos: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether everything held.
async fn run(options: Options) -> Result<bool> {
    let options = Options { programs: options.programs.absolute()?, ..options };
    let start = Instant::now();
    let machine = Machine::look();
    let seed = options.seed.unwrap_or_else(|| rand::random::<u32>().into());
    println!("Seed {seed}");
    let folder = tempfile::Builder::new().prefix("backstay-chaos-").tempdir()?;
    let run = Run {
        fixed: if options.fixed { Schedule::fixed(machine.means(Place::Bare)) } else { vec![] },
        listed: AtomicUsize::new(0),
        drawn: Default::default(),
        enough: AtomicBool::new(false),
        end: options.seconds.map(|seconds| start + Duration::from_secs(seconds)),
        // Nix refuses a store whose path has a symbolic link in it.
        folder: folder.path().canonicalize()?,
        machine,
        seed,
        options,
    };
    let worlds = places(run.options.jobs, run.machine.has_systemd());
    let worlds = worlds.into_iter().enumerate().map(|(number, place)| live(&run, number, place));
    let mut report = Report::default();
    for world in futures::future::join_all(worlds).await {
        report.add(world?);
    }
    println!("{}", report.told(seed, start.elapsed(), &run.machine.left_out()));
    if !report.failures.is_empty() {
        // The logs are for whoever looks into it.
        let _ = folder.keep();
    }
    Ok(report.failures.is_empty())
}

/// What starts the agents of so many worlds: systemd in half of them, where it can be booted.
fn places(jobs: usize, has_systemd: bool) -> Vec<Place> {
    let kinds = if has_systemd { vec![Place::Bare, Place::Systemd] } else { vec![Place::Bare] };
    let number = jobs.max(kinds.len());
    kinds.into_iter().cycle().take(number).collect()
}

impl Run {
    /// The next schedule for a world of this kind, and its seed; none where it is enough.
    fn next(&self, place: Place) -> Option<(Option<u64>, Schedule)> {
        if self.enough.load(Ordering::Relaxed) {
            return None;
        }
        if place == Place::Bare
            && let Some(fixed) = self.fixed.get(self.listed.fetch_add(1, Ordering::Relaxed))
        {
            return Some((None, fixed.clone()));
        }
        let (drawn, seed) = self.draw(place);
        let over = match self.end {
            Some(end) => Instant::now() >= end,
            None => drawn >= self.options.schedules,
        };
        (!over).then(|| (Some(seed), Schedule::draw(seed, self.machine.means(place))))
    }

    /// The next seed of a kind of world, and the how many-th of all that are drawn it is: a seed alone says for which
    /// kind it is.
    fn draw(&self, place: Place) -> (usize, u64) {
        let number = self.drawn[usize::from(place == Place::Systemd)].fetch_add(1, Ordering::Relaxed);
        let seed = |drawn: usize| self.seed.wrapping_add(u64::try_from(drawn).unwrap_or_default());
        if !self.machine.has_systemd() {
            return (number, seed(number));
        }
        let first = usize::from(Place::of(self.seed) != place);
        (first + 2 * number, seed(first + 2 * number))
    }
}

/// One world after the other, where one is broken beyond use.
async fn live(run: &Run, number: usize, place: Place) -> Result<Report> {
    let mut report = Report::default();
    let mut worlds = 0;
    let mut next = run.next(place);
    while next.is_some() {
        worlds += 1;
        let folder = run.folder.join(format!("world-{number}-{worlds}"));
        std::fs::create_dir(&folder)?;
        let mut world = World::make(&run.options.programs, &run.machine, place, &folder).await?;
        while let Some((seed, schedule)) = next.take() {
            let broken = happen(&mut world, &schedule, &mut report).await;
            if !broken.is_empty() {
                println!("FAILED: {schedule}: {}", broken.join("; "));
                let logs = world.folder().display().to_string();
                report.failures.push(Failure { seed, schedule: schedule.to_string(), broken, logs });
                if report.failures.len() >= ENOUGH_FAILURES {
                    run.enough.store(true, Ordering::Relaxed);
                }
                next = run.next(place);
                break;
            }
            next = run.next(place);
        }
        if let Err(error) = world.verify_audit().await {
            let broken = vec![format!("{error:#}")];
            let logs = world.folder().display().to_string();
            report.failures.push(Failure { seed: None, schedule: "the audit log".to_owned(), broken, logs });
        }
    }
    Ok(report)
}

/// Lets one schedule happen, and tells what did not hold.
async fn happen(world: &mut World, schedule: &Schedule, report: &mut Report) -> Vec<String> {
    let told = async {
        let (before, op, happened) = story::tell(world, schedule).await?;
        let findings = check::check(world, schedule, &before, &op).await?;
        story::settle(world).await?;
        anyhow::Ok((op, happened, findings))
    };
    match told.await {
        Ok((op, happened, findings)) => {
            report.count(&happened, op.status, &findings);
            findings.broken
        }
        Err(error) => {
            report.schedules += 1;
            vec![format!("{error:#}")]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_worlds_are_under_systemd_where_it_can_be_booted() {
        use Place::{Bare, Systemd};
        assert_eq!(places(4, true), [Bare, Systemd, Bare, Systemd]);
        assert_eq!(places(1, true), [Bare, Systemd]);
        assert_eq!(places(0, false), [Bare]);
        assert_eq!(places(3, false), [Bare; 3]);
    }
}
