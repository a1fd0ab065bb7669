//! The few things that pages ask of the browser itself. Called from effects and handlers alone, which the server
//! never runs.

use chrono::{DateTime, Utc};
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{HtmlDialogElement, HtmlElement, HtmlInputElement};

/// Sets or removes `data-NAME="true"` of the document, for style sheets and tests.
pub(crate) fn set_flag(name: &str, on: bool) {
    let Some(root) = root() else { return };
    if on {
        // Fails only for a name with a hyphen before a letter.
        let _ = root.dataset().set(name, "true");
    } else {
        root.dataset().delete(name);
    }
}

fn root() -> Option<HtmlElement> {
    document().document_element()?.dyn_into().ok()
}

/// The browser's clock.
pub(crate) fn now() -> DateTime<Utc> {
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 are far below 2^53")]
    let millis = js_sys::Date::now() as i64;
    DateTime::from_timestamp_millis(millis).unwrap_or_default()
}

/// A number in `0.0..1.0`.
pub(crate) fn random() -> f64 {
    js_sys::Math::random()
}

/// Moves the focus to the element with this identifier.
pub(crate) fn focus(id: &str) {
    if let Some(element) = document().get_element_by_id(id).and_then(|e| e.dyn_into::<HtmlElement>().ok()) {
        // An element that cannot take the focus leaves it where it is.
        let _ = element.focus();
    }
}

/// Hides an open popover.
pub(crate) fn hide_popover(id: &str) {
    if let Some(element) = document().get_element_by_id(id).and_then(|e| e.dyn_into::<HtmlElement>().ok()) {
        // It is hidden already where this fails.
        let _ = element.hide_popover();
    }
}

/// Makes a dialog that is rendered open a modal one: the page below it becomes inert. `then` runs once it is.
pub(crate) fn make_modal(dialog: HtmlDialogElement, then: impl FnOnce() + 'static) {
    let make = move || {
        if dialog.is_connected() && !dialog.matches(":modal").unwrap_or(false) {
            // Removed rather than closed, so that nobody hears of a closing.
            let _ = dialog.remove_attribute("open");
            let _ = dialog.show_modal();
        }
        then();
    };
    // It may not be in the page yet, and only there it can be modal.
    request_animation_frame(make);
}

/// The value of the chosen radio button of this name inside an element.
pub(crate) fn chosen_radio(inside: &web_sys::Element, name: &str) -> Option<HtmlInputElement> {
    inside.query_selector(&format!("input[name={name}]:checked")).ok()??.dyn_into().ok()
}

const THEME_KEY: &str = "backstay.theme";

/// The theme that the person chose before.
pub(crate) fn stored_theme() -> Option<String> {
    window().local_storage().ok()??.get_item(THEME_KEY).ok()?
}

/// Chooses a theme for this browser; none follows the system.
pub(crate) fn choose_theme(theme: Option<&str>) {
    if let Some(root) = root() {
        match theme {
            Some(theme) => drop(root.dataset().set("theme", theme)),
            None => root.dataset().delete("theme"),
        }
    }
    // A browser without storage forgets the choice at the next page.
    if let Ok(Some(storage)) = window().local_storage() {
        let _ = match theme {
            Some(theme) => storage.set_item(THEME_KEY, theme),
            None => storage.remove_item(THEME_KEY),
        };
    }
}
