//! The generations of a host.

use backstay_model::rollback::Candidate;
use backstay_model::view::HostDetail;
use leptos::prelude::*;

use crate::components::{FoldedRest, GenerationName, HostTestsBadge, Moment};
use crate::pages::dialogs::LeftMark;
use crate::routes::Route;

/// Every generation of the host's profile, newest first.
#[component]
pub(super) fn Generations(detail: RwSignal<HostDetail>, name: String) -> impl IntoView {
    let plan = Memo::new(move |_| detail.with(|d| d.plan.clone()));
    let open = RwSignal::new(false);
    move || {
        let Some(plan) = plan.get() else {
            return view! { <p class="faint">"The host has not reported its generations yet."</p> }
                .into_any();
        };
        let mut all = plan.candidates;
        // A current generation that does not run is among the candidates already.
        if !all.iter().any(Candidate::finishes_activation) {
            all.push(plan.current);
        }
        all.sort_by_key(|c| std::cmp::Reverse(c.generation.number));
        let others = all.split_off(all.len().min(SHOWN));
        let others = (!others.is_empty()).then(|| {
            let (count, name) = (others.len(), name.clone());
            view! { <FoldedRest count open><Table shown=others name/></FoldedRest> }
        });
        view! {
            <Table shown=all name=name.clone()/>
            {others}
        }
        .into_any()
    }
}

/// How many generations are shown at first: the newest.
const SHOWN: usize = 10;

#[component]
fn Table(shown: Vec<Candidate>, name: String) -> impl IntoView {
    let rows =
        shown.into_iter().map(|c| view! { <GenerationRow candidate=c name=name.clone()/> }).collect_view();
    view! {
        <div class="table-frame">
            <table class="plain">
                <thead>
                    <tr>
                        <th scope="col">"Generation"</th>
                        <th scope="col">"Made"</th>
                        <th scope="col">"Tests"</th>
                        <th scope="col">"Version"</th>
                        <th scope="col"><span class="unseen">"Actions"</span></th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

#[component]
fn GenerationRow(candidate: Candidate, name: String) -> impl IntoView {
    let unavailable = candidate.unavailable_reason();
    let way = if candidate.newer { "Go forward" } else { "Roll back" };
    let Candidate { generation, tests, last_known_working, old, left, reverted, .. } = candidate;
    let number = generation.number;
    let action = match (generation.current, unavailable) {
        (true, _) => view! { <span class="faint">"current"</span> }.into_any(),
        (_, Some(why)) => view! { <span class="faint">{why}</span> }.into_any(),
        _ => view! {
            <a href=Route::RollbackHost { host: &name, to: Some(number), from_host: true }.path() aria-label=format!("{way} to Gen {number}")>
                {way}
            </a>
        }
        .into_any(),
    };
    view! {
        <tr class:current=generation.current class:unavailable=unavailable.is_some()>
            <th scope="row">
                <GenerationName generation=generation.clone()/>
                {generation.booted.then(|| view! { " " <span class="badge">"booted"</span> })}
                {last_known_working.then(|| view! { " " <span class="badge good">"Last known working"</span> })}
                {left.map(|left| view! { <LeftMark left/> })}
                {reverted.then(|| view! { " " <span class="badge warn">"its pull request was reverted"</span> })}
                {old.then(|| view! { " " <span class="badge warn">"older than 30 days"</span> })}
            </th>
            <td data-title="Made"><Moment at=generation.created_at/></td>
            <td><HostTestsBadge tests/></td>
            <td data-title="Version">{generation.version}</td>
            <td class="end">{action}</td>
        </tr>
    }
}
