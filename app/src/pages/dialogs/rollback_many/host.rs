//! One host of the dialog: its generation and its target, or why it is left out.

use backstay_model::rollback::Candidate;
use backstay_model::rollout::PlannedRollback;
use leptos::html;
use leptos::prelude::*;

use super::form::{Targets, confirmed};
use crate::api::{confirmed_from_text, confirmed_to_text};
use crate::components::{HostTestsBadge, Icon, Moment, generation_name};

/// One host.
#[component]
pub(super) fn HostLine(planned: PlannedRollback, targets: Targets) -> impl IntoView {
    let name = planned.host_name.clone();
    let why = planned.why.clone().map(|why| format!(" - {why}"));
    let offline = (!planned.online && has_targets(&planned))
        .then(|| view! { <span class="faint">{format!("{name} is offline: the rollback waits for it to connect.")}</span> });
    let says = planned.to.clone().err();
    let left_out = says.filter(|_| !has_targets(&planned)).map(|why| {
        view! { <span class="left-out"><Icon name="unknown"/>{format!("Left out: {why}")}</span> }
    });
    view! {
        <li data-host=name.clone()>
            <span class="outcome-line"><b>{name.clone()}</b>{why}</span>
            {left_out}
            {has_targets(&planned).then(|| view! { <TargetChoice planned targets/> })}
            {offline}
        </li>
    }
}

/// Returns whether it has any target.
fn has_targets(planned: &PlannedRollback) -> bool {
    planned.from.is_some() && (planned.to.is_ok() || !planned.others.is_empty())
}

/// The choice of a host's target: its last known working generation, another one, or none.
#[component]
fn TargetChoice(planned: PlannedRollback, targets: Targets) -> impl IntoView {
    let name = planned.host_name.clone();
    let from = planned.from.as_ref().map(generation_name);
    let candidates: Vec<_> = planned.to.iter().chain(&planned.others).cloned().collect();
    let first = planned.to.is_ok();
    let options = candidates
        .iter()
        .enumerate()
        .map(|(place, candidate)| {
            let value = confirmed(&planned, &candidate.generation)
                .map(|it| confirmed_to_text(&it))
                .unwrap_or_default();
            view! { <option value=value selected=first && place == 0>{words(candidate)}</option> }
        })
        .collect_view();
    let choose = {
        let name = name.clone();
        move |value: &str| {
            targets.update(|targets| {
                match confirmed_from_text(value) {
                    Some(confirmed) => targets.insert(name.clone(), confirmed.target),
                    None => targets.remove(&name),
                };
            });
        }
    };
    let list = NodeRef::<html::Select>::new();
    // A person may have chosen before the page was hydrated.
    Effect::new({
        let choose = choose.clone();
        move |_| {
            if let Some(list) = list.get() {
                choose(&list.value());
            }
        }
    });
    view! {
        <span class="from-to">
            {from}
            <HostTestsBadge tests=planned.tests/>
            " → "
            <select
                name="confirmed[]"
                aria-label=format!("Generation for {name}")
                node_ref=list
                on:change=move |event| choose(&event_target_value(&event))
            >
                {options}
                <option value="" selected=!first>"Skip this host"</option>
            </select>
        </span>
        <WhatIsChosen name candidates why=planned.to.err() targets/>
    }
}

/// “Gen 47 (abc1234), last known working”, “Gen 46 (def5678), 5 of 8 failed”.
fn words(candidate: &Candidate) -> String {
    let tests = match candidate.tests {
        _ if candidate.last_known_working => "last known working".to_owned(),
        _ if candidate.left.is_some() => "left by a rollback".to_owned(),
        _ if candidate.reverted => "reverted".to_owned(),
        Some(tests) => tests.verdict(),
        None => "not tested".to_owned(),
    };
    let newer = if candidate.newer { ", newer" } else { "" };
    format!("{}{newer}, {tests}", generation_name(&candidate.generation))
}

/// Facts and warnings about the chosen generation, or why none is chosen.
#[component]
fn WhatIsChosen(
    name: String,
    candidates: Vec<Candidate>,
    why: Option<String>,
    targets: Targets,
) -> impl IntoView {
    let chosen = Memo::new(move |_| {
        targets.with(|targets| {
            let target = targets.get(&name)?;
            candidates.iter().find(|candidate| candidate.generation.reference() == *target).cloned()
        })
    });
    move || {
        if let Some(candidate) = chosen.get() {
            view! {
                <span class="choice-facts">
                    <span>{format!("Gen {}: ", candidate.generation.number)}<Moment at=candidate.generation.created_at/></span>
                    <HostTestsBadge tests=candidate.tests/>
                    {candidate.last_known_working.then(|| view! { <span class="badge good">"Last known working"</span> })}
                </span>
                {candidate.warnings.into_iter().map(|warning| view! { <span class="warning">{warning}</span> }).collect_view()}
            }
            .into_any()
        } else {
            let why = why.clone().unwrap_or_else(|| "You skipped it.".to_owned());
            view! { <span class="left-out"><Icon name="unknown"/>{format!("Left out: {why}")}</span> }
                .into_any()
        }
    }
}

#[cfg(test)]
mod tests {
    use backstay_model::{Commit, Generation, sample};
    use chrono::DateTime;

    use super::*;

    fn left() -> backstay_model::rollback::Left {
        backstay_model::rollback::Left { at: DateTime::UNIX_EPOCH, by: "admin".into(), reason: None }
    }

    #[test]
    fn a_target_is_shown_with_its_tests() {
        let commit = Some(Commit("def5678".into()));
        let generation = Generation { commit, ..sample::generation(47, 0) };
        let working = sample::candidate(generation);
        assert_eq!(words(&working), "Gen 47 (def5678), last known working");
        let passed = Candidate { last_known_working: false, ..working };
        assert_eq!(words(&passed), "Gen 47 (def5678), 8/8 passed");
        let newer = Candidate { newer: true, left: Some(left()), ..passed.clone() };
        assert_eq!(words(&newer), "Gen 47 (def5678), newer, left by a rollback");
        let other = Candidate { tests: None, ..passed };
        assert_eq!(words(&other), "Gen 47 (def5678), not tested");
    }
}
