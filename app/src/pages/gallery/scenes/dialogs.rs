//! Dialogs, and other parts that open over a page.

use backstay_model::rollback::{HostHistory, RollbackPlan, plan};
use backstay_model::{OpAction, OpStatus, OpView, Phase};
use chrono::TimeDelta;
use leptos::prelude::*;

use super::super::sample::{
    closed, comparison, facts, generation, now, rollback_to, running, start, test_run,
};
use super::begin;
use crate::components::{CancelButton, DialogTrouble, FormAction, OpPlacement, OpenPalette, OpenShortcuts};
use crate::live::Live;
use crate::pages::compare;
use crate::pages::dialogs::Found;

fn plan_of_gpc0(open_op: Option<OpView>) -> Option<RollbackPlan> {
    let mut facts = facts();
    facts.test_runs[0] = test_run(48, 3);
    facts.generations[2].inhibitors = vec!["dbus".into()];
    plan("gpc0", true, &facts, &HostHistory::default(), open_op, now())
}

/// The rollback dialog as it opens.
pub(super) fn rollback(live: Live) -> AnyView {
    begin(live);
    dialog(plan_of_gpc0(None))
}

/// The same after a person left a generation whose tests pass, and with a reverted pull request.
pub(super) fn left(live: Live) -> AnyView {
    let mut facts = facts();
    for generation in &mut facts.generations {
        generation.current = generation.number == 47;
    }
    facts.running = facts.current().map(|current| current.store_path.clone());
    facts.generations[3] = generation(45, 12);
    facts.test_runs.push(test_run(45, 8));
    let mut start = start();
    for host in start.snapshot.hosts.iter_mut().filter(|host| host.name == "gpc0") {
        host.generation = facts.current().cloned();
    }
    live.begin(start);
    let reverted: Vec<_> = facts.generations[2].commit.clone().into_iter().collect();
    let leaving = OpView {
        requested_by: "maria".into(),
        reason: Some("X11 is dead".into()),
        started_at: Some(now() - TimeDelta::hours(3)),
        finished_at: Some(now() - TimeDelta::hours(3)),
        ..closed(rollback_to(47), OpStatus::Succeeded, "Rolled back to Gen 47")
    };
    let ops = [leaving];
    let past = HostHistory { runs: &[], ops: &ops, reverted: &reverted };
    dialog(plan("gpc0", true, &facts, &past, None, now()))
}

/// The same on a host that runs a specialisation, which only one of the targets has.
pub(super) fn special(live: Live) -> AnyView {
    begin(live);
    let mut facts = facts();
    facts.specialisation = Some("gaming".to_owned());
    facts.generations[2].specialisations = vec!["gaming".to_owned(), "work".to_owned()];
    dialog(plan("gpc0", true, &facts, &HostHistory::default(), None, now()))
}

/// The same for a host that another op holds.
pub(super) fn busy(live: Live) -> AnyView {
    let testing = OpView {
        requested_by: "jonas".into(),
        ..running(OpAction::Test, Phase::Testing { done: 3, total: 8 })
    };
    let mut start = start();
    for host in start.snapshot.hosts.iter_mut().filter(|host| host.name == "gpc0") {
        host.op = Some(testing.clone());
    }
    live.begin(start);
    dialog(plan_of_gpc0(Some(testing)))
}

fn dialog(plan: Option<RollbackPlan>) -> AnyView {
    let again = Resource::new(|| (), |()| async { Ok(None) });
    plan.map(|plan| view! { <Found plan wanted=None back="/gallery".to_owned() again/> }).into_any()
}

/// A host's comparison of two generations.
pub(super) fn changes(_live: Live) -> AnyView {
    view! {
        <div class="card compare">
            <p class="compare-line">{compare::in_one_line(&comparison())}" "<b class="reboot">"reboot needed"</b></p>
            {compare::changes(comparison(), Some("https://github.com/you/nixcfg"))}
        </div>
    }
    .into_any()
}

/// A dialog that cannot show its content.
pub(super) fn trouble(_live: Live) -> AnyView {
    let sentence =
        "The host has not reported its generations yet. Wait until its agent has connected, then try again.";
    view! { <DialogTrouble title="Rollback System - msww87" back="/gallery" sentence/> }.into_any()
}

/// The palette with its initial entries.
pub(super) fn palette(live: Live) -> AnyView {
    begin(live);
    view! { <OpenPalette open=RwSignal::new(true)/> }.into_any()
}

/// The keyboard shortcuts.
pub(super) fn keys(_live: Live) -> AnyView {
    view! { <OpenShortcuts open=RwSignal::new(true)/> }.into_any()
}

/// The confirmation before an op is cancelled midway.
pub(super) fn confirm(live: Live) -> AnyView {
    begin(live);
    let op = Signal::stored(running(rollback_to(47), Phase::Activating));
    let action = FormAction::new("", None);
    view! { <CancelButton op action place=OpPlacement::Page/> }.into_any()
}
