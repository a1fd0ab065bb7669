//! Checks the promises: one execution, the correct result on both sides, every line once and in order.

use std::fs;

use anyhow::Result;
use backstay_model::OpStatus;

use crate::ledger::StoredOp;
use crate::schedule::{Ask, Fault, Schedule};
use crate::script::{Count, LINES};
use crate::story::Before;
use crate::world::World;

/// The notice in an output that is not complete.
const MISSING: &str = "missing";

/// The findings about one schedule.
#[derive(Debug, Clone, Default)]
pub(crate) struct Findings {
    pub(crate) executions: usize,
    pub(crate) lines: usize,
    /// Promises that did not hold.
    pub(crate) broken: Vec<String>,
}

impl Findings {
    fn hold(&mut self, holds: bool, otherwise: impl FnOnce() -> String) {
        if !holds {
            self.broken.push(otherwise());
        }
    }
}

/// Checks the world against the promises.
pub(crate) async fn check(
    world: &World,
    schedule: &Schedule,
    before: &Before,
    op: &StoredOp,
) -> Result<Findings> {
    let count = Count::of(&world.host).since(before.count);
    let mut findings = Findings { executions: count.executions(), ..Findings::default() };
    end(&mut findings, world, schedule, before, op, count).await?;
    lines(&mut findings, world, schedule, before, op).await?;
    record(&mut findings, world, schedule, before, op).await?;
    findings.hold(!world.has_damaged_entries()?, || "the journal has damaged entries".to_owned());
    Ok(findings)
}

/// One execution, with the matching result.
async fn end(
    findings: &mut Findings,
    world: &World,
    schedule: &Schedule,
    before: &Before,
    op: &StoredOp,
    count: Count,
) -> Result<()> {
    let once = Count::once(schedule.ask);
    findings.hold(count.is_within(once), || format!("it was carried out: {count:?}"));
    if op.status == OpStatus::Succeeded {
        findings.hold(count == once, || format!("it succeeded, and {count:?}"));
        reached(findings, world, schedule, before).await?;
    } else {
        let is_explained =
            schedule.mishaps.iter().any(|mishap| mishap.fault.explains(op.status, count.executions()));
        findings.hold(is_explained, || format!("it ended {} after {count:?}: {}", op.status, op.message));
    }
    if op.message.to_lowercase().contains("nothing was changed") {
        findings.hold(count.begun == 0, || format!("“{}”, and {count:?}", op.message));
    }
    Ok(())
}

/// The host is in the requested state.
async fn reached(findings: &mut Findings, world: &World, schedule: &Schedule, before: &Before) -> Result<()> {
    let mut hold = |holds: bool, what: String| findings.hold(holds, || format!("it succeeded, and {what}"));
    if schedule.ask.activates() {
        let current = world.current()?;
        let (build, running) = (world.store_path(current)?, fs::read_link(&world.host.running)?);
        hold(build == before.build, format!("the profile is on Gen {current}"));
        hold(running == before.build, format!("{} runs", running.display()));
        if schedule.ask == Ask::Rollback {
            hold(current == before.target, format!("the profile is on Gen {current}"));
        }
    }
    let commit = world.head().await?;
    hold(commit == before.commit, format!("the checkout is at {commit}"));
    Ok(())
}

/// Every line once and in order, from the first to the last.
async fn lines(
    findings: &mut Findings,
    world: &World,
    schedule: &Schedule,
    before: &Before,
    op: &StoredOp,
) -> Result<()> {
    let stored = world.ledger.lines(&op.id).await?;
    findings.lines = stored.len();
    let numbers: Vec<i64> = stored.iter().map(|(number, _)| *number).collect();
    let whole: Vec<i64> = (1..=op.output_through).collect();
    findings.hold(numbers == whole, || format!("its lines are numbered {numbers:?}"));
    let prefix = format!("{} line ", before.marker);
    let written: Vec<u32> =
        stored.iter().filter_map(|(_, text)| text.strip_prefix(&prefix)?.parse().ok()).collect();
    // Lines that a full disk did not take are missing, and the output says so.
    let says_missing = stored.iter().any(|(_, text)| text.contains(MISSING)) || op.message.contains(MISSING);
    let expected = if op.status == OpStatus::Succeeded { LINES as usize } else { written.len() };
    let fine = if schedule.has(Fault::AgentDiskFull) && says_missing {
        written.is_sorted_by(|a, b| a < b)
    } else {
        written.iter().copied().eq(1..=LINES.min(u32::try_from(expected)?)) && written.len() == expected
    };
    findings.hold(fine, || format!("it wrote lines 1 to {LINES}, and stored are {written:?}"));
    Ok(())
}

/// The server's records are correct, and the host is free.
async fn record(
    findings: &mut Findings,
    world: &World,
    schedule: &Schedule,
    before: &Before,
    op: &StoredOp,
) -> Result<()> {
    let rollbacks = world.ledger.rollbacks(&op.id).await?;
    let runs = fs::read_link(&world.host.running)? == world.store_path(before.target)?;
    let is_there = runs && world.current()? == before.target;
    let expected: &[bool] = match (schedule.ask, op.status) {
        (Ask::Rollback, OpStatus::Succeeded) => &[true],
        // An op that was refused, never reached its host or moved nothing did not take place.
        (Ask::Rollback, _) if rollbacks.is_empty() => &[],
        // However it ended, the host either reached its target or did not. Of a lost op that is unknown.
        (Ask::Rollback, status) if is_there && status != OpStatus::Lost => &[true],
        (Ask::Rollback, _) => &[false],
        _ => &[],
    };
    findings.hold(rollbacks == expected, || format!("it is recorded as rollbacks {rollbacks:?}"));
    Ok(())
}
