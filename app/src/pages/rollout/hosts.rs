//! The hosts of a roll-out that can be chosen.

use backstay_protocol::{HostView, OpKind, State};
use leptos::prelude::*;

use super::Chosen;
use crate::components::Icon;
use crate::live::Row;

/// One host that can be chosen: its lights, and what will happen to it.
#[component]
pub(super) fn HostChoice(
    row: Row,
    /// Whether it is chosen when the dialog opens.
    checked: bool,
    chosen: Chosen,
) -> impl IntoView {
    let Row { name, host, .. } = row;
    let effect = {
        let host = host.clone();
        Memo::new(move |_| host.with(|host| effect(host, chosen.kind.get())))
    };
    let lights = Memo::new(move |_| host.with(lights));
    let value = name.clone();
    let turn = {
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
                <input type="checkbox" name="hosts[]" value=value checked=checked on:change=turn/>
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
    .into_any()
}

/// The lights that matter to a roll-out, with their names.
fn lights(host: &HostView) -> Vec<(State, String)> {
    let of_agent = |name: &str| name == "Agent";
    let lights = host.compartments.named();
    let told = lights.into_iter().filter(|(name, _)| !of_agent(name));
    told.map(|(name, light)| (light.state, format!("{name}: {}", light.words))).collect()
}

/// What a roll-out will do to a host, as it is now.
fn effect(host: &HostView, kind: OpKind) -> String {
    if let Some(op) = &host.op {
        return format!("Busy: {}. It is skipped if it still is when its turn comes.", op.title());
    }
    if !host.online {
        return "Offline: what is asked of it waits until it is back.".to_owned();
    }
    let due = |state: State| state == State::Attention;
    let lights = &host.compartments;
    let pull = due(lights.git.state) || due(lights.lock.state);
    match kind {
        OpKind::Pull if pull => "Will pull.",
        OpKind::Pull => "Is at the branch's head: nothing to pull.",
        OpKind::PullSwitch if pull => "Will pull and switch.",
        OpKind::Switch if pull => "Will switch to what it pulled before: the branch is ahead.",
        OpKind::PullSwitch | OpKind::Switch if due(lights.system.state) => "Will switch.",
        OpKind::PullSwitch | OpKind::Switch => "Runs what the branch says: will switch to the same.",
        OpKind::Test => "Will run its tests.",
        OpKind::Rollback | OpKind::Refresh => "",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use backstay_protocol::{Compartments, HostId, Light, OpAction, OpId, OpStatus, OpView, Platform};
    use chrono::DateTime;

    use super::*;

    fn host(git: State, system: State) -> HostView {
        let light = |state| Light { state, words: "w".into(), hint: "h".into() };
        HostView {
            id: HostId::new(),
            name: "gpc0".into(),
            platform: Platform::Nixos,
            online: true,
            last_seen: None,
            agent_version: None,
            auto_test: true,
            tags: vec![],
            compartments: Compartments {
                agent: light(State::Ok),
                git: light(git),
                lock: light(git),
                system: light(system),
                tests: light(State::Ok),
            },
            generation: None,
            tests: None,
            op: None,
        }
    }

    #[test]
    fn what_will_happen_follows_the_lights() {
        let (ok, due) = (State::Ok, State::Attention);
        for (git, system, kind, said) in [
            (due, ok, OpKind::PullSwitch, "Will pull and switch."),
            (ok, due, OpKind::PullSwitch, "Will switch."),
            (ok, ok, OpKind::PullSwitch, "Runs what the branch says: will switch to the same."),
            (due, ok, OpKind::Pull, "Will pull."),
            (ok, ok, OpKind::Pull, "Is at the branch's head: nothing to pull."),
            (due, ok, OpKind::Switch, "Will switch to what it pulled before: the branch is ahead."),
            (ok, ok, OpKind::Test, "Will run its tests."),
        ] {
            assert_eq!(effect(&host(git, system), kind), said, "{git:?} {system:?} {kind:?}");
        }
    }

    #[test]
    fn who_is_away_waits_and_who_is_busy_may_be_skipped() {
        let away = HostView { online: false, ..host(State::Ok, State::Ok) };
        assert!(effect(&away, OpKind::Pull).starts_with("Offline"));
        let op = OpView {
            id: OpId::new(),
            host: away.id,
            host_name: "gpc0".into(),
            action: OpAction::Switch,
            status: OpStatus::Running,
            phase: None,
            requested_by: "maria".into(),
            reason: None,
            created_at: DateTime::UNIX_EPOCH,
            due_at: None,
            cancel: None,
            retry_of: None,
            started_at: None,
            finished_at: None,
            outcome: None,
            exit_code: None,
            message: None,
        };
        let busy = HostView { op: Some(op), ..away };
        assert_eq!(
            effect(&busy, OpKind::Pull),
            "Busy: Switch. It is skipped if it still is when its turn comes."
        );
    }
}
