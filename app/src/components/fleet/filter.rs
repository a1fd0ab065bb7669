//! What narrows, groups and sorts the hosts of the fleet page.

use leptos::html;
use leptos::prelude::*;

use super::address::{FleetAddress, GROUP, QUERY, SORT};
use super::shown::Shown;
use crate::components::Kept;
use crate::fleet::{GroupBy, Sort};
use crate::live::Live;

/// The field and the lists above the hosts. A form, so that it works before the page is alive.
#[component]
pub(crate) fn FleetFilter(shown: Shown) -> impl IntoView {
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
        if form.get().is_some_and(|form| shown.address.take_over(&form)) {
            update.with_value(|update| update());
        }
    });
    let error = move || shown.query.with(|query| query.as_ref().err().map(ToString::to_string));
    view! {
        <form
            class="fleet-filter"
            method="get"
            action="/"
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
                    prop:value=move || Kept(text.get())
                    value=text.get_untracked()
                    aria-describedby="fleet-filter-says"
                    on:input=move |event| {
                        text.set(event_target_value(&event));
                        update.with_value(|update| update());
                    }
                />
            </label>
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
            {move || error().map(|error| view! { <p class="refusal" role="alert">{error}</p> })}
        </form>
    }
    .into_any()
}
