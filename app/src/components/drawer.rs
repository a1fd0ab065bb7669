//! The log of an op beside the current page, named by `log` in the page's query.

use backstay_model::OpId;
use leptos::ev;
use leptos::prelude::*;
use leptos_router::hooks::{use_navigate, use_query_map};
use serde::{Deserialize, Serialize};

use crate::ApiError;
use crate::api::{CancelOp, OpRead, RetryOp, load_op};
use crate::browser;
use crate::components::{
    CancelButton, Icon, LOG, Log, OpMessage, OpNow, OpPlacement, OpStatusBadge, Refusal, RetryButton,
    RetryLinks, TellMe, Took, action_from_address, use_address_without_log, use_log_address, with_log,
};
use crate::live::{Live, Started};
use crate::log::Watched;
use crate::routes::Route;

/// The log of the op that the address names, if any.
#[component]
pub fn LogDrawer() -> impl IntoView {
    let started = expect_context::<Started>();
    let query = use_query_map();
    let id = Memo::new(move |_| query.with(|query| query.get(LOG)));
    let read = Resource::new_blocking(move || id.get(), LogRequest::read);
    view! {
        <Transition>
            {move || Suspend::new(async move {
                match started.and(read).await {
                    Ok(LogRequest::Op(read)) => view! { <Open read=*read/> }.into_any(),
                    Ok(LogRequest::Unknown) => {
                        view! { <Closed sentence="There is no op at this address.".to_owned()/> }.into_any()
                    }
                    // The page itself says that nobody is logged in.
                    Ok(LogRequest::Nothing) | Err(ApiError::NotLoggedIn) => ().into_any(),
                    Err(error) => view! { <Closed sentence=error.to_string()/> }.into_any(),
                }
            })}
        </Transition>
    }
}

/// What an address requests beside its page. An enum, because JSON cannot represent nested `None`s.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum LogRequest {
    Nothing,
    Unknown,
    Op(Box<OpRead>),
}

impl LogRequest {
    async fn read(id: Option<String>) -> Result<Self, ApiError> {
        let Some(id) = id else { return Ok(Self::Nothing) };
        Ok(load_op(id).await?.map_or(Self::Unknown, |read| Self::Op(Box::new(read))))
    }
}

const TITLE: &str = "drawer-title";

#[component]
fn Open(read: OpRead) -> impl IntoView {
    let live = expect_context::<Live>();
    let (id, title, host) = (read.detail.op.id, read.detail.op.title(), read.detail.op.host_name.clone());
    let retry_of = read.detail.op.retry_of;
    let watched = Watched::follow(live, read);
    let op = watched.op;
    let (cancel, retry) = (action_from_address::<CancelOp>(), action_from_address::<RetryOp>());
    let log_address = use_log_address();
    let without_log = use_address_without_log();
    let again = Signal::derive(move || with_log(&without_log(), ""));
    close_on_escape_and_return_focus(Some(id));
    let duration = move || {
        op.with(|op| op.started_at.zip(op.finished_at))
            .map(|(from, to)| view! { <span class="op-state">"in "<Took from to/></span> })
    };
    view! {
        <section class="drawer" role="dialog" aria-modal="false" aria-labelledby=TITLE>
            <div class="drawer-head">
                <h2 id=TITLE tabindex="-1">{title}<span class="on-host">" on "{host.clone()}</span></h2>
                <CloseLink/>
            </div>
            <div class="drawer-state">
                <OpStatusBadge op/>
                <OpNow op/>
                {duration}
                <div class="drawer-actions">
                    <TellMe op/>
                    <CancelButton op action=cancel place=OpPlacement::Drawer/>
                    <RetryButton op action=retry page=again/>
                    <a class="button" href=Route::Op(id).path()>"Open in full"</a>
                </div>
            </div>
            <Refusal action=cancel/>
            <Refusal action=retry/>
            <OpMessage op/>
            <RetryLinks of=retry_of by=watched.tried_again address=log_address/>
            <Log watched/>
        </section>
    }
}

/// Says why the op cannot be shown.
#[component]
fn Closed(sentence: String) -> impl IntoView {
    close_on_escape_and_return_focus(None);
    view! {
        <section class="drawer" role="dialog" aria-modal="false" aria-labelledby=TITLE>
            <div class="drawer-head">
                <h2 id=TITLE tabindex="-1">"Log"</h2>
                <CloseLink/>
            </div>
            <p class="refusal" role="alert">{sentence}</p>
        </section>
    }
}

#[component]
fn CloseLink() -> impl IntoView {
    let without_log = use_address_without_log();
    view! {
        <a class="button close" href=without_log data-noscroll="" aria-label="Close the log"><Icon name="close"/></a>
    }
}

/// Takes the focus, closes on Esc, and returns the focus to the link that opened the drawer.
fn close_on_escape_and_return_focus(op: Option<OpId>) {
    let navigate = use_navigate();
    let without_log = use_address_without_log();
    // A page may have several links to one log.
    let links = StoredValue::new(op.map(|op| format!("[data-log=\"{op}\"]")));
    Effect::new(move |_| {
        let links = links.get_value();
        let opened_by = links.as_deref().and_then(browser::focused_among);
        let shown = links.clone();
        request_animation_frame(move || {
            browser::focus(TITLE);
            // The drawer may lie over the row that opened it.
            if let Some(links) = shown {
                browser::reveal(&links);
            }
        });
        let navigate = navigate.clone();
        let listening = window_event_listener(ev::keydown, move |event| {
            if event.key() == "Escape" && !event.default_prevented() && !browser::is_overlay_open() {
                let options = leptos_router::NavigateOptions { scroll: false, ..Default::default() };
                navigate(&untrack(without_log), options);
            }
        });
        on_cleanup(move || {
            listening.remove();
            request_animation_frame(move || return_focus(links, opened_by));
        });
    });
}

fn return_focus(links: Option<String>, opened_by: Option<u32>) {
    if !links.is_some_and(|links| browser::focus_among(&links, opened_by)) {
        browser::focus("main");
    }
}
