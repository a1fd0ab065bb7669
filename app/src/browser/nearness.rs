//! Which parts of a page are near to what is seen.

use js_sys::Array;
use leptos::prelude::document;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{
    Element, HtmlElement, IntersectionObserver, IntersectionObserverEntry, IntersectionObserverInit,
};

/// How far above and below the window something is near.
const NEAR: &str = "1500px 0px";

/// Tells whether an element is near to what is seen, now and at each change, for as long as this is kept.
pub(crate) struct Nearness {
    observer: IntersectionObserver,
    _heard: Closure<dyn Fn(Array)>,
}

impl Nearness {
    /// Watches an element; none where the browser cannot.
    pub(crate) fn watch(element: &Element, heard: impl Fn(bool) + 'static) -> Option<Self> {
        let heard = Closure::<dyn Fn(Array)>::new(move |entries: Array| {
            // The last one is how things are now.
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

/// How high that is together which a selector of ours finds in an element, from the top of the first to the end of the
/// last; in pixels.
pub(crate) fn extent(inside: &Element, selector: &str) -> Option<f64> {
    let found = inside.query_selector_all(selector).ok()?;
    let edges = |place: u32| Some(found.item(place)?.dyn_into::<Element>().ok()?.get_bounding_client_rect());
    Some(edges(found.length().checked_sub(1)?)?.bottom() - edges(0)?.top())
}

/// Whether the focus is in an element.
pub(crate) fn has_focus(element: &Element) -> bool {
    document().active_element().is_some_and(|focused| element.contains(Some(&focused)))
}

/// Makes an element so many pixels high.
pub(crate) fn set_height(element: &HtmlElement, high: f64) {
    // Fails for no number.
    let _ = element.style().set_property("height", &format!("{high:.0}px"));
}
