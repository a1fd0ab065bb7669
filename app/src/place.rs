//! Where on the page one is while its address changes. The router goes to the top with each new address, which is right for
//! another page; but a dialog lies over the fleet page, and that one stays where it is when one comes, and when it goes.

use leptos::prelude::*;
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

/// The page that is shown at an address: the fleet's for each of its dialogs.
fn page(path: &str) -> &str {
    let is_dialog = matches!(
        path.split('/').collect::<Vec<_>>()[..],
        ["", "add-host" | "rollout" | "rollback"]
            | ["", "hosts", _, "rollback"]
            | ["", "pull-requests", _, "merge"]
            | ["", "deployments", _, "revert" | "rollback"]
    );
    if is_dialog { "/" } else { path }
}

/// Goes where the server leads after a form, in place of the router's own way, which always goes to the top.
#[cfg(feature = "hydrate")]
fn follow_server() {
    use leptos_router::NavigateOptions;
    use leptos_router::hooks::use_navigate;

    // The router's context comes to the same owner as this.
    let owner = Owner::current();
    let follow = move |address: &str| {
        let Some(navigate) = owner.as_ref().map(|owner| owner.with(use_navigate)) else { return };
        let address = address.to_owned();
        // What waits for the server's answer has it first.
        request_animation_frame(move || {
            let here = window().location().pathname().unwrap_or_default();
            let path = address.split(['?', '#']).next().unwrap_or_default();
            let scroll = page(&here) != page(path);
            navigate(&address, NavigateOptions { scroll, ..NavigateOptions::default() });
        });
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
