//! The tokens of `style/tokens.css`, and the icons.

use leptos::prelude::*;

use super::Part;
use crate::components::{Icon, Mark};
use crate::live::Live;

/// Background colours, and the colours used on them.
const COLOURS: [&str; 17] = [
    "paper",
    "surface",
    "raised",
    "hover",
    "ink",
    "soft",
    "line",
    "edge",
    "sea",
    "on-sea",
    "stay",
    "ok",
    "attention",
    "attention-mark",
    "failed",
    "unknown",
    "on-light",
];
const LETTERS: [&str; 8] = ["tiny", "small", "less", "body", "more", "title", "number", "page"];
const SPACES: [&str; 8] = ["1", "2", "3", "4", "5", "6", "7", "8"];

/// Every token by its name.
pub(super) fn view(_live: Live) -> AnyView {
    let swatches = COLOURS
        .map(|name| view! { <li><span class="swatch" data-colour=name></span><code>"--"{name}</code></li> });
    let letters = LETTERS.map(
        |name| view! { <p data-letters=name>"Gen 47 is known to work"" "<code>"--size-"{name}</code></p> },
    );
    let spaces = SPACES.map(
        |name| view! { <li><span class="bar" data-space=name></span><code>"--space-"{name}</code></li> },
    );
    view! {
        <Part title="Colours"><ul class="swatches">{swatches.collect_view()}</ul></Part>
        <Part title="Type sizes">{letters.collect_view()}</Part>
        <Part title="Spaces"><ul class="spaces">{spaces.collect_view()}</ul></Part>
    }
    .into_any()
}

const ICONS: [&str; 27] = [
    "ok",
    "attention",
    "failed",
    "working",
    "unknown",
    "nixos",
    "darwin",
    "home",
    "more",
    "rollback",
    "pull",
    "switch",
    "test",
    "refresh",
    "details",
    "close",
    "anchor",
    "find",
    "up",
    "down",
    "pause",
    "end",
    "copy",
    "bell",
    "fold",
    "drift",
    "view",
];

/// Every icon with its name.
pub(super) fn icons(_live: Live) -> AnyView {
    let icons = ICONS.map(|name| view! { <li><Icon name=name/><span>{name}</span></li> });
    view! {
        <Part title="Icons"><ul class="gallery-icons">{icons.collect_view()}</ul></Part>
        <Part title="Mark"><p><Mark/></p></Part>
    }
    .into_any()
}
