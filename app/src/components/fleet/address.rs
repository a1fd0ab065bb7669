//! The parameters of the fleet page in its address: the filter, the order and the groups, so that links to it
//! can be shared. While a dialog with its own address is open over the page, the parameters stay as they
//! were.

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_location, use_navigate, use_query_map};
use leptos_router::params::ParamsMap;
use web_sys::HtmlFormElement;

use crate::browser;
use crate::fleet::{GroupBy, Sort};
use crate::routes::Route;

/// Names of the parameters.
pub(super) const QUERY: &str = "q";
pub(super) const SORT: &str = "sort";
pub(super) const GROUP: &str = "group";

/// The parameters of the fleet page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct FleetParams {
    text: String,
    sort: Sort,
    group: GroupBy,
}

impl FleetParams {
    fn of(params: &ParamsMap) -> Self {
        Self {
            text: params.get(QUERY).unwrap_or_default(),
            sort: params.get_str(SORT).map(Sort::from_word).unwrap_or_default(),
            group: params.get_str(GROUP).map(GroupBy::from_word).unwrap_or_default(),
        }
    }

    /// Writes these into an address and keeps its other parameters, so that a log beside the page stays open.
    fn put(&self, params: &mut ParamsMap) {
        for name in [QUERY, SORT, GROUP] {
            params.remove(name);
        }
        if !self.text.trim().is_empty() {
            params.insert(QUERY, self.text.clone());
        }
        if self.sort != Sort::default() {
            params.insert(SORT, self.sort.as_str().to_owned());
        }
        if self.group != GroupBy::default() {
            params.insert(GROUP, self.group.as_str().to_owned());
        }
    }
}

fn has_any(params: &ParamsMap) -> bool {
    [QUERY, SORT, GROUP].iter().any(|name| params.get_str(name).is_some())
}

/// The parameters as signals, set by the address or by a person who is typing.
#[derive(Clone, Copy)]
pub(crate) struct FleetAddress {
    /// The filter.
    pub(super) text: RwSignal<String>,
    /// The order.
    pub(super) sort: RwSignal<Sort>,
    /// The grouping.
    pub(super) group: RwSignal<GroupBy>,
}

impl FleetAddress {
    /// Follows the address from now on.
    pub(super) fn follow() -> Self {
        let FleetParams { text, sort, group } = use_query_map().with_untracked(FleetParams::of);
        let address =
            Self { text: RwSignal::new(text), sort: RwSignal::new(sort), group: RwSignal::new(group) };
        address.follow_changes();
        address
    }

    fn now(self) -> FleetParams {
        FleetParams { text: self.text.get(), sort: self.sort.get(), group: self.group.get() }
    }

    /// Applies each new address, except that of a dialog over the page and the way back from it.
    fn follow_changes(self) {
        let (params, path) = (use_query_map(), use_location().pathname);
        let navigate = use_navigate();
        Effect::new(move |before: Option<String>| {
            let path = path.get();
            let from_dialog = before.is_some_and(|before| before != Route::Fleet.path());
            if path == Route::Fleet.path() {
                if from_dialog && !params.with(has_any) {
                    go(&navigate, params.get_untracked(), &untrack(|| self.now()));
                } else {
                    self.take_in(params.with(FleetParams::of));
                }
            }
            path
        });
    }

    /// Applies the input that a person made in the form before the page was alive; returns whether it changed
    /// anything.
    pub(super) fn adopt_input(self, form: &HtmlFormElement) -> bool {
        let before = untrack(|| self.now());
        let said = |name: &str| browser::field_value(form, name).unwrap_or_default();
        let asked = FleetParams {
            text: said(QUERY),
            sort: Sort::from_word(&said(SORT)),
            group: GroupBy::from_word(&said(GROUP)),
        };
        let is_news = asked != before;
        self.take_in(asked);
        is_news
    }

    fn take_in(self, asked: FleetParams) {
        if self.text.with_untracked(|text| *text != asked.text) {
            self.text.set(asked.text);
        }
        if self.sort.get_untracked() != asked.sort {
            self.sort.set(asked.sort);
        }
        if self.group.get_untracked() != asked.group {
            self.group.set(asked.group);
        }
    }

    /// Returns a function that writes the current parameters into the address.
    pub(super) fn writer(self) -> impl Fn() + Clone {
        let (params, navigate) = (use_query_map(), use_navigate());
        move || go(&navigate, params.get_untracked(), &untrack(|| self.now()))
    }

    /// The address of the page as it is.
    pub(super) fn here(self) -> String {
        let mut params = ParamsMap::new();
        self.now().put(&mut params);
        format!("{}{}", Route::Fleet, params.to_query_string())
    }

    /// The address of the page with this filter, in the same order and groups.
    pub(super) fn asking(self, text: &str) -> String {
        let mut params = ParamsMap::new();
        FleetParams { text: text.to_owned(), sort: self.sort.get(), group: self.group.get() }
            .put(&mut params);
        format!("{}{}", Route::Fleet, params.to_query_string())
    }

    /// The address of the page in this order, or in the default one if it is in this order already.
    pub(super) fn ordered(self, sort: Sort) -> String {
        let mut params = ParamsMap::new();
        let sort = if self.sort.get() == sort { Sort::default() } else { sort };
        FleetParams { sort, ..self.now() }.put(&mut params);
        format!("{}{}", Route::Fleet, params.to_query_string())
    }

    /// Returns whether this is the current filter.
    pub(super) fn asks(self, text: &str) -> bool {
        self.text.with(|asked| asked.trim().eq_ignore_ascii_case(text))
    }
}

/// The address of the fleet page with this filter; within the page, in its current order and groups.
pub(crate) fn asking(text: &str) -> String {
    match use_context::<FleetAddress>() {
        Some(address) => address.asking(text),
        None => format!("{}?{QUERY}={text}", Route::Fleet),
    }
}

fn go(navigate: &impl Fn(&str, NavigateOptions), mut params: ParamsMap, asked: &FleetParams) {
    asked.put(&mut params);
    let options = NavigateOptions { replace: true, scroll: false, ..NavigateOptions::default() };
    navigate(&format!("{}{}", Route::Fleet, params.to_query_string()), options);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_survive_the_round_trip() {
        for asked in [
            FleetParams::default(),
            FleetParams { text: "status:failed web".into(), ..FleetParams::default() },
            FleetParams { text: "a&b=c".into(), sort: Sort::Status, group: GroupBy::Tag },
        ] {
            let mut params = ParamsMap::new();
            asked.put(&mut params);
            assert_eq!(FleetParams::of(&params), asked);
            assert_eq!(has_any(&params), asked != FleetParams::default());
        }
    }

    #[test]
    fn other_parameters_stay() {
        let mut params = ParamsMap::new();
        params.insert("log", "7".to_owned());
        params.insert(GROUP, "tag".to_owned());
        FleetParams { sort: Sort::Status, ..FleetParams::default() }.put(&mut params);
        assert_eq!(params.to_query_string(), "?log=7&sort=status");
    }
}
