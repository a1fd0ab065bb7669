//! The rollback dialog of one host.

mod changes;
mod choice;
mod find;
mod form;

use backstay_model::State;
use backstay_model::rollback::RollbackPlan;
use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};

use crate::api::load_plan;
use crate::components::{Dialog, PageTitle};
use crate::live::{Live, Started};

#[cfg(feature = "ssr")]
pub(in crate::pages) use choice::{left_mark, pin_mark};
use form::RollbackForm;

/// The rollback dialog of the host that the address names.
#[component]
pub fn RollbackDialog() -> impl IntoView {
    let started = expect_context::<Started>();
    let params = use_params_map();
    let name = Memo::new(move |_| params.with(|p| p.get("name").unwrap_or_default()));
    let plan = Resource::new_blocking(move || name.get(), load_plan);
    let query = use_query_map();
    let back = super::page_below();
    // A link may preselect a generation.
    let wanted = Memo::new(move |_| query.with(|q| q.get("to").and_then(|to| to.parse::<u32>().ok())));
    view! {
        <PageTitle text=move || format!("Rollback System - {}", name.get())/>
        <Transition>
            {move || {
                let (name, back, wanted) = (name.get(), back.clone(), wanted.get());
                Suspend::new(async move {
                    match started.and(plan).await {
                        Ok(Some(found)) => view! { <Found plan=found wanted back again=plan/> }.into_any(),
                        Ok(None) => view! { <NoPlan name back/> }.into_any(),
                        Err(error) => view! { <Trouble name back sentence=error.to_string()/> }.into_any(),
                    }
                })
            }}
        </Transition>
    }
}

type PlanResource = Resource<Result<Option<RollbackPlan>, crate::ApiError>>;

/// The dialog of a host that has reported its generations.
#[component]
pub(in crate::pages) fn Found(
    mut plan: RollbackPlan,
    wanted: Option<u32>,
    back: String,
    again: PlanResource,
) -> impl IntoView {
    if let Some(wanted) =
        wanted.and_then(|number| plan.candidate(number)).filter(|c| c.unavailable_reason().is_none())
    {
        plan.preselected = Some(wanted.generation.number);
    }
    let title = format!("Rollback System - {}", plan.host_name);
    let focus = match plan.preselected {
        Some(number) => choice::radio_id(number),
        None => "rollback-cancel".to_owned(),
    };
    let focus_after = format!("actions-{}", plan.host_name);
    view! {
        <Dialog title back=back.clone() focus focus_after>
            <RollbackForm plan back again/>
        </Dialog>
    }
}

/// Says that there is no such host, or that it has reported no generations.
#[component]
fn NoPlan(name: String, back: String) -> impl IntoView {
    let live = expect_context::<Live>();
    if untrack(|| live.host(&name)).is_none() {
        #[cfg(feature = "ssr")]
        crate::session::not_found();
        return view! { <Trouble name back sentence="There is no host with this name.".to_owned()/> }
            .into_any();
    }
    // If the profile was read and points at nothing, the light says what is wrong with it.
    let system =
        untrack(|| live.host(&name)).map(|host| host.with_untracked(|host| host.lights.system.clone()));
    let sentence = match system {
        Some(light) if light.state != State::Unknown => format!("{}: {}", light.words, light.hint),
        _ => {
            "The host has not reported its generations yet. Wait until its agent has connected, then reload."
                .to_owned()
        }
    };
    view! { <Trouble name back sentence/> }.into_any()
}

#[component]
fn Trouble(name: String, back: String, sentence: String) -> impl IntoView {
    view! {
        <Dialog
            title=format!("Rollback System - {name}")
            back=back.clone()
            focus="rollback-cancel"
            focus_after=format!("actions-{name}")
        >
            <p class="refusal" role="alert">{sentence}</p>
            <div class="dialog-end"><a class="button" id="rollback-cancel" href=back>"Back"</a></div>
        </Dialog>
    }
}
