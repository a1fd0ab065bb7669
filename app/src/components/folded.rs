//! The rest of a list that is too long to be shown whole.

use leptos::prelude::*;

use crate::browser;

/// The rest of a list, folded away: “317 more”. Whether it is open is the caller's, so that it stays so when the list
/// changes.
#[component]
pub(crate) fn FoldedRest(
    /// How many there are.
    count: usize,
    open: RwSignal<bool>,
    children: Children,
) -> impl IntoView {
    view! {
        <details class="folded" prop:open=move || open.get() open=open.get_untracked() on:toggle=move |event| open.set(browser::is_open(&event))>
            <summary>{format!("{count} more")}</summary>
            {children()}
        </details>
    }
    .into_any()
}
