//! Ops in a table.

use backstay_model::{OpId, OpView};
use leptos::prelude::*;

use crate::components::{Day, Moment, OpLink, OpNow, OpStatusBadge, Took, linked};
use crate::routes::Route;
use crate::time::{Time, use_time};

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
    let time = use_time();
    let rows = Memo::new(move |_| {
        ops.with(
            |ops| if of_hosts { with_days(ops, time) } else { ops.iter().map(|op| Row::Op(op.id)).collect() },
        )
    });
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
                <For each=move || rows.get() key=|row| *row let:row>
                    {match row {
                        Row::Day(day) => view! { <tr class="day"><th colspan="6" scope="rowgroup"><Day day/></th></tr> }.into_any(),
                        Row::Op(id) => view! { <OpRow ops id of_hosts/> }.into_any(),
                    }}
                </For>
            </tbody>
        </table>
    }
}

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Row {
    /// A day, in days since 1970, above its ops.
    Day(i64),
    Op(OpId),
}

fn with_days(ops: &[OpView], time: Time) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut day = None;
    for op in ops {
        let own = time.day(op.created_at);
        if day.replace(own) != Some(own) {
            rows.push(Row::Day(own));
        }
        rows.push(Row::Op(op.id));
    }
    rows
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
            <td data-title="Who"><bdi>{first.requested_by}</bdi></td>
            <td class="outcome-cell" dir="auto">{outcome}</td>
        </tr>
    }
    .into_any()
}
