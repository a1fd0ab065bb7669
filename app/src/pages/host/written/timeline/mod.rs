//! A host's past: when it last worked, and what has happened since.

mod layout;
mod list;
mod picture;
mod words;

use backstay_model::timeline::Timeline;
use backstay_model::view::HostDetail;
use backstay_model::{OpView, State};
use leptos::prelude::*;

use super::LogAddress;
use crate::components::{Icon, Moment};
use crate::routes::Route;
use crate::time::rough;

use picture::{TALL_HEIGHT, WIDE_HEIGHT};
use words::{Worked, last_worked};

pub(super) use list::list;
pub(super) use words::since_words;

/// When the host last worked, and whether its clock can be trusted.
pub(super) fn worked(detail: &HostDetail) -> AnyView {
    if list::is_empty(detail) {
        return view! { <p class="faint">"This host has no history yet."</p> }.into_any();
    }
    view! { {last_worked_line(detail)} {clock_ahead(&detail.timeline)} }.into_any()
}

/// The wide and the tall picture. Style sheets choose, because the server does not know the width of the
/// page.
pub(super) fn pictures(timeline: &Timeline, log: LogAddress<'_>) -> AnyView {
    if timeline.stretches.is_empty() {
        return ().into_any();
    }
    view! {
        <svg
            class="timeline-picture wide"
            width="100%"
            height=WIDE_HEIGHT.to_string()
            aria-hidden="true"
            focusable="false"
            inner_html=picture::wide(timeline, log)
        ></svg>
        <svg
            class="timeline-picture tall"
            width="100%"
            height=TALL_HEIGHT.to_string()
            aria-hidden="true"
            focusable="false"
            inner_html=picture::tall(timeline, log)
        ></svg>
        <p class="timeline-scale">"The scale is logarithmic: the last hour has as much room as the last week."</p>
    }
    .into_any()
}

fn last_worked_line(detail: &HostDetail) -> AnyView {
    // While the system changes, nothing is known about the present.
    let changing = detail.host.op.as_ref().filter(|op| op.action.kind().changes_system()).map(OpView::title);
    let (state, words) = match (last_worked(&detail.timeline.stretches), changing) {
        (Worked::Now { generation }, Some(title)) => {
            (State::Working, format!("Worked on Gen {generation}. Now: {title}.").into_any())
        }
        (Worked::Now { generation }, None) => {
            (State::Ok, format!("Works now, on Gen {generation}.").into_any())
        }
        (Worked::Until { generation, at }, _) => {
            let changes = current_beside(detail, generation).map(|now| {
                let address = Route::Compare { host: &detail.host.name, from: generation, to: now }.path();
                view! { " "<a href=address>{format!("What changed since Gen {generation}")}</a> }
            });
            let words =
                view! { {format!("Last worked on Gen {generation}, until ")} <Moment at/> "." {changes} };
            (State::Attention, words.into_any())
        }
        (Worked::Never, _) => (State::Unknown, "No complete pass of the tests is on record.".into_any()),
    };
    view! {
        <p class="last-worked" data-state=state.as_str()><Icon name=state.as_str()/>" "<span>{words}</span></p>
    }
    .into_any()
}

/// The current generation, if the host can compare it with this one, which must still be available.
fn current_beside(detail: &HostDetail, generation: u32) -> Option<u32> {
    let plan = detail.plan.as_ref()?;
    plan.candidate(generation)?.unavailable_reason().is_none().then_some(plan.current.generation.number)
}

/// Warns that the host's clock is ahead, and with it the times in the picture.
fn clock_ahead(timeline: &Timeline) -> Option<AnyView> {
    let by = rough(chrono::TimeDelta::seconds(timeline.clock_ahead_secs?.into()));
    let words = format!(
        "This host's clock is at least {by} ahead of the server's. Anything it dates in the future is drawn at “now”. Set its clock."
    );
    Some(view! { <p class="banner warn">{words}</p> }.into_any())
}
