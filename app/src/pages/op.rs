//! One op with its output.

use backstay_protocol::event::Event;
use backstay_protocol::view::OpDetail;
use backstay_protocol::{OpAction, OpView, OutputLine};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use super::inside::{Loading, NotRead};
use super::not_found::Nothing;
use crate::api::{CancelOp, load_op};
use crate::components::{Elapsed, Moment, OpStatusBadge, Output, Refusal, action_from_address};
use crate::live::{Live, Reload, Started};

/// The page of the op that the address names.
#[component]
pub fn OpPage() -> impl IntoView {
    let started = expect_context::<Started>();
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|p| p.get("id").unwrap_or_default()));
    let detail = Resource::new_blocking(move || id.get(), load_op);
    view! {
        <Transition fallback=Loading>
            {move || Suspend::new(async move {
                match started.and(detail).await {
                    Ok(Some(detail)) => view! { <Found detail/> }.into_any(),
                    Ok(None) => view! { <Nothing what="op"/> }.into_any(),
                    Err(error) => view! { <NotRead error/> }.into_any(),
                }
            })}
        </Transition>
    }
    .into_any()
}

#[component]
fn Found(detail: OpDetail) -> impl IntoView {
    let live = expect_context::<Live>();
    let OpDetail { op, lines, last_event } = detail;
    let (title, host, id) = (op.title(), op.host_name.clone(), op.id.to_string());
    let op = RwSignal::new(op);
    let lines = RwSignal::new(lines);
    keep_true(live, op, lines, last_event);
    let status = Memo::new(move |_| op.with(|op| op.status));
    let message = Memo::new(move |_| op.with(|op| op.message.clone()));
    view! {
        <Title text=format!("{title} - {host}")/>
        <div class="page-head">
            <p class="crumbs"><a href="/">"Fleet"</a>" / "<a href=format!("/hosts/{host}")>{host.clone()}</a>" / "</p>
            <h1>{title}</h1>
            <OpStatusBadge status/>
            <Progress op/>
            <div class="page-actions"><Cancel id op/></div>
        </div>
        {move || message.get().map(|message| view! { <p class="message">{message}</p> })}
        <section class="card" aria-label="About this op"><About op/></section>
        <section class="card" aria-labelledby="output">
            <h2 id="output">"Output"</h2>
            <Output lines/>
            {move || lines.with(Vec::is_empty).then(|| view! { <p class="faint">"No output yet."</p> })}
        </section>
    }
    .into_any()
}

/// Takes in what the stream says of this op. A line that is here already is passed over; where lines are missing, all
/// is read again.
fn keep_true(live: Live, op: RwSignal<OpView>, lines: RwSignal<Vec<OutputLine>>, read_through: u64) {
    let id = op.with_untracked(|op| op.id);
    let reload = Reload::new();
    live.missed_since(read_through, move || reload.stale(move || read_again(op, lines)));
    live.listen(move |event| {
        let stale = match event {
            Event::Op { op: heard } if heard.id == id => {
                take(op, heard);
                false
            }
            Event::Output { op: of, lines: heard } if *of == id => !append(lines, heard),
            Event::Resync => true,
            _ => false,
        };
        if stale {
            reload.stale(move || read_again(op, lines));
        }
    });
}

/// A closed op stays as it is for ever, so an open one that is heard after it is older.
fn take(op: RwSignal<OpView>, heard: &OpView) {
    let older = op.with_untracked(|op| !op.status.is_open() && heard.status.is_open());
    if !older {
        op.set(heard.clone());
    }
}

/// Appends what is new; says whether all is there then.
fn append(lines: RwSignal<Vec<OutputLine>>, heard: &[OutputLine]) -> bool {
    let last = lines.with_untracked(|lines| lines.last().map_or(0, |line| line.seq));
    let new: Vec<_> = heard.iter().filter(|line| line.seq > last).cloned().collect();
    let Some(first) = new.first() else { return true };
    if first.seq != last + 1 {
        return false;
    }
    lines.update(|lines| lines.extend(new));
    true
}

async fn read_again(op: RwSignal<OpView>, lines: RwSignal<Vec<OutputLine>>) {
    let Some(id) = op.try_with_untracked(|op| op.id.to_string()) else { return };
    if let Ok(Some(read)) = load_op(id).await
        && !op.is_disposed()
    {
        take(op, &read.op);
        append(lines, &read.lines);
    }
}

#[component]
fn Progress(op: RwSignal<OpView>) -> impl IntoView {
    let open = Memo::new(move |_| op.with(|op| (op.status.is_open(), op.phase, op.created_at)));
    move || {
        let (is_open, phase, since) = open.get();
        is_open.then(|| {
            let phase = phase.map(|phase| view! { <span class="phase">{phase.to_string()}</span> " · " });
            view! { <span class="op-state">{phase}<Elapsed since/></span> }
        })
    }
}

#[component]
fn Cancel(id: String, op: RwSignal<OpView>) -> impl IntoView {
    let live = expect_context::<Live>();
    let action = action_from_address::<CancelOp>();
    let open = Memo::new(move |_| op.with(|op| op.status.is_open()));
    view! {
        {move || {
            let id = id.clone();
            (open.get() && live.may_operate()).then(|| view! {
                <ActionForm action=action>
                    <input type="hidden" name="id" value=id/>
                    <button type="submit" class="danger" disabled=action.pending()>"Cancel this op"</button>
                </ActionForm>
            })
        }}
        <Refusal action/>
    }
}

#[component]
fn About(op: RwSignal<OpView>) -> impl IntoView {
    move || {
        let op = op.get();
        let way = match &op.action {
            OpAction::Rollback { target, seen_current } => Some(format!("{seen_current} → {target}")),
            _ => None,
        };
        view! {
            <dl class="facts">
                <div><dt>"Host"</dt><dd><a href=format!("/hosts/{}", op.host_name)>{op.host_name.clone()}</a></dd></div>
                {way.map(|way| view! { <div><dt>"From → to"</dt><dd>{way}</dd></div> })}
                <div><dt>"Who"</dt><dd>{op.requested_by}</dd></div>
                {op.reason.map(|reason| view! { <div><dt>"Why"</dt><dd>{reason}</dd></div> })}
                <div><dt>"Asked for"</dt><dd><Moment at=op.created_at/></dd></div>
                {op.started_at.map(|at| view! { <div><dt>"Began"</dt><dd><Moment at/></dd></div> })}
                {op.finished_at.map(|at| view! { <div><dt>"Ended"</dt><dd><Moment at/></dd></div> })}
                {op.exit_code.map(|code| view! { <div><dt>"Exit code"</dt><dd>{code}</dd></div> })}
            </dl>
        }
    }
}

#[cfg(test)]
mod tests {
    use backstay_protocol::Stream;
    use chrono::DateTime;

    use super::*;

    fn lines(numbers: std::ops::RangeInclusive<u64>) -> Vec<OutputLine> {
        numbers
            .map(|seq| OutputLine {
                seq,
                stream: Stream::Stdout,
                at: DateTime::UNIX_EPOCH,
                text: format!("line {seq}"),
            })
            .collect()
    }

    #[test]
    fn a_line_is_shown_once_however_often_it_is_heard() {
        Owner::new().with(|| {
            let shown = RwSignal::new(lines(1..=3));
            assert!(append(shown, &lines(2..=5)));
            assert!(append(shown, &lines(1..=5)));
            assert_eq!(shown.get_untracked(), lines(1..=5));
        });
    }

    #[test]
    fn where_lines_are_missing_nothing_is_appended() {
        Owner::new().with(|| {
            let shown = RwSignal::new(lines(1..=3));
            assert!(!append(shown, &lines(5..=6)));
            assert_eq!(shown.get_untracked(), lines(1..=3));
        });
    }
}
