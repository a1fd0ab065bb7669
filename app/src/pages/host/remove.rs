//! How a host leaves the fleet.

use backstay_model::HostId;
use backstay_model::Role;
use backstay_model::wire::event::Event;
use leptos::prelude::*;

use crate::api::RemoveHost;
use crate::components::{Refusal, action_from_address};
use crate::live::Live;

/// What an administrator removes the host with; its name is to be written, so that nobody removes another one.
#[component]
pub(super) fn Remove(name: String) -> impl IntoView {
    let live = expect_context::<Live>();
    let action = action_from_address::<RemoveHost>();
    let may = move || live.person().is_some_and(|person| person.role >= Role::Admin);
    let form = move || {
        let name = name.clone();
        view! {
            <details class="remove-host" open=move || action.value().with(Option::is_some)>
                <summary>"Remove from the fleet"</summary>
                <p>
                    "Its agent is not let in any more, and it is in no list. Nothing changes on the host itself; what was "
                    "done to it stays in ops, deployments and the audit log. To have it back, add it anew."
                </p>
                <ActionForm action=action>
                    <input type="hidden" name="host" value=name.clone()/>
                    <label>
                        {format!("Write {name} to confirm")}
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

/// Says that somebody has removed the host that one is looking at.
#[component]
pub(super) fn Removed(id: HostId, name: String) -> impl IntoView {
    let gone = RwSignal::new(false);
    expect_context::<Live>().listen(move |event| {
        if matches!(event, Event::HostRemoved { id: removed } if *removed == id) {
            gone.set(true);
        }
    });
    let words = move || {
        let words = format!("{name} was removed from the fleet. What is shown here is what was known of it.");
        gone.get().then(|| view! { <p class="refusal">{words}</p> })
    };
    view! { <div role="status">{words}</div> }
}
