//! `cargo xtask chaos`: breaks the real programs in every way that they should survive.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::build::{self, Built};
use crate::places::Places;
use crate::setup::{self, Purpose};

/// Which faults, and for how long.
#[derive(Debug, Default, Args)]
pub(crate) struct Options {
    /// Seed of the first schedule; the next ones count up from it. Random by default, and always printed.
    #[arg(long)]
    seed: Option<u64>,
    /// Number of random schedules; 100 by default.
    #[arg(long)]
    schedules: Option<usize>,
    /// Draw schedules for this time, such as 90s, 10m or 2h, whatever their number.
    #[arg(long = "for", value_parser = duration)]
    how_long: Option<Duration>,
    /// Number of worlds that run at the same time.
    #[arg(long)]
    jobs: Option<usize>,
    /// Go through every fault at every step. No random schedules follow unless their number or time is given.
    #[arg(long)]
    fixed: bool,
}

impl Options {
    /// Every fault at every step, and this number of random schedules.
    pub(crate) fn all_and(schedules: usize) -> Self {
        Self { schedules: Some(schedules), fixed: true, ..Self::default() }
    }

    /// Returns the number of random schedules, or `None` if no option says it.
    fn drawn(&self) -> Option<usize> {
        let only_the_list = self.fixed && self.how_long.is_none();
        self.schedules.or(only_the_list.then_some(0))
    }
}

/// Sets up, builds and injects faults; returns whether everything survived.
pub(crate) fn run(places: &Places, options: &Options) -> Result<bool> {
    setup::run(places, Purpose::Everything)?;
    build::programs(places)?;
    Ok(command(places, options)?.status().context("cannot run backstay-chaos")?.success())
}

/// The command that injects faults into the build.
pub(crate) fn command(places: &Places, options: &Options) -> Result<Command> {
    let built = Built::find(places)?;
    let mut command = Command::new(&built.chaos);
    command.arg("--server").arg(&built.server).arg("--agent").arg(&built.agent);
    let mut give = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            command.args([name, &value]);
        }
    };
    give("--seed", options.seed.map(|seed| seed.to_string()));
    give("--schedules", options.drawn().map(|count| count.to_string()));
    give("--seconds", options.how_long.map(|time| time.as_secs().to_string()));
    give("--jobs", options.jobs.map(|jobs| jobs.to_string()));
    if options.fixed {
        command.arg("--fixed");
    }
    Ok(command)
}

fn duration(text: &str) -> Result<Duration> {
    let (number, unit) = text.split_at(text.len() - text.chars().next_back().map_or(0, char::len_utf8));
    let factor = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => bail!("a duration ends with s, m or h"),
    };
    let number: u64 = number.parse().context("a duration is a number and a unit, such as 10m")?;
    Ok(Duration::from_secs(number.saturating_mul(factor)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read() {
        assert_eq!(duration("90s").unwrap(), Duration::from_secs(90));
        assert_eq!(duration("10m").unwrap(), Duration::from_mins(10));
        assert_eq!(duration("2h").unwrap(), Duration::from_hours(2));
        for bad in ["", "10", "m", "10 m", "-1m", "10ä"] {
            assert!(duration(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_list_alone_is_only_the_list() {
        let list = Options { fixed: true, ..Options::default() };
        assert_eq!(list.drawn(), Some(0));
        let timed = Options { fixed: true, how_long: Some(Duration::from_mins(1)), ..Options::default() };
        assert_eq!(timed.drawn(), None);
        assert_eq!(Options::all_and(450).drawn(), Some(450));
        assert_eq!(Options::default().drawn(), None);
    }
}
