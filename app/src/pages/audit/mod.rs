//! The audit log.

mod filter;

use backstay_model::OpStatus;
use backstay_model::view::{AuditEntry, AuditPage as Page, AuditQuery};
use backstay_model::wire::event::Event;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::inside::{Loading, NotRead};
use crate::api::audit;
use crate::components::{Icon, Moment, PageTitle, linked};
use crate::live::{Live, Started};
use crate::routes::Route;
use filter::FilterForm;

/// The audit log: who did what, to which host, from which generation to which, and why.
#[component]
pub fn AuditPage() -> impl IntoView {
    let started = expect_context::<Started>();
    let live = expect_context::<Live>();
    let query = use_query_map();
    let wanted = Memo::new(move |_| query.with(filter::from_params));
    let page = Resource::new_blocking(move || wanted.get(), audit);
    let read_again = move || async move {
        // Older pages never change.
        let Some(query) = wanted.try_get_untracked().filter(|query| query.before.is_none()) else { return };
        // On failure the page stays as it is, and the next event tries again.
        if let Ok(read) = audit(query.clone()).await
            && wanted.try_get_untracked() == Some(query)
        {
            page.try_set(Some(Ok(read)));
        }
    };
    live.read_again_when(read_again, writes_entry);
    view! {
        <PageTitle text="Audit log"/>
        <div class="page">
            <div class="page-head"><h1>"Audit log"</h1></div>
            {move || view! { <FilterForm query=wanted.get()/> }}
            <Transition fallback=Loading>
                {move || Suspend::new(async move {
                    match started.and(page).await {
                        Ok(page) => view! { <Entries page wanted/> }.into_any(),
                        Err(error) => view! { <NotRead error/> }.into_any(),
                    }
                })}
            </Transition>
        </div>
    }
}

/// Returns whether the event comes with a new audit entry. The progress of an op has none.
fn writes_entry(event: &Event) -> bool {
    match event {
        Event::Op { op } => op.status == OpStatus::Queued || !op.status.is_open(),
        Event::Deployment { .. } | Event::Rollout { .. } | Event::HostRemoved { .. } => true,
        _ => false,
    }
}

#[component]
fn Entries(page: Page, wanted: Memo<AuditQuery>) -> impl IntoView {
    let older = page.entries.last().filter(|_| page.more).map(|last| {
        let query = wanted.with_untracked(Clone::clone);
        filter::address(&Route::Audit.path(), &AuditQuery { before: Some(last.seq), ..query })
    });
    let none = page.entries.is_empty().then(|| view! { <p class="faint">"No matching entries."</p> });
    let rows = page.entries.into_iter().map(|entry| view! { <Entry entry/> }).collect_view();
    view! {
        <Chain broken_at=page.broken_at/>
        <div class="table-frame card">
            <table class="plain audit">
                <thead>
                    <tr>
                        <th scope="col">"Time"</th>
                        <th scope="col">"Who"</th>
                        <th scope="col">"What"</th>
                        <th scope="col">"Host"</th>
                        <th scope="col">"From → to"</th>
                        <th scope="col">"Why"</th>
                        <th scope="col">"Result"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
        {none}
        {older.map(|older| view! { <p><a class="button" href=older>"Older"</a></p> })}
    }
}

/// The result of checking the log's hash chain.
#[component]
fn Chain(broken_at: Option<u64>) -> impl IntoView {
    match broken_at {
        None => view! {
            <p class="chain" data-state="ok"><Icon name="ok"/>"Log verified: no entry has been altered."</p>
        }
        .into_any(),
        Some(seq) => view! {
            <p class="chain" data-state="failed" role="alert">
                <Icon name="failed"/>
                {format!("Log altered: entry {seq} is not as it was written. Someone changed the database.")}
            </p>
        }
        .into_any(),
    }
}

#[component]
fn Entry(entry: AuditEntry) -> impl IntoView {
    let way = match (entry.from_gen, entry.to_gen) {
        (Some(from), Some(to)) => Some(format!("Gen {from} → Gen {to}")),
        (None, Some(to)) => Some(format!("→ Gen {to}")),
        (Some(from), None) => Some(format!("Gen {from} →")),
        (None, None) => None,
    };
    let action = match entry.op {
        Some(op) => view! { <a href=Route::Op(op).path()>{entry.action}</a> }.into_any(),
        None => view! { {entry.action} }.into_any(),
    };
    view! {
        <tr data-seq=entry.seq>
            <td class="time"><Moment at=entry.at/></td>
            <td data-title="Who">{entry.actor}</td>
            <td data-title="What">{action}</td>
            <td data-title="Host">{entry.host_name.map(|name| view! { <a href=Route::Host(&name).path()>{name.clone()}</a> })}</td>
            <td class="way" data-title="From → to">{way}</td>
            <td data-title="Why" class="reason-text">{entry.reason.as_deref().map(linked)}</td>
            <td>{entry.detail}</td>
        </tr>
    }
}
