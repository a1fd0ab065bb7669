//! The generations that can be chosen.

use backstay_protocol::rollback::{Candidate, OLD_AFTER};
use leptos::prelude::*;

use crate::api::reference_to_text;
use crate::components::{GenerationName, Moment, TestsOf};

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
    let unavailable = candidate.unavailable();
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
                    </span>
                    " "
                    <span class="choice-facts">
                        <Moment at=generation.created_at/>
                        " "
                        <TestsOf tests=candidate.tests/>
                    </span>
                    <span class="choice-marks">
                        {marks(&candidate).into_iter().map(|mark| view! { " " <span class="badge warn">{mark}</span> }).collect_view()}
                    </span>
                </span>
            </label>
        </li>
    }
    .into_any()
}

/// What is to be known of a target before it is chosen, in a word or two.
fn marks(candidate: &Candidate) -> Vec<String> {
    let mut marks = Vec::new();
    if candidate.old {
        marks.push(format!("older than {} days", OLD_AFTER.num_days()));
    }
    if candidate.generation.needs_reboot {
        marks.push("needs a reboot".to_owned());
    }
    if !candidate.generation.inhibitors.is_empty() {
        marks.push(format!("inhibited by {}", candidate.generation.inhibitors.join(", ")));
    }
    marks
}

/// The same in sentences, for the target that is chosen.
pub(in crate::pages) fn warnings(candidate: &Candidate) -> Vec<String> {
    let mut warnings = Vec::new();
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
            candidate.generation.inhibitors.join(", ")
        ));
    }
    warnings
}
