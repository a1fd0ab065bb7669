//! The history of ops, of the fleet or of one host.

mod filter;
mod form;

use backstay_model::OpView;
use backstay_model::view::OpsPage as Page;
use backstay_model::wire::event::Event;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::inside::{Loading, NotRead};
use crate::api::load_ops;
use crate::components::{OpList, PageTitle};
use crate::live::{Live, Started};
use crate::routes::Route;

use filter::Filter;
use form::FilterForm;

/// The history of ops, as the address filters it.
#[component]
pub fn OpsPage() -> impl IntoView {
    let started = expect_context::<Started>();
    let query = use_query_map();
    let filter = Memo::new(move |_| query.with(Filter::from_query));
    let page = Resource::new_blocking(move || filter.get(), |filter| load_ops(filter.query()));
    view! {
        <PageTitle text="Ops"/>
        <Transition fallback=Loading>
            {move || Suspend::new(async move {
                match started.and(page).await {
                    Ok(page) => view! { <Found page filter=filter.get_untracked()/> }.into_any(),
                    Err(error) => view! { <NotRead error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Found(page: Page, filter: Filter) -> impl IntoView {
    let live = expect_context::<Live>();
    let more = page.more;
    let ops = RwSignal::new(page.ops);
    keep_true(live, ops, filter.clone(), page.last_event);
    // A filter looks for single ops.
    let fold = Filter { before: None, ..filter.clone() } == Filter::default();
    let none = Memo::new(move |_| ops.with(Vec::is_empty));
    let older = Memo::new({
        let filter = filter.clone();
        move |_| ops.with(|ops| ops.last().filter(|_| more).map(|last| filter.older_than(last.id)))
    });
    let newest = filter.before.is_some().then(|| Filter { before: None, ..filter.clone() }.address());
    view! {
        <div class="page">
            <div class="page-head"><h1>"Ops"</h1></div>
            <FilterForm filter=filter.clone()/>
            <div class="table-frame card" class:empty=none><OpList ops of_hosts=true fold/></div>
            {move || none.get().then(|| view! { <Nothing filter=filter.clone()/> })}
            <p class="paging">
                {newest.map(|newest| view! { <a class="button" href=newest>"Newest"</a> })}
                {move || older.get().map(|older| view! { <a class="button" href=older>"Older"</a> })}
            </p>
        </div>
    }
}

/// Says why the list is empty.
#[component]
fn Nothing(filter: Filter) -> impl IntoView {
    let words = filter.words();
    view! {
        <div class="card nothing-here">
            {if words.is_empty() {
                view! { <p>"No ops on any host yet."</p> }.into_any()
            } else {
                view! {
                    <p>{format!("No matching ops. The filter is: {}.", words.join(", "))}</p>
                    <p><a class="button" href=Route::Ops { host: None }.path()>"Show all ops"</a></p>
                }
                .into_any()
            }}
        </div>
    }
}

/// Applies the event stream: rows change, those that no longer match go, and new ones appear on the first
/// page.
fn keep_true(live: Live, ops: RwSignal<Vec<OpView>>, filter: Filter, read_through: u64) {
    let query = filter.query();
    let read_again = move || {
        let query = query.clone();
        async move {
            // On failure the page stays as it is, and the next gap tries again.
            if let Ok(page) = load_ops(query).await {
                ops.try_set(page.ops);
            }
        }
    };
    live.keep_true(read_through, read_again, move |event| {
        if let Event::Op { op } = event {
            ops.try_update(|ops| filter.apply(ops, op));
        }
        false
    });
}
