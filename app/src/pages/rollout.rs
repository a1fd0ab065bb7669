//! The page of one roll-out.

use backstay_model::rollout::Rollout;
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::inside::page_of;
use crate::api::{RolloutRead, load_rollout};
use crate::components::{
    PageTitle, RolloutAbout, RolloutProgress, RolloutSteps, followed_rollout, rollout_title,
};
use crate::live::Live;
use crate::routes::Route;

/// The page of the roll-out that the address names: its progress, and its hosts, many of them with the failed ones first.
#[component]
pub fn RolloutPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|p| p.get("id").unwrap_or_default()));
    let rollout = Resource::new_blocking(move || id.get(), load_rollout);
    view! {
        <PageTitle text="Roll-out"/>
        {page_of(rollout, "roll-out", |read| view! { <Found read/> }.into_any())}
    }
}

#[component]
fn Found(read: RolloutRead) -> impl IntoView {
    let live = expect_context::<Live>();
    let Rollout { id, deployment, .. } = read.rollout;
    let title = rollout_title(&read.rollout);
    let rollout = followed_rollout(live, read);
    view! {
        <div class="page" data-rollout=id.to_string() data-state=move || rollout.with(|r| r.state.as_str())>
            <div class="page-head">
                {deployment.map(|id| view! { <p class="crumbs"><a href=Route::Deployment(id).path()>"Deployment"</a>" / "</p> })}
                <h1>{title}</h1>
                <RolloutAbout rollout/>
            </div>
            <section class="card" aria-label="Progress">
                <RolloutProgress live rollout/>
                <RolloutSteps live rollout failures_first=true/>
            </section>
        </div>
    }
}
