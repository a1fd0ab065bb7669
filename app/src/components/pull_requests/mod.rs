//! Open pull requests that update the fleet.

mod card;
mod words;

use backstay_model::pull_request::{PullRequests as All, Reading};
use leptos::prelude::*;

use crate::components::Moment;
use crate::live::Live;

use card::Card;
pub(crate) use card::{ChangedInputs, StateBadge};
pub(crate) use words::{changes_lock, checks, may_be_merged, mergeable};

/// The open pull requests with their inputs and checks. Empty if the server has no GitHub repository
/// configured and there are no problems.
#[component]
pub fn PullRequests() -> impl IntoView {
    let live = expect_context::<Live>();
    let shown = Memo::new(move |_| live.pull_requests().with(|all| !is_nothing(all)));
    move || shown.get().then(|| view! { <Section live/> })
}

fn is_nothing(all: &All) -> bool {
    all.reading == Reading::NotConfigured && all.problems.is_empty() && all.open.is_empty()
}

#[component]
fn Section(live: Live) -> impl IntoView {
    let all = live.pull_requests();
    let numbers =
        Memo::new(move |_| all.with(|all| all.open.iter().map(|open| open.number).collect::<Vec<_>>()));
    let problems = Memo::new(move |_| all.with(|all| all.problems.clone()));
    view! {
        <section class="pull-requests" aria-labelledby="pull-requests-title">
            <div class="pull-requests-head">
                <h2 id="pull-requests-title">"Pull requests"</h2>
                <HowRead all/>
            </div>
            {move || {
                let problems = problems.get();
                (!problems.is_empty()).then(|| view! {
                    <ul class="problems" aria-label="Problems of the configuration">
                        {problems.into_iter().map(|problem| view! { <li class="banner warn">{problem}</li> }).collect_view()}
                    </ul>
                })
            }}
            <div class="pull-request-cards">
                <For each=move || numbers.get() key=|number| *number let:number>
                    <Card live number/>
                </For>
            </div>
        </section>
    }
}

/// The repository, and the state of the last reading.
#[component]
fn HowRead(all: Signal<All>) -> impl IntoView {
    let read = Memo::new(move |_| {
        all.with(|all| {
            let place = if all.repository.is_empty() {
                String::new()
            } else {
                format!("into {} of {}", all.branch, all.repository)
            };
            (all.reading.clone(), place, all.open.is_empty())
        })
    });
    move || {
        let (reading, place, none) = read.get();
        match reading {
            Reading::NotConfigured => ().into_any(),
            Reading::NotYet => {
                view! { <p class="faint">{format!("Reading pull requests {place}…")}</p> }.into_any()
            }
            Reading::Known { .. } if none => {
                view! { <p class="faint">{format!("{place}: no open updates.")}</p> }.into_any()
            }
            Reading::Known { .. } => view! { <p class="faint">{place}</p> }.into_any(),
            Reading::Unreadable { since, reason } => view! {
                <p class="faint">
                    {place}
                    " could not be read since "
                    <Moment at=since/>
                    {format!(". {reason}")}
                    {(!none).then_some(" Shown as last read.")}
                </p>
            }
            .into_any(),
        }
    }
}
