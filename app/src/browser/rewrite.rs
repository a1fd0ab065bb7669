//! Replacing what the server wrote by what it writes now.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

/// Replaces the content of an element. A `<details>` with an identifier stays open or closed, and the focus
/// stays on its summary or on a link to the same address.
pub(crate) fn rewrite(place: &Element, html: &str) {
    let folded: Vec<_> =
        all(place, "details[id]").map(|details| (details.id(), details.has_attribute("open"))).collect();
    let focused =
        document().active_element().filter(|focused| place.contains(Some(focused))).map(|f| name(&f));
    place.set_inner_html(html);
    for (id, open) in folded {
        if let Some(details) = document().get_element_by_id(&id) {
            // Cannot fail for this name.
            let _ = details.toggle_attribute_with_force("open", open);
        }
    }
    let again = focused.and_then(|focused| all(place, "a, summary").find(|element| name(element) == focused));
    if let Some(element) = again.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        // An element that cannot take the focus leaves it unchanged.
        let _ = element.focus();
    }
}

/// What stays the same of a link, or of a summary: its address, or the identifier around it.
fn name(element: &Element) -> (String, Option<String>) {
    let around =
        element.parent_element().map(|around| around.id()).filter(|_| element.tag_name() == "SUMMARY");
    (element.tag_name(), element.get_attribute("href").or(around))
}

fn all(place: &Element, selector: &str) -> impl Iterator<Item = Element> {
    let found = place.query_selector_all(selector).ok();
    let count = found.as_ref().map_or(0, web_sys::NodeList::length);
    (0..count).filter_map(move |nth| found.as_ref()?.item(nth)?.dyn_into().ok())
}
