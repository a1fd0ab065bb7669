//! Breaks a running Backstay in every way that it promises to survive, and checks that it did.
//!
//! ```text
//! person ─▶ server ◀─▶ proxy ◀─▶ agent ─▶ runner ─▶ nix-env, activation script
//!              │          │         │                     │
//!           database   stops at   journal             counts itself
//!                      messages
//! ```
//!
//! A [`schedule`] is one op and what goes wrong with it, drawn from a seed. It happens ([`story`]) to a
//! [`world`] of real processes, a real database and a real Nix profile. When everything is at rest again,
//! [`check`] compares the state with the promises (`docs/reliability.md`).

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

/// The number of failures after which to stop.
const ENOUGH_FAILURES: usize = 5;

/// Breaks a running Backstay in every way that it promises to survive.
#[derive(Debug, Parser)]
struct Options {
    #[command(flatten)]
    programs: Programs,
    /// The seed of the first schedule; the others follow. Random by default.
    #[arg(long)]
    seed: Option<u64>,
    /// The number of schedules to draw.
    #[arg(long, default_value_t = 100)]
    schedules: usize,
    /// Draw schedules for this many seconds, whatever their number.
    #[arg(long)]
    seconds: Option<u64>,
    /// The number of simultaneous worlds.
    #[arg(long, default_value_t = 4)]
    jobs: usize,
    /// Run the list of every fault at every step first.
    #[arg(long)]
    fixed: bool,
}

/// State that all worlds share.
struct Run {
    options: Options,
    machine: Machine,
    seed: u64,
    fixed: Vec<Schedule>,
    /// Progress in the list, and the number of schedules drawn for each kind of world.
    listed: AtomicUsize,
    drawn: [AtomicUsize; 2],
    enough: AtomicBool,
    end: Option<Instant>,
    folder: PathBuf,
}

fn main() -> ExitCode {
    let options = Options::parse();
    // One thread is enough: the other processes do the work.
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

/// Returns whether everything held.
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
        // Nix refuses a store whose path contains a symbolic link.
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
        // The logs are kept for the investigation.
        let _ = folder.keep();
    }
    Ok(report.failures.is_empty())
}

/// The kinds of that many worlds: half of them under systemd, if it can be booted.
fn places(jobs: usize, has_systemd: bool) -> Vec<Place> {
    let kinds = if has_systemd { vec![Place::Bare, Place::Systemd] } else { vec![Place::Bare] };
    let number = jobs.max(kinds.len());
    kinds.into_iter().cycle().take(number).collect()
}

impl Run {
    /// The next schedule for a world of this kind, and its seed, or `None` if there were enough.
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

    /// The next seed for a kind of world, and its index among all draws: a seed alone determines its kind.
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

/// Runs one world, and another if that one is broken beyond use.
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

/// Runs one schedule, and returns what did not hold.
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
    fn half_of_the_worlds_are_under_systemd_if_it_can_be_booted() {
        use Place::{Bare, Systemd};
        assert_eq!(places(4, true), [Bare, Systemd, Bare, Systemd]);
        assert_eq!(places(1, true), [Bare, Systemd]);
        assert_eq!(places(0, false), [Bare]);
        assert_eq!(places(3, false), [Bare; 3]);
    }
}
