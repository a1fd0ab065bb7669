//! The page of one deployment.

use backstay_model::deployment::{Decision, Deployment};
use chrono::{DateTime, Utc};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::super::inside::page_of;
use crate::api::{DeploymentRead, load_deployment};
use crate::components::{DeploymentPanel, Moment, PageTitle, followed_deployment};
use crate::live::Live;
use crate::routes::Route;

/// The page of the deployment that the address names.
#[component]
pub fn DeploymentPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|p| p.get("id").unwrap_or_default()));
    let deployment = Resource::new_blocking(move || id.get(), load_deployment);
    view! {
        <PageTitle text="Deployment"/>
        {page_of(deployment, "deployment", |read| view! { <Found read/> }.into_any())}
    }
}

#[component]
fn Found(read: DeploymentRead) -> impl IntoView {
    let live = expect_context::<Live>();
    let pull_request = read.deployment.pull_request.clone();
    let commit = read.deployment.commit.to_string();
    let deployment = followed_deployment(live, read);
    view! {
        <div class="page">
            <div class="page-head">
                <p class="crumbs"><a href=Route::Deployments { before: None }.path()>"Deployments"</a>" / "</p>
                <h1>{format!("PR #{}", pull_request.number)}</h1>
                <p><a href=pull_request.url rel="external noopener">{pull_request.title}</a></p>
            </div>
            <DeploymentPanel deployment in_full=true/>
            <section class="card" aria-labelledby="history">
                <h2 id="history">"History"</h2>
                <p class="faint">"On the branch as "<code>{commit}</code></p>
                <History deployment/>
            </section>
        </div>
    }
}

/// Returns what happened to the deployment, by whom and when.
fn history(deployment: &Deployment) -> Vec<(Option<DateTime<Utc>>, String)> {
    let merged = (Some(deployment.merged_at), format!("Merged by {}.", deployment.merged_by));
    let decided = match &deployment.decision {
        Decision::Open => None,
        Decision::Continued { by, at } => Some((Some(*at), format!("{by} continued despite failures."))),
        Decision::Reverting { by, at, .. } => {
            Some((Some(*at), format!("{by} requested a revert, which is being made.")))
        }
        Decision::Reverted { by, at, commit, .. } => {
            Some((Some(*at), format!("Reverted by {by}: commit {commit}.")))
        }
        Decision::Proposed { by, at, pull_request, .. } => Some((
            Some(*at),
            format!("{by} requested a revert, which was proposed as pull request #{}.", pull_request.number),
        )),
        Decision::Superseded => Some((None, "A later pull request was merged.".to_owned())),
    };
    let reason = deployment.decision.reason().map(|reason| (None, format!("Reason: {reason}")));
    [Some(merged), decided, reason].into_iter().flatten().collect()
}

#[component]
fn History(deployment: Signal<Deployment>) -> impl IntoView {
    let lines = Memo::new(move |_| deployment.with(history));
    let line = |(at, words): (Option<DateTime<Utc>>, String)| {
        view! { <li>{at.map(|at| view! { <Moment at/>" " })}<span>{words}</span></li> }
    };
    view! { <ol class="history">{move || lines.get().into_iter().map(line).collect_view()}</ol> }.into_any()
}
