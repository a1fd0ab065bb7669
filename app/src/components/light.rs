//! One of the five lights.

use backstay_model::Light;
use leptos::prelude::*;

use crate::components::Icon;
use crate::routes::Route;

/// One of the five lights: a shape, a colour, words, and a hint.
#[component]
pub fn LightBadge(
    /// The host's name, for a unique identifier.
    host: String,
    /// The light's name.
    name: &'static str,
    /// Its state.
    light: Signal<Light>,
    /// Whether the hint is always visible. Otherwise it appears on hover and on focus, and the light is a
    /// link to its section of the host's page.
    #[prop(optional)]
    open: bool,
) -> impl IntoView {
    let key = name.to_lowercase();
    let hint_id = format!("hint-{host}-{key}");
    let described_by = hint_id.clone();
    let href = (!open).then(|| format!("{}#{}", Route::Host(&host), section(name)));
    let state = Signal::derive(move || light.with(|l| l.state.as_str()));
    view! {
        <a class="light-box" class:open=open href=href aria-describedby=described_by>
            <span
                class="light"
                role="img"
                data-light=key
                data-state=state
                aria-label=move || light.with(|l| format!("{name}: {}", l.words))
            >
                <Icon name=state/>
                <span class="words">{move || light.with(|l| l.words.clone())}</span>
            </span>
            <span class="hint" role="tooltip" id=hint_id>{move || light.with(|l| l.hint.clone())}</span>
        </a>
    }
}

/// The section of the host's page that explains a light.
fn section(light: &str) -> &'static str {
    match light {
        "Tests" => "tests",
        "System" => "timeline",
        _ => "facts",
    }
}
