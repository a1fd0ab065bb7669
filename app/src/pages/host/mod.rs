//! The page of one host.

mod remove;
mod settings;
#[cfg(feature = "ssr")]
mod written;

use backstay_model::HostView;
use backstay_model::wire::event::Event;
use leptos::ev::MouseEvent;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_location, use_navigate, use_params_map};

use super::inside::page_of;
use crate::api::{CancelOp, HostPageData, RequestOp, WrittenHost, load_host};
use crate::browser;
use crate::components::{
    ActionsMenu, HostActivity, LightBadge, OpList, PageTitle, PlatformName, Refusal, Written,
    action_from_address,
};
use crate::live::Live;
use crate::routes::Route;

use remove::{Remove, Removed};
use settings::{AutoTest, LabelsOf, TestTimeoutOf};
#[cfg(feature = "ssr")]
pub(crate) use written::written;

/// The page of the host that the address names.
#[component]
pub fn HostPage() -> impl IntoView {
    let params = use_params_map();
    let name = Memo::new(move |_| params.with(|p| p.get("name").unwrap_or_default()));
    let detail = Resource::new_blocking(move || name.get(), load_host);
    view! {
        <PageTitle text=move || name.get()/>
        {page_of(detail, "host", |detail| view! { <Found detail/> }.into_any())}
    }
}

/// The page of a host that exists.
#[component]
pub(super) fn Found(detail: HostPageData) -> impl IntoView {
    let live = expect_context::<Live>();
    let (action, cancel) = (action_from_address::<RequestOp>(), action_from_address::<CancelOp>());
    let name = detail.host.name.clone();
    let detail = RwSignal::new(detail);
    keep_true(live, detail);
    let host = Signal::derive(move || detail.with(|d| d.host.clone()));
    let part = move |part: fn(&WrittenHost) -> &String| {
        Memo::new(move |_| detail.with(|d| part(&d.written).clone()))
    };
    let navigate = use_navigate();
    // The router follows HTML links alone.
    let follow = move |event: MouseEvent| {
        if let Some(address) = browser::plain_click_on_svg_link(&event) {
            event.prevent_default();
            navigate(&address, NavigateOptions { scroll: false, ..NavigateOptions::default() });
        }
    };
    // The browser looked for this part of the page before it was there.
    let hash = use_location().hash;
    Effect::new(move |_| {
        let hash = hash.get();
        request_animation_frame(move || browser::show_fragment(&hash));
    });
    view! {
        <div class="page">
            <div class="page-head">
                <p class="crumbs"><a href=Route::Fleet.path()>"Fleet"</a>" / "</p>
                <h1>{name.clone()}</h1>
                {move || view! { <PlatformName platform=host.with(|h| h.platform)/> }}
                <HostActivity host cancel/>
                <div class="page-actions">
                    <a class="button" id=format!("rollback-{name}") href=Route::RollbackHost { host: &name, to: None, from_host: true }.path()>
                        "Rollback System"
                    </a>
                    <ActionsMenu host=name.clone() action/>
                </div>
            </div>
            <Removed id=host.with_untracked(|h| h.id) name=name.clone()/>
            <Refusal action/>
            <Refusal action=cancel/>
            <section class="card" aria-label="Current generation">
                <Written class="host-now" html=part(|it| &it.now)/>
            </section>
            <Lights host/>
            <div class="host-columns">
                <div>
                    <section class="card" aria-labelledby="tests">
                        <h2 id="tests">"Tests"</h2>
                        <Written html=part(|it| &it.tests)/>
                    </section>
                    <section class="card" aria-labelledby="timeline">
                        <h2 id="timeline">"Timeline"</h2>
                        <Written html=part(|it| &it.worked)/>
                        <div on:click=follow><Written html=part(|it| &it.pictures)/></div>
                        <Written html=part(|it| &it.past)/>
                        <LatestOps detail/>
                    </section>
                </div>
                <div>
                    <section class="card" aria-labelledby="facts">
                        <h2 id="facts">"Facts"</h2>
                        <Written html=part(|it| &it.facts)/>
                        <p class="card-more"><a href=Route::CompareHosts(&name, "").path()>"Compare with another host"</a></p>
                    </section>
                    <section class="card" aria-labelledby="settings">
                        <h2 id="settings">"Settings"</h2>
                        <div class="settings">
                            <div>
                                <AutoTest host name=name.clone()/>
                                <TestTimeoutOf detail name=name.clone()/>
                            </div>
                            <LabelsOf detail name=name.clone()/>
                        </div>
                        <Remove name/>
                    </section>
                </div>
            </div>
        </div>
    }
}

/// Applies the event stream to this host, and reads the rest again.
fn keep_true(live: Live, detail: RwSignal<HostPageData>) {
    let id = detail.with_untracked(|d| d.host.id);
    let name = detail.with_untracked(|d| d.host.name.clone());
    let read_through = detail.with_untracked(|d| d.last_event);
    live.keep_true(
        read_through,
        move || read_again(detail, name.clone()),
        move |event| match event {
            Event::Host { host } if host.id == id => {
                detail.update(|d| d.host = (**host).clone());
                true
            }
            Event::Op { op } => op.host == id,
            _ => false,
        },
    );
}

async fn read_again(detail: RwSignal<HostPageData>, name: String) {
    // On failure the page stays as it is, and the next event tries again.
    if let Ok(Some(read)) = load_host(name).await {
        detail.try_set(read);
    }
}

/// How many ops the page shows. The history of ops has the others.
const LATEST: usize = 10;

/// The latest ops, refused and open ones too, which the history does not have.
#[component]
fn LatestOps(detail: RwSignal<HostPageData>) -> impl IntoView {
    let name = detail.with_untracked(|d| d.host.name.clone());
    let ops = Signal::derive(move || detail.with(|d| d.ops.iter().take(LATEST).cloned().collect::<Vec<_>>()));
    view! {
        <details class="latest-ops" id="ops">
            <summary>"Latest ops"</summary>
            <div class="table-frame"><OpList ops/></div>
            <p class="card-more"><a href=Route::Ops { host: Some(&name) }.path()>"All ops of this host"</a></p>
        </details>
    }
}

/// The five lights. Each has an anchor, and leads to the section that says more.
#[component]
fn Lights(host: Signal<HostView>) -> impl IntoView {
    let name = host.with_untracked(|h| h.name.clone());
    let names = host.with_untracked(|h| h.lights.named().map(|(light, _)| light));
    let lights = names
        .into_iter()
        .enumerate()
        .map(|(place, light)| {
            let shown = Memo::new(move |_| host.with(|h| h.lights.named()[place].1.clone()));
            let (anchor, section) = match light {
                "Tests" => (None, "#tests"),
                "System" => (Some("system"), "#timeline"),
                _ => (Some(light), "#facts"),
            };
            view! {
                <li id=anchor.map(str::to_lowercase)>
                    <h2><a href=section rel="external">{light}</a></h2>
                    <LightBadge host=name.clone() name=light light=shown.into() open=true/>
                </li>
            }
        })
        .collect_view();
    view! { <ul class="lights" class:offline=move || host.with(|h| !h.online) aria-label="Lights">{lights}</ul> }
}
