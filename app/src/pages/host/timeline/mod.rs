//! A host's past: when it last worked, and what has happened since.

mod layout;
mod list;
mod picture;
mod words;

use backstay_model::timeline::Timeline as Past;
use backstay_model::view::HostDetail;
use backstay_model::{OpView, State};
use leptos::ev::MouseEvent;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use crate::browser;
use crate::components::{Icon, Moment, use_log_address};
use crate::routes::Route;
use crate::time::rough;

use list::{List, Listed, generations};
use picture::{LogAddress, TALL_HEIGHT, WIDE_HEIGHT};
pub(super) use words::since_words;
use words::{Worked, last_worked};

/// The host's past as a picture and in words.
#[component]
pub(super) fn Timeline(detail: RwSignal<HostDetail>) -> impl IntoView {
    let past = Memo::new(move |_| detail.with(|d| d.timeline.clone()));
    let listed = Memo::new(move |_| {
        detail.with(|d| Listed {
            stretches: d.timeline.stretches.clone(),
            happenings: d.timeline.happenings.clone(),
            generations: generations(d.plan.as_ref()),
        })
    });
    let is_empty = Memo::new(move |_| {
        listed.with(|l| l.stretches.is_empty() && l.happenings.is_empty() && l.generations.is_empty())
    });
    let host = detail.with_untracked(|d| d.host.name.clone());
    move || {
        if is_empty.get() {
            return view! { <p class="faint">"This host has no history yet."</p> }.into_any();
        }
        view! {
            <LastWorked detail past/>
            <ClockAhead past/>
            <Pictures past/>
            <List listed host=host.clone()/>
        }
        .into_any()
    }
}

/// The wide and the tall picture. Style sheets choose, because the server does not know the width of the
/// page.
#[component]
fn Pictures(past: Memo<Past>) -> impl IntoView {
    let (log_address, navigate) = (use_log_address(), use_navigate());
    let draw = move |draw: fn(&Past, LogAddress<'_>) -> String| past.with(|past| draw(past, &log_address));
    let wide = Memo::new(move |_| draw(picture::wide));
    let tall = Memo::new(move |_| draw(picture::tall));
    // The router follows HTML links alone.
    let follow = move |event: MouseEvent| {
        if let Some(address) = browser::plain_click_on_svg_link(&event) {
            event.prevent_default();
            navigate(&address, NavigateOptions { scroll: false, ..NavigateOptions::default() });
        }
    };
    let follow_too = follow.clone();
    let has_picture = move || past.with(|past| !past.stretches.is_empty());
    move || {
        has_picture().then(|| {
            let (follow, follow_too) = (follow.clone(), follow_too.clone());
            view! {
                <svg
                    class="timeline-picture wide"
                    width="100%"
                    height=WIDE_HEIGHT.to_string()
                    aria-hidden="true"
                    focusable="false"
                    on:click=follow
                    inner_html=wide
                ></svg>
                <svg
                    class="timeline-picture tall"
                    width="100%"
                    height=TALL_HEIGHT.to_string()
                    aria-hidden="true"
                    focusable="false"
                    on:click=follow_too
                    inner_html=tall
                ></svg>
                <p class="timeline-scale">"The scale is logarithmic: the last hour has as much room as the last week."</p>
            }
        })
    }
}

#[component]
fn LastWorked(detail: RwSignal<HostDetail>, past: Memo<Past>) -> impl IntoView {
    let worked = Memo::new(move |_| past.with(|past| last_worked(&past.stretches)));
    // While the system changes, nothing is known about the present.
    let changing = Memo::new(move |_| {
        detail.with(|d| d.host.op.as_ref().filter(|op| op.action.kind().changes_system()).map(OpView::title))
    });
    let name = detail.with_untracked(|d| d.host.name.clone());
    // A host can compare with a generation only if that is still available.
    let comparable = move |number| {
        detail.with(|d| {
            let plan = d.plan.as_ref()?;
            plan.candidate(number)?.unavailable_reason().is_none().then_some(plan.current.generation.number)
        })
    };
    move || {
        let (state, words) = match worked.get() {
            Worked::Now { generation } if changing.with(Option::is_some) => {
                let title = changing.get().unwrap_or_default();
                let words = format!("Worked on Gen {generation}. Now: {title}.");
                (State::Working, view! { {words} }.into_any())
            }
            Worked::Now { generation } => {
                (State::Ok, view! { {format!("Works now, on Gen {generation}.")} }.into_any())
            }
            Worked::Until { generation, at } => {
                let changes = comparable(generation).map(|now| {
                    let address = Route::Compare { host: &name, from: generation, to: now }.path();
                    view! { " "<a href=address>{format!("What changed since Gen {generation}")}</a> }
                });
                let words =
                    view! { {format!("Last worked on Gen {generation}, until ")} <Moment at/> "." {changes} };
                (State::Attention, words.into_any())
            }
            Worked::Never => {
                (State::Unknown, view! { "No complete pass of the tests is on record." }.into_any())
            }
        };
        view! {
            <p class="last-worked" data-state=state.as_str()><Icon name=state.as_str()/>" "<span>{words}</span></p>
        }
    }
}

/// Warns that the host's clock is ahead, and with it the times in the picture.
#[component]
fn ClockAhead(past: Memo<Past>) -> impl IntoView {
    let ahead = Memo::new(move |_| past.with(|past| past.clock_ahead_secs));
    move || {
        ahead.get().map(|seconds| {
            let by = rough(chrono::TimeDelta::seconds(seconds.into()));
            view! {
                <p class="banner warn">
                    {format!(
                        "This host's clock is at least {by} ahead of the server's. Anything it dates in the future is drawn at “now”. Set its clock."
                    )}
                </p>
            }
        })
    }
}
