//! The audit log.

mod filter;

use backstay_model::OpStatus;
use backstay_model::view::{AuditChain, AuditEntry, AuditPage as Page, AuditQuery};
use backstay_model::wire::event::Event;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::inside::{Loading, NotRead};
use crate::api::audit;
use crate::components::{Day, Icon, Moment, PageTitle, linked};
use crate::live::{Live, Started};
use crate::routes::Route;
use crate::time::use_time;
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
    let time = use_time();
    let all = StoredValue::new(rows(page.entries));
    // Days depend on the zone that the page shows.
    let days = Memo::new(move |_| {
        all.with_value(|all| all.iter().map(|row| time.day(row.entry.at)).collect::<Vec<_>>())
    });
    let rows = move || {
        let mut day = None;
        let mut shown = Vec::new();
        for (row, own) in all.get_value().into_iter().zip(days.get()) {
            if day.replace(own) != Some(own) {
                shown.push(day_row(own));
            }
            shown.push(self::row(row));
        }
        shown
    };
    view! {
        <Chain chain=page.chain/>
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
fn Chain(chain: AuditChain) -> impl IntoView {
    match chain.broken_at {
        None if chain.is_complete => view! {
            <p class="chain" data-state="ok">
                <Icon name="ok"/>
                <span>
                    {format!("Log verified up to entry {}: no entry has been altered. Read from its first entry ", chain.verified)}
                    <Moment at=chain.since/>"."
                </span>
            </p>
        }
        .into_any(),
        None => view! {
            <p class="chain" data-state="working">
                <Icon name="working"/>
                {format!("Verified up to entry {}. Reload to see whether the rest is verified too.", chain.verified)}
            </p>
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

/// An entry; of an op, the newest, with the earlier ones folded.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    entry: AuditEntry,
    earlier: Vec<AuditEntry>,
}

/// One row for each op, from its request to its result. `entries` are newest first.
fn rows(entries: Vec<AuditEntry>) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for entry in entries {
        match rows.iter_mut().find(|row| entry.op.is_some() && row.entry.op == entry.op) {
            Some(row) => row.earlier.push(entry),
            None => rows.push(Row { entry, earlier: vec![] }),
        }
    }
    rows
}

/// The day above the rows that follow.
fn day_row(day: i64) -> AnyView {
    view! { <tr class="day"><th colspan="7" scope="rowgroup"><Day day/></th></tr> }.into_any()
}

fn row(Row { entry, earlier }: Row) -> AnyView {
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
    let steps = (!earlier.is_empty()).then(|| {
        let steps = earlier.into_iter().map(|step| {
            view! { <li id=format!("entry-{}", step.seq)><Moment at=step.at/>" "<b>{step.action}</b>" "{step.detail}</li> }
        });
        view! { <details class="steps"><summary>"Steps"</summary><ol>{steps.collect_view()}</ol></details> }
    });
    view! {
        <tr data-seq=entry.seq id=format!("entry-{}", entry.seq)>
            <td class="time">
                <a class="permalink" href=filter::permalink(entry.seq) title="Link to this entry"><Moment at=entry.at/></a>
                {steps}
            </td>
            <td data-title="Who"><bdi>{entry.actor}</bdi></td>
            <td data-title="What">{action}</td>
            <td data-title="Host">{entry.host_name.map(|name| view! { <a href=Route::Host(&name).path()>{name.clone()}</a> })}</td>
            <td class="way" data-title="From → to">{way}</td>
            <td class="why-cell reason-text" data-title="Why" dir="auto">{entry.reason.as_deref().map(linked)}</td>
            <td class="outcome-cell" dir="auto">{entry.detail}</td>
        </tr>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use backstay_model::OpId;

    use super::*;

    #[test]
    fn an_op_is_one_row_from_its_request_to_its_result() {
        let entry = |seq: u64, op: Option<OpId>| AuditEntry {
            seq,
            at: chrono::DateTime::UNIX_EPOCH,
            actor: "maria".into(),
            action: String::new(),
            host_name: None,
            from_gen: None,
            to_gen: None,
            reason: None,
            detail: String::new(),
            op,
        };
        let (one, other) = (Some(OpId::new()), Some(OpId::new()));
        let entries = [(6, None), (5, one), (4, other), (3, one), (2, None), (1, one)];
        let rows = rows(entries.map(|(seq, op)| entry(seq, op)).into());
        let seqs: Vec<_> = rows
            .iter()
            .map(|row| (row.entry.seq, row.earlier.iter().map(|e| e.seq).collect::<Vec<_>>()))
            .collect();
        assert_eq!(seqs, [(6, vec![]), (5, vec![3, 1]), (4, vec![]), (2, vec![])]);
    }
}
