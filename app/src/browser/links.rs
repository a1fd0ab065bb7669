//! Intercepting links before the router follows them.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use web_sys::{Element, HtmlAnchorElement, MouseEvent, Url};

/// Attribute that tells the router not to scroll to the top.
const KEEP: &str = "data-noscroll";
/// The value set here. A link that was rendered with the attribute keeps it.
const KEPT: &str = "page";

/// Checks each link before the router follows it: if `is_kept(from, to)` is true, the scroll position stays.
/// Stays in place for the life of the page.
pub(crate) fn before_links(is_kept: impl Fn(&Url, &Url) -> bool + 'static) {
    let followed = move |event: MouseEvent| {
        let link = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        let link = link.and_then(|target| target.closest("a[href]").ok().flatten());
        let Some(link) = link.and_then(|link| link.dyn_into::<HtmlAnchorElement>().ok()) else { return };
        let here = window().location().href().and_then(|href| Url::new(&href));
        let (Ok(here), Ok(there)) = (here, Url::new(&link.href())) else { return };
        let says = link.get_attribute(KEEP);
        // Neither can fail on an element.
        if says.is_none() && is_kept(&here, &there) {
            let _ = link.set_attribute(KEEP, KEPT);
        } else if says.as_deref() == Some(KEPT) && !is_kept(&here, &there) {
            let _ = link.remove_attribute(KEEP);
        }
    };
    let followed = Closure::<dyn Fn(MouseEvent)>::new(followed);
    // The router listens on the window, which gets the event later. Cannot fail for this event.
    let _ = document().add_event_listener_with_callback("click", followed.as_ref().unchecked_ref());
    followed.forget();
}
