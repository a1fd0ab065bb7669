//! Removing a host from the fleet.

use backstay_model::wire::event::Event;
use backstay_model::{Action, HostId};
use leptos::prelude::*;

use crate::api::RemoveHost;
use crate::components::{ActionForm, Refusal, action_from_address};
use crate::live::Live;

/// The form that removes the host, for administrators. They must type its name, so that nobody removes the
/// wrong one.
#[component]
pub(super) fn Remove(name: String) -> impl IntoView {
    let live = expect_context::<Live>();
    let action = action_from_address::<RemoveHost>();
    let may = move || live.may(Action::RemoveHost, None);
    let form = move || {
        let name = name.clone();
        view! {
            <details class="remove-host" open=move || action.value().with(Option::is_some)>
                <summary>"Remove from the fleet"</summary>
                <p>
                    "Its agent can no longer connect, and it disappears from all lists. Nothing changes on the host itself. Its "
                    "history stays in ops, deployments and the audit log. To bring it back, add it again."
                </p>
                <ActionForm action=action>
                    <input type="hidden" name="host" value=name.clone()/>
                    <label>
                        {format!("Type {name} to confirm")}
                        <input type="text" name="confirm" autocomplete="off" spellcheck="false" autocapitalize="none" required/>
                    </label>
                    <Refusal action/>
                    <button type="submit" class="danger" disabled=move || action.pending().get()>
                        {format!("Remove {name}")}
                    </button>
                </ActionForm>
            </details>
        }
        .into_any()
    };
    move || may().then(form.clone())
}

/// Says that somebody has removed the host while its page was open.
#[component]
pub(super) fn Removed(id: HostId, name: String) -> impl IntoView {
    let gone = RwSignal::new(false);
    expect_context::<Live>().listen(move |event| {
        if matches!(event, Event::HostRemoved { id: removed } if *removed == id) {
            gone.set(true);
        }
    });
    let words = move || {
        let words = format!("{name} was removed from the fleet. This page shows its last known state.");
        gone.get().then(|| view! { <p class="refusal">{words}</p> })
    };
    view! { <div role="status">{words}</div> }
}
