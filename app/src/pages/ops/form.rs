//! The form that filters the history of ops: a plain form, whose answers are in the address.

use backstay_model::OpKind;
use leptos::html;
use leptos::prelude::*;
use leptos_router::components::Form;

use super::filter::{Filter, Group};
use crate::components::Hydrated;
use crate::live::Live;
use crate::pages::search::SearchFields;
use crate::routes::Route;

/// The filters. With script, a choice applies at once; the button is for the name, and for pages without
/// script.
#[component]
pub(super) fn FilterForm(filter: Filter) -> impl IntoView {
    let live = expect_context::<Live>();
    let button = NodeRef::<html::Button>::new();
    let chosen = move |_| {
        if let Some(button) = button.get_untracked() {
            button.click();
        }
    };
    let hosts =
        live.rows().with_untracked(|rows| rows.iter().map(|row| row.name.clone()).collect::<Vec<_>>());
    // A removed host still has a history.
    let gone = filter.host.clone().filter(|host| !hosts.contains(host));
    let hosts: Vec<_> = hosts.into_iter().chain(gone).map(|name| (name.clone(), name)).collect();
    let kinds = OpKind::ALL.map(|kind| (kind.to_string(), kind.title().to_owned())).to_vec();
    let outcomes = Group::ALL.map(|group| (group.as_str().to_owned(), group.title().to_owned())).to_vec();
    let by = filter.by.clone().unwrap_or_default();
    let filtered = !Filter { before: None, ..filter.clone() }.words().is_empty();
    view! {
        <Form method="GET" action=Route::Ops { host: None }.path() attr:class="filters">
            <Choice label="Host" name="host" any="Every host" options=hosts chosen=filter.host on_change=chosen/>
            <Choice
                label="Op"
                name="kind"
                any="Every op"
                options=kinds
                chosen=filter.kind.map(|kind| kind.to_string())
                on_change=chosen
            />
            <Choice
                label="Outcome"
                name="outcome"
                any="Every outcome"
                options=outcomes
                chosen=filter.outcome.map(|group| group.as_str().to_owned())
                on_change=chosen
            />
            <label>
                "Person"
                <input type="text" name="by" placeholder="Everybody" autocomplete="off" prop:value=Hydrated(by.clone()) value=by/>
            </label>
            <SearchFields search=filter.search/>
            <div class="filters-end">
                <button type="submit" node_ref=button>"Filter"</button>
                {filtered.then(|| view! { <a href=Route::Ops { host: None }.path()>"Show all"</a> })}
            </div>
        </Form>
    }
}

#[component]
fn Choice(
    label: &'static str,
    name: &'static str,
    any: &'static str,
    options: Vec<(String, String)>,
    chosen: Option<String>,
    on_change: impl Fn(leptos::ev::Event) + 'static,
) -> impl IntoView {
    let options = options
        .into_iter()
        .map(|(value, title)| {
            let selected = chosen.as_ref() == Some(&value);
            view! { <option value=value selected=selected>{title}</option> }
        })
        .collect_view();
    view! {
        <label>
            {label}
            <select name=name on:change=on_change>
                <option value="" selected=chosen.is_none()>{any}</option>
                {options}
            </select>
        </label>
    }
}
