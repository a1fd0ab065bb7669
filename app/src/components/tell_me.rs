//! Desktop notifications: the controls. `tell_me.js` asks the browser for permission and shows them.

use backstay_model::OpView;
use leptos::prelude::*;

use crate::browser;

/// The ops whose end this tab waits for, in its session storage.
const OPS: &str = "backstay.tell";
/// Set in this browser's storage if it tells whatever turns bad.
const BAD: &str = "backstay.tell-bad";

/// The button that asks for a notification at the end of an op, while it is open.
#[component]
pub(crate) fn TellMe(
    /// The op.
    op: RwSignal<OpView>,
) -> impl IntoView {
    let id = op.with_untracked(|op| op.id.to_string());
    let is_open = Memo::new(move |_| op.with(|op| op.status.is_open()));
    let asked = RwSignal::new(false);
    let known = id.clone();
    Effect::new(move |_| asked.set(browser::session_value(OPS).is_some_and(|ids| ids.contains(&known))));
    move || {
        is_open.get().then(|| {
            let words = if asked.get() { "You will be notified" } else { "Tell me when this is done" };
            view! { <button type="button" class="alive" data-tell-op=id.clone() disabled=asked>{words}</button> }
        })
    }
}

/// The choice of a notification whenever something turns bad, while no page has the focus.
#[component]
pub(crate) fn TellBad() -> impl IntoView {
    let on = RwSignal::new(false);
    Effect::new(move |_| on.set(browser::stored_value(BAD).is_some()));
    view! {
        <label>
            <input type="checkbox" data-tell-bad prop:checked=on/>
            "Notify me when something turns bad"
        </label>
    }
}
