//! Schedules of faults: every fault at every step, and some hundred random ones.

use std::process::Stdio;

use anyhow::{Context as _, Result, bail};

use super::counts::Counts;
use super::rust::watch;
use crate::chaos::{Options, command};
use crate::places::Places;
use crate::run::shown;

/// Number of random schedules, besides every fault at every step.
const DRAWN: usize = 450;

pub(super) fn tests(places: &Places) -> Result<Counts> {
    crate::build::programs(places)?;
    let mut chaos = command(places, &Options::all_and(DRAWN))?;
    let (counts, fine) = watch(chaos.stdin(Stdio::null()), Counts::of_chaos)?;
    if !fine && counts.failed == 0 {
        bail!("`{}` failed before it had counted its schedules", shown(&chaos));
    }
    (counts != Counts::default()).then_some(counts).context("no schedule finished")
}
