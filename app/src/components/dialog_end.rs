//! What the forms of dialogs share: the note to people with read-only access, and the end.

use leptos::prelude::*;

use super::sending::{Sending, leave_once_arrived};
use crate::ApiError;
use crate::components::{FormAction, Refusal};
use crate::live::{Connection, Live};

/// Tells a person with read-only access which role the dialog requires.
#[component]
pub(crate) fn OperatorOnly(
    /// What the dialog does, as the subject of a sentence: “Rolling back”.
    what: &'static str,
) -> impl IntoView {
    let live = expect_context::<Live>();
    move || {
        (!live.may_operate()).then(|| {
            view! {
                <p class="banner">
                    {format!("You have read-only access. {what} requires the operator role.")}
                </p>
            }
        })
    }
}

/// The end of a dialog's form: why the last attempt was refused, how long it has been without an answer,
/// “Cancel”, and the button that submits.
#[component]
pub(crate) fn DialogEnd(
    /// The form's action.
    action: FormAction,
    /// The address that “Cancel” leads to.
    back: String,
    /// The identifier of “Cancel”.
    cancel_id: &'static str,
    /// True if the form cannot be submitted now.
    #[prop(into)]
    closed: Signal<bool>,
    /// True if submitting destroys something.
    #[prop(optional)]
    destructive: bool,
    /// The words on the button.
    children: Children,
) -> impl IntoView {
    let class = if destructive { "primary destructive" } else { "primary" };
    let live = expect_context::<Live>();
    let is_lost = move || matches!(live.connection().get(), Connection::Reconnecting { .. });
    let pending = action.pending();
    let answer_lost =
        Memo::new(move |_| action.value().with(|v| matches!(v, Some(Err(ApiError::Unreachable(_))))));
    leave_once_arrived(pending, answer_lost, back.clone());
    view! {
        <Refusal action/>
        <div class="dialog-end">
            <Sending pending/>
            <a class="button" id=cancel_id href=back>"Cancel"</a>
            <button type="submit" class=class disabled=closed>
                {children()}
                // It may still be pressed: the request may get through before the page hears anything.
                {move || is_lost().then_some("(not connected)")}
            </button>
        </div>
    }
}
