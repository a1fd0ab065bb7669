//! Whether what was promised held: one execution, the right end on both sides, every line once and in order.

use std::fs;

use anyhow::Result;
use backstay_protocol::OpStatus;

use crate::ledger::StoredOp;
use crate::schedule::{Ask, Fault, Schedule};
use crate::script::{self, LINES};
use crate::story::Before;
use crate::world::World;

/// What was found of one schedule.
#[derive(Debug, Clone, Default)]
pub(crate) struct Findings {
    pub(crate) executions: usize,
    pub(crate) lines: usize,
    /// What was promised and did not hold.
    pub(crate) broken: Vec<String>,
}

impl Findings {
    fn hold(&mut self, holds: bool, otherwise: impl FnOnce() -> String) {
        if !holds {
            self.broken.push(otherwise());
        }
    }
}

/// Holds the world against what was promised.
pub(crate) async fn check(
    world: &World,
    schedule: &Schedule,
    before: &Before,
    op: &StoredOp,
) -> Result<Findings> {
    let mut findings = Findings { executions: executions(world, schedule, before), ..Findings::default() };
    end(&mut findings, world, schedule, before, op)?;
    lines(&mut findings, world, schedule, before, op).await?;
    record(&mut findings, world, schedule, op).await?;
    Ok(findings)
}

fn executions(world: &World, schedule: &Schedule, before: &Before) -> usize {
    match schedule.ask {
        Ask::Rollback => script::count(&world.host.activations) - before.activations,
        Ask::Test => script::count(&world.host.folder.join("test-runs.log")) - before.test_runs,
    }
}

/// One execution, and the end that it had.
fn end(
    findings: &mut Findings,
    world: &World,
    schedule: &Schedule,
    before: &Before,
    op: &StoredOp,
) -> Result<()> {
    let count = findings.executions;
    findings.hold(count <= 1, || format!("it was carried out {count} times"));
    let may_end = schedule.mishaps.iter().any(|mishap| mishap.fault.may_end_it());
    let told = || format!("it ended {}: {}", op.status, op.message);
    if op.status == OpStatus::Succeeded {
        findings.hold(count == 1, || "it succeeded without having been carried out".to_owned());
        if schedule.ask == Ask::Rollback {
            let target = world.store_path(before.target)?;
            let (current, running) = (world.current()?, fs::read_link(&world.host.running)?);
            findings.hold(current == before.target, || {
                format!("it succeeded, and the profile is on Gen {current}")
            });
            findings.hold(running == target, || format!("it succeeded, and {} runs", running.display()));
        }
    } else {
        findings.hold(may_end, told);
    }
    if op.status == OpStatus::Lost {
        findings.hold(count == 0, || "it is lost, and it was carried out".to_owned());
    }
    if op.message.contains("Nothing was changed") || op.message.contains("nothing was changed") {
        findings.hold(count == 0, || format!("“{}”, and it was carried out", op.message));
    }
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
    let is_cut_short = op.status != OpStatus::Succeeded || schedule.has(Fault::AgentDiskFull);
    let expected: Vec<u32> = (1..=LINES).collect();
    let fine = if is_cut_short { written.is_sorted_by(|a, b| a < b) } else { written == expected };
    findings.hold(fine, || format!("it wrote lines 1 to {LINES}, and stored are {written:?}"));
    Ok(())
}

/// What the server has recorded, and that the host is free.
async fn record(findings: &mut Findings, world: &World, schedule: &Schedule, op: &StoredOp) -> Result<()> {
    let rollbacks = world.ledger.rollbacks(&op.id).await?;
    let expected: &[bool] = match (schedule.ask, op.status) {
        (Ask::Rollback, OpStatus::Succeeded) => &[true],
        // One that was refused, or never reached its host, did not take place.
        (Ask::Rollback, _) if !rollbacks.is_empty() => &[false],
        _ => &[],
    };
    findings.hold(rollbacks == expected, || format!("it is recorded as rollbacks {rollbacks:?}"));
    Ok(())
}
