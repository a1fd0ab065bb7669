//! The generations that can be chosen.

use backstay_model::rollback::{Candidate, Left, OLD_AFTER};
use backstay_model::wire::limits::{cut, few};
use leptos::prelude::*;

use crate::api::reference_to_text;
use crate::components::{GenerationName, HostTestsBadge, Moment};
use crate::live::Live;

/// The longest reason that a mark repeats, in bytes.
const REASON_BYTES: usize = 120;

/// The identifier of a generation's radio button.
pub(super) fn radio_id(number: u32) -> String {
    format!("target-{number}")
}

/// One generation that can be chosen.
#[component]
pub(super) fn Choice(
    /// Which one of the list it is, from 1.
    place: i32,
    candidate: Candidate,
    /// Whether it is chosen when the dialog opens.
    preselected: bool,
    chosen: RwSignal<Option<u32>>,
) -> impl IntoView {
    let unavailable = candidate.unavailable_reason();
    let generation = candidate.generation.clone();
    let number = generation.number;
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
                    </span>
                    " "
                    <span class="choice-facts">
                        <Moment at=generation.created_at/>
                        " "
                        <HostTestsBadge tests=candidate.tests/>
                    </span>
                    <span class="choice-marks">
                        {candidate.left.clone().map(|left| view! { <LeftMark left/> })}
                        {marks(&candidate).into_iter().map(|mark| view! { " " <span class="badge warn">{mark}</span> }).collect_view()}
                    </span>
                </span>
            </label>
        </li>
    }
    .into_any()
}

/// Who left a generation, when and why: “Left by a rollback, Nov 29, 22:20, admin: X11 dead”.
#[component]
pub(in crate::pages) fn LeftMark(left: Left) -> impl IntoView {
    let live = expect_context::<Live>();
    let by_me = untrack(|| live.person()).is_some_and(|person| person.name == left.by);
    let who = if by_me { "You left this one, " } else { "Left by a rollback, " };
    let by = (!by_me).then(|| format!(", {}", left.by));
    let why = left.reason.map(|reason| format!(": {}", cut(&reason, REASON_BYTES)));
    view! { " " <span class="badge warn left">{who}<Moment at=left.at/>{by}{why}</span> }.into_any()
}

/// What is to be known of a target before it is chosen, in a word or two.
fn marks(candidate: &Candidate) -> Vec<String> {
    let mut marks = Vec::new();
    if candidate.reverted {
        marks.push("its pull request was reverted".to_owned());
    }
    if candidate.old {
        marks.push(format!("older than {} days", OLD_AFTER.num_days()));
    }
    if candidate.generation.needs_reboot {
        marks.push("needs a reboot".to_owned());
    }
    if !candidate.generation.inhibitors.is_empty() {
        marks.push(format!("inhibited by {}", few(&candidate.generation.inhibitors)));
    }
    marks
}

/// The same in sentences, for the target that is chosen.
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
            "A rollback left it. It counts as working again once a person runs its tests on it and all pass."
                .to_owned(),
        );
    }
    if candidate.reverted {
        warnings.push("It was built from a pull request that was reverted.".to_owned());
    }
    if candidate.old {
        warnings.push(format!(
            "It is older than {} days: holes that were mended since may be open in it, and data may have moved on.",
            OLD_AFTER.num_days()
        ));
    }
    if candidate.generation.needs_reboot {
        warnings.push(
            "Its kernel, initrd or modules are not the booted ones: it runs fully only after a reboot."
                .to_owned(),
        );
    }
    if !candidate.generation.inhibitors.is_empty() {
        warnings.push(format!(
            "Activating it on the running system is inhibited by {}: expect a refusal.",
            few(&candidate.generation.inhibitors)
        ));
    }
    warnings
}
