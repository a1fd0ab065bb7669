//! A roll-out as a panel: its progress, host by host, and the button that stops it.

mod link;
mod words;

use std::collections::HashMap;

use backstay_model::rollout::{Rollout, RolloutHost, RolloutState, RolloutStep};
use backstay_model::{OpView, RolloutId};
use leptos::prelude::*;

use crate::api::StopRollout;
use crate::browser;
use crate::components::{Icon, Moment, Refusal, action_from_address, use_log_address};
use crate::live::Live;

pub(crate) use link::RollOutLink;
pub(crate) use words::hosts as hosts_words;
use words::{count, log, look, progress, step, title, why};

/// The newest roll-out, until a person dismisses it after its end.
#[component]
pub fn NewestRollout() -> impl IntoView {
    let live = expect_context::<Live>();
    let stop = action_from_address::<StopRollout>();
    let id = Memo::new(move |_| live.rollout().with(|newest| newest.as_ref().map(|rollout| rollout.id)));
    let dismissed = RwSignal::new(None::<String>);
    Effect::new(move |_| dismissed.set(browser::stored_value(DISMISSED)));
    view! {
        <Refusal action=stop/>
        {move || {
            let id = id.get().filter(|id| dismissed.with(|dismissed| dismissed.as_deref() != Some(&id.to_string())))?;
            Some(view! { <Panel live id stop dismissed/> })
        }}
    }
}

/// Key under which this browser remembers the dismissed roll-out.
const DISMISSED: &str = "backstay.rollout-put-away";

#[component]
fn Panel(
    live: Live,
    id: RolloutId,
    stop: ServerAction<StopRollout>,
    dismissed: RwSignal<Option<String>>,
) -> impl IntoView {
    let now = move || live.rollout().with(|newest| newest.clone().filter(|newest| newest.id == id));
    let first = untrack(now)?;
    let by = first.requested_by.clone();
    let (reason, created_at) = (first.reason.clone(), first.created_at);
    let rollout: Signal<Rollout> = Memo::new(move |_| now().unwrap_or_else(|| first.clone())).into();
    let ops = ops(live, rollout);
    let open = Memo::new(move |_| rollout.with(|r| r.state.is_open()));
    let look = Memo::new(move |_| rollout.with(look));
    let progress =
        Memo::new(move |_| ops.with(|ops| rollout.with(|r| progress(r, |host| ops.get(&host.name)))));
    let counts = Memo::new(move |_| rollout.with(|r| (count(r, RolloutStep::is_over), r.hosts.len())));
    let dismiss = move |_| {
        browser::store_value(DISMISSED, &id.to_string());
        dismissed.set(Some(id.to_string()));
    };
    Some(view! {
        <section
            class="panel rollout"
            aria-labelledby="rollout-title"
            data-rollout=id.to_string()
            data-state=move || rollout.with(|r| r.state.as_str())
            data-look=move || look.get()
        >
            <div class="panel-head">
                <h2 id="rollout-title">
                    <span class="light" data-state=move || look.get()><Icon name=Signal::derive(move || look.get())/></span>
                    {move || rollout.with(title)}
                </h2>
                <div class="panel-side">
                    <StopButton live rollout action=stop/>
                    {move || (!open.get()).then(|| view! {
                        <button type="button" class="quiet alive" aria-label="Dismiss the roll-out" on:click=dismiss>
                            <Icon name="close"/>
                        </button>
                    })}
                </div>
                <p class="panel-about">
                    {format!("requested by {by} · ")}
                    <Moment at=created_at/>
                    {reason.map(|reason| format!(" · “{reason}”"))}
                </p>
            </div>
            <p class="panel-progress" role="status">
                {move || open.get().then(|| {
                    let (over, all) = counts.get();
                    view! { <progress aria-label="Hosts" max=all.to_string() value=over.to_string()></progress> }
                })}
                <span class="rollout-progress">{progress}</span>
            </p>
            {move || rollout.with(why).map(|why| view! { <p class="panel-says">{why}</p> })}
            <details class="rollout-hosts" open=move || open.get()>
                <summary>"Hosts"</summary>
                <Steps rollout ops/>
            </details>
        </section>
    }
    .into_any())
}

/// The ops that hold hosts of the roll-out now, by the host's name.
fn ops(live: Live, rollout: Signal<Rollout>) -> Memo<HashMap<String, OpView>> {
    let names = Memo::new(move |_| {
        rollout.with(|r| r.hosts.iter().map(|host| host.name.clone()).collect::<Vec<_>>())
    });
    Memo::new(move |_| {
        let held = |name: String| live.host(&name)?.with(|host| host.op.clone()).map(|op| (name, op));
        names.get().into_iter().filter_map(held).collect()
    })
}

#[component]
fn StopButton(live: Live, rollout: Signal<Rollout>, action: ServerAction<StopRollout>) -> impl IntoView {
    let id = rollout.with_untracked(|r| r.id);
    // Once every host has started, nothing is left to stop.
    let to_come =
        |r: &Rollout| r.state == RolloutState::Running && count(r, |s| *s == RolloutStep::Waiting) > 0;
    let shown = Memo::new(move |_| live.may_operate() && rollout.with(to_come));
    move || {
        shown.get().then(|| {
            view! {
                <ActionForm action=action>
                    <input type="hidden" name="id" value=id.to_string()/>
                    <button
                        type="submit"
                        class="small"
                        title="No more hosts will be started. Hosts already running will finish."
                        disabled=action.pending()
                    >
                        "Stop"
                    </button>
                </ActionForm>
            }
        })
    }
}

#[component]
fn Steps(rollout: Signal<Rollout>, ops: Memo<HashMap<String, OpView>>) -> impl IntoView {
    let names = Memo::new(move |_| {
        rollout.with(|r| r.hosts.iter().map(|host| host.name.clone()).collect::<Vec<_>>())
    });
    view! {
        <ul class="host-lines" aria-label="Hosts of the roll-out">
            <For each=move || names.get() key=Clone::clone let:name>
                <StepLine rollout ops name/>
            </For>
        </ul>
    }
}

#[component]
fn StepLine(rollout: Signal<Rollout>, ops: Memo<HashMap<String, OpView>>, name: String) -> impl IntoView {
    let log_address = use_log_address();
    let shown = {
        let name = name.clone();
        Memo::new(move |_| {
            let found = |r: &Rollout| r.hosts.iter().find(|host| host.name == name).cloned();
            let host: RolloutHost = rollout.with(found)?;
            let (look, words) = ops.with(|ops| step(&host, ops.get(&name)));
            Some((look, words, log(&host.step)))
        })
    };
    let line = {
        let name = name.clone();
        move || {
            let (look, words, op) = shown.get()?;
            let op = op.map(|op| {
                let label = format!("Log of {name}");
                view! { " "<a href=move || log_address(op) data-noscroll="" data-log=op.to_string() aria-label=label>"log"</a> }
            });
            Some(
                view! {
                    <span class="outcome-line" data-state=look>
                        <Icon name=look/>
                        <b>{name.clone()}</b>
                        " - "
                        {words}
                    </span>
                    <span class="outcome-logs">{op}</span>
                }
                .into_any(),
            )
        }
    };
    view! { <li data-host=name>{line}</li> }
}
