//! The scenes, each at an address of its own, because identifiers must be unique on a page.

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

use super::sample::{deployment, now, outcomes, paused, rollout, start, steps};
use crate::live::Live;

/// One scene.
#[derive(Clone, Copy)]
pub(super) struct Scene {
    /// Its address.
    pub(super) name: &'static str,
    /// What it shows.
    pub(super) title: &'static str,
    /// When it is used.
    pub(super) about: &'static str,
    /// Fills the page's state and renders the scene.
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
    scene("tokens", "Tokens", "Colours, type sizes, spacing and shapes: what everything else is made of.", tokens::view),
    scene("icons", "Icons", "One sprite, drawn for this dashboard. The first five are the states of a light.", tokens::icons),
    scene("lights", "Lights", "The five lights in every state, with the words and the hints that the server gives them.", lights::view),
    scene("buttons", "Buttons", "One primary button per place; danger for what cannot be undone; quiet for side actions.", controls::buttons),
    scene("forms", "Forms", "Fields as pages and dialogs have them.", controls::forms),
    scene("messages", "Messages", "Refusals say what was left unchanged and what to do; banners say what to know before confirming.", controls::messages),
    scene("badges", "Badges", "Words in a frame, and test results.", controls::badges),
    scene("header", "Header", "The top of every page, with the state of the connection.", controls::header),
    scene("notices", "Notices", "What this person began, and what turned bad.", controls::notices),
    scene("fleet", "Fleet", "A row for a host in each status; on a narrow page, a card.", hosts::fleet),
    scene("fleet-dense", "Fleet, dense", "Less room per host and fewer columns, as a person chose.", hosts::dense),
    scene("fleet-viewer", "Fleet, read-only", "The same hosts for a person who may not request ops.", hosts::viewer),
    scene("fleet-empty", "Fleet without hosts", "What to do while there are no hosts.", hosts::empty),
    scene("host", "Host", "The page of one host, with its past.", hosts::host),
    scene("fleet-odd", "Fleet, long names", "Very long names and lists make no page wider than the screen.", hosts::odd_fleet),
    scene("host-odd", "Host, long names", "A long list shows its first items and folds the rest.", hosts::odd_host),
    scene("pull-requests", "Pull requests", "Open updates, with their changes and checks.", panels::pull_requests),
    scene("deployment-going", "Deployment, in progress", "A merged pull request that has not failed on any host.", |live| panels::deployment(live, deployment(Decision::Open, outcomes().into_iter().filter(|host| !host.is_failed()).collect()))),
    scene("deployment-failed", "Deployment, failed", "Hosts failed, and someone has to decide.", |live| panels::deployment(live, deployment(Decision::Open, outcomes()))),
    scene("deployment-continued", "Deployment, continued", "Someone continued despite failures.", |live| panels::deployment(live, deployment(Decision::Continued { by: "jonas".into(), at: now() }, outcomes()))),
    scene("deployment-reverted", "Deployment, reverted", "After the revert, each host shows its next step.", |live| panels::deployment(live, deployment(Decision::Reverted { by: "jonas".into(), at: now(), commit: super::sample::commit(50), reason: Some("X11 does not start".into()) }, outcomes()))),
    scene("rollout-running", "Roll-out, running", "Its progress, host by host.", |live| panels::rollout(live, rollout(RolloutState::Running, steps()))),
    scene("rollout-paused", "Roll-out, paused", "A person paused it, and can resume it.", |live| panels::rollout(live, paused(rollout(RolloutState::Running, steps())))),
    scene("rollout-stopped", "Roll-out, stopped", "A host failed, and no more were started.", |live| panels::rollout(live, rollout(RolloutState::Stopped { why: "gpc0 failed".into() }, steps()))),
    scene("rollout-done", "Roll-out, done", "It has ended, and takes less room.", |live| panels::rollout(live, rollout(RolloutState::Done, steps().into_iter().take(1).collect()))),
    scene("ops", "Ops", "An op in each of its states, in a table.", ops::table),
    scene("op-states", "States of an op", "Each state as a shape and words; what an open op is doing; its result.", ops::states),
    scene("log", "Log", "Program output, in its own colours.", ops::log),
    scene("rollback", "Rollback dialog", "From, to, why, and the two ways out.", dialogs::rollback),
    scene("rollback-special", "Rollback dialog, with specialisations", "It keeps the active one, and says where that is not possible.", dialogs::special),
    scene("rollback-busy", "Rollback dialog, host busy", "It says what is in the way, and one click removes it.", dialogs::busy),
    scene("rollback-left", "Rollback dialog, after a rollback", "The abandoned generation is offered as a way forward, with who left it and why, and is not preselected.", dialogs::left),
    scene("changes", "What changes", "The difference between two generations, as the host reports it.", dialogs::changes),
    scene("trouble", "Dialog with an error", "It says why it cannot show its content.", dialogs::trouble),
    scene("palette", "Command palette", "Hosts, actions and pages by a few letters.", dialogs::palette),
    scene("keys", "Keyboard shortcuts", "What a single key does.", dialogs::keys),
    scene("confirm", "Confirmation of a cancel", "Shown before something that cannot be undone.", dialogs::confirm),
];

/// Starts the page with the sample fleet.
fn begin(live: Live) {
    live.begin(start());
}

/// A part of a scene, with a heading.
#[component]
fn Part(title: &'static str, children: Children) -> impl IntoView {
    view! { <section class="card gallery-part"><h2>{title}</h2>{children()}</section> }
}
