//! A deployment as a panel: the result on each host, the decision, and the actions.

mod actions;
mod hosts;
mod words;

use std::collections::HashMap;

use backstay_model::deployment::{Decision, Deployment, HostOutcome};
use backstay_model::rollout::Rollout;
use backstay_model::wire::event::Event;
use backstay_model::{DeploymentId, HostView};
use leptos::prelude::*;

use crate::api::{DeploymentRead, load_deployment};
use crate::components::{ChangedInputs, Icon, Moment, RolloutOf};
use crate::live::Live;
use crate::routes::Route;

use actions::Actions;
use hosts::Hosts;
use words::{Look, decided, heading, look, through};
pub(crate) use words::{counts, decision_words};

/// A deployment that stays current while the calling component is shown.
pub(crate) fn followed(live: Live, read: DeploymentRead) -> Signal<Deployment> {
    let id = read.deployment.id;
    let known = RwSignal::new(read.deployment);
    let read_again = move || async move {
        // If it fails, the page keeps what it shows, and the next gap retries.
        if let Ok(Some(read)) = load_deployment(id.to_string()).await {
            known.try_set(read.deployment);
        }
    };
    live.keep_true(read.last_event, read_again, move |event| {
        if let Event::Deployment { deployment } = event
            && deployment.id == id
        {
            known.try_update(|known| known.update((**deployment).clone()));
        }
        false
    });
    Memo::new(move |_| {
        let newest = live.deployment().with(|newest| newest.clone().filter(|newest| newest.id == id));
        newest.unwrap_or_else(|| known.get())
    })
    .into()
}

/// The newest deployment: in full while something is left to do, otherwise in one line.
#[component]
pub fn NewestDeployment() -> impl IntoView {
    let live = expect_context::<Live>();
    let id = Memo::new(move |_| live.deployment().with(|newest| newest.as_ref().map(|d| d.id)));
    move || id.get().map(|id| view! { <Newest live id/> })
}

#[component]
fn Newest(live: Live, id: DeploymentId) -> impl IntoView {
    let now = move || live.deployment().with(|newest| newest.clone().filter(|newest| newest.id == id));
    let first = untrack(now)?;
    let deployment: Signal<Deployment> = Memo::new(move |_| now().unwrap_or_else(|| first.clone())).into();
    let state = PanelState::new(live, deployment);
    let finished = Memo::new(move |_| state.look.get() == Look::Good && !state.rolls_out.get());
    // A story that ends while a person looks stays unfolded, so that nothing moves under their finger.
    let folded = RwSignal::new(finished.get_untracked());
    Effect::new(move |_| {
        if !finished.get() {
            folded.set(false);
        }
    });
    let fold = Memo::new(move |_| folded.get() && finished.get());
    Some(move || {
        if fold.get() {
            view! { <InBrief deployment/> }.into_any()
        } else {
            view! { <DeploymentPanel deployment folded=(folded, finished)/> }.into_any()
        }
    })
}

/// The derived state of a panel.
#[derive(Clone, Copy)]
struct PanelState {
    /// The current state of the deployment's hosts, by name.
    hosts: Memo<HashMap<String, HostView>>,
    through: Memo<usize>,
    look: Memo<Look>,
    /// Whether a roll-out of it is running.
    rolls_out: Memo<bool>,
    /// Whether a roll-out counts the same hosts.
    is_counted: Memo<bool>,
}

impl PanelState {
    fn new(live: Live, deployment: Signal<Deployment>) -> Self {
        let names = Memo::new(move |_| {
            deployment.with(|d| d.hosts.iter().map(|host| host.name.clone()).collect::<Vec<_>>())
        });
        let hosts = Memo::new(move |_| {
            let host = |name: String| live.host(&name).map(|host| (name, host.get()));
            names.get().into_iter().filter_map(host).collect::<HashMap<_, _>>()
        });
        let through = Memo::new(move |_| {
            hosts.with(|hosts| {
                deployment.with(|d| through(d, |outcome: &HostOutcome| hosts.get(&outcome.name).cloned()))
            })
        });
        let look = Memo::new(move |_| deployment.with(|d| look(d, through.get())));
        let rolls_out = Memo::new(move |_| {
            let is_open = |r: &Rollout| r.state.is_open() && deployment.with(|d| r.is_part_of(d));
            live.rollout().with(|r| r.as_ref().is_some_and(is_open))
        });
        let is_counted = Memo::new(move |_| {
            let is_same =
                |r: &Rollout| deployment.with(|d| r.is_part_of(d) && r.hosts.len() == d.hosts.len());
            live.rollout().with(|r| r.as_ref().is_some_and(is_same))
        });
        Self { hosts, through, look, rolls_out, is_counted }
    }
}

/// A finished deployment, in one line.
#[component]
fn InBrief(deployment: Signal<Deployment>) -> impl IntoView {
    let id = deployment.with_untracked(|d| d.id);
    let words = Memo::new(move |_| {
        deployment.with(|d| {
            let number = d.pull_request.number;
            match &d.decision {
                Decision::Reverted { .. } => {
                    format!("{} No host runs it any more.", decided(d).unwrap_or_default())
                }
                _ => format!("PR #{number} is deployed to all hosts: {}.", counts(d)),
            }
        })
    });
    let decision = move || deployment.with(|d| d.decision.as_str());
    view! {
        <p class="deployment-line" data-deployment=id.to_string() data-decision=decision data-look="good">
            <Icon name="ok"/>
            <span>{words}</span>
            <a href=Route::Deployment(id).path()>"Details"</a>
        </p>
    }
}

/// A deployment with its roll-out: what happened, what runs on each host, and the next step.
#[component]
pub fn DeploymentPanel(
    /// The deployment.
    deployment: Signal<Deployment>,
    /// Whether this is the deployment's own page, which shows and offers more.
    #[prop(optional)]
    in_full: bool,
    /// Whether a person folded it, and whether they may.
    #[prop(optional)]
    folded: Option<(RwSignal<bool>, Memo<bool>)>,
) -> impl IntoView {
    let live = expect_context::<Live>();
    let state = PanelState::new(live, deployment);
    let id = deployment.with_untracked(|d| d.id);
    let decision = move || deployment.with(|d| d.decision.as_str());
    let heading = Memo::new(move |_| deployment.with(heading));
    view! {
        <section
            class="panel deployment"
            aria-labelledby="deployment-title"
            data-deployment=id.to_string()
            data-decision=decision
            data-look=move || state.look.get().as_str()
        >
            <div class="panel-head">
                <h2 id="deployment-title">
                    <Icon name=Signal::derive(move || state.look.get().icon())/>
                    {heading}
                </h2>
                {(!in_full).then(|| view! {
                    <div class="panel-side">
                        <a href=Route::Deployment(id).path()>"Details"</a>
                        {folded.map(|(folded, may)| move || may.get().then(|| view! {
                            <button type="button" class="quiet alive" aria-label="Fold the deployment" on:click=move |_| folded.set(true)>
                                <Icon name="close"/>
                            </button>
                        }))}
                    </div>
                })}
                {(!in_full).then(|| view! { <Merged deployment/> })}
            </div>
            <Decided deployment state/>
            <Progress deployment state/>
            {deployment.with_untracked(|d| d.inputs.clone()).map(|inputs| view! { <ChangedInputs inputs/> })}
            {(!in_full).then(|| view! { <RolloutOf live deployment/> })}
            <Hosts deployment hosts=state.hosts in_full/>
            <Actions deployment through=state.through in_full/>
        </section>
    }
}

/// What was merged, by whom and when: fixed facts.
#[component]
fn Merged(deployment: Signal<Deployment>) -> impl IntoView {
    let Deployment { pull_request, merged_by, merged_at, .. } = deployment.get_untracked();
    view! {
        <p class="panel-about">
            <a href=pull_request.url rel="external noopener">{format!("#{} {}", pull_request.number, pull_request.title)}</a>
            {format!(" · merged by {merged_by} · ")}
            <Moment at=merged_at/>
        </p>
    }
}

/// The decision and its consequence.
#[component]
fn Decided(deployment: Signal<Deployment>, state: PanelState) -> impl IntoView {
    let decision = Memo::new(move |_| deployment.with(|d| (d.decision.clone(), decided(d))));
    let next = Memo::new(move |_| {
        let left = deployment.with(|d| d.hosts.len()) > state.through.get();
        match (left, state.rolls_out.get()) {
            (true, true) => None,
            (true, false) => Some(" Pull and switch the hosts when ready."),
            (false, _) => Some(" No host runs it any more."),
        }
    });
    move || {
        let (decision, words) = decision.get();
        let words = words?;
        let reason = decision.reason().map(|reason| format!(" Reason: “{reason}”."));
        let next = match decision {
            Decision::Reverted { .. } => next.get().into_any(),
            Decision::Proposed { pull_request, .. } => view! {
                " "
                <a href=pull_request.url rel="external noopener">{format!("Pull request #{}", pull_request.number)}</a>
                " with the revert is waiting to be merged."
            }
            .into_any(),
            _ => ().into_any(),
        };
        Some(view! { <p class="panel-says">{words}{reason}{next}</p> }.into_any())
    }
}

/// Number of hosts that are done, once one has started.
#[component]
fn Progress(deployment: Signal<Deployment>, state: PanelState) -> impl IntoView {
    let counted = Memo::new(move |_| {
        deployment.with(|d| {
            let begun = d.hosts.iter().any(|host| host.switch.op().is_some());
            let reverted = matches!(d.decision, Decision::Reverted { .. });
            let shown = begun
                && !state.rolls_out.get()
                && (reverted || !state.is_counted.get())
                && !d.needs_decision()
                && !matches!(d.decision, Decision::Reverting { .. });
            shown.then_some((state.through.get(), d.hosts.len(), reverted))
        })
    });
    move || {
        let (through, all, reverted) = counted.get()?;
        let words = if reverted { "no longer on it" } else { "done" };
        Some(view! {
            <p class="panel-progress">
                <progress aria-label="Hosts" max=all.to_string() value=through.to_string()></progress>
                {format!("{through} of {all} hosts {words}")}
            </p>
        })
    }
}
