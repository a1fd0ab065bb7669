//! The generations to choose from.

use backstay_model::GenerationPin;
use backstay_model::rollback::{Candidate, Left};
use backstay_model::wire::limits::cut;
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
                        {candidate.marks.into_iter().map(|mark| view! { " " <span class="badge warn">{mark}</span> }).collect_view()}
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
