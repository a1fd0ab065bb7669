//! Rollback: to exactly the generation that a person confirmed, or nowhere.

use backstay_protocol::message::Outcome;
use backstay_protocol::{GenerationRef, Phase, rollback};

use super::position::Position;
use super::report::{Report, how};
use super::verdict::Verdict;
use super::work::Work;
use crate::command::Ended;
use crate::platform::{Role, Step};

/// Takes the host to `target`, if it is still on `seen`.
pub(super) fn run(work: &mut Work<'_>, target: &GenerationRef, seen: &GenerationRef) -> Verdict {
    work.phase(Phase::Checking);
    if let Some(refused) = refusal(work, target, seen) {
        return refused;
    }
    let before = work.position();
    for step in work.adapter().rollback(&work.host(), target) {
        if let Some(stopped) = stopped(work, target, &before) {
            return stopped;
        }
        // Asking the build may have taken a while.
        if step.role.moves_profile()
            && let Some(refused) = refusal(work, target, seen)
        {
            return refused;
        }
        work.phase(step.role.phase());
        let report = match step.role {
            // Quick, and better not left half-way: a cancel is heeded after it.
            Role::SwitchProfile => work.run_after_all(&step.invocation),
            _ => work.run(&step.invocation),
        };
        if let Some(failed) = judge(work, target, &before, &step, &report) {
            return failed;
        }
    }
    Verdict::completed(format!("Rolled back to {target}.")).with_exit(&Ended::Exited(0))
}

/// Where the op was told to stop between two commands: nothing has been activated, so the host can be left as it was.
fn stopped(work: &mut Work<'_>, target: &GenerationRef, before: &Position) -> Option<Verdict> {
    let stopped = work.stopped()?;
    let now = work.position();
    let (Some(back), false) = (before.current, now == *before) else { return Some(stopped) };
    let why = match stopped.outcome {
        Outcome::Cancelled => "Cancelled",
        _ => "Its time ran out",
    };
    let told = point_back(work, back);
    Some(Verdict { message: format!("{why} before {target} was activated. {told}"), ..stopped })
}

/// Holds the request against what the host is at this moment.
fn refusal(work: &Work<'_>, target: &GenerationRef, seen: &GenerationRef) -> Option<Verdict> {
    let facts = work.facts().read_generations();
    rollback::check(&facts, target, seen).err().map(|refusal| Verdict::refused(refusal.to_string()))
}

/// What a step that did not succeed means; nothing where it did.
fn judge(
    work: &mut Work<'_>,
    target: &GenerationRef,
    before: &Position,
    step: &Step,
    report: &Report,
) -> Option<Verdict> {
    let ended = &report.ended;
    if ended.is_success() {
        return None;
    }
    match step.role {
        Role::Check => check_failed(work, target, report),
        Role::SwitchProfile => Some(profile_failed(work, target, before, report)),
        Role::Activate | Role::SwitchAndActivate => Some(activation_failed(work, target, before, report)),
    }
}

fn check_failed(work: &mut Work<'_>, target: &GenerationRef, report: &Report) -> Option<Verdict> {
    if matches!(report.ended, Ended::Exited(_)) && report.explained_itself {
        work.say("This build cannot be asked beforehand whether it can be activated. Going on.");
        return None;
    }
    let why = match &report.ended {
        Ended::Exited(_) => format!("{target} cannot be activated on what runs now.{}", report.last_words()),
        ended => format!("Asking {target} whether it can be activated {}.", how(ended)),
    };
    let message = format!("{why} Nothing was changed.");
    Some(match report.ended {
        Ended::Exited(_) | Ended::NotStarted(_) => Verdict::refused(message).with_exit(&report.ended),
        _ => Verdict::of(&report.ended, message),
    })
}

fn profile_failed(work: &Work<'_>, target: &GenerationRef, before: &Position, report: &Report) -> Verdict {
    let now = work.position();
    let unchanged = if now == *before { "Nothing was changed. " } else { "" };
    let message = format!(
        "The profile could not be pointed at {target}: the command {}.{} {unchanged}{}",
        how(&report.ended),
        report.last_words(),
        now.told()
    );
    Verdict::of(&report.ended, message)
}

/// Where an activation failed before it began, the profile is pointed back at where it was.
///
/// `nixos-rebuild` leaves the profile at the target then. That serves nobody here: the host would run one generation and
/// call another one current, and a second try at the same rollback, after the cause was mended, would be refused
/// because the host "is on it already". Where the activation had begun, or may have, the profile stays at the target,
/// which is what the next boot or the next try should be about; the message says so.
fn activation_failed(
    work: &mut Work<'_>,
    target: &GenerationRef,
    before: &Position,
    report: &Report,
) -> Verdict {
    let ended = &report.ended;
    let now = work.position();
    let runs = now.running.as_deref() == Some(target.store_path.as_str());
    if runs && !report.failed_units.is_empty() {
        return Verdict::of(ended, units_failed(&target.to_string(), &report.failed_units));
    }
    if *ended == Ended::Cancelled {
        return Verdict::of(ended, cancelled(&target.to_string(), before, &now, report));
    }
    let why = why(work, target, report);
    if let (Ended::Exited(code), Some(back)) = (ended, before.current) {
        let unmoved = !runs && now.running == before.running && now.current == Some(target.number);
        if unmoved && work.adapter().has_not_begun(*code) {
            let told = point_back(work, back);
            return Verdict::of(ended, format!("{why} {told} Mend the cause and try again."));
        }
    }
    let advice = match ended {
        _ if runs => "Look at the output for what is missing.",
        Ended::NotStarted(_) => "Nothing was activated.",
        _ => "Parts of it may be active. Switch, or roll back to another generation.",
    };
    Verdict::of(ended, format!("{why} {} {advice}", now.told()))
}

fn why(work: &Work<'_>, target: &GenerationRef, report: &Report) -> String {
    let meaning = match &report.ended {
        Ended::Exited(code) => work.adapter().meaning(*code),
        _ => None,
    };
    let meaning = meaning.map(|text| format!(": {text}")).unwrap_or_default();
    format!(
        "{target} could not be activated. The command {}{meaning}.{}",
        how(&report.ended),
        report.last_words()
    )
}

fn point_back(work: &mut Work<'_>, number: u32) -> String {
    work.say(&format!("Nothing was activated, so the profile goes back to Gen {number}."));
    let command = work.adapter().point_profile(&work.host(), number);
    let report = work.run_after_all(&command);
    let now = work.position().told();
    if report.ended.is_success() {
        format!("The profile was pointed back at Gen {number}. {now}")
    } else {
        format!("The profile could not be pointed back: the command {}. {now}", how(&report.ended))
    }
}

/// What is to be said of an op that was cancelled while a command ran that activates `what`: a cancel takes nothing back.
pub(super) fn cancelled(what: &str, before: &Position, now: &Position, report: &Report) -> String {
    if now == before && !report.activates {
        return format!("Cancelled before {what} was activated. Nothing was changed. {}", now.told());
    }
    format!(
        "Cancelled while {what} was being activated. Cancelling undid nothing: what was activated stays, and parts of it \
         may be missing. {} Roll back to another generation, or switch, to bring the host to a known state.",
        now.told()
    )
}

/// What switch-to-configuration's 4 means.
pub(super) fn units_failed(generation: &str, units: &[String]) -> String {
    format!("{generation} is active, but these units failed: {}.", units.join(", "))
}
