//! Rollback: to exactly the generation that a person confirmed, or nowhere.

use std::fmt;
use std::path::{Path, PathBuf};

use backstay_model::Outcome;
use backstay_model::{GenerationRef, Phase, rollback};

use super::op_end::OpEnd;
use super::position::Position;
use super::report::{Report, how};
use super::work::Work;
use crate::command::CommandStatus;
use crate::platform::{Role, Stage, Step};

/// What a rollback activates: a generation, or one of its specialisations.
#[derive(Clone, Copy)]
struct Target<'a> {
    generation: &'a GenerationRef,
    specialisation: Option<&'a str>,
}

impl Target<'_> {
    /// The build to activate. A specialisation is a link to one, which sudo's rules know by its own path.
    fn build(&self) -> PathBuf {
        let generation = Path::new(&self.generation.store_path);
        let Some(name) = self.specialisation else { return generation.to_owned() };
        let link = generation.join("specialisation").join(name);
        link.canonicalize().unwrap_or(link)
    }

    /// Whether it runs at this position.
    fn runs_at(&self, position: &Position) -> bool {
        position.running.as_ref() == Some(&self.generation.store_path)
            && position.specialisation.as_deref() == self.specialisation
    }
}

impl fmt::Display for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.generation.with(self.specialisation))
    }
}

/// Takes the host to `generation`, or its `specialisation`, if it is still on `seen`.
pub(super) fn run(
    work: &mut Work<'_>,
    generation: &GenerationRef,
    seen: &GenerationRef,
    specialisation: Option<&str>,
) -> OpEnd {
    let end = go(work, Target { generation, specialisation }, seen);
    work.with_late_cancel(end)
}

fn go(work: &mut Work<'_>, target: Target<'_>, seen: &GenerationRef) -> OpEnd {
    work.phase(Phase::Checking);
    if let Some(refused) = refusal(work, target, seen).or_else(|| work.busy()) {
        return refused;
    }
    let before = work.position();
    for step in work.adapter().rollback(&work.host(), target.generation, &target.build()) {
        if let Some(stopped) = stopped(work, target, &before) {
            return stopped;
        }
        // The host may have moved while the build ran its check.
        if step.role.moves_profile()
            && let Some(refused) = refusal(work, target, seen)
        {
            return refused;
        }
        work.phase(step.role.phase());
        let report = match step.role {
            Role::Check => work.run(&step.invocation),
            // Quick, and better not left half-way: a cancel takes effect after it.
            Role::SwitchProfile => work.run_cleanup(&step.invocation),
            Role::Activate | Role::SwitchAndActivate => work.run_activation(&step.invocation),
        };
        if let Some(failed) = judge(work, target, &before, &step, &report) {
            return failed;
        }
    }
    let done = rollback::done_words(seen, target.generation, target.specialisation);
    let done = OpEnd::completed(format!("{done}.")).with_exit(&CommandStatus::Exited(0));
    match &before.specialisation {
        Some(name) if target.specialisation.is_none() => {
            done.and(&format!("The specialisation “{name}” was active before; {target} itself runs now."))
        }
        _ => done,
    }
}

/// Handles a stop between two commands. Nothing has been activated, so the host can be left as it was.
fn stopped(work: &mut Work<'_>, target: Target<'_>, before: &Position) -> Option<OpEnd> {
    let stopped = work.stopped()?;
    let now = work.position();
    let (Some(back), false) = (before.current, now == *before) else { return Some(stopped) };
    let why = match stopped.outcome {
        Outcome::Cancelled => "Cancelled",
        _ => "Its time ran out",
    };
    let (_, state) = point_back(work, back);
    Some(OpEnd { message: format!("{why} before {target} was activated. {state}"), ..stopped })
}

/// Checks the request against the state of the host now.
fn refusal(work: &Work<'_>, target: Target<'_>, seen: &GenerationRef) -> Option<OpEnd> {
    let facts = work.facts().read_generations();
    rollback::check(&facts, target.generation, seen, target.specialisation)
        .err()
        .map(|refusal| OpEnd::refused(refusal.to_string()))
}

/// Returns how the op ends after a failed step, or `None` if the step succeeded.
fn judge(
    work: &mut Work<'_>,
    target: Target<'_>,
    before: &Position,
    step: &Step,
    report: &Report,
) -> Option<OpEnd> {
    if report.status.is_success() {
        return None;
    }
    match step.role {
        Role::Check => check_failed(work, target, report),
        Role::SwitchProfile => Some(profile_failed(work, target, before, report)),
        Role::Activate | Role::SwitchAndActivate => Some(activation_failed(work, target, before, report)),
    }
}

fn check_failed(work: &mut Work<'_>, target: Target<'_>, report: &Report) -> Option<OpEnd> {
    if let Some(said) = &report.not_allowed {
        return Some(not_allowed(said).with_exit(&report.status));
    }
    if matches!(report.status, CommandStatus::Exited(_)) && report.explained_itself {
        work.say("This build has no check to run before its activation. Continuing.");
        return None;
    }
    let said = report.last_words();
    let why = match &report.status {
        CommandStatus::Exited(code) => match work.adapter().meaning(*code) {
            Some(meaning) => format!("{target} cannot be activated now: {meaning}.{said}"),
            None => format!("{target} cannot be activated on the running system.{said}"),
        },
        status => format!("The check of {target} before its activation {}.", how(status)),
    };
    let message = format!("{why} Nothing was changed.");
    Some(match report.status {
        CommandStatus::Exited(_) | CommandStatus::NotStarted(_) => {
            OpEnd::refused(message).with_exit(&report.status)
        }
        _ => OpEnd::of(&report.status, message),
    })
}

fn profile_failed(work: &Work<'_>, target: Target<'_>, before: &Position, report: &Report) -> OpEnd {
    let now = work.position();
    let is_unchanged = now == *before;
    if let (Some(said), true) = (&report.not_allowed, is_unchanged) {
        return not_allowed(said).with_exit(&report.status);
    }
    let unchanged = if is_unchanged { "Nothing was changed. " } else { "" };
    let message = format!(
        "The profile could not be pointed at {target}: the command {}.{} {unchanged}{}",
        how(&report.status),
        report.last_words(),
        now.describe()
    );
    match report.status {
        CommandStatus::Exited(_) | CommandStatus::NotStarted(_) if is_unchanged => {
            OpEnd::refused(message).with_exit(&report.status)
        }
        _ => OpEnd::of(&report.status, message),
    }
}

/// The end of an op for which sudo did not start a command, before anything was changed.
pub(super) fn not_allowed(said: &str) -> OpEnd {
    OpEnd::refused(format!(
        "The agent is not root, and sudo does not let it run this as root ({}). Nothing was changed. Allow that for the \
         agent's user without a password.",
        said.trim_end_matches('.')
    ))
}

/// Determines what a failed activation has left behind, and cleans up.
///
/// If nothing was activated, the profile goes back to its previous generation: otherwise the host would run
/// one generation, call another one current, and boot that one next. If the activation had begun, or may
/// have, the profile stays at the target, because the next attempt will be about the target.
fn activation_failed(work: &mut Work<'_>, target: Target<'_>, before: &Position, report: &Report) -> OpEnd {
    let status = &report.status;
    let now = work.position();
    let runs = target.runs_at(&now);
    if runs && let Some(told) = units_failed(&target.to_string(), report) {
        return OpEnd::of(status, told);
    }
    if *status == CommandStatus::Cancelled {
        return OpEnd::of(status, cancelled(&target.to_string(), before, &now, report));
    }
    let why = why(work, target, report);
    if !runs && now.runs_like(before) && has_not_begun(work, report) {
        return nothing_activated(work, target, before, &now, report, &why);
    }
    let advice = match report.stage {
        _ if runs => "See the output for what is missing.".to_owned(),
        Some(Stage::Begun) => {
            format!("Parts of {target} may be active. Try again, or choose another generation.")
        }
        _ if *status == CommandStatus::Exited(100) => String::new(),
        _ => "Its output does not show how far it got. Try again, or choose another generation.".to_owned(),
    };
    OpEnd::of(status, format!("{why} {} {advice}", now.describe()).trim_end().to_owned())
}

/// Whether an activation has left what runs unchanged.
pub(super) fn has_not_begun(work: &Work<'_>, report: &Report) -> bool {
    match report.status {
        CommandStatus::NotStarted(_) => true,
        CommandStatus::Exited(_) if report.not_allowed.is_some() && report.stage.is_none() => true,
        CommandStatus::Exited(code) => work.adapter().has_not_begun(code, report.stage),
        _ => false,
    }
}

fn nothing_activated(
    work: &mut Work<'_>,
    target: Target<'_>,
    before: &Position,
    now: &Position,
    report: &Report,
    why: &str,
) -> OpEnd {
    let (is_back, state) = match before.current {
        Some(back) if back != target.generation.number && now.current == Some(target.generation.number) => {
            point_back(work, back)
        }
        _ => (true, format!("Nothing was activated. {}", now.describe())),
    };
    let message = format!("{why} {state} Fix the cause and try again.");
    // Only checks ran. A boot loader that failed may have written something.
    if is_back && report.only_checked() {
        return OpEnd::refused(message).with_exit(&report.status);
    }
    OpEnd::of(&report.status, message)
}

fn why(work: &Work<'_>, target: Target<'_>, report: &Report) -> String {
    if let (Some(said), None) = (&report.not_allowed, report.stage) {
        return format!(
            "{target} could not be activated. The agent is not root, and sudo does not let it run this as root ({}).",
            said.trim_end_matches('.')
        );
    }
    let meaning = match &report.status {
        CommandStatus::Exited(code) => work.adapter().meaning(*code),
        _ => None,
    };
    let meaning = meaning.map(|text| format!(": {text}")).unwrap_or_default();
    format!(
        "{target} could not be activated. The command {}{meaning}.{}",
        how(&report.status),
        report.last_words()
    )
}

/// Points the profile back. Returns whether that worked, and a description.
fn point_back(work: &mut Work<'_>, number: u32) -> (bool, String) {
    work.say(&format!("Nothing was activated, so the profile goes back to Gen {number}."));
    let command = work.adapter().point_profile(&work.host(), number);
    let report = work.run_cleanup(&command);
    let now = work.position();
    let told = if report.status.is_success() {
        format!("Nothing was activated, and the profile was pointed back at Gen {number}. {}", now.describe())
    } else {
        format!(
            "Nothing was activated. The profile could not be pointed back: the command {}. {}",
            how(&report.status),
            now.describe()
        )
    };
    (report.status.is_success(), told)
}

/// The message about an op that was cancelled while a command activated `what`. A cancel takes nothing back.
pub(super) fn cancelled(what: &str, before: &Position, now: &Position, report: &Report) -> String {
    if now == before && report.stage.is_none() {
        return format!("Cancelled before {what} was activated. Nothing was changed. {}", now.describe());
    }
    format!(
        "Cancelled while {what} was being activated. Nothing was undone: what was activated stays, and parts of it may be \
         missing. {} Roll back to another generation, or switch, to bring the host to a known state.",
        now.describe()
    )
}

/// The meaning of switch-to-configuration's 4 for a running generation, or `None` if it does not say that
/// units failed.
pub(super) fn units_failed(generation: &str, report: &Report) -> Option<String> {
    let units = &report.failed_units;
    if units.is_empty() {
        let some_failed = report.status == CommandStatus::Exited(4) && report.stage == Some(Stage::Begun);
        return some_failed.then(|| {
            format!("{generation} is active, but some of its units failed.{}", report.last_words())
        });
    }
    let status = matches!(report.status, CommandStatus::Exited(_));
    status.then(|| format!("{generation} is active, but these units failed: {}.", units.join(", ")))
}
