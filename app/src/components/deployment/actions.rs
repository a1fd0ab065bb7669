//! The actions on a deployment.

use backstay_model::deployment::{Decision, Deployment};
use backstay_model::{Action, DeploymentId};
use leptos::prelude::*;

use super::words::{Offers, logs};
use crate::api::ContinueAnyway;
use crate::browser;
use crate::components::{
    ActionForm, FEW_LINES, FormAction, Icon, Refusal, action_from_address, requires, use_log_address,
};
use crate::live::Live;
use crate::routes::Route;

/// The buttons below a deployment.
#[component]
pub(super) fn Actions(
    deployment: Signal<Deployment>,
    /// Number of hosts that are done.
    through: Memo<usize>,
    in_full: bool,
) -> impl IntoView {
    let live = expect_context::<Live>();
    let id = deployment.with_untracked(|d| d.id);
    let continues = action_from_address::<ContinueAnyway>();
    let offers = Memo::new(move |_| deployment.with(|d| Offers::of(d, through.get(), in_full)));
    let proposed = Memo::new(move |_| {
        deployment.with(|d| match &d.decision {
            Decision::Proposed { pull_request, .. } => Some(pull_request.url.clone()),
            _ => None,
        })
    });
    let rolls_out =
        Memo::new(move |_| live.rollout().with(|r| r.as_ref().is_some_and(|r| r.state.is_open())));
    let may = Memo::new(move |_| live.may(Action::Continue, None));
    let offered = move |of: fn(&Offers) -> bool| may.get() && offers.with(of);
    let may_roll_back = move || live.may(Action::RollBackMany, None) && offers.with(|o| o.roll_back);
    let link =
        move |of: fn(&Offers) -> bool, id: &'static str, address: String, class: &'static str, words| {
            move || offered(of).then(|| view! { <a class=class id=id href=address.clone()>{words}</a> })
        };
    let revert = Route::Revert { deployment: id, from_deployment: in_full }.path();
    let roll_back = Route::RollbackFailed { deployment: id, from_deployment: in_full }.path();
    view! {
        <Refusal action=continues/>
        <div class="panel-end">
            {link(|o| o.revert, "revert-pr", revert, "button danger", "Revert PR")}
            {move || proposed.get().map(|url| view! { <a class="button primary" href=url rel="external noopener">"Merge the revert on GitHub"</a> })}
            <ViewLogs deployment/>
            {move || offered(|o| o.continue_anyway).then(|| view! { <ContinueButton id action=continues/> })}
            {move || may_roll_back().then(|| view! { <a class="button" id="roll-back-failed" href=roll_back.clone()>"Roll back failed hosts"</a> })}
            {move || (offered(|o| o.roll_out) && !rolls_out.get()).then(|| view! {
                <a class="button primary" id="roll-out" href=Route::Rollout { kind: None }.path()>"Pull and Switch all"</a>
            })}
            {move || (!may.get() && offers.get() != Offers::default()).then(|| view! {
                <span class="faint">{requires("Deciding", Action::Continue)}</span>
            })}
        </div>
    }
}

#[component]
fn ContinueButton(id: DeploymentId, action: FormAction) -> impl IntoView {
    view! {
        <ActionForm action=action>
            <input type="hidden" name="deployment" value=id.to_string()/>
            <button type="submit" disabled=action.pending()>"Continue Anyway"</button>
        </ActionForm>
    }
}

/// Links to the logs of failed hosts: directly if there is one, through a menu if there are several.
#[component]
fn ViewLogs(deployment: Signal<Deployment>) -> impl IntoView {
    let logs = Memo::new(move |_| deployment.with(logs));
    let page = Route::Deployment(deployment.with_untracked(|d| d.id)).path();
    let log_address = use_log_address();
    move || {
        let logs = logs.get();
        match logs.as_slice() {
            [] => ().into_any(),
            [(_, _, op)] => {
                let op = *op;
                view! { <a class="button" href=move || log_address(op) data-noscroll="" data-log=op.to_string()>"View Logs"</a> }
                    .into_any()
            }
            _ => {
                let more = logs.len().saturating_sub(FEW_LINES);
                let more = (more > 0)
                    .then(|| view! { <a class="item" href=page.clone()>{format!("and {more} more")}</a> });
                let items = logs
                    .into_iter()
                    .take(FEW_LINES)
                    .map(|(host, step, op)| {
                        view! {
                            <a class="item" href=move || log_address(op) data-noscroll="" data-log=op.to_string()>
                                <Icon name=if step == "tests" { "test" } else { "switch" }/>
                                {format!("{host}: {step}")}
                            </a>
                        }
                    })
                    .collect_view();
                view! {
                    <button type="button" class="logs-button" popovertarget="failed-logs">"View Logs"</button>
                    <div
                        class="menu logs-menu"
                        popover="auto"
                        id="failed-logs"
                        on:click=|_| browser::hide_popover("failed-logs")
                        on:toggle=|event| browser::enter_menu(&event)
                        on:keydown=|event| browser::step_in_menu(&event)
                    >
                        {items}
                        {more}
                    </div>
                }
                .into_any()
            }
        }
    }
}
