//! The table of the fleet page.

use backstay_model::{Column, Density};
use leptos::prelude::*;

use super::group::FleetGroup;
use super::shown_hosts::ShownHosts;
use super::window::{ShowAll, Window};
use crate::components::{FormAction, SelectAll};
use crate::fleet::Sort;
use crate::live::Live;

/// The hosts in their groups. Hidden columns are rendered but not displayed, so that showing them again is
/// cheap however many hosts there are.
#[component]
pub(crate) fn FleetTable(
    /// The shown hosts.
    shown: ShownHosts,
    /// The action of the hosts' menus.
    action: FormAction,
    /// The action that cancels their ops.
    cancel: FormAction,
) -> impl IntoView {
    let live = expect_context::<Live>();
    let view = live.view();
    let density = Memo::new(move |_| {
        let of_many = || Density::of_many(live.rows().with(Vec::len));
        view.with(|view| view.density).unwrap_or_else(of_many).as_str()
    });
    let hidden = move || {
        shown.hidden.with(|hidden| hidden.iter().map(|column| column.as_str()).collect::<Vec<_>>().join(" "))
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
                        {head(shown, "Host", Some(Sort::Name), None)}
                        {Column::ALL.map(|column| head(shown, column.title(), Sort::of_column(column), Some(column)))}
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

/// The head of a column. It sorts the hosts, and once they are sorted by it, it leads back to the default order.
fn head(shown: ShownHosts, title: &'static str, sort: Option<Sort>, column: Option<Column>) -> AnyView {
    let address = shown.address;
    let direction = move || sort.filter(|sort| address.sort.get() == *sort).map(Sort::direction);
    let words = match sort {
        Some(sort) => view! { <a href=move || address.ordered(sort) data-noscroll="">{title}</a> }.into_any(),
        None => title.into_any(),
    };
    view! { <th scope="col" data-column=column.map(Column::as_str) aria-sort=direction>{words}</th> }
        .into_any()
}
