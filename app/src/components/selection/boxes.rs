//! The boxes in which hosts are selected. Before the page is alive they belong to a form that leads to the dialogs.

use backstay_protocol::HostId;
use leptos::ev;
use leptos::prelude::*;

use super::{FORM, Marks, Selecting};

/// The identifier of a host's box, by which the keyboard finds its row.
pub(super) fn box_id(name: &str) -> String {
    format!("select-{name}")
}

/// The box of one host. There is none where nothing is selected: outside of the fleet page.
#[component]
pub(crate) fn SelectHost(
    /// The host.
    id: HostId,
    /// Its name.
    name: String,
) -> impl IntoView {
    let selecting = use_context::<Selecting>()?;
    let selected = Memo::new(move |_| selecting.chosen().with(|chosen| chosen.has(id)));
    // A click rather than a change: it says whether Shift was held, as it also does when it was the space bar.
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
                    prop:checked=selected
                    on:click=turn
                />
            </label>
        }
        .into_any(),
    )
}

/// The box that selects all hosts that are shown.
#[component]
pub(crate) fn SelectAll() -> impl IntoView {
    let selecting = expect_context::<Selecting>();
    let marks = Memo::new(move |_| selecting.marks());
    view! {
        <label class="select-host alive">
            <input
                type="checkbox"
                id="select-all"
                aria-label="Select all hosts that are shown"
                prop:checked=move || marks.get() == Marks::All
                prop:indeterminate=move || marks.get() == Marks::Some
                on:change=move |event| selecting.turn_all(event_target_checked(&event))
            />
        </label>
    }
    .into_any()
}
