//! What the forms of dialogs share: the note to people who lack the role, and the end.

use backstay_model::Action;
use backstay_model::people::Extent;
use leptos::prelude::*;

use super::sending::{Sending, leave_once_arrived};
use crate::ApiError;
use crate::components::{FormAction, Refusal};
use crate::live::{Connection, Live};

/// States which role something requires: “Rolling back requires the responder role.”
pub(crate) fn requires(what: &str, action: Action) -> String {
    let rule = action.rule();
    let extent = if rule.extent == Extent::Fleet { " on the whole fleet" } else { "" };
    format!("{what} requires the {} role{extent}.", rule.role)
}

/// Tells a person who may not do what the dialog does which role it requires.
#[component]
pub(crate) fn RoleNeeded(
    /// What the dialog does, as the subject of a sentence: “Rolling back”.
    what: &'static str,
    /// What it is.
    does: Action,
    /// The host that it is about, if it is about one.
    #[prop(optional_no_strip)]
    host: Option<String>,
) -> impl IntoView {
    let live = expect_context::<Live>();
    move || (!live.may(does, host.as_deref())).then(|| view! { <p class="banner">{requires(what, does)}</p> })
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
