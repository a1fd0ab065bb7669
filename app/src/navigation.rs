//! Changing the address without losing the place on the page. The router scrolls to the top at each new
//! address, which is right for another page. A dialog lies over the fleet page, which must stay where it is
//! when one opens or closes.

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use web_sys::Url;

use crate::browser;
#[cfg(feature = "hydrate")]
use crate::routes::LOG_IN;
use crate::routes::{is_dialog, page};

/// Keeps the scroll position while the page stays the same one.
pub(crate) fn keep_scroll_position() {
    #[cfg(feature = "hydrate")]
    follow_redirects();
    Effect::new(|_| browser::before_links(keeps_page));
}

/// Returns whether a link changes the address and not the page. A link to the current address goes to the
/// top, as people expect.
fn keeps_page(from: &Url, to: &Url) -> bool {
    from.origin() == to.origin()
        && from.pathname() != to.pathname()
        && page(&from.pathname()) == page(&to.pathname())
}

/// Returns a function that goes to an address of ours: to its top, if that is another page. The address of a
/// dialog is replaced, so that "back" does not reopen it.
pub(crate) fn use_navigate_to() -> impl Fn(&str) + Clone {
    let navigate = use_navigate();
    move |address| {
        let here = window().location().pathname().unwrap_or_default();
        let path = address.split(['?', '#']).next().unwrap_or_default();
        let scroll = page(&here) != page(path);
        navigate(
            address,
            NavigateOptions { scroll, replace: is_dialog(&here), ..NavigateOptions::default() },
        );
    }
}

/// Follows the server's redirect after a form. The router would always go to the top.
#[cfg(feature = "hydrate")]
fn follow_redirects() {
    // The router's context belongs to the same owner as this.
    let owner = Owner::current();
    let follow = move |address: &str| {
        // The server alone writes a part of the log-in page, and nothing of this page belongs there.
        if address.starts_with(LOG_IN) {
            // Cannot fail: the address is valid.
            let _ = window().location().set_href(address);
            return;
        }
        let Some(go) = owner.as_ref().map(|owner| owner.with(use_navigate_to)) else { return };
        let address = address.to_owned();
        // Code that awaits the server's answer gets it first.
        request_animation_frame(move || go(&address));
    };
    // Fails if the hook is set already, by an earlier start of this page.
    let _ = server_fn::redirect::set_redirect_hook(follow);
}
