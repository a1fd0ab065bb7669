//! The table of the fleet page.

use backstay_model::Column;
use leptos::prelude::*;

use super::group::FleetGroup;
use super::shown_hosts::ShownHosts;
use super::window::{ShowAll, Window};
use crate::api::{CancelOp, RequestOp};
use crate::components::SelectAll;
use crate::live::Live;

/// The hosts in their groups. Hidden columns are rendered but not displayed, so that showing them again is
/// cheap however many hosts there are.
#[component]
pub(crate) fn FleetTable(
    /// The shown hosts.
    shown: ShownHosts,
    /// The action of the hosts' menus.
    action: ServerAction<RequestOp>,
    /// The action that cancels their ops.
    cancel: ServerAction<CancelOp>,
) -> impl IntoView {
    let view = expect_context::<Live>().view();
    let density = move || view.with(|view| view.density.as_str());
    let hidden = move || {
        view.with(|view| view.hidden.iter().map(|column| column.as_str()).collect::<Vec<_>>().join(" "))
    };
    let window = Window::onto(shown);
    let keys =
        move || shown.groups.with(|groups| groups.iter().map(|group| group.key.clone()).collect::<Vec<_>>());
    view! {
        <div class="table-frame" class:empty=move || shown.rows.with(Vec::is_empty)>
            <table class="fleet" data-density=density data-hidden=hidden aria-rowcount=move || window.row_count(shown)>
                <caption class="unseen">"Hosts and their lights"</caption>
                <thead>
                    <tr>
                        <td class="select-cell"><SelectAll/></td>
                        <th scope="col">"Host"</th>
                        {Column::ALL.map(|column| view! {
                            <th scope="col" data-column=column.as_str()>{column.title()}</th>
                        })}
                        <th scope="col"><span class="unseen">"Actions"</span></th>
                    </tr>
                </thead>
                <For each=keys key=Clone::clone let:key>
                    <FleetGroup shown key window action cancel/>
                </For>
            </table>
        </div>
        <ShowAll shown window/>
    }
}
