//! The latest notices.

use backstay_model::wire::event::{Event, Notice, StoredNotice};
use leptos::prelude::*;

use super::inside::{Loading, NotRead};
use crate::api::load_notices;
use crate::components::{Ago, Icon, PageTitle, mark_notices_read, notice_tone};
use crate::live::{Live, Started};
use crate::routes::Route;

/// The latest notices, for those who missed them.
#[component]
pub fn NoticesPage() -> impl IntoView {
    let started = expect_context::<Started>();
    let live = expect_context::<Live>();
    let notices = Resource::new_blocking(|| (), |()| load_notices());
    let read_again = move || async move {
        // On failure the page stays as it is, and the next notice tries again.
        if let Ok(read) = load_notices().await {
            notices.try_set(Some(Ok(read)));
        }
    };
    live.read_again_when(read_again, |event| matches!(event, Event::Notice(_)));
    Effect::new(move |_| {
        if let Some(Ok(told)) = notices.get() {
            mark_notices_read(live, told.first().map_or(0, |told| told.id));
        }
    });
    view! {
        <PageTitle text="Notices"/>
        <div class="page-head"><h1>"Notices"</h1></div>
        <Transition fallback=Loading>
            {move || Suspend::new(async move {
                match started.and(notices).await {
                    Ok(told) => view! { <List told/> }.into_any(),
                    Err(error) => view! { <NotRead error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn List(told: Vec<StoredNotice>) -> impl IntoView {
    if told.is_empty() {
        return view! {
            <div class="card nothing-yet">
                <Icon name="bell"/>
                <h2>"No notices yet"</h2>
                <p>"All notices since the server started are kept here."</p>
                <p><a href=Route::Audit.path()>"The audit log has everything."</a></p>
            </div>
        }
        .into_any();
    }
    let items = told.into_iter().map(|told| view! { <Item notice=told.notice/> }).collect_view();
    view! {
        <ol class="card notice-list">{items}</ol>
        <p class="faint">"The newest, since the server started. "<a href=Route::Audit.path()>"The audit log has everything."</a></p>
    }
    .into_any()
}

#[component]
fn Item(notice: Notice) -> impl IntoView {
    let (tone, icon) = notice_tone(notice.tone);
    view! {
        <li class=format!("notice-told {tone}")>
            <Icon name=icon/>
            <p>
                {notice.host_name.map(|name| view! { <a class="name" href=Route::Host(&name).path()>{name.clone()}</a> " " })}
                <span>{notice.text}</span>
                {notice.op.map(|op| view! { " " <a href=Route::Op(op).path()>"Details"</a> })}
            </p>
            <span class="time"><Ago at=notice.at/></span>
        </li>
    }
}
