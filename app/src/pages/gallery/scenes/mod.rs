//! The scenes, each an address of its own: pages name their parts, and names are given once on a page.

mod controls;
mod dialogs;
mod hosts;
mod lights;
mod ops;
mod panels;
mod tokens;

use backstay_model::deployment::Decision;
use backstay_model::rollout::RolloutState;
use leptos::prelude::*;

use super::sample::{deployment, now, outcomes, rollout, start, steps};
use crate::live::Live;

/// One scene.
#[derive(Clone, Copy)]
pub(super) struct Scene {
    /// Its address.
    pub(super) name: &'static str,
    /// What it shows.
    pub(super) title: &'static str,
    /// When that is used.
    pub(super) about: &'static str,
    /// Fills the page's state, and shows it.
    pub(super) view: fn(Live) -> AnyView,
}

const fn scene(
    name: &'static str,
    title: &'static str,
    about: &'static str,
    view: fn(Live) -> AnyView,
) -> Scene {
    Scene { name, title, about, view }
}

#[rustfmt::skip] // a table: one scene, one line
pub(super) const SCENES: &[Scene] = &[
    scene("tokens", "Tokens", "Colours, sizes of letters, spaces and shapes: what everything else is made of.", tokens::view),
    scene("icons", "Icons", "One sprite, drawn for this dashboard. The first five are the states of a light.", tokens::icons),
    scene("lights", "Lights", "The five lights in every state, with the words and the hints that the server gives them.", lights::view),
    scene("buttons", "Buttons", "One primary button in a place; danger for what cannot be undone; quiet for what is beside the point.", controls::buttons),
    scene("forms", "Forms", "Fields as pages and dialogs have them.", controls::forms),
    scene("messages", "Messages", "Refusals say what was left unchanged and what to do; banners what is to be known before.", controls::messages),
    scene("badges", "Badges", "Words in a frame, and what the tests said.", controls::badges),
    scene("header", "Header", "The top of every page, with the state of the connection.", controls::header),
    scene("notices", "Notices", "What happened just now. Bad news stay until they are put away.", controls::notices),
    scene("fleet", "Fleet", "A row, or on a narrow page a card, for a host in each standing.", hosts::fleet),
    scene("fleet-dense", "Fleet, dense", "Less room for each host, and fewer columns, as a person chose.", hosts::dense),
    scene("fleet-viewer", "Fleet, for who may only look", "The same hosts for a person who may not ask for ops.", hosts::viewer),
    scene("fleet-empty", "Fleet without hosts", "What to do while there is no host.", hosts::empty),
    scene("host", "Host", "The page of one host, with its past.", hosts::host),
    scene("fleet-odd", "Fleet, long names", "Names and lists as long as they come make no page wider than the screen.", hosts::odd_fleet),
    scene("host-odd", "Host, long names", "The first of a long list are shown, and the others folded away.", hosts::odd_host),
    scene("pull-requests", "Pull requests", "Open updates, with what they change and what their checks say.", panels::pull_requests),
    scene("deployment-going", "Deployment, going on", "A merged pull request that no host failed with yet.", |live| panels::deployment(live, deployment(Decision::Open, outcomes().into_iter().filter(|host| !host.is_failed()).collect()))),
    scene("deployment-failed", "Deployment, failed", "Hosts failed, and somebody has to decide.", |live| panels::deployment(live, deployment(Decision::Open, outcomes()))),
    scene("deployment-continued", "Deployment, continued", "Somebody decided to go on all the same.", |live| panels::deployment(live, deployment(Decision::Continued { by: "jonas".into(), at: now() }, outcomes()))),
    scene("deployment-reverted", "Deployment, reverted", "The pull request was taken back; what is left to do is said host by host.", |live| panels::deployment(live, deployment(Decision::Reverted { by: "jonas".into(), at: now(), commit: super::sample::commit(50) }, outcomes()))),
    scene("rollout-running", "Roll-out, running", "How far it is, host by host.", |live| panels::rollout(live, rollout(RolloutState::Running, steps()))),
    scene("rollout-stopped", "Roll-out, stopped", "A host failed, and no further one was begun.", |live| panels::rollout(live, rollout(RolloutState::Stopped { why: "gpc0 failed".into() }, steps()))),
    scene("rollout-done", "Roll-out, done", "It is over, and takes less room.", |live| panels::rollout(live, rollout(RolloutState::Done, steps().into_iter().take(1).collect()))),
    scene("ops", "Ops", "An op in each of its states, in a table.", ops::table),
    scene("op-states", "States of an op", "Each state as shape and words; what an open one is doing; what became of it.", ops::states),
    scene("log", "Log", "What programs write, in the colours that they chose.", ops::log),
    scene("rollback", "Rollback dialog", "From, to, why, and the two ways out.", dialogs::rollback),
    scene("rollback-busy", "Rollback dialog, host busy", "What stands in the way is said, and the way out of it is one click.", dialogs::busy),
    scene("rollback-left", "Rollback dialog, after a rollback", "What was left is a way forward, says who left it and why, and is not preselected.", dialogs::left),
    scene("changes", "What changes", "What lies between two generations, as the host tells it.", dialogs::changes),
    scene("trouble", "Dialog that cannot be", "What it was for cannot be shown, and why.", dialogs::trouble),
    scene("palette", "Command palette", "Hosts, actions and pages by a few letters.", dialogs::palette),
    scene("keys", "Keys", "What can be done by a key alone.", dialogs::keys),
    scene("confirm", "Question before an end", "Asked before something that cannot be undone.", dialogs::confirm),
];

/// Has the page begin with the sample fleet.
fn begin(live: Live) {
    live.begin(start());
}

/// A part of a scene with a heading of its own.
#[component]
fn Part(title: &'static str, children: Children) -> impl IntoView {
    view! { <section class="card gallery-part"><h2>{title}</h2>{children()}</section> }
}
