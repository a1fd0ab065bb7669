//! The folded rest of a long list.

use leptos::prelude::*;

use crate::browser;

/// The rest of a list, folded: “317 more”. The caller keeps `open`, so that it survives changes of the list.
#[component]
pub(crate) fn FoldedRest(
    /// Number of folded items.
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
}
