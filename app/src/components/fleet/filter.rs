//! The controls that filter, group and sort the hosts of the fleet page.

use std::collections::BTreeSet;
use std::time::Duration;

use leptos::html;
use leptos::prelude::*;

use super::address::{FleetAddress, GROUP, QUERY, SORT};
use super::shown_hosts::ShownHosts;
use crate::components::{Hydrated, Icon};
use crate::fleet::{GroupBy, Sort, completions};
use crate::live::Live;
use crate::routes::Route;

/// How long to wait for the next letter before a filter is reported as invalid: a half-typed word usually is.
const WRITING: Duration = Duration::from_millis(700);

/// Why the filter is invalid, once the person has stopped typing.
fn after_a_pause(shown: ShownHosts) -> RwSignal<Option<String>> {
    let error = move || shown.query.with(|query| query.as_ref().err().map(ToString::to_string));
    let said = RwSignal::new(untrack(error));
    let mut say = debounce(WRITING, move |()| drop(said.try_set(untrack(error))));
    Effect::new(move |before: Option<()>| {
        let now = error();
        if now.is_none() {
            said.set(None);
        } else if before.is_some() || said.with_untracked(Option::is_none) {
            // The second: it was typed before the page was alive.
            say(());
        }
    });
    said
}

/// The tags of the fleet.
fn tags(live: Live) -> BTreeSet<String> {
    live.rows().with_untracked(|rows| {
        rows.iter()
            .filter_map(|row| live.host(&row.name))
            .flat_map(|host| host.get_untracked().tags)
            .collect()
    })
}

/// The controls above the hosts. A form, so that they work before the page is alive.
#[component]
pub(crate) fn FleetFilter(shown: ShownHosts) -> impl IntoView {
    let live = expect_context::<Live>();
    let FleetAddress { text, sort, group } = shown.address;
    let update = StoredValue::new(shown.address.writer());
    let groups = GroupBy::ALL.map(|by| {
        view! { <option value=by.as_str() selected=move || group.get() == by>{by.title()}</option> }
    });
    let orders = Sort::ALL.map(|by| {
        view! { <option value=by.as_str() selected=move || sort.get() == by>{by.title()}</option> }
    });
    let counted = move || {
        let (all, some) = (live.rows().with(Vec::len), shown.rows.with(Vec::len));
        shown.is_narrowed().then(|| format!("{some} of {all} hosts"))
    };
    let form = NodeRef::<html::Form>::new();
    Effect::new(move |_| {
        if form.get().is_some_and(|form| shown.address.adopt_input(&form)) {
            update.with_value(|update| update());
        }
    });
    let error = after_a_pause(shown);
    let words = Memo::new(move |_| text.with(|text| completions(text, || tags(live))));
    let few = move || counted().unwrap_or_else(|| "Filter".to_owned());
    view! {
        <button type="button" class="filter-button" popovertarget="fleet-filter"><Icon name="find"/>{few}</button>
        <form
            class="fleet-filter"
            id="fleet-filter"
            popover="auto"
            method="get"
            action=Route::Fleet.path()
            role="search"
            autocomplete="off"
            node_ref=form
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
                    prop:value=move || Hydrated(text.get())
                    value=text.get_untracked()
                    aria-describedby="fleet-filter-says"
                    list="fleet-filter-words"
                    on:input=move |event| {
                        text.set(event_target_value(&event));
                        update.with_value(|update| update());
                    }
                />
            </label>
            <datalist id="fleet-filter-words">
                {move || words.get().into_iter().map(|value| view! { <option value=value></option> }).collect_view()}
            </datalist>
            <label class="fleet-choice">
                <span>"Group by"</span>
                <select
                    name=GROUP
                    on:change=move |event| {
                        group.set(GroupBy::from_word(&event_target_value(&event)));
                        update.with_value(|update| update());
                    }
                >
                    {groups}
                </select>
            </label>
            <label class="fleet-choice">
                <span>"Sort"</span>
                <select
                    name=SORT
                    on:change=move |event| {
                        sort.set(Sort::from_word(&event_target_value(&event)));
                        update.with_value(|update| update());
                    }
                >
                    {orders}
                </select>
            </label>
            <button type="submit" class="before-alive">"Show"</button>
            <p id="fleet-filter-says" class="faint" role="status">{counted}</p>
            {move || error.get().map(|error| view! { <p class="refusal" role="alert">{error}</p> })}
        </form>
    }
}
