//! Switch: builds and activates the checkout's configuration.

use backstay_model::{Phase, Platform};

use super::op_end::OpEnd;
use super::position::Position;
use super::report::{Report, how};
use super::rollback::{cancelled, has_not_begun, not_allowed, units_failed};
use super::work::Work;
use crate::command::CommandStatus;
use crate::platform::Stage;

pub(super) fn run(work: &mut Work<'_>) -> OpEnd {
    if let Some(busy) = work.busy() {
        return busy;
    }
    let before = work.position();
    work.phase(Phase::Building);
    let command = work.adapter().switch(&work.host());
    let report = work.run_build(&command);
    let end = judge(work, &before, &report);
    work.with_late_cancel(end)
}

fn judge(work: &Work<'_>, before: &Position, report: &Report) -> OpEnd {
    let now = work.position();
    if report.status.is_success() {
        return OpEnd::completed(done(before, &now)).with_exit(&report.status);
    }
    if let (Some(said), true) = (&report.not_allowed, now == *before && report.stage.is_none()) {
        return not_allowed(said).with_exit(&report.status);
    }
    if is_only_news(work, before, &now, report) {
        let message = format!(
            "{} home-manager {} after that.{}",
            done(before, &now),
            how(&report.status),
            report.last_words()
        );
        return OpEnd::completed(message).with_exit(&report.status);
    }
    OpEnd::of(&report.status, failed(work, before, &now, report))
}

/// Whether home-manager failed only after its activation, when it fetches its news from the network. An
/// activation sets the link to what runs last.
fn is_only_news(work: &Work<'_>, before: &Position, now: &Position, report: &Report) -> bool {
    work.config().platform == Platform::HomeManager
        && report.status == CommandStatus::Exited(1)
        && report.stage == Some(Stage::Begun)
        && now.is_settled()
        && now.running != before.running
}

fn done(before: &Position, now: &Position) -> String {
    match now.current {
        Some(number) if now.current == before.current => {
            format!("Gen {number} was activated again: the checkout builds the same generation.")
        }
        Some(number) => format!("Switched to Gen {number}."),
        None => "Switched.".to_owned(),
    }
}

fn failed(work: &Work<'_>, before: &Position, now: &Position, report: &Report) -> String {
    if let (Some(number), true) = (now.current, now.is_settled())
        && let Some(message) = units_failed(&format!("Gen {number}"), report)
    {
        return message;
    }
    let how = how(&report.status);
    let said = report.last_words();
    if now == before && report.stage.is_none() {
        let what =
            if matches!(report.status, CommandStatus::NotStarted(_)) { "The switch" } else { "The build" };
        return format!("{what} {how}.{said} Nothing was changed. {}", now.describe());
    }
    if report.status == CommandStatus::Cancelled {
        return cancelled("the new generation", before, now, report);
    }
    let meaning = match &report.status {
        CommandStatus::Exited(code) if report.stage.is_some() => work.adapter().meaning(*code),
        _ => None,
    };
    let meaning = meaning.map(|text| format!(": {text}")).unwrap_or_default();
    let state = if now.running == before.running && has_not_begun(work, report) {
        "Nothing was activated."
    } else if report.stage == Some(Stage::Begun) {
        "Parts of the new generation may be active."
    } else {
        "Its output does not show how far the activation got."
    };
    format!("The switch {how}{meaning}.{said} {state} {}", now.describe())
}
