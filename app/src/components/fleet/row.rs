//! One host of the fleet page.

use backstay_model::{Generation, HostView};
use leptos::prelude::*;

use super::address::asking;
use super::shown_hosts::ShownHosts;
use crate::components::{ActionsMenu, FormAction, HostActivity, Icon, LightBadge, PlatformName, SelectHost};
use crate::fleet::{Majority, light_of, worst_of};
use crate::live::Row;
use crate::routes::Route;

/// One host of the fleet page.
#[component]
pub fn HostRow(
    /// The host.
    row: Row,
    /// The action of its menu.
    action: FormAction,
    /// The action that cancels its op.
    cancel: FormAction,
    /// Its row number in the table, if not all rows are on the page.
    #[prop(optional)]
    index: Option<Signal<Option<String>>>,
    /// Whether to render its menu only when it opens; see [`ActionsMenu`].
    #[prop(optional)]
    spare: bool,
) -> impl IntoView {
    let platform = row.memo(|host| host.platform);
    let tags = row.memo(|host| host.tags.clone());
    let note = row.memo(|host| host.note.clone());
    let offline = row.memo(|host| !host.online);
    let worst = row.memo(worst_of);
    let lights = row.host.with_untracked(|host| host.lights.named().map(|(light, _)| light));
    let lights = lights
        .into_iter()
        .enumerate()
        .map(|(place, light)| {
            let shown = row.memo(move |host| light_of(host, place));
            let state = move || shown.with(|light| light.state.as_str());
            view! {
                <td class="light-cell" data-title=light data-column=light.to_lowercase() data-shows=state>
                    <LightBadge host=row.name.clone() name=light light=shown.into()/>
                </td>
            }
        })
        .collect_view();
    let Row { id, name, host } = row;
    view! {
        <tr
            class="host"
            data-host=name.clone()
            data-worst=move || worst.get().as_str()
            class:offline=offline
            aria-rowindex=move || index.and_then(|index| index.get())
        >
            <td class="select-cell"><SelectHost id name=name.clone()/></td>
            <th scope="row" aria-label=name.clone()>
                <a href=Route::Host(&name).path()>{name.clone()}</a>
                {move || view! { <PlatformName platform=platform.get()/> }}
                <Tags tags/>
                <Note note/>
            </th>
            {lights}
            <td class="generation-cell" data-title="Generation" data-column="generation">
                <GenerationInBrief host=host.clone()/>
                <DriftMark host=host.clone()/>
            </td>
            <td class="now-cell" data-title="Now" data-column="now"><HostActivity host=Signal::derive(move || host.get()) cancel/></td>
            <td class="menu-cell"><ActionsMenu host=name.clone() action spare/></td>
        </tr>
    }
}

/// The host's tags; each links to the hosts that share it.
#[component]
fn Tags(tags: Memo<Vec<String>>) -> impl IntoView {
    let tag = |tag: String| view! { <a class="tag" href=asking(&format!("tag:{tag}"))>{tag.clone()}</a> };
    let none = Memo::new(move |_| tags.with(Vec::is_empty));
    move || {
        (!none.get())
            .then(|| view! { <span class="tags">{tags.get().into_iter().map(tag).collect_view()}</span> })
    }
}

/// What people noted about the host: one line, and all of it on hover, on focus and on a tap.
#[component]
fn Note(note: Memo<String>) -> impl IntoView {
    let none = Memo::new(move |_| note.with(String::is_empty));
    move || (!none.get()).then(|| view! { <span class="row-note" tabindex="0" title=note>{note}</span> })
}

/// “Gen 48 · abc1234”.
#[component]
fn GenerationInBrief(host: ArcRwSignal<HostView>) -> impl IntoView {
    let text = Memo::new(move |_| host.with(|h| h.generation.as_ref().map(in_brief)));
    view! {
        {move || match text.get() {
            Some((number, commit)) => {
                let commit = commit.map(|c| view! { <span class="commit">" · "<code>{c}</code></span> });
                view! { <span class="generation">{format!("Gen {number}")}{commit}</span> }.into_any()
            }
            None => view! { <span class="faint">"not reported"</span> }.into_any(),
        }}
    }
}

fn in_brief(generation: &Generation) -> (u32, Option<String>) {
    (generation.number, generation.commit.as_ref().map(ToString::to_string))
}

/// Marks a host that differs from most of the fleet, and links to all such hosts. Empty outside the fleet
/// page, the only page that knows what most hosts run.
#[component]
fn DriftMark(
    /// The host.
    host: ArcRwSignal<HostView>,
) -> impl IntoView {
    let majority = use_context::<ShownHosts>()?.majority;
    let differs = move |majority: &Majority| {
        host.with(|host| host.generation.as_ref().is_some_and(|generation| majority.differs_from(generation)))
    };
    let most = Memo::new(move |_| {
        majority.with(|majority| majority.as_ref().filter(|majority| differs(majority)).map(Majority::words))
    });
    Some(move || {
        most.get().map(|most| {
            let why = format!("Most hosts run something else: {most}");
            view! {
                <a class="drift" href=asking("is:drifted") title=why>
                    <Icon name="drift"/>
                    <span>"differs"<span class="unseen">{format!(" from most: {most}")}</span></span>
                </a>
            }
        })
    })
}
