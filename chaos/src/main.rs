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
mod world;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Parser;

use crate::means::Machine;
use crate::report::{Failure, Report};
use crate::schedule::Schedule;
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
    next: AtomicUsize,
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
        fixed: if options.fixed { Schedule::fixed(machine.means()) } else { vec![] },
        next: AtomicUsize::new(0),
        enough: AtomicBool::new(false),
        end: options.seconds.map(|seconds| start + Duration::from_secs(seconds)),
        // Nix refuses a store whose path has a symbolic link in it.
        folder: folder.path().canonicalize()?,
        machine,
        seed,
        options,
    };
    let worlds = (0..run.options.jobs.max(1)).map(|number| live(&run, number));
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

impl Run {
    /// The next schedule and its seed; none where it is enough.
    fn next(&self) -> Option<(Option<u64>, Schedule)> {
        if self.enough.load(Ordering::Relaxed) {
            return None;
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        if let Some(fixed) = self.fixed.get(number) {
            return Some((None, fixed.clone()));
        }
        let drawn = number - self.fixed.len();
        let over = match self.end {
            Some(end) => Instant::now() >= end,
            None => drawn >= self.options.schedules,
        };
        let seed = self.seed.wrapping_add(u64::try_from(drawn).unwrap_or_default());
        (!over).then(|| (Some(seed), Schedule::draw(seed, self.machine.means())))
    }
}

/// One world after the other, where one is broken beyond use.
async fn live(run: &Run, number: usize) -> Result<Report> {
    let mut report = Report::default();
    let mut worlds = 0;
    let mut next = run.next();
    while next.is_some() {
        worlds += 1;
        let folder = run.folder.join(format!("world-{number}-{worlds}"));
        std::fs::create_dir(&folder)?;
        let mut world = World::make(&run.options.programs, &run.machine, &folder).await?;
        while let Some((seed, schedule)) = next.take() {
            let broken = happen(&mut world, &schedule, &mut report).await;
            if !broken.is_empty() {
                println!("FAILED: {schedule}: {}", broken.join("; "));
                let logs = world.folder().display().to_string();
                report.failures.push(Failure { seed, schedule: schedule.to_string(), broken, logs });
                if report.failures.len() >= ENOUGH_FAILURES {
                    run.enough.store(true, Ordering::Relaxed);
                }
                next = run.next();
                break;
            }
            next = run.next();
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
