//! Schedules of faults: every fault at every step, and some hundred at random.

use std::process::Stdio;

use anyhow::{Context as _, Result};

use super::counts::Counts;
use super::rust::watch;
use crate::chaos::{Options, command};
use crate::places::Places;

/// How many schedules are drawn beside the list of every fault at every step.
const DRAWN: usize = 450;

pub(super) fn tests(places: &Places) -> Result<Counts> {
    crate::build::programs(places)?;
    let mut chaos = command(places, &Options::all_and(DRAWN))?;
    let (counts, _) = watch(chaos.stdin(Stdio::null()), Counts::of_chaos)?;
    (counts != Counts::default()).then_some(counts).context("no schedule came to its end")
}
