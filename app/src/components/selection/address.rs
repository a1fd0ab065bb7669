//! The addresses of dialogs about several hosts.
//!
//! An address names its hosts, so that it can be shared and works without script. If it would be longer than
//! proxies and the log-in redirect accept, it names the filter that the hosts match; or it only says that
//! they are the selected hosts, which the page knows: such a dialog does not survive a reload of the page,
//! and says so.

use std::collections::BTreeSet;

use leptos_router::params::ParamsMap;

use crate::api::local_path;

const HOST: &str = "host";
const HOSTS: &str = "hosts";
const SELECTED: &str = "selected";
const FILTER: &str = "q";

/// The hosts that an address is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HostScope {
    /// No particular hosts.
    All,
    /// These hosts, by name.
    Named(BTreeSet<String>),
    /// The selected hosts.
    Selected,
    /// The hosts that match this filter.
    Fitting(String),
}

impl HostScope {
    pub(crate) fn of(params: &ParamsMap) -> Self {
        if params.get_str(HOSTS) == Some(SELECTED) {
            return Self::Selected;
        }
        match params.get_all(HOST) {
            Some(names) if !names.is_empty() => Self::Named(names.into_iter().collect()),
            _ => params.get(FILTER).map_or(Self::All, Self::Fitting),
        }
    }
}

/// `path` about these hosts. Host names need no escaping.
pub(crate) fn named<'a>(path: &str, hosts: impl IntoIterator<Item = &'a str>) -> String {
    hosts.into_iter().fold(path.to_owned(), |address, host| with(&address, HOST, host))
}

/// `path` about the selected hosts: by name, unless that is too long.
pub(crate) fn selected<'a>(path: &str, hosts: impl IntoIterator<Item = &'a str>) -> String {
    short(named(path, hosts)).unwrap_or_else(|| with(path, HOSTS, SELECTED))
}

/// `path` about these hosts, which match a filter: by name, unless that is too long.
pub(crate) fn fitting<'a>(path: &str, filter: &str, hosts: impl IntoIterator<Item = &'a str>) -> String {
    short(named(path, hosts)).unwrap_or_else(|| {
        let query: ParamsMap = [(FILTER, filter.to_owned())].into_iter().collect();
        format!("{path}{}", query.to_query_string())
    })
}

fn short(address: String) -> Option<String> {
    (local_path(&address) == address).then_some(address)
}

fn with(address: &str, name: &str, value: &str) -> String {
    let sign = if address.contains('?') { '&' } else { '?' };
    format!("{address}{sign}{name}={value}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(address: &str) -> HostScope {
        let mut params = ParamsMap::new();
        for pair in address.split_once('?').map_or("", |(_, query)| query).split('&') {
            if let Some((name, value)) = pair.split_once('=') {
                params.insert(name.to_owned(), value.to_owned());
            }
        }
        HostScope::of(&params)
    }

    #[test]
    fn an_address_says_which_hosts_it_is_about() {
        let address = selected("/rollout?kind=pull", ["gpc0", "hsb0"]);
        assert_eq!(address, "/rollout?kind=pull&host=gpc0&host=hsb0");
        assert_eq!(about(&address), HostScope::Named(["gpc0".to_owned(), "hsb0".to_owned()].into()));
        assert_eq!(about("/rollout?kind=pull"), HostScope::All);
    }

    #[test]
    fn many_hosts_are_not_named() {
        let names: Vec<_> = (0..1_000).map(|number| format!("host{number}")).collect();
        let address = selected("/rollback", names.iter().map(String::as_str));
        assert_eq!(address, "/rollback?hosts=selected");
        assert_eq!(about(&address), HostScope::Selected);
        let address = fitting("/rollout", "status:fine", names.iter().map(String::as_str));
        assert_eq!(address, "/rollout?q=status%3Afine");
        assert_eq!(about("/rollout?q=fine"), HostScope::Fitting("fine".to_owned()));
    }
}
