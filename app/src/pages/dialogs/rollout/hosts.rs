//! The hosts to choose from.

use std::sync::Arc;

use backstay_model::rollout::RolloutCommits;
use backstay_model::{HostView, State};
use leptos::prelude::*;

use super::Chosen;
use super::effect::effect;
use crate::components::{Hydrated, Icon};
use crate::live::Row;

/// One host: its lights, and what the roll-out will do to it.
#[component]
pub(super) fn HostChoice(
    row: Row,
    chosen: Chosen,
    /// The commits of the branch and of the checkouts.
    commits: Arc<RolloutCommits>,
) -> impl IntoView {
    let Row { name, host, .. } = row;
    let effect = {
        let host = host.clone();
        Memo::new(move |_| host.with(|host| effect(host, chosen.kind.get(), &commits)))
    };
    let lights = Memo::new(move |_| host.with(lights));
    let value = name.clone();
    let checked = {
        let name = name.clone();
        move || chosen.hosts.with(|hosts| hosts.contains(&name))
    };
    let first = untrack(&checked);
    let toggle = {
        let name = name.clone();
        move |event: leptos::ev::Event| {
            let checked = event_target_checked(&event);
            chosen.hosts.update(|hosts| {
                if checked {
                    hosts.insert(name.clone())
                } else {
                    hosts.remove(&name)
                };
            });
        }
    };
    view! {
        <li data-host=name.clone()>
            <label class="check">
                <input type="checkbox" name="hosts[]" value=value checked=first prop:checked=move || Hydrated(checked()) on:change=toggle/>
                {name.clone()}
            </label>
            <span class="lights-in-brief">
                {move || lights.get().into_iter().map(|(state, words)| view! {
                    <span class="light" data-state=state.as_str()><Icon name=state.as_str()/><span class="words">{words}</span></span>
                    " "
                }).collect_view()}
            </span>
            <span class="effect">{effect}</span>
        </li>
    }
}

/// The lights that matter to a roll-out, with their names.
fn lights(host: &HostView) -> Vec<(State, String)> {
    let of_agent = |name: &str| name == "Agent";
    let lights = host.lights.named();
    let shown = lights.into_iter().filter(|(name, _)| !of_agent(name));
    shown.map(|(name, light)| (light.state, format!("{name}: {}", light.words))).collect()
}
