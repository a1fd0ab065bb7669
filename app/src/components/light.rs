//! One of the five lights.

use backstay_model::Light;
use leptos::prelude::*;

use crate::components::Icon;

/// One of the five lights: a shape, a colour, words, and a hint.
#[component]
pub fn LightBadge(
    /// The host's name, for a unique identifier.
    host: String,
    /// The light's name.
    name: &'static str,
    /// Its state.
    light: Signal<Light>,
    /// Whether the hint is always visible instead of on hover.
    #[prop(optional)]
    open: bool,
) -> impl IntoView {
    let key = name.to_lowercase();
    let hint_id = format!("hint-{host}-{key}");
    let state = Signal::derive(move || light.with(|l| l.state.as_str()));
    view! {
        <span class="light-box" class:open=open>
            <span
                class="light"
                role="img"
                data-light=key
                data-state=state
                aria-label=move || light.with(|l| format!("{name}: {}", l.words))
                aria-describedby=hint_id.clone()
            >
                <Icon name=state/>
                <span class="words">{move || light.with(|l| l.words.clone())}</span>
            </span>
            <span class="hint" role="tooltip" id=hint_id>{move || light.with(|l| l.hint.clone())}</span>
        </span>
    }
}
