//! Addresses of pages with the log of an op beside them: the page's own address with `log` in its query.

use std::fmt::Display;

use backstay_model::OpId;
use leptos::prelude::*;
use leptos_router::hooks::use_location;
use leptos_router::params::ParamsMap;

use crate::routes;

/// The parameter that names the op of the open log.
pub(crate) const LOG: &str = "log";

/// The parameter that names the text to search for in the open log.
pub(crate) const FIND: &str = "find";

/// Returns a function for the address of the current page with the log of an op beside it.
pub fn use_log_address() -> impl Fn(OpId) -> String + Copy + Send + Sync + 'static {
    let location = use_location();
    let (path, query) = (location.pathname, location.query);
    move |op| address(&path.get(), query.get(), Some(op))
}

/// Returns a function for the address of the current page without a log.
pub(crate) fn use_address_without_log() -> impl Fn() -> String + Copy + Send + Sync + 'static {
    let location = use_location();
    let (path, query) = (location.pathname, location.query);
    move || address(&path.get(), query.get(), None)
}

fn address(path: &str, mut query: ParamsMap, log: Option<OpId>) -> String {
    // A refusal from a redirected form is shown once.
    for passing in [LOG, FIND, "__path", "__err"] {
        query.remove(passing);
    }
    // A dialog lies over its page and over the log, so opening the log leaves the dialog, and its parameters.
    if routes::is_dialog(path) {
        query = ParamsMap::new();
    }
    let path = routes::page(path);
    let query = query.to_query_string();
    let address = format!("{path}{}", if query == "?" { "" } else { &query });
    match log {
        Some(op) => with_log(&address, op),
        None => address,
    }
}

/// Adds a log to an address without one.
pub(crate) fn with_log(address: &str, op: impl Display) -> String {
    let joint = if address.contains('?') { '&' } else { '?' };
    // Not escaped: an identifier needs no escaping, and equal addresses should look equal.
    format!("{address}{joint}{LOG}={op}")
}

/// Adds a search to an address with a log; the log opens at the last match.
#[cfg(feature = "ssr")]
pub(crate) fn finding(address: &str, text: &str) -> String {
    let find: ParamsMap = [(FIND, text.to_owned())].into_iter().collect();
    format!("{address}&{}", find.to_query_string().trim_start_matches('?'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logged(path: &str, query: &[(&'static str, &str)]) -> String {
        let op = "019b0000-0000-7000-8000-000000000001".parse().unwrap();
        address(path, query.iter().map(|(key, value)| (*key, (*value).to_owned())).collect(), Some(op))
    }

    const LOGGED: &str = "log=019b0000-0000-7000-8000-000000000001";

    #[test]
    fn the_page_stays_what_it_is() {
        assert_eq!(logged("/", &[]), format!("/?{LOGGED}"));
        assert_eq!(logged("/ops", &[("host", "gpc0"), ("log", "x")]), format!("/ops?host=gpc0&{LOGGED}"));
        assert_eq!(
            logged("/hosts/gpc0", &[("__err", "x"), ("__path", "y")]),
            format!("/hosts/gpc0?{LOGGED}")
        );
    }

    #[test]
    fn a_dialog_is_left() {
        assert_eq!(logged("/hosts/gpc0/rollback", &[]), format!("/?{LOGGED}"));
        assert_eq!(logged("/hosts/gpc0/here/rollback", &[("to", "47")]), format!("/hosts/gpc0?{LOGGED}"));
    }

    #[test]
    fn dialogs_of_the_fleet_are_left_too() {
        for dialog in [
            "/add-host",
            "/rollout",
            "/rollback",
            "/pull-requests/42/merge",
            "/deployments/x/revert",
            "/deployments/x/rollback",
        ] {
            assert_eq!(logged(dialog, &[("hosts", "gpc0")]), format!("/?{LOGGED}"));
        }
        assert_eq!(logged("/deployments/x/here/revert", &[]), format!("/deployments/x?{LOGGED}"));
    }

    #[test]
    #[cfg(feature = "ssr")]
    fn a_search_ends_with_its_log() {
        let found = finding(&logged("/", &[]), "a b: FAILED");
        assert_eq!(found, format!("/?{LOGGED}&find=a%20b%3A%20FAILED"));
        assert_eq!(
            logged("/", &[("find", "x")]),
            format!("/?{LOGGED}"),
            "the next log starts without a search"
        );
    }

    #[test]
    fn without_a_log_the_page_remains() {
        assert_eq!(address("/", [("log", "x".to_owned())].into_iter().collect(), None), "/");
    }
}
