//! The page of one op, with its output.

use backstay_model::{OpAction, OpView};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::inside::{ReloadWithoutScript, page_of};
use crate::api::{CancelOp, OpRead, RetryOp, load_op};
use crate::components::{
    CancelButton, Log, Moment, OpMessage, OpNow, OpPlacement, OpStatusBadge, PageTitle, Refusal, RetryButton,
    RetryLinks, TellMe, Took, action_from_address, linked,
};
use crate::live::Live;
use crate::log::Watched;
use crate::routes::Route;

/// The page of the op that the address names.
#[component]
pub fn OpPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|p| p.get("id").unwrap_or_default()));
    let read = Resource::new_blocking(move || id.get(), load_op);
    page_of(read, "op", |read| view! { <Found read/> }.into_any())
}

#[component]
fn Found(read: OpRead) -> impl IntoView {
    let live = expect_context::<Live>();
    let (title, host) = (read.detail.op.title(), read.detail.op.host_name.clone());
    let (retry_of, is_open) = (read.detail.op.retry_of, read.detail.op.status.is_open());
    let watched = Watched::follow(live, read);
    let op = watched.op;
    let (cancel, retry) = (action_from_address::<CancelOp>(), action_from_address::<RetryOp>());
    view! {
        <PageTitle text=format!("{title} - {host}")/>
        <div class="page op-page">
            <div class="page-head">
                <p class="crumbs">
                    <a href=Route::Fleet.path()>"Fleet"</a>" / "<a href=Route::Host(&host).path()>{host.clone()}</a>" / "
                    <a href=Route::Ops { host: Some(&host) }.path()>"Ops"</a>" / "
                </p>
                <h1>{title}</h1>
                <OpStatusBadge op/>
                <OpNow op/>
                <div class="page-actions">
                    <TellMe op/>
                    <CancelButton op action=cancel place=OpPlacement::Page/>
                    <RetryButton op action=retry page=format!("{}/", Route::Ops { host: None })/>
                </div>
            </div>
            {is_open.then(|| view! { <ReloadWithoutScript/> })}
            <Refusal action=cancel/>
            <Refusal action=retry/>
            <OpMessage op/>
            <RetryLinks of=retry_of by=watched.tried_again address=|id| Route::Op(id).path()/>
            <section class="card" aria-label="About this op"><About op/></section>
            <section class="card" aria-labelledby="output">
                <h2 id="output">"Output"</h2>
                <Log watched/>
            </section>
        </div>
    }
}

#[component]
fn About(op: RwSignal<OpView>) -> impl IntoView {
    move || {
        let op = op.get();
        let way = match &op.action {
            OpAction::Rollback { target, seen_current, .. } => Some(format!("{seen_current} → {target}")),
            _ => None,
        };
        let took = op.started_at.zip(op.finished_at);
        view! {
            <dl class="facts op-facts">
                <div><dt>"Host"</dt><dd><a href=Route::Host(&op.host_name).path()>{op.host_name.clone()}</a></dd></div>
                {way.map(|way| view! { <div><dt>"From → to"</dt><dd>{way}</dd></div> })}
                <div><dt>"Who"</dt><dd>{op.requested_by}</dd></div>
                {op.reason.map(|reason| view! { <div><dt>"Why"</dt><dd class="reason-text">{linked(&reason)}</dd></div> })}
                <div><dt>"Requested"</dt><dd><Moment at=op.created_at/></dd></div>
                {op.started_at.map(|at| view! { <div><dt>"Started"</dt><dd><Moment at/></dd></div> })}
                {op.finished_at.map(|at| view! { <div><dt>"Finished"</dt><dd><Moment at/></dd></div> })}
                {took.map(|(from, to)| view! { <div><dt>"Took"</dt><dd><Took from to/></dd></div> })}
                {op.exit_code.map(|code| view! { <div><dt>"Exit code"</dt><dd>{code}</dd></div> })}
                {op.cancel.map(|cancel| view! {
                    <div><dt>"Stop requested"</dt><dd>{cancel.by}", "<Moment at=cancel.at/></dd></div>
                })}
            </dl>
        }
    }
}
