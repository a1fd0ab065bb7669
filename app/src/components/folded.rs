//! The folded rest of a long list, in what the server writes.

use leptos::prelude::*;

/// The rest of a list, folded: “317 more”. `id` keeps it open when the list changes.
#[component]
pub(crate) fn FoldedRest(
    id: &'static str,
    /// Number of folded items.
    count: usize,
    children: Children,
) -> impl IntoView {
    view! {
        <details class="folded" id=id>
            <summary>{format!("{count} more")}</summary>
            {children()}
        </details>
    }
}
