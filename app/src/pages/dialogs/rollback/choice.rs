//! The generations to choose from.

use backstay_model::GenerationPin;
use backstay_model::rollback::{Candidate, Left, OLD_AFTER};
use backstay_model::wire::limits::{cut, few};
use leptos::prelude::*;

use crate::api::reference_to_text;
use crate::components::{GenerationName, HostTestsBadge, Moment};
use crate::live::Live;

/// Longest reason that a mark repeats, in bytes.
const REASON_BYTES: usize = 120;

/// The identifier of a generation's radio button.
pub(super) fn radio_id(number: u32) -> String {
    format!("target-{number}")
}

/// One generation in the list.
#[component]
pub(super) fn Choice(
    /// Its position in the list, from 1.
    place: i32,
    candidate: Candidate,
    /// True if it is chosen when the dialog opens.
    preselected: bool,
    chosen: RwSignal<Option<u32>>,
) -> impl IntoView {
    let unavailable = candidate.unavailable_reason();
    let generation = candidate.generation.clone();
    let number = generation.number;
    let reader = untrack(|| expect_context::<Live>().person()).map(|person| person.name);
    view! {
        <li class="choice" data-place=place class:unavailable=unavailable.is_some()>
            <label>
                <input
                    type="radio"
                    name="target"
                    id=radio_id(number)
                    value=reference_to_text(&generation.reference())
                    checked=preselected
                    disabled=unavailable.is_some()
                    required
                    on:change=move |_| chosen.set(Some(number))
                />
                <span class="choice-body">
                    <span class="choice-head">
                        <GenerationName generation=generation.clone()/>
                        {candidate.last_known_working.then(|| view! { " " <span class="badge good">"Last known working"</span> })}
                        {unavailable.map(|why| view! { " " <span class="badge">{why}</span> })}
                        {generation.booted.then(|| view! { " " <span class="badge">"booted"</span> })}
                        {candidate.finishes_activation().then(|| view! { " " <span class="badge">"in the profile, not running"</span> })}
                        {candidate.newer.then(|| view! { " " <span class="badge">"newer"</span> })}
                        {candidate.pin.as_ref().map(pin_mark)}
                    </span>
                    " "
                    <span class="choice-facts">
                        <Moment at=generation.created_at/>
                        " "
                        <HostTestsBadge tests=candidate.tests/>
                    </span>
                    <span class="choice-marks">
                        {candidate.left.clone().map(|left| left_mark(left, reader.as_deref()))}
                        {marks(&candidate).into_iter().map(|mark| view! { " " <span class="badge warn">{mark}</span> }).collect_view()}
                    </span>
                </span>
            </label>
        </li>
    }
}

/// Who pinned a generation, and why.
pub(in crate::pages) fn pin_mark(pin: &GenerationPin) -> AnyView {
    view! { " " <span class="badge pin">{pin.words()}</span> }.into_any()
}

/// Who rolled back from a generation, when and why: “Left by a rollback, Nov 29, 22:20, admin: X11 dead”.
pub(in crate::pages) fn left_mark(left: Left, reader: Option<&str>) -> AnyView {
    let by_me = reader == Some(left.by.as_str());
    let who = if by_me { "You left this one, " } else { "Left by a rollback, " };
    let by = (!by_me).then(|| format!(", {}", left.by));
    let why = left.reason.map(|reason| format!(": {}", cut(&reason, REASON_BYTES)));
    view! { " " <span class="badge warn left">{who}<Moment at=left.at/>{by}{why}</span> }.into_any()
}

/// Short warnings about a target, shown before it is chosen.
fn marks(candidate: &Candidate) -> Vec<String> {
    let mut marks = Vec::new();
    if candidate.same_commit {
        marks.push("same commit as the current one".to_owned());
    }
    if candidate.reverted {
        marks.push("its pull request was reverted".to_owned());
    }
    if candidate.old {
        marks.push(format!("older than {} days", OLD_AFTER.num_days()));
    }
    if let Some(name) = &candidate.lacks {
        marks.push(format!("without {name}"));
    }
    if candidate.generation.needs_reboot {
        marks.push("needs a reboot".to_owned());
    }
    if !candidate.generation.inhibitors.is_empty() {
        marks.push(format!("inhibited by {}", few(&candidate.generation.inhibitors)));
    }
    marks
}

/// The same warnings as sentences, for the chosen target.
pub(in crate::pages) fn warnings(candidate: &Candidate) -> Vec<String> {
    let mut warnings = Vec::new();
    if candidate.finishes_activation() {
        warnings
            .push("The profile points at it already, but something else runs: this activates it.".to_owned());
    }
    if candidate.newer {
        warnings.push("It is newer than the current one: this goes forward, not back.".to_owned());
    }
    if candidate.left.is_some() {
        warnings.push(
            "Someone rolled back from it. It counts as working again once a person runs its tests on it and all pass."
                .to_owned(),
        );
    }
    if candidate.reverted {
        warnings.push("It was built from a pull request that was reverted.".to_owned());
    }
    if candidate.old {
        warnings.push(format!(
            "It is more than {} days old: it may lack security fixes made since, and data formats may have changed.",
            OLD_AFTER.num_days()
        ));
    }
    if let Some(name) = &candidate.lacks {
        let number = candidate.generation.number;
        warnings.push(format!(
            "“{name}” is active now. Gen {number} has no such specialisation, so Gen {number} itself runs."
        ));
    }
    if candidate.generation.needs_reboot {
        warnings.push(
            "Its kernel, initrd or modules differ from the booted ones: it needs a reboot to take full effect."
                .to_owned(),
        );
    }
    if !candidate.generation.inhibitors.is_empty() {
        warnings.push(format!(
            "The activation will probably be refused: it is inhibited by {}.",
            few(&candidate.generation.inhibitors)
        ));
    }
    warnings
}
