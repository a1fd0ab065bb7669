//! The result of a deployment on each host.

use std::collections::HashMap;
use std::sync::Arc;

use backstay_model::deployment::{Decision, Deployment, HostOutcome, Step};
use backstay_model::{HostView, State};
use leptos::prelude::*;

use super::words::{after_revert, counts, in_order, mark, rolled_back};
use crate::components::{FEW_LINES, Icon, host_lines, use_log_address};

/// A line per host: “✓ gpc0 - Switch OK, Tests OK”. Of many hosts, the failed ones come first, after the counts.
#[component]
pub(super) fn Hosts(
    deployment: Signal<Deployment>,
    /// The current state of the hosts.
    hosts: Memo<HashMap<String, HostView>>,
    /// Whether each line links to its ops.
    in_full: bool,
) -> impl IntoView {
    let names = Memo::new(move |_| deployment.with(in_order));
    let line = move |name| view! { <Line deployment hosts name in_full/> }.into_any();
    let counted = Memo::new(move |_| deployment.with(|d| (d.hosts.len() > FEW_LINES).then(|| counts(d))));
    view! {
        {move || counted.get().map(|counts| view! { <p class="panel-says">{counts}</p> })}
        {host_lines("Hosts", names, Arc::new(line))}
    }
}

#[component]
fn Line(
    deployment: Signal<Deployment>,
    hosts: Memo<HashMap<String, HostView>>,
    name: String,
    in_full: bool,
) -> impl IntoView {
    let outcome = {
        let name = name.clone();
        Memo::new(move |_| deployment.with(|d| d.hosts.iter().find(|host| host.name == name).cloned()))
    };
    let now = {
        let name = name.clone();
        Memo::new(move |_| {
            let host = hosts.with(|hosts| hosts.get(&name).cloned())?;
            deployment.with(|d| now(d, &outcome.get()?, &host))
        })
    };
    let seen = Memo::new(move |_| {
        outcome.with(|outcome| outcome.as_ref().map(|outcome| (mark(outcome), outcome.to_string())))
    });
    let line = {
        let name = name.clone();
        move || {
            let ((icon, sign), words) = seen.get()?;
            Some(view! {
                <span class="outcome-line" data-state=icon>
                    <Icon name=icon/>
                    <span class="unseen" aria-hidden="true">{sign}</span>
                    " "
                    <b>{name.clone()}</b>
                    " - "
                    {words}
                </span>
            })
        }
    };
    view! {
        <li data-host=name>
            {line}
            {move || now.get().map(|(state, words)| view! {
                " "
                <span class="outcome-now light" data-state=state.as_str()><Icon name=state.as_str()/><span class="words">{words}</span></span>
            })}
            {in_full.then(|| view! { <Ops outcome/> })}
        </li>
    }
}

/// The current state of a host: after a revert, what is left to do; otherwise, whether it was rolled back.
fn now(deployment: &Deployment, outcome: &HostOutcome, host: &HostView) -> Option<(State, String)> {
    match deployment.decision {
        Decision::Reverted { .. } => {
            let (state, words) = after_revert(deployment, host);
            Some((state, if host.online { words } else { format!("{words}, offline") }))
        }
        _ if matches!(outcome.switch, Step::Ok { .. } | Step::Failed { .. }) => rolled_back(host),
        _ => None,
    }
}

/// The logs of the host's ops.
#[component]
fn Ops(outcome: Memo<Option<HostOutcome>>) -> impl IntoView {
    let log_address = use_log_address();
    let ops = Memo::new(move |_| {
        outcome.with(|outcome| {
            outcome.as_ref().map(|host| (host.name.clone(), host.switch.op(), host.tests.op()))
        })
    });
    move || {
        let (host, switch, tests) = ops.get()?;
        let link = |step: &'static str, op: Option<backstay_model::OpId>| {
            let op = op?;
            let label = format!("Log of {host}'s {step}");
            Some(view! {
                " "
                <a href=move || log_address(op) data-noscroll="" data-log=op.to_string() aria-label=label>{step}</a>
            })
        };
        Some(
            view! { <span class="outcome-logs">{link("switch", switch)}{link("tests", tests)}</span> }
                .into_any(),
        )
    }
}
