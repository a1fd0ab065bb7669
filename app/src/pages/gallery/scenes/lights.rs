//! The five lights.

use backstay_model::lights::AgentVersion;
use backstay_model::{DesiredState, OpAction, OpStatus, OpView, Phase};
use leptos::prelude::*;

use super::super::sample::{Situation, closed, commit, generation, now, op, rollback_to, running, test_run};
use super::Part;
use crate::components::LightBadge;
use crate::live::Live;

/// The index of a light, and the change to a healthy host that produces the state to show.
type Case = (usize, fn(&mut Situation));

const AGENT: usize = 0;
const GIT: usize = 1;
const LOCK: usize = 2;
const SYSTEM: usize = 3;
const TESTS: usize = 4;

#[rustfmt::skip] // a table: one case, one line
const CASES: &[Case] = &[
    (AGENT, |_| ()),
    (AGENT, |s| s.agent = Some(AgentVersion { version: "0.0.9", protocol: backstay_model::PROTOCOL_VERSION })),
    (AGENT, |s| s.agent = Some(AgentVersion { version: "9.0.0", protocol: 99 })),
    (AGENT, |s| s.agent = None),
    (GIT, |_| ()),
    (GIT, |s| checkout_at(s, 248, 148)),
    (GIT, |s| checkout_at(s, 47, 147)),
    (GIT, unreadable),
    (GIT, |s| s.open_op = Some(op(OpAction::Pull, OpStatus::Running))),
    (GIT, |s| s.desired = DesiredState::NotConfigured),
    (GIT, |s| s.facts = None),
    (LOCK, |_| ()),
    (LOCK, |s| s.facts(|f| if let Some(checkout) = &mut f.checkout { checkout.lock_hash = None; })),
    (LOCK, unreadable),
    (LOCK, |s| s.open_op = Some(op(OpAction::Pull, OpStatus::Running))),
    (LOCK, |s| s.facts = None),
    (SYSTEM, |_| ()),
    (SYSTEM, |s| { s.go_to(47); s.last_system_op = Some(op(rollback_to(47), OpStatus::Succeeded)); }),
    (SYSTEM, |s| checkout_at(s, 49, 149)),
    (SYSTEM, |s| s.facts(|f| f.running = Some(generation(47, 0).store_path))),
    (SYSTEM, |s| s.facts(|f| f.generations[0].needs_reboot = true)),
    (SYSTEM, |s| s.open_op = Some(running(OpAction::Switch, Phase::Building))),
    (SYSTEM, |s| s.open_op = Some(running(rollback_to(47), Phase::Activating))),
    (SYSTEM, |s| s.last_system_op = Some(closed(OpAction::Switch, OpStatus::Failed, "It ended with exit 2: the activation script failed."))),
    (SYSTEM, |s| s.last_system_op = Some(closed(rollback_to(47), OpStatus::TimedOut, "It took longer than 30 min and was stopped."))),
    (SYSTEM, |s| s.facts(|f| f.failed_units = vec!["display-manager.service".into()])),
    (SYSTEM, |s| s.facts(|f| f.running = Some("/nix/store/built-by-hand".into()))),
    (TESTS, |_| ()),
    (TESTS, |s| s.facts(|f| drop(f.test_runs.remove(0)))),
    (TESTS, |s| { s.go_to(47); s.last_system_op = Some(op(rollback_to(47), OpStatus::Succeeded)); }),
    (TESTS, |s| s.facts(|f| f.test_runs[0] = test_run(48, 3))),
    (TESTS, |s| s.open_op = Some(OpView { phase: Some(Phase::Testing { done: 3, total: 8 }), ..op(OpAction::Test, OpStatus::Running) })),
    (TESTS, |s| s.facts(|f| f.tests_available = 0)),
    (TESTS, |s| s.facts = None),
];

fn checkout_at(situation: &mut Situation, of: u32, tree: u32) {
    situation.facts(|facts| {
        if let Some(checkout) = &mut facts.checkout {
            (checkout.commit, checkout.tree) = (commit(of), Some(commit(tree)));
        }
    });
}

fn unreadable(situation: &mut Situation) {
    let reason = "github.com does not answer. Backstay tries again in a minute.".to_owned();
    situation.desired = DesiredState::Unreadable { since: now(), reason };
}

/// Each light in every state.
pub(super) fn view(_live: Live) -> AnyView {
    ["Agent", "Git", "Lock", "System", "Tests"]
        .into_iter()
        .enumerate()
        .map(|(place, title)| view! { <Part title><ul class="gallery-lights">{cases(place)}</ul></Part> })
        .collect_view()
        .into_any()
}

fn cases(place: usize) -> impl IntoView {
    let of_this = CASES.iter().filter(move |(of, _)| *of == place).enumerate();
    of_this
        .map(|(number, (_, change))| {
            let mut situation = Situation::healthy();
            change(&mut situation);
            let lights = situation.lights();
            let (name, light) = lights.named()[place];
            let light = Signal::stored(light.clone());
            view! { <li><LightBadge host=format!("case{number}") name light open=true/></li> }
        })
        .collect_view()
}
