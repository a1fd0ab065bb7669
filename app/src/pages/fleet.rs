//! The fleet page: every host at a glance.

use backstay_model::Action;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::Outlet;

use super::inside::Loading;
use crate::api::{CancelOp, RequestOp, SetView};
use crate::components::{
    AddHost, BrokenHosts, BulkBar, FleetAnswer, FleetFilter, FleetTable, FormAction, Icon, Listed,
    NewestDeployment, NewestRollout, PullRequests, Refusal, RollOutLink, SAVE_VIEW, Selecting, ShownHosts,
    Spread, Summary, ViewMenu, action_from_address, dismiss_hints_on_escape, fleet_answer,
    refused_in_address,
};
use crate::live::{Live, Started};
use crate::routes::Route;

/// The fleet page. A dialog may be open over it.
#[component]
pub fn FleetPage() -> impl IntoView {
    let started = expect_context::<Started>();
    view! {
        <Title text="Fleet"/>
        <Suspense fallback=Loading>
            {move || Suspend::new(async move { started.live().await.ok().map(|live| view! { <Hosts live/> }) })}
        </Suspense>
        <Outlet/>
    }
}

/// The page without the dialog over it.
#[component]
pub(super) fn Hosts(live: Live) -> impl IntoView {
    let (action, cancel) = (action_from_address::<RequestOp>(), action_from_address::<CancelOp>());
    let view_action = action_from_address::<SetView>();
    let save_action = FormAction::new(SAVE_VIEW, refused_in_address(SAVE_VIEW).map(Err));
    let empty = Memo::new(move |_| live.rows().with(Vec::is_empty));
    let shown = ShownHosts::by_address(live);
    Selecting::provide(shown.visible);
    let answer = fleet_answer(live);
    // Computed before the parts of the page read it.
    let listed = Listed::now(answer);
    dismiss_hints_on_escape();
    let none_match = move || !empty.get() && shown.rows.with(Vec::is_empty);
    view! {
        <div class="page">
            <div class="fleet-head">
                <FleetAnswer answer listed/>
                <div class="fleet-does">
                    <RollOutLink shown/>
                    <AddHostLink live empty/>
                </div>
            </div>
            <BrokenHosts answer listed/>
            <Refusal action/>
            <Refusal action=cancel/>
            <Refusal action=view_action/>
            <Refusal action=save_action/>
            <NewestDeployment/>
            <NewestRollout/>
            <PullRequests/>
            <Show when=move || !empty.get()>
                <Spread live/>
                <div class="fleet-bar">
                    <Summary/>
                    <FleetFilter shown/>
                    <ViewMenu action=view_action/>
                </div>
            </Show>
            <FleetTable shown action cancel/>
            {move || none_match().then(|| view! { <p class="fleet-none">"No matching hosts. "<a href=move || shown.all()>"Show all"</a></p> })}
            {move || empty.get().then(|| view! { <FirstHost/> })}
        </div>
        <BulkBar/>
    }
}

/// Explains how to add the first host.
#[component]
fn FirstHost() -> impl IntoView {
    view! {
        <section class="first-host" aria-labelledby="first-host-title">
            <Icon name="anchor"/>
            <h2 id="first-host-title">"No host yet"</h2>
            <AddHost/>
        </section>
    }
}

/// The link to the dialog that explains how to add a host, for administrators.
#[component]
fn AddHostLink(live: Live, empty: Memo<bool>) -> impl IntoView {
    let offered = move || !empty.get() && live.may(Action::JoinToken, None);
    move || {
        offered().then(
            || view! { <a class="button add-host-link" id="add-host-link" href=Route::AddHost.path()>"Add a host"</a> },
        )
    }
}
