//! Watching which parts of a page are near the visible part.

use js_sys::Array;
use leptos::prelude::document;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{
    Element, HtmlElement, IntersectionObserver, IntersectionObserverEntry, IntersectionObserverInit,
};

/// Distance above and below the window within which an element is near.
const NEAR: &str = "1500px 0px";

/// Reports whether an element is near the window, now and at each change, until this is dropped.
pub(crate) struct Nearness {
    observer: IntersectionObserver,
    _heard: Closure<dyn Fn(Array)>,
}

impl Nearness {
    /// Watches an element. `None` if the browser cannot.
    pub(crate) fn watch(element: &Element, heard: impl Fn(bool) + 'static) -> Option<Self> {
        let heard = Closure::<dyn Fn(Array)>::new(move |entries: Array| {
            // The last entry is the present state.
            if let Ok(entry) = entries.get(entries.length() - 1).dyn_into::<IntersectionObserverEntry>() {
                heard(entry.is_intersecting());
            }
        });
        let how = IntersectionObserverInit::new();
        how.set_root_margin(NEAR);
        let observer = IntersectionObserver::new_with_options(heard.as_ref().unchecked_ref(), &how).ok()?;
        observer.observe(element);
        Some(Self { observer, _heard: heard })
    }
}

impl Drop for Nearness {
    fn drop(&mut self) {
        self.observer.disconnect();
    }
}

/// Height in pixels from the top of the first to the bottom of the last element that the selector finds.
pub(crate) fn extent(inside: &Element, selector: &str) -> Option<f64> {
    let found = inside.query_selector_all(selector).ok()?;
    let edges = |place: u32| Some(found.item(place)?.dyn_into::<Element>().ok()?.get_bounding_client_rect());
    Some(edges(found.length().checked_sub(1)?)?.bottom() - edges(0)?.top())
}

/// Returns whether the focus is in an element.
pub(crate) fn has_focus(element: &Element) -> bool {
    document().active_element().is_some_and(|focused| element.contains(Some(&focused)))
}

/// Sets the height of an element, in pixels.
pub(crate) fn set_height(element: &HtmlElement, high: f64) {
    // Cannot fail for a number.
    let _ = element.style().set_property("height", &format!("{high:.0}px"));
}
