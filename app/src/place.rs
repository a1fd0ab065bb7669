//! Where on the page one is while its address changes. The router goes to the top with each new address, which is right for
//! another page; but a dialog lies over the fleet page, and that one stays where it is when one comes, and when it goes.

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use web_sys::Url;

use crate::browser;

/// Keeps the page where it is as long as it is the same one.
pub(crate) fn keep() {
    #[cfg(feature = "hydrate")]
    follow_server();
    Effect::new(|_| browser::before_links(is_kept_by));
}

/// Whether a link changes the address and not the page. A link to where one is goes to the top, as people expect.
fn is_kept_by(from: &Url, to: &Url) -> bool {
    from.origin() == to.origin()
        && from.pathname() != to.pathname()
        && page(&from.pathname()) == page(&to.pathname())
}

/// Whether what is shown at an address is a dialog over the fleet page.
pub(crate) fn is_dialog(path: &str) -> bool {
    matches!(
        path.split('/').collect::<Vec<_>>()[..],
        ["", "add-host" | "rollout" | "rollback"]
            | ["", "hosts", _, "rollback"]
            | ["", "pull-requests", _, "merge"]
            | ["", "deployments", _, "revert" | "rollback"]
    )
}

/// The page that is shown at an address: the fleet's for each of its dialogs.
pub(crate) fn page(path: &str) -> &str {
    if is_dialog(path) { "/" } else { path }
}

/// What goes to an address of ours, to its top where that is another page. Whoever leaves a dialog is not led back into it
/// by the browser.
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

/// Goes where the server leads after a form, in place of the router's own way, which always goes to the top.
#[cfg(feature = "hydrate")]
fn follow_server() {
    // The router's context comes to the same owner as this.
    let owner = Owner::current();
    let follow = move |address: &str| {
        let Some(go) = owner.as_ref().map(|owner| owner.with(use_navigate_to)) else { return };
        let address = address.to_owned();
        // What waits for the server's answer has it first.
        request_animation_frame(move || go(&address));
    };
    // Set already where the page has been made before.
    let _ = server_fn::redirect::set_redirect_hook(follow);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dialog_is_over_the_fleet_page() {
        for path in [
            "/",
            "/hosts/gpc0/rollback",
            "/rollback",
            "/rollout",
            "/add-host",
            "/pull-requests/7/merge",
            "/deployments/7/revert",
            "/deployments/7/rollback",
        ] {
            assert_eq!(page(path), "/", "{path}");
        }
        for path in ["/hosts/gpc0", "/hosts/rollback", "/deployments", "/deployments/7", "/ops", "/login"] {
            assert_eq!(page(path), path);
        }
    }
}
