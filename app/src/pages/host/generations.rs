//! The generations of a host.

use backstay_protocol::rollback::Candidate;
use backstay_protocol::view::HostDetail;
use leptos::prelude::*;

use crate::components::{GenerationName, Moment, TestsOf};

/// Every generation of the host's profile, newest first.
#[component]
pub(super) fn Generations(detail: RwSignal<HostDetail>, name: String) -> impl IntoView {
    let plan = Memo::new(move |_| detail.with(|d| d.plan.clone()));
    move || {
        let Some(plan) = plan.get() else {
            return view! { <p class="faint">"The host has not reported its generations yet."</p> }
                .into_any();
        };
        let mut all = plan.candidates;
        // It is among the candidates already if it is not what runs.
        if !all.iter().any(Candidate::finishes) {
            all.push(plan.current);
        }
        all.sort_by_key(|c| std::cmp::Reverse(c.generation.number));
        let rows =
            all.into_iter().map(|c| view! { <GenerationRow candidate=c name=name.clone()/> }).collect_view();
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
        .into_any()
    }
}

#[component]
fn GenerationRow(candidate: Candidate, name: String) -> impl IntoView {
    let unavailable = candidate.unavailable();
    let Candidate { generation, tests, last_known_working, old } = candidate;
    let number = generation.number;
    let action = match (generation.current, unavailable) {
        (true, _) => view! { <span class="faint">"current"</span> }.into_any(),
        (_, Some(why)) => view! { <span class="faint">{why}</span> }.into_any(),
        _ => view! {
            <a href=format!("/hosts/{name}/rollback?from=host&to={number}") aria-label=format!("Roll back to Gen {number}")>
                "Roll back"
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
                {old.then(|| view! { " " <span class="badge warn">"older than 30 days"</span> })}
            </th>
            <td data-title="Made"><Moment at=generation.created_at/></td>
            <td><TestsOf tests/></td>
            <td data-title="Version">{generation.version}</td>
            <td class="end">{action}</td>
        </tr>
    }
    .into_any()
}
