//! Ops in a table.

use backstay_model::{OpId, OpView};
use leptos::prelude::*;

use crate::components::{Moment, OpLink, OpNow, OpStatusBadge, Took, linked};
use crate::routes::Route;

/// Ops, newest first. Rows change in place, so that people do not lose the one that they are reading.
#[component]
pub fn OpList(
    /// The ops.
    #[prop(into)]
    ops: Signal<Vec<OpView>>,
    /// Whether to show the host of each op.
    #[prop(optional)]
    of_hosts: bool,
) -> impl IntoView {
    let ids = Memo::new(move |_| ops.with(|ops| ops.iter().map(|op| op.id).collect::<Vec<_>>()));
    view! {
        <table class="plain ops">
            <thead>
                <tr>
                    <th scope="col">"Op"</th>
                    {of_hosts.then(|| view! { <th scope="col">"Host"</th> })}
                    <th scope="col">"Status"</th>
                    <th scope="col">"When"</th>
                    <th scope="col">"Who"</th>
                    <th scope="col">"Result"</th>
                </tr>
            </thead>
            <tbody>
                <For each=move || ids.get() key=|id| *id let:id>
                    <OpRow ops id of_hosts/>
                </For>
            </tbody>
        </table>
    }
}

#[component]
fn OpRow(ops: Signal<Vec<OpView>>, id: OpId, of_hosts: bool) -> impl IntoView {
    let found = move |ops: &Vec<OpView>| ops.iter().find(|op| op.id == id).cloned();
    let Some(first) = ops.with_untracked(found) else { return ().into_any() };
    let op = {
        let first = first.clone();
        Memo::new(move |_| ops.with(found).unwrap_or_else(|| first.clone()))
    };
    let outcome = move || {
        op.with(|op| {
            let duration = op
                .started_at
                .zip(op.finished_at)
                .map(|(from, to)| view! { " "<span class="took">"in "<Took from to/></span> });
            let why =
                op.reason.clone().map(|reason| view! { <span class="why">"“"{linked(&reason)}"”"</span> });
            view! { {op.message.clone()} {duration} {why} }.into_any()
        })
    };
    let host = first.host_name.clone();
    view! {
        <tr data-op=first.action.kind().as_str() data-id=id.to_string()>
            <th scope="row"><OpLink op=first.clone()/></th>
            {of_hosts.then(|| view! { <td data-title="Host"><a href=Route::Host(&host).path()>{host.clone()}</a></td> })}
            <td class="status-cell"><OpStatusBadge op/><OpNow op/></td>
            <td class="time" data-title="When"><Moment at=first.created_at/></td>
            <td data-title="Who">{first.requested_by}</td>
            <td class="outcome-cell">{outcome}</td>
        </tr>
    }
    .into_any()
}
