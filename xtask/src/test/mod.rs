//! `cargo xtask test`: everything that must hold before a change goes in.

mod browser;
mod chaos;
mod counts;
mod rust;
mod size;
mod systemd;

use std::time::{Duration, Instant};

use anyhow::Result;
use clap::ValueEnum;

use self::counts::Counts;
use crate::places::Places;
use crate::{build, setup, words};

/// A part of the tests that can be run alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// The formatting of the Rust sources.
    Fmt,
    /// Prose is written as `docs/writing.md` asks, and what it names exists.
    Words,
    /// Clippy, for this machine and for the browser.
    Clippy,
    /// The Rust tests, documentation examples included.
    Rust,
    /// Faults of every kind, made to the real programs.
    Chaos,
    /// The real programs under a booted systemd.
    Systemd,
    /// The documentation builds without a warning.
    Docs,
    /// The page as it is shipped is within its budget.
    Size,
    /// The tests in a real browser.
    E2e,
}

impl Part {
    const ALL: [Self; 9] = [
        Self::Fmt,
        Self::Words,
        Self::Clippy,
        Self::Rust,
        Self::Chaos,
        Self::Systemd,
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
            Self::Docs => "Documentation",
            Self::Size => "Page size",
            Self::E2e => "Browser tests",
        }
    }

    /// False for parts that read the sources alone.
    fn needs_setup(self) -> bool {
        !matches!(self, Self::Fmt | Self::Words)
    }

    fn run(self, places: &Places) -> Result<Counts> {
        match self {
            Self::Fmt => build::run(places, &["fmt", "--all", "--check"], &[]).map(|()| Counts::default()),
            Self::Words => words::test(places).map(|()| Counts::default()),
            Self::Clippy => rust::clippy(places).map(|()| Counts::default()),
            Self::Rust => rust::tests(places),
            Self::Chaos => chaos::tests(places),
            Self::Systemd => systemd::tests(places),
            Self::Docs => rust::docs(places).map(|()| Counts::default()),
            Self::Size => size::test(places),
            Self::E2e => browser::tests(places),
        }
    }
}

/// What became of one part.
struct Outcome {
    part: Part,
    counts: Counts,
    error: Option<anyhow::Error>,
    took: Duration,
}

/// Runs the parts asked for, or all; the answer is whether everything held.
pub(crate) fn run(places: &Places, only: &[Part]) -> Result<bool> {
    let parts: Vec<Part> =
        Part::ALL.into_iter().filter(|part| only.is_empty() || only.contains(part)).collect();
    if parts.iter().any(|part| part.needs_setup()) {
        setup::run(places)?;
    }
    let outcomes: Vec<Outcome> = parts.into_iter().map(|part| try_part(part, places)).collect();
    Ok(tell(&outcomes))
}

fn try_part(part: Part, places: &Places) -> Outcome {
    println!("\n== {} ==", part.title());
    let start = Instant::now();
    let (counts, error) = match part.run(places) {
        Ok(counts) => (counts, None),
        Err(error) => (Counts::default(), Some(error)),
    };
    Outcome { part, counts, error, took: start.elapsed() }
}

/// Tells how each part went, and last, alone on its line, how many tests passed and failed.
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
