//! The address of a page with the log of an op beside it: the page's own, and `log` in its query.

use std::fmt::Display;

use backstay_model::OpId;
use leptos::prelude::*;
use leptos_router::hooks::use_location;
use leptos_router::params::ParamsMap;

use crate::routes::{self, FROM, Route};

/// Where the op whose log is open is named.
pub(crate) const LOG: &str = "log";

/// Where it is named what to look for in the log, once it is open.
pub(crate) const FIND: &str = "find";

/// Says at which address the page that is shown now has the log of an op beside it.
pub fn use_log_address() -> impl Fn(OpId) -> String + Copy + Send + Sync + 'static {
    let location = use_location();
    let (path, query) = (location.pathname, location.query);
    move |op| address(&path.get(), query.get(), Some(op))
}

/// The address of the page without any log.
pub(crate) fn use_address_without_log() -> impl Fn() -> String + Copy + Send + Sync + 'static {
    let location = use_location();
    let (path, query) = (location.pathname, location.query);
    move || address(&path.get(), query.get(), None)
}

fn address(path: &str, mut query: ParamsMap, log: Option<OpId>) -> String {
    // A refusal that a form was led back with is said once.
    for passing in [LOG, FIND, "__path", "__err"] {
        query.remove(passing);
    }
    // A dialog lies over its page and over the log, so opening the log leaves the dialog.
    let path = match routes::subject(path) {
        Some(own) => {
            // What the dialog was asked for goes with it.
            let opened_there = query.remove(FROM).is_some();
            query = ParamsMap::new();
            if opened_there { own.to_owned() } else { Route::Fleet.path() }
        }
        None => path.to_owned(),
    };
    let query = query.to_query_string();
    let address = format!("{path}{}", if query == "?" { "" } else { &query });
    match log {
        Some(op) => with_log(&address, op),
        None => address,
    }
}

/// An address without a log, with one.
pub(crate) fn with_log(address: &str, op: impl Display) -> String {
    let joint = if address.contains('?') { '&' } else { '?' };
    // Written as it is: an identifier has nothing to escape, and addresses that are the same should look the same.
    format!("{address}{joint}{LOG}={op}")
}

/// An address with a log, at the last place in it where something is found.
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
        assert_eq!(logged("/hosts/gpc0/rollback", &[("from", "host")]), format!("/hosts/gpc0?{LOGGED}"));
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
        assert_eq!(
            logged("/deployments/x/revert", &[("from", "deployment")]),
            format!("/deployments/x?{LOGGED}")
        );
    }

    #[test]
    fn what_to_look_for_goes_with_the_log() {
        let found = finding(&logged("/", &[]), "a b: FAILED");
        assert_eq!(found, format!("/?{LOGGED}&find=a%20b%3A%20FAILED"));
        assert_eq!(logged("/", &[("find", "x")]), format!("/?{LOGGED}"), "the next log is another one");
    }

    #[test]
    fn closed_it_is_the_page_alone() {
        assert_eq!(address("/", [("log", "x".to_owned())].into_iter().collect(), None), "/");
    }
}
