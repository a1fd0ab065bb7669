//! The form in the rollback dialog.

use backstay_model::rollback::{Candidate, RollbackPlan};
use backstay_model::{Action, Generation, GenerationRef, HostView, OpKind, OpView};
use leptos::html;
use leptos::prelude::*;

use super::PlanResource;
use super::changes::Changes;
use super::choice::Choice;
use super::find::{Find, SHORT};
use crate::api::{RequestRollback, reference_from_text, reference_to_text};
use crate::browser;
use crate::components::{
    ActionForm, DialogEnd, GenerationName, HostTestsBadge, Moment, ReasonField, RoleNeeded,
    action_from_address, forget_draft, linked, use_log_address,
};
use crate::live::Live;
use crate::routes::Route;
use crate::time::in_full;

/// What has happened to the host since the dialog was opened.
#[derive(Clone, Copy)]
struct Since {
    /// The generation that it is on now, if that is not the one that the person sees.
    moved: Memo<Option<GenerationRef>>,
    /// Its open op.
    busy: Memo<Option<OpView>>,
    /// True if that op runs the tests: a rollback stops it.
    testing: Memo<bool>,
    offline: Memo<bool>,
}

impl Since {
    fn new(live: Live, plan: &RollbackPlan) -> Self {
        let name = plan.host_name.clone();
        let host = Memo::new(move |_| live.host(&name).map(|host| host.get()));
        let seen = plan.current.generation.reference();
        let open_op = plan.open_op.clone();
        let online = plan.online;
        let now =
            move |host: &Option<HostView>| host.as_ref()?.generation.as_ref().map(Generation::reference);
        let busy = Memo::new(move |_| host.with(|h| h.as_ref().map_or(open_op.clone(), |h| h.op.clone())));
        // Tests that are already being stopped have someone else's rollback waiting, or end on their own.
        let is_test = |op: &Option<OpView>| {
            op.as_ref().is_some_and(|op| op.action.kind() == OpKind::Test && op.cancel.is_none())
        };
        Self {
            moved: Memo::new(move |_| host.with(now).filter(|now| *now != seen)),
            busy,
            testing: Memo::new(move |_| busy.with(is_test)),
            offline: Memo::new(move |_| !host.with(|h| h.as_ref().map_or(online, |h| h.online))),
        }
    }
}

/// The form: current generation, target, reason, and the two ways out.
#[component]
pub(super) fn RollbackForm(plan: RollbackPlan, back: String, again: PlanResource) -> impl IntoView {
    let live = expect_context::<Live>();
    let action = action_from_address::<RequestRollback>();
    let since = Since::new(live, &plan);
    let chosen = RwSignal::new(plan.preselected);
    let list = NodeRef::<html::Ul>::new();
    // A person may have chosen before the page was hydrated.
    Effect::new(move |_| {
        let radio = list.get().and_then(|list| browser::chosen_radio(&list, "target"));
        if let Some(reference) = radio.and_then(|radio| reference_from_text(&radio.value())) {
            chosen.set(Some(reference.number));
        }
    });
    let draft = plan.host_name.clone();
    Effect::new(move |_| {
        if matches!(action.value().get(), Some(Ok(()))) {
            forget_draft(&draft);
        }
    });
    let name = plan.host_name.clone();
    let closed = Signal::derive(move || {
        let is_held = since.busy.with(Option::is_some) && !since.testing.get();
        since.moved.with(Option::is_some) || is_held || !live.may(Action::RollBack, Some(&name))
    });
    let pending = action.pending();
    let is_possible = plan.candidates.iter().any(|c| c.unavailable_reason().is_none());
    let choices = plan
        .candidates
        .iter()
        .zip(1..)
        .map(|(c, place)| {
            let preselected = plan.preselected == Some(c.generation.number);
            view! { <Choice place candidate=c.clone() preselected chosen/> }
        })
        .collect_view();
    view! {
        <ActionForm action=action>
            <input type="hidden" name="host" value=plan.host_name.clone()/>
            <input type="hidden" name="seen" value=reference_to_text(&plan.current.generation.reference())/>
            <input type="hidden" name="back" value=back.clone()/>
            {move || since.testing.get().then(|| view! { <input type="hidden" name="stop_tests" value="true"/> })}
            <Current current=plan.current.clone()/>
            {(!plan.notes.is_empty()).then(|| view! { <p class="host-note">{linked(&plan.notes)}</p> })}
            <StateNow since again host=plan.host_name.clone()/>
            <fieldset disabled=closed>
                <legend>"Roll back to:"</legend>
                {(!is_possible).then(|| view! { <p class="faint">"No other generation is available."</p> })}
                <div class="pick">
                    {(plan.candidates.len() > SHORT).then(|| view! { <Find list/> })}
                    <ul class="choices" node_ref=list>{choices}</ul>
                </div>
                <div class="picked">
                    <Outcomes plan=plan.clone() chosen/>
                    {specialisation(&plan)}
                    <ReasonField draft=plan.host_name.clone()/>
                </div>
            </fieldset>
            <div class="dialog-foot">
                <Changes plan=plan.clone() chosen/>
                <DialogEnd
                    action
                    back
                    cancel_id="rollback-cancel"
                    closed=Signal::derive(move || closed.get() || pending.get() || !is_possible)
                >
                    <ButtonText plan chosen testing=since.testing/>
                </DialogEnd>
            </div>
        </ActionForm>
    }
}

#[component]
fn Current(current: Candidate) -> impl IntoView {
    view! {
        <section class="current" aria-labelledby="current-title">
            <h3 id="current-title">"Current Generation:"</h3>
            <p class="choice-head"><GenerationName generation=current.generation.clone()/></p>
            <p class="choice-facts"><Moment at=current.generation.created_at/>" "<HostTestsBadge tests=current.tests/></p>
        </section>
    }
}

/// Anything about the host's present state that prevents or affects the rollback.
#[component]
fn StateNow(since: Since, again: PlanResource, host: String) -> impl IntoView {
    let address = Route::RollbackHost { host: &host, to: None, from_host: false }.path();
    let moved = {
        let host = host.clone();
        move || {
            let (host, address) = (host.clone(), address.clone());
            since.moved.get().map(|now| {
            view! {
                <p class="banner warn" role="alert">
                    {format!("{host} moved to {now} while this was open. No request was sent. ")}
                    <a href=address on:click=move |event| { event.prevent_default(); again.refetch(); }>"Reload"</a>
                </p>
            }
        })
        }
    };
    let log_address = use_log_address();
    let busy = {
        let host = host.clone();
        move || {
            let host = host.clone();
            let testing = since.testing.get();
            since.busy.get().map(|op| {
                let by = &op.requested_by;
                let (what, then) = if testing {
                    (format!("{host} is running its tests: "), format!(", started by {by}. Rolling back stops them."))
                } else {
                    (format!("{host} is busy ("), format!(", requested by {by}). Wait for it, or cancel it."))
                };
                view! {
                    <p class="banner" class:warn=!testing role="status">
                        {what}
                        <a href=log_address(op.id) data-noscroll="" data-log=op.id.to_string()>{op.title()}</a>
                        {then}
                    </p>
                }
            })
        }
    };
    let name = host.clone();
    let offline = move || {
        let host = host.clone();
        since.offline.get().then(|| {
            view! {
                <div class="banner one-line">
                    <p>{format!("{host} is offline. The rollback runs when it connects, and can be cancelled until then.")}</p>
                    <label>
                        "Give up after "
                        <select name="give_up_after">
                            <option value="15">"15 min"</option>
                            <option value="60" selected=true>"1 h"</option>
                            <option value="1440">"24 h"</option>
                        </select>
                    </label>
                </div>
            }
        })
    };
    view! { {moved} {busy} {offline} <RoleNeeded what="Rolling back" does=Action::RollBack host=Some(name)/> }
}

/// What choosing each generation means; only the chosen one is shown. Before hydration, style sheets do the
/// same for the first ones.
#[component]
fn Outcomes(plan: RollbackPlan, chosen: RwSignal<Option<u32>>) -> impl IntoView {
    let from = crate::components::generation_name(&plan.current.generation);
    let usual = plan.usual_secs.map(|seconds| format!(", usually in {}", in_full(seconds)));
    let outcomes = plan
        .candidates
        .iter()
        .zip(1..)
        .map(|(candidate, place)| {
            let number = candidate.generation.number;
            let to = crate::components::generation_name(&candidate.generation);
            view! {
                <div class="outcome" data-place=place class:chosen=move || chosen.get() == Some(number)>
                    <p class="from-to">
                        {format!("{} goes from ", plan.host_name)}
                        <b>{from.clone()}</b>
                        " to "
                        <b>{to}</b>
                        {usual.clone()}
                    </p>
                    {candidate.warnings.iter().cloned().map(|w| view! { <p class="warning">{w}</p> }).collect_view()}
                </div>
            }
        })
        .collect_view();
    view! { <div class="outcomes" aria-live="polite">{outcomes}</div> }
}

/// Which specialisation to activate, if there is one.
fn specialisation(plan: &RollbackPlan) -> Option<AnyView> {
    let active = plan.specialisation.as_deref();
    let others: Vec<_> = plan.specialisations().into_iter().filter(|name| Some(*name) != active).collect();
    if active.is_none() && others.is_empty() {
        return None;
    }
    let option = |name: &str| view! { <option value=format!("use {name}")>{name.to_owned()}</option> };
    Some(
        view! {
            <p class="one-line">
                <label>
                    "Specialisation "
                    <select name="specialisation">
                        <option value="keep">{format!("{} (as now)", active.unwrap_or("none"))}</option>
                        {active.map(|_| view! { <option value="none">"none"</option> })}
                        {others.into_iter().map(option).collect_view()}
                    </select>
                </label>
            </p>
        }
        .into_any(),
    )
}

/// “Rollback to Gen 47”, or, while the host runs its tests, “Stop the tests and roll back to Gen 47”.
#[component]
fn ButtonText(plan: RollbackPlan, chosen: RwSignal<Option<u32>>, testing: Memo<bool>) -> impl IntoView {
    let texts = plan
        .candidates
        .iter()
        .zip(1..)
        .map(|(candidate, place)| {
            let number = candidate.generation.number;
            let way = candidate.label();
            let verb = if candidate.newer { "go forward" } else { "roll back" };
            let stopping = format!("Stop the tests and {verb} to Gen {number}");
            view! {
                <span class="outcome" data-place=place class:chosen=move || chosen.get() == Some(number)>
                    {move || if testing.get() { stopping.clone() } else { way.clone() }}
                </span>
            }
        })
        .collect_view();
    view! {
        <span class="outcomes">{texts}</span>
        <span class="no-outcome" class:chosen=move || chosen.get().is_none()>"Rollback"</span>
    }
}
