//! The filter of the audit log, as the address states it.

use backstay_model::view::{AuditQuery, EVERYTHING};
use leptos::prelude::*;
use leptos_router::components::Form;
use leptos_router::params::ParamsMap;

use crate::components::Hydrated;
use crate::pages::search::{self, SearchFields};
use crate::routes::Route;

/// The part of an action before the dot, and its title.
const KINDS: [(&str, &str); 11] = [
    ("rollback", "Rollbacks"),
    ("switch", "Switches"),
    ("pull-switch", "Pull and Switch"),
    ("pull", "Pulls"),
    ("test", "Tests"),
    ("pr", "Pull requests"),
    ("rollout", "Roll-outs"),
    ("host", "Hosts"),
    ("user", "People"),
    ("login", "Log-ins"),
    ("refresh", "Refreshes"),
];

/// Reads the filter from an address and ignores whatever is not valid.
pub(super) fn from_params(params: &ParamsMap) -> AuditQuery {
    let said = |key: &str| params.get(key).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    AuditQuery {
        host: said("host"),
        actor: said("by"),
        action: said("kind").filter(|kind| kind != EVERYTHING),
        without_log_ins: said("kind").is_none(),
        search: search::from_params(params),
        before: said("before").and_then(|text| text.parse().ok()),
    }
}

/// The kind in an address: none if all but log-ins are shown.
fn kind(query: &AuditQuery) -> Option<String> {
    let everything = (!query.without_log_ins).then(|| EVERYTHING.to_owned());
    query.action.clone().or(everything)
}

/// The address of one entry. Entries are never renumbered, so it stays valid.
pub(super) fn permalink(seq: u64) -> String {
    format!("{}?kind={EVERYTHING}&before={}#entry-{seq}", Route::Audit, seq.saturating_add(1))
}

/// Returns the address of the entries at one of our paths.
pub(super) fn address(path: &str, query: &AuditQuery) -> String {
    let mut params = ParamsMap::new();
    let said = [
        ("host", query.host.clone()),
        ("by", query.actor.clone()),
        ("kind", kind(query)),
        ("before", query.before.map(|before| before.to_string())),
    ];
    for (key, value) in said.into_iter().chain(search::params(&query.search)) {
        if let Some(value) = value {
            params.insert(key, value);
        }
    }
    format!("{path}{}", params.to_query_string())
}

/// The filter, and the links that download the entries.
#[component]
pub(super) fn FilterForm(query: AuditQuery) -> impl IntoView {
    let all = AuditQuery { before: None, ..query.clone() };
    let filtered = all != AuditQuery { without_log_ins: true, ..AuditQuery::default() };
    // Set as a property too, so that going back in history restores what the address states.
    let (host, by) = (query.host.clone().unwrap_or_default(), query.actor.clone().unwrap_or_default());
    let (csv, json) = (address("/audit.csv", &all), address("/audit.json", &all));
    let kinds = KINDS
        .map(|(kind, name)| {
            let selected = query.action.as_deref() == Some(kind);
            view! { <option value=kind selected=selected>{name}</option> }
        })
        .collect_view();
    view! {
        <Form method="GET" action=Route::Audit.path() attr:class="filters">
            <label>
                "What"
                <select name="kind">
                    <option value="" selected=query.without_log_ins>"All but log-ins"</option>
                    <option value=EVERYTHING selected=query.action.is_none() && !query.without_log_ins>"Everything"</option>
                    {kinds}
                </select>
            </label>
            <label>
                "Host"
                <input type="text" name="host" placeholder="Every host" autocomplete="off" prop:value=Hydrated(host.clone()) value=host/>
            </label>
            <label>
                "Person"
                <input type="text" name="by" placeholder="Everybody" autocomplete="off" prop:value=Hydrated(by.clone()) value=by/>
            </label>
            <SearchFields search=query.search/>
            <div class="filters-end">
                <button type="submit">"Filter"</button>
                {filtered.then(|| view! { <a href=Route::Audit.path()>"Show all"</a> })}
                <a href=csv download rel="external">"CSV"</a>
                <a href=json download rel="external">"JSON"</a>
            </div>
        </Form>
    }
}

#[cfg(test)]
mod tests {
    use backstay_model::view::Search;

    use super::*;

    #[test]
    fn a_filter_survives_its_address() {
        let query = AuditQuery {
            host: Some("gpc0".into()),
            actor: Some("otto & co".into()),
            action: Some("rollback".into()),
            search: Search { text: Some("x11".into()), ..Search::default() },
            without_log_ins: false,
            before: Some(40),
        };
        let address = address("/audit", &query);
        let (_, said) = address.split_once('?').unwrap();
        let params: ParamsMap = said
            .split('&')
            .map(|pair| pair.split_once('=').unwrap())
            .map(|(key, value)| (key.to_owned(), leptos_router::location::Url::unescape(value)))
            .collect();
        assert_eq!(from_params(&params), query);
        let but_log_ins = AuditQuery { without_log_ins: true, ..AuditQuery::default() };
        assert_eq!(super::address("/audit", &but_log_ins), "/audit");
        assert_eq!(super::address("/audit.csv", &AuditQuery::default()), "/audit.csv?kind=everything");
        assert_eq!(permalink(40), "/audit?kind=everything&before=41#entry-40");
    }
}
