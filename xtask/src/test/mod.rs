//! `cargo xtask test`: everything that must pass before a change goes in.

mod browser;
mod changed;
mod chaos;
mod counts;
mod nix;
mod rust;
mod size;
mod systemd;
pub(crate) mod times;

use std::time::{Duration, Instant};

use anyhow::Result;
use clap::{Args, ValueEnum};

use self::changed::Change;
use self::counts::Counts;
use self::times::Times;
use crate::places::Places;
use crate::setup::{self, Purpose};
use crate::{build, reference, words};

/// A Rust test that takes this long does not run for a change; all run before it goes in.
const SLOW: Duration = Duration::from_secs(4);

/// Which tests to run.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Run only this part; may be given several times.
    #[arg(long, value_enum)]
    only: Vec<Part>,
    /// Run only what the change since the main branch can break, and say what is left out.
    #[arg(long, conflicts_with = "only")]
    changed: bool,
}

/// A part of the tests that can be run alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// The formatting of the Rust sources.
    Fmt,
    /// Prose is written as `docs/writing.md` asks, and what it names exists.
    Words,
    /// Clippy, for this machine and for the browser.
    Clippy,
    /// The Rust tests, including documentation examples.
    Rust,
    /// Faults of every kind, injected into the real programs.
    Chaos,
    /// The real programs under a booted systemd.
    Systemd,
    /// The flake's files, modules and units.
    Nix,
    /// The code's documentation builds without a warning, and the reference is what the programs say.
    Docs,
    /// The page's files are within their budget.
    Size,
    /// The tests in a real browser.
    E2e,
}

impl Part {
    const ALL: [Self; 10] = [
        Self::Fmt,
        Self::Words,
        Self::Clippy,
        Self::Rust,
        Self::Chaos,
        Self::Systemd,
        Self::Nix,
        Self::Docs,
        Self::Size,
        Self::E2e,
    ];

    fn title(self) -> &'static str {
        match self {
            Self::Fmt => "Formatting",
            Self::Words => "Words",
            Self::Clippy => "Clippy",
            Self::Rust => "Rust tests",
            Self::Chaos => "Chaos",
            Self::Systemd => "Under systemd",
            Self::Nix => "Nix",
            Self::Docs => "Documentation",
            Self::Size => "Page size",
            Self::E2e => "Browser tests",
        }
    }

    /// Returns the command that runs this part alone.
    fn command(self) -> String {
        let name = self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        format!("cargo xtask test --only {name}")
    }

    /// False for parts that read the sources alone.
    fn needs_setup(self) -> bool {
        !matches!(self, Self::Fmt | Self::Words)
    }

    fn run(self, places: &Places, times: &Times, filter: Option<&str>) -> Result<Counts> {
        match self {
            Self::Fmt => build::run(places, &["fmt", "--all", "--check"], &[]).map(|()| Counts::default()),
            Self::Words => words::test(places).map(|()| Counts::default()),
            Self::Clippy => rust::clippy(places, filter).map(|()| Counts::default()),
            Self::Rust => rust::tests(places, times, filter),
            Self::Chaos => chaos::tests(places),
            Self::Systemd => systemd::tests(places),
            Self::Nix => nix::tests(places),
            Self::Docs => {
                rust::docs(places)?;
                reference::check(places).map(|()| Counts::default())
            }
            Self::Size => size::test(places),
            Self::E2e => browser::tests(places, times),
        }
    }
}

/// The result of one part.
struct Outcome {
    part: Part,
    counts: Counts,
    error: Option<anyhow::Error>,
    took: Duration,
}

/// Runs the parts that were chosen, or all; returns whether everything passed.
pub(crate) fn run(places: &Places, options: &Options) -> Result<bool> {
    if options.changed {
        return run_changed(places);
    }
    let only = &options.only;
    let parts: Vec<Part> =
        Part::ALL.into_iter().filter(|part| only.is_empty() || only.contains(part)).collect();
    run_parts(places, &parts, None)
}

/// Runs what takes minutes and what the change can break, and says what is left out.
fn run_changed(places: &Places) -> Result<bool> {
    let change = Change::find(places)?;
    if change.files.is_empty() {
        println!("Nothing has changed since the main branch.");
        return Ok(true);
    }
    let slow = Times::recorded(places).slow_rust_tests(SLOW);
    let filter = change.crates.filter();
    let mut parts = vec![Part::Words];
    if change.has(&[".rs", ".toml", ".lock"]) {
        parts.extend([Part::Fmt, Part::Clippy]);
    }
    if change.has(&[".nix", "nix-options.md"]) {
        parts.push(Part::Nix);
    }
    if let Some(filter) = &filter {
        parts.push(Part::Rust);
        println!("Tests of {filter}");
    }
    let filter = filter.map(|filter| without(&filter, &slow));
    let fine = run_parts(places, &parts, filter.as_deref())?;
    if filter.is_some() && !slow.is_empty() {
        println!(
            "Not run: {} Rust tests that last took {} s and more: {}",
            slow.len(),
            SLOW.as_secs(),
            Part::Rust.command()
        );
    }
    for part in left_out(&change) {
        println!("Not run, and this change can break it: {}", part.command());
    }
    Ok(fine)
}

/// Takes tests out of a filter of nextest.
fn without(filter: &str, tests: &[(String, String)]) -> String {
    let out = tests.iter().map(|(binary, test)| format!(" - (binary_id(={binary}) & test(={test}))"));
    format!("({filter}){}", out.collect::<String>())
}

/// The parts that take longer and that a change can break as well.
fn left_out(change: &Change) -> Vec<Part> {
    let shared = change.touches(&["model/", "Cargo.", ".cargo/"]);
    let page = shared || change.touches(&["app/", "frontend/", "style/", "public/"]);
    let programs = shared || change.touches(&["agent/", "fleet/", "migrations/", "server/"]);
    let parts = [
        (Part::Docs, change.has(&[".rs"])),
        (Part::Chaos, programs || change.touches(&["testing/chaos/"])),
        (Part::Systemd, programs || change.touches(&["testing/guest/"])),
        (Part::Size, page),
        (Part::E2e, page || programs || change.touches(&["end2end/", "testing/github-stand-in/"])),
    ];
    parts.into_iter().filter_map(|(part, can_break)| can_break.then_some(part)).collect()
}

fn run_parts(places: &Places, parts: &[Part], filter: Option<&str>) -> Result<bool> {
    if parts.iter().any(|part| part.needs_setup()) {
        setup::run(places, Purpose::Everything)?;
    }
    let mut times = Times::recorded(places);
    let mut outcomes = Vec::new();
    for part in parts {
        let outcome = try_part(*part, places, &times, filter);
        times.add_part(part.title(), outcome.took);
        outcomes.push(outcome);
    }
    if parts.iter().any(|part| part.needs_setup()) {
        times.save(places)?;
    }
    Ok(tell(&outcomes))
}

fn try_part(part: Part, places: &Places, times: &Times, filter: Option<&str>) -> Outcome {
    println!("\n== {} ==", part.title());
    let start = Instant::now();
    let (counts, error) = match part.run(places, times, filter) {
        Ok(counts) => (counts, None),
        Err(error) => (Counts::default(), Some(error)),
    };
    Outcome { part, counts, error, took: start.elapsed() }
}

/// Prints the result of each part, and on a last line of its own the counts of passed and failed tests.
fn tell(outcomes: &[Outcome]) -> bool {
    println!();
    let mut all = Counts::default();
    let mut held = true;
    for outcome in outcomes {
        let fine = outcome.error.is_none() && outcome.counts.failed == 0;
        let word = if fine { "ok" } else { "FAILED" };
        println!(
            "{:<14} {word:<6} {:>4} s  {}",
            outcome.part.title(),
            outcome.took.as_secs(),
            outcome.counts.words()
        );
        if let Some(error) = &outcome.error {
            println!("    {error:#}");
        }
        held &= fine;
        all = all.and(outcome.counts);
    }
    println!("{} passed, {} failed", all.passed, all.failed);
    held
}
