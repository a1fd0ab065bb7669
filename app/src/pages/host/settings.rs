//! What can be set for a host.

use backstay_protocol::view::HostDetail;
use backstay_protocol::{HostView, Labels, NOTES_CHARS};
use leptos::prelude::*;

use crate::api::{SetAutoTest, SetLabels};
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

/// What people say of the host, and the form that changes it.
#[component]
pub(super) fn LabelsOf(detail: RwSignal<HostDetail>, name: String) -> impl IntoView {
    let live = expect_context::<Live>();
    let action = action_from_address::<SetLabels>();
    let labels = Memo::new(move |_| detail.with(|d| d.labels.clone()));
    let Labels { tags: first_tags, notes: first_notes } = detail.with_untracked(|d| d.labels.clone());
    let saved = Memo::new(move |_| action.value().with(|value| matches!(value, Some(Ok(())))));
    let tags = move || labels.with(|labels| labels.tags.join(" "));
    let notes = move || labels.with(|labels| labels.notes.clone());
    let closed = move || !live.may_operate() || action.pending().get();
    view! {
        <ActionForm action=action attr:class="labels">
            <input type="hidden" name="host" value=name/>
            <label>
                "Tags "<span class="faint">"(words to find it by: cloud vienna)"</span>
                <input type="text" name="tags" autocomplete="off" spellcheck="false" prop:value=tags value=first_tags.join(" ")/>
            </label>
            <label>
                "Notes"
                <textarea name="notes" rows="3" maxlength=NOTES_CHARS.to_string() prop:value=notes>{first_notes}</textarea>
            </label>
            <Refusal action/>
            <p class="labels-end">
                <button type="submit" disabled=closed>"Save"</button>
                <span class="faint" role="status">{move || saved.get().then_some("Saved.")}</span>
            </p>
        </ActionForm>
    }
    .into_any()
}
