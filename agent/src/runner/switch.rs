//! Switch: builds and activates what the checkout says.

use backstay_protocol::Phase;

use super::position::Position;
use super::report::{Report, how};
use super::rollback::{cancelled, units_failed};
use super::verdict::Verdict;
use super::work::Work;
use crate::command::Ended;

pub(super) fn run(work: &mut Work<'_>) -> Verdict {
    let before = work.position();
    work.phase(Phase::Building);
    let command = work.adapter().switch(&work.host());
    let report = work.run_build(&command);
    let now = work.position();
    if report.ended.is_success() {
        return Verdict::completed(done(&before, &now)).with_exit(&report.ended);
    }
    Verdict::of(&report.ended, failed(work, &before, &now, &report))
}

fn done(before: &Position, now: &Position) -> String {
    match now.current {
        Some(number) if now.current == before.current => {
            format!("Gen {number} was activated again: the checkout builds nothing new.")
        }
        Some(number) => format!("Switched to Gen {number}."),
        None => "Switched.".to_owned(),
    }
}

fn failed(work: &Work<'_>, before: &Position, now: &Position, report: &Report) -> String {
    let is_cancelled = report.ended == Ended::Cancelled;
    if let (Some(number), false, false) = (now.current, report.failed_units.is_empty(), is_cancelled) {
        return units_failed(&format!("Gen {number}"), &report.failed_units);
    }
    let how = how(&report.ended);
    let said = report.last_words();
    if now == before && !report.activates {
        let what = if matches!(report.ended, Ended::NotStarted(_)) { "The switch" } else { "The build" };
        return format!("{what} {how}.{said} Nothing was changed. {}", now.told());
    }
    if is_cancelled {
        return cancelled("the new generation", before, now, report);
    }
    let meaning = match &report.ended {
        Ended::Exited(code) if *code != 1 => work.adapter().meaning(*code),
        _ => None,
    };
    let meaning = meaning.map(|text| format!(": {text}")).unwrap_or_default();
    format!("The switch {how}{meaning}.{said} {} Parts of the new generation may be active.", now.told())
}
