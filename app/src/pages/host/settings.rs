//! What can be set for a host.

use backstay_protocol::HostView;
use leptos::prelude::*;

use crate::api::SetAutoTest;
use crate::components::{Refusal, action_from_address};
use crate::live::Live;

/// Whether the host's tests run by themselves, and the button that changes it.
#[component]
pub(super) fn AutoTest(host: Signal<HostView>, name: String) -> impl IntoView {
    let live = expect_context::<Live>();
    let action = action_from_address::<SetAutoTest>();
    let on = Memo::new(move |_| host.with(|h| h.auto_test));
    view! {
        <ActionForm action=action>
            <input type="hidden" name="host" value=name/>
            <input type="hidden" name="on" prop:value=move || (!on.get()).to_string() value=move || (!on.get()).to_string()/>
            <p class="setting">
                <span>
                    {move || if on.get() {
                        "Tests run by themselves after a rollback or a switch."
                    } else {
                        "Tests run only when somebody asks for them."
                    }}
                </span>
                <button type="submit" disabled=move || !live.may_operate() || action.pending().get()>
                    {move || if on.get() { "Turn auto-test off" } else { "Turn auto-test on" }}
                </button>
            </p>
            <Refusal action/>
        </ActionForm>
    }
    .into_any()
}
