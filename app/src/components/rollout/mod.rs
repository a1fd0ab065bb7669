//! A roll-out: as a panel, as a part of its deployment's panel, and on a page of its own.

mod link;
mod words;

use std::collections::HashMap;
use std::sync::Arc;

use backstay_model::deployment::Deployment;
use backstay_model::rollout::{Rollout, RolloutHost, RolloutState, RolloutStep};
use backstay_model::wire::event::Event;
use backstay_model::{Action, OpId, OpStatus, OpView, RolloutId};
use leptos::prelude::*;

use crate::api::{RolloutRead, SteerRollout, load_rollout};
use crate::browser;
use crate::components::{
    ActionForm, FormAction, Icon, Moment, Refusal, action_from_address, host_lines, use_log_address,
};
use crate::live::Live;
use crate::routes::Route;
use crate::time::use_time;

pub(crate) use link::RollOutLink;
use words::{count, log, look, names, pace, paused, progress, step, why};
pub(crate) use words::{hosts as hosts_words, title, what};

/// The newest roll-out, until a person dismisses it after its end. Its deployment shows it if it has one.
#[component]
pub fn NewestRollout() -> impl IntoView {
    let live = expect_context::<Live>();
    let id = Memo::new(move |_| {
        let of_deployment =
            |r: &&Rollout| live.deployment().with(|d| d.as_ref().is_some_and(|d| r.is_part_of(d)));
        live.rollout().with(|newest| newest.as_ref().filter(|r| !of_deployment(r)).map(|rollout| rollout.id))
    });
    let dismissed = RwSignal::new(None::<String>);
    Effect::new(move |_| dismissed.set(browser::stored_value(DISMISSED)));
    move || {
        let id = id.get().filter(|id| dismissed.with(|it| it.as_deref() != Some(&id.to_string())))?;
        Some(view! { <Newest live id dismissed/> })
    }
}

/// Key under which this browser remembers the dismissed roll-out.
const DISMISSED: &str = "backstay.rollout-put-away";

/// The newest roll-out while it is this one.
fn newest(live: Live, id: RolloutId) -> Option<Signal<Rollout>> {
    let now = move || live.rollout().with(|newest| newest.clone().filter(|newest| newest.id == id));
    let first = untrack(now)?;
    Some(Memo::new(move |_| now().unwrap_or_else(|| first.clone())).into())
}

/// A roll-out that stays current while the calling component is shown.
pub(crate) fn followed(live: Live, read: RolloutRead) -> Signal<Rollout> {
    let id = read.rollout.id;
    let known = RwSignal::new(read.rollout);
    let read_again = move || async move {
        // If it fails, the page keeps what it shows, and the next gap retries.
        if let Ok(Some(read)) = load_rollout(id.to_string()).await {
            known.try_set(read.rollout);
        }
    };
    live.keep_true(read.last_event, read_again, move |event| {
        if let Event::Rollout { rollout } = event
            && rollout.id == id
        {
            known.try_update(|known| known.update((**rollout).clone()));
        }
        false
    });
    known.into()
}

/// One that had ended before this visit takes one line. One that ends now stays as it is, so that nothing
/// moves under a person's finger.
#[component]
fn Newest(live: Live, id: RolloutId, dismissed: RwSignal<Option<String>>) -> impl IntoView {
    let rollout = newest(live, id)?;
    let is_over = Memo::new(move |_| rollout.with(|r| !r.state.is_open()));
    let dismiss = move |_| {
        browser::store_value(DISMISSED, &id.to_string());
        dismissed.set(Some(id.to_string()));
    };
    let side = view! {
        <div class="panel-side">
            <a href=Route::OneRollout(id).path()>"Details"</a>
            {move || is_over.get().then(|| view! {
                <button type="button" class="quiet alive" aria-label="Dismiss the roll-out" on:click=dismiss>
                    <Icon name="close"/>
                </button>
            })}
        </div>
    };
    let state = move || rollout.with(|r| r.state.as_str());
    let look = Memo::new(move |_| rollout.with(look));
    if is_over.get_untracked() {
        let words = rollout.with_untracked(|r| {
            let why = why(r).map(|why| format!(". {why}")).unwrap_or_default();
            format!("{}: {}{why}", title(r), progress(r, |_| None))
        });
        return Some(
            view! {
                <div class="deployment-line" data-rollout=id.to_string() data-state=state data-look=look>
                    <span class="light" data-state=look><Icon name=Signal::derive(move || look.get())/></span>
                    <span class="rollout-progress">{words}</span>
                    {side}
                </div>
            }
            .into_any(),
        );
    }
    Some(
        view! {
            <section class="panel rollout" aria-labelledby="rollout-title" data-rollout=id.to_string() data-state=state data-look=look>
                <div class="panel-head">
                    <h2 id="rollout-title">
                        <span class="light" data-state=look><Icon name=Signal::derive(move || look.get())/></span>
                        {rollout.with_untracked(title)}
                    </h2>
                    {side}
                    <About rollout/>
                </div>
                <Progress live rollout/>
                <details class="rollout-hosts" open>
                    <summary>"Hosts"</summary>
                    <Steps live rollout/>
                </details>
            </section>
        }
        .into_any(),
    )
}

/// The newest roll-out as a part of its deployment's panel, which names the hosts.
#[component]
pub(crate) fn RolloutOf(live: Live, deployment: Signal<Deployment>) -> impl IntoView {
    let id = Memo::new(move |_| {
        let newest = live.rollout();
        newest.with(|r| r.as_ref().filter(|r| deployment.with(|d| r.is_part_of(d))).map(|r| r.id))
    });
    move || {
        let rollout = newest(live, id.get()?)?;
        let id = rollout.with_untracked(|r| r.id);
        Some(view! {
            <div class="panel-part" data-rollout=id.to_string() data-state=move || rollout.with(|r| r.state.as_str())>
                <div class="panel-head">
                    <h3>{rollout.with_untracked(title)}</h3>
                    <a href=Route::OneRollout(id).path()>"Roll-out"</a>
                </div>
                <Progress live rollout/>
            </div>
        }.into_any())
    }
}

/// Who requested it, when and why.
#[component]
pub(crate) fn About(rollout: Signal<Rollout>) -> impl IntoView {
    let Rollout { requested_by, created_at, reason, .. } = rollout.get_untracked();
    view! {
        <p class="panel-about">
            {format!("requested by {requested_by} · ")}
            <Moment at=created_at/>
            {reason.map(|reason| format!(" · “{reason}”"))}
        </p>
    }
    .into_any()
}

/// The progress, the time left, and the ways to pause, resume and stop it.
#[component]
pub(crate) fn Progress(live: Live, rollout: Signal<Rollout>) -> impl IntoView {
    let now = use_time().now;
    let ops = ops(live, rollout);
    let steer = action_from_address::<SteerRollout>();
    let words = Memo::new(move |_| ops.with(|ops| rollout.with(|r| progress(r, |host| ops.get(&host.name)))));
    let pace = Memo::new(move |_| now.get().and_then(|now| rollout.with(|r| pace(r, now))));
    let counts = Memo::new(move |_| rollout.with(|r| (count(r, RolloutStep::is_over), r.hosts.len())));
    // It stays when the roll-out ends, so that nothing moves.
    let bar = rollout.with_untracked(|r| r.state.is_open()).then(|| {
        let (over, all) = (move || counts.get().0.to_string(), move || counts.get().1.to_string());
        view! { <progress aria-label="Hosts" max=all value=over></progress> }
    });
    view! {
        <Refusal action=steer/>
        <p class="panel-progress">
            {bar}
            <span class="rollout-progress">{words}</span>
            {move || pace.get().map(|pace| view! { <span class="faint rollout-pace">{pace}</span> })}
        </p>
        {move || rollout.with(why).map(|why| view! { <p class="panel-says">{why}</p> })}
        {move || rollout.with(paused).map(|(by, at)| view! {
            <p class="panel-says">{by}" since "<Moment at/>". No host starts until it is resumed."</p>
        })}
        <Steering live rollout ops action=steer/>
    }
    .into_any()
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

/// The buttons that pause or resume, and stop, a roll-out. Once every host has started, there is nothing left to stop.
#[component]
fn Steering(
    live: Live,
    rollout: Signal<Rollout>,
    ops: Memo<HashMap<String, OpView>>,
    action: FormAction,
) -> impl IntoView {
    let id = rollout.with_untracked(|r| r.id);
    let is_queued = |op: OpId, ops: &HashMap<String, OpView>| {
        ops.values().any(|held| held.id == op && held.status == OpStatus::Queued)
    };
    let to_come = move |r: &Rollout| ops.with(|ops| r.can_be_stopped(|op| is_queued(op, ops)));
    let shown = Memo::new(move |_| {
        live.may(Action::HoldRollout, None)
            && rollout.with(|r| r.state == RolloutState::Running && to_come(r))
    });
    // Buttons that were there keep their place, so that nothing below moves when they go.
    let seen = Memo::new(move |seen: Option<&bool>| shown.get() || seen.is_some_and(|seen| *seen));
    let class = move || if shown.get() { "panel-end" } else { "panel-end gone" };
    let is_paused = Memo::new(move |_| rollout.with(Rollout::is_paused));
    let button = move |change: &'static str, words: &'static str, title: &'static str| {
        view! {
            <button type="submit" class="small" name="change" value=change title=title disabled=action.pending()>{words}</button>
        }
    };
    move || {
        seen.get().then(|| {
            let pause = if !is_paused.get() {
                Some(button("pause", "Pause", "No host starts until you resume it. Hosts already running will finish."))
            } else if live.may(Action::RollOut, None) {
                Some(button("resume", "Resume", "The remaining hosts start in their order."))
            } else {
                None
            };
            view! {
                <ActionForm action=action attr:class=class>
                    <input type="hidden" name="id" value=id.to_string()/>
                    {pause}
                    {button("stop", "Stop", "No more hosts will be started. Hosts already running will finish.")}
                </ActionForm>
            }
            .into_any()
        })
    }
}

/// A line per host.
#[component]
pub(crate) fn Steps(
    live: Live,
    rollout: Signal<Rollout>,
    /// Many hosts in the order of urgency, not of the start.
    #[prop(optional)]
    failures_first: bool,
) -> impl IntoView {
    let ops = ops(live, rollout);
    let names = Memo::new(move |_| rollout.with(|r| names(r, failures_first)));
    let line = move |name| view! { <StepLine rollout ops name/> }.into_any();
    host_lines("Hosts of the roll-out", names, Arc::new(line))
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
