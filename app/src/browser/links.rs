//! Links, on their way to the router.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use web_sys::{Element, HtmlAnchorElement, MouseEvent, Url};

/// What tells the router not to go to the top of the page.
const KEEP: &str = "data-noscroll";
/// What it is set to here: a link that has it from the beginning keeps it.
const KEPT: &str = "page";

/// Looks at each link that is followed, before the router does: where `is_kept` says so of the addresses from and to, the
/// page stays where it is. For as long as the page lives.
pub(crate) fn before_links(is_kept: impl Fn(&Url, &Url) -> bool + 'static) {
    let followed = move |event: MouseEvent| {
        let link = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        let link = link.and_then(|target| target.closest("a[href]").ok().flatten());
        let Some(link) = link.and_then(|link| link.dyn_into::<HtmlAnchorElement>().ok()) else { return };
        let here = window().location().href().and_then(|href| Url::new(&href));
        let (Ok(here), Ok(there)) = (here, Url::new(&link.href())) else { return };
        let says = link.get_attribute(KEEP);
        // Each of these works on every element.
        if says.is_none() && is_kept(&here, &there) {
            let _ = link.set_attribute(KEEP, KEPT);
        } else if says.as_deref() == Some(KEPT) && !is_kept(&here, &there) {
            let _ = link.remove_attribute(KEEP);
        }
    };
    let followed = Closure::<dyn Fn(MouseEvent)>::new(followed);
    // The router listens to the window, which hears of it afterwards. Fails for no event of this name.
    let _ = document().add_event_listener_with_callback("click", followed.as_ref().unchecked_ref());
    followed.forget();
}
