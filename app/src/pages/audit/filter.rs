//! The filter of the audit log, as the address states it.

use backstay_model::view::AuditQuery;
use leptos::prelude::*;
use leptos_router::components::Form;
use leptos_router::params::ParamsMap;

use crate::components::Hydrated;
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
        action: said("kind"),
        before: said("before").and_then(|text| text.parse().ok()),
    }
}

/// Returns the address of the entries at one of our paths.
pub(super) fn address(path: &str, query: &AuditQuery) -> String {
    let mut params = ParamsMap::new();
    let said = [
        ("host", query.host.clone()),
        ("by", query.actor.clone()),
        ("kind", query.action.clone()),
        ("before", query.before.map(|before| before.to_string())),
    ];
    for (key, value) in said {
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
    let filtered = all != AuditQuery::default();
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
                    <option value="" selected=query.action.is_none()>"Everything"</option>
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
    use super::*;

    #[test]
    fn a_filter_survives_its_address() {
        let query = AuditQuery {
            host: Some("gpc0".into()),
            actor: Some("otto & co".into()),
            action: Some("rollback".into()),
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
        assert_eq!(super::address("/audit.csv", &AuditQuery::default()), "/audit.csv");
    }
}
