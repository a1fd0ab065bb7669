//! Which hosts the fleet page shows. The address says it, so that it can be kept and shared; a dialog over the page has
//! an address of its own, and what was asked for before stays meanwhile.

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_location, use_navigate, use_query_map};
use leptos_router::params::ParamsMap;

use crate::fleet::{Query, QueryError, Sort};
use crate::live::{Live, Row};

/// The parameters of the address.
const QUERY: &str = "q";
const SORT: &str = "sort";

/// Which hosts are shown, and in which order.
#[derive(Clone, Copy)]
pub(crate) struct Shown {
    text: RwSignal<String>,
    sort: RwSignal<Sort>,
    query: Memo<Result<Query, QueryError>>,
    /// The hosts, in order.
    pub(crate) rows: Memo<Vec<Row>>,
}

impl Shown {
    /// As the address says.
    pub(crate) fn by_address(live: Live) -> Self {
        let params = use_query_map();
        let asked = params.with_untracked(asked);
        let text = RwSignal::new(asked.0);
        let sort = RwSignal::new(asked.1);
        follow_address(text, sort);
        let query = Memo::new(move |_| text.with(|text| text.parse::<Query>()));
        let rows = Memo::new_with_compare(
            move |_| query.with(|query| chosen(live, query.as_ref().ok(), sort.get())),
            |old, new| old.map(|rows| ids(rows)) != new.map(|rows| ids(rows)),
        );
        Self { text, sort, query, rows }
    }

    /// Whether hosts are left out.
    fn is_narrowed(self) -> bool {
        self.query.with(|query| query.as_ref().is_ok_and(|query| !query.is_empty()))
    }
}

fn ids(rows: &[Row]) -> Vec<backstay_protocol::HostId> {
    rows.iter().map(|row| row.id).collect()
}

fn asked(params: &ParamsMap) -> (String, Sort) {
    let sort = params.get(SORT).map(|word| Sort::from_word(&word)).unwrap_or_default();
    (params.get(QUERY).unwrap_or_default(), sort)
}

/// The hosts that are wanted; all of them where it cannot be understood what is.
fn chosen(live: Live, query: Option<&Query>, sort: Sort) -> Vec<Row> {
    let mut rows = live.rows().get();
    if let Some(query) = query.filter(|query| !query.is_empty()) {
        rows.retain(|row| row.host.with(|host| query.wants(host)));
    }
    if sort != Sort::Name {
        rows.sort_by(|one, other| one.host.with(|one| other.host.with(|other| sort.compare(one, other))));
    }
    rows
}

/// Follows the address, but for that of a dialog over the page and of the way back from it.
fn follow_address(text: RwSignal<String>, sort: RwSignal<Sort>) {
    let (params, path) = (use_query_map(), use_location().pathname);
    let navigate = use_navigate();
    Effect::new(move |before: Option<String>| {
        let path = path.get();
        let from_dialog = before.is_some_and(|before| before != "/");
        if path == "/" {
            let says = params.with(|params| params.get(QUERY).is_some() || params.get(SORT).is_some());
            if from_dialog && !says {
                go(&navigate, params.get_untracked(), &text.get_untracked(), sort.get_untracked());
            } else {
                let (asked_text, asked_sort) = params.with(asked);
                if text.with_untracked(|text| *text != asked_text) {
                    text.set(asked_text);
                }
                if sort.get_untracked() != asked_sort {
                    sort.set(asked_sort);
                }
            }
        }
        path
    });
}

/// Makes the address say what is shown; the log beside the page stays open.
fn go(navigate: &impl Fn(&str, NavigateOptions), mut params: ParamsMap, text: &str, sort: Sort) {
    params.remove(QUERY);
    params.remove(SORT);
    if !text.trim().is_empty() {
        params.insert(QUERY, text.to_owned());
    }
    if sort != Sort::default() {
        params.insert(SORT, sort.as_str().to_owned());
    }
    let options = NavigateOptions { replace: true, scroll: false, ..NavigateOptions::default() };
    navigate(&format!("/{}", params.to_query_string()), options);
}

/// The field and the list above the hosts. A form, so that it works before the page is alive.
#[component]
pub(crate) fn FleetFilter(shown: Shown) -> impl IntoView {
    let live = expect_context::<Live>();
    let params = use_query_map();
    let navigate = use_navigate();
    let update = move || {
        go(&navigate, params.get_untracked(), &shown.text.get_untracked(), shown.sort.get_untracked());
    };
    let update = StoredValue::new(update);
    let orders = Sort::ALL.map(|sort| {
        view! { <option value=sort.as_str() selected=move || shown.sort.get() == sort>{sort.title()}</option> }
    });
    let counted = move || {
        let (all, some) = (live.rows().with(Vec::len), shown.rows.with(Vec::len));
        shown.is_narrowed().then(|| format!("{some} of {all} hosts"))
    };
    let error = move || shown.query.with(|query| query.as_ref().err().map(ToString::to_string));
    view! {
        <form
            class="fleet-filter"
            method="get"
            action="/"
            role="search"
            on:submit=move |event| {
                event.prevent_default();
                update.with_value(|update| update());
            }
        >
            <label class="fleet-filter-text">
                <span class="unseen">"Filter hosts"</span>
                <input
                    type="search"
                    name=QUERY
                    placeholder="Filter: status:failed platform:nixos name"
                    autocomplete="off"
                    spellcheck="false"
                    prop:value=move || shown.text.get()
                    value=shown.text.get_untracked()
                    aria-describedby="fleet-filter-says"
                    on:input=move |event| {
                        shown.text.set(event_target_value(&event));
                        update.with_value(|update| update());
                    }
                />
            </label>
            <label class="fleet-sort">
                <span>"Sort"</span>
                <select
                    name=SORT
                    on:change=move |event| {
                        shown.sort.set(Sort::from_word(&event_target_value(&event)));
                        update.with_value(|update| update());
                    }
                >
                    {orders}
                </select>
            </label>
            <button type="submit" class="before-alive">"Show"</button>
            <p id="fleet-filter-says" class="faint" role="status">{counted}</p>
            {move || error().map(|error| view! { <p class="refusal" role="alert">{error}</p> })}
        </form>
    }
    .into_any()
}
