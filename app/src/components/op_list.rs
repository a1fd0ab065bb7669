//! Ops in a table.

use backstay_protocol::OpView;
use leptos::prelude::*;

use crate::components::{Moment, OpStatusBadge};

/// Ops, newest first.
#[component]
pub fn OpList(
    /// The ops.
    #[prop(into)]
    ops: Signal<Vec<OpView>>,
) -> impl IntoView {
    move || {
        let ops = ops.get();
        if ops.is_empty() {
            return view! { <p class="faint">"Nothing was done to this host yet."</p> }.into_any();
        }
        let rows = ops.into_iter().map(|op| view! { <OpRow op/> }).collect_view();
        view! {
            <div class="table-frame">
                <table class="plain">
                    <thead>
                        <tr>
                            <th scope="col">"Op"</th>
                            <th scope="col">"When"</th>
                            <th scope="col">"Who"</th>
                            <th scope="col">"Status"</th>
                            <th scope="col">"What became of it"</th>
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
fn OpRow(op: OpView) -> impl IntoView {
    let status = op.status;
    view! {
        <tr data-op=op.action.kind().as_str()>
            <th scope="row"><a href=format!("/ops/{}", op.id)>{op.title()}</a></th>
            <td data-title="When"><Moment at=op.created_at/></td>
            <td data-title="Who">{op.requested_by}</td>
            <td><OpStatusBadge status/></td>
            <td>{op.message}</td>
        </tr>
    }
}
