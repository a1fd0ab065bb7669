//! Icons: one sprite in the page, drawn for this dashboard, and references to it.

use backstay_model::Platform;
use leptos::prelude::*;

/// The sprite: each state of a light has a shape of its own, so that nobody needs to see its colour.
const SPRITE: &str = include_str!("sprite.svg");

/// The sprite that every [`Icon`] of the page refers to.
#[component]
pub fn IconSprite() -> impl IntoView {
    view! { <svg class="sprite" aria-hidden="true" focusable="false" inner_html=SPRITE></svg> }
}

/// An icon of the sprite. It has no meaning of its own: words stand beside it.
#[component]
pub fn Icon(
    /// Its name in the sprite.
    #[prop(into)]
    name: Signal<&'static str>,
) -> impl IntoView {
    view! {
        <svg class="icon" aria-hidden="true" focusable="false">
            <use_ href=move || format!("#i-{}", name.get())/>
        </svg>
    }
}

/// Backstay's mark: a mast, and the stay that keeps it from falling forward.
#[component]
pub fn Mark() -> impl IntoView {
    view! {
        <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
            <use_ href="#i-mark"/>
        </svg>
    }
}

/// The platform of a host, as icon and word.
#[component]
pub fn PlatformName(
    /// The platform.
    platform: Platform,
) -> impl IntoView {
    let icon = match platform {
        Platform::Nixos => "nixos",
        Platform::Darwin => "darwin",
        Platform::HomeManager => "home",
    };
    view! { <span class="platform"><Icon name=icon/>{platform.title()}</span> }
}
