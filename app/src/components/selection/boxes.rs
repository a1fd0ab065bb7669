//! The checkboxes that select hosts. Before the page is alive, they belong to a form that opens the dialogs.

use backstay_model::HostId;
use leptos::ev;
use leptos::prelude::*;

use super::{FORM, Marks, Selecting};
use crate::components::Hydrated;
use crate::live::Row;

/// The identifier of a host's checkbox, by which the keyboard finds its row.
pub(super) fn box_id(name: &str) -> String {
    format!("select-{name}")
}

/// The checkbox of one host. Absent outside the fleet page.
#[component]
pub(crate) fn SelectHost(
    /// The host.
    id: HostId,
    /// Its name.
    name: String,
) -> impl IntoView {
    let selecting = use_context::<Selecting>()?;
    let selected = Memo::new(move |_| selecting.chosen().with(|chosen| chosen.has(id)));
    let checked = move || Hydrated(selected.get());
    // A click event rather than a change event, because it says whether Shift was held, also with the space
    // bar.
    let turn = move |event: ev::MouseEvent| {
        selecting.turn(id, event_target_checked(&event), event.shift_key());
    };
    Some(
        view! {
            <label class="select-host">
                <input
                    type="checkbox"
                    id=box_id(&name)
                    name="host"
                    value=name.clone()
                    form=FORM
                    aria-label=format!("Select {name}")
                    prop:checked=checked
                    on:click=turn
                />
            </label>
        }
        .into_any(),
    )
}

/// The checkbox that selects all shown hosts.
#[component]
pub(crate) fn SelectAll() -> impl IntoView {
    let all = expect_context::<Selecting>().shown;
    view! { <SelectThese hosts=all id="select-all" label="Select all shown hosts"/> }
}

/// The checkbox that selects the hosts of a group, even while it is folded.
#[component]
pub(crate) fn SelectGroup(
    /// The hosts.
    rows: Memo<Vec<Row>>,
    /// The title of the group.
    title: String,
) -> impl IntoView {
    let hosts = Memo::new(move |_| rows.with(|rows| rows.iter().map(|row| row.id).collect::<Vec<_>>()));
    view! { <SelectThese hosts label=format!("Select hosts of {title}")/> }
}

#[component]
fn SelectThese(
    hosts: Memo<Vec<HostId>>,
    #[prop(into)] label: String,
    #[prop(optional)] id: Option<&'static str>,
) -> impl IntoView {
    let selecting = expect_context::<Selecting>();
    let marks = Memo::new(move |_| hosts.with(|hosts| selecting.marks(hosts)));
    let turn =
        move |event| hosts.with_untracked(|hosts| selecting.turn_all(hosts, event_target_checked(&event)));
    view! {
        <label class="select-host alive">
            <input
                type="checkbox"
                id=id
                aria-label=label
                prop:checked=move || marks.get() == Marks::All
                prop:indeterminate=move || marks.get() == Marks::Some
                on:change=turn
            />
        </label>
    }
}
