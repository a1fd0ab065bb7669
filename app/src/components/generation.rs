//! A generation's name.

use backstay_model::Generation;
use leptos::prelude::*;

/// “Gen 48 (abc1234)”.
#[component]
pub fn GenerationName(
    /// The generation.
    generation: Generation,
) -> impl IntoView {
    view! { <span class="generation">{name(&generation)}</span> }
}

/// “Gen 48 (abc1234)” as text.
pub(crate) fn name(generation: &Generation) -> String {
    match &generation.commit {
        Some(commit) => format!("Gen {} ({commit})", generation.number),
        None => format!("Gen {}", generation.number),
    }
}
