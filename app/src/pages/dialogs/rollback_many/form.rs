//! The form in both dialogs.

use std::collections::BTreeMap;

use backstay_model::rollout::{ConfirmedRollback, PlannedRollback, RolloutState};
use backstay_model::wire::limits::few;
use backstay_model::{Action, Generation, GenerationRef};
use leptos::prelude::*;

use super::super::{NamedList, PacingFields, TypedNumber};
use super::Planned;
use super::host::HostLine;
use crate::api::{PlannedRollbacks, RollBackHosts};
use crate::components::{
    ActionForm, Dialog, DialogEnd, ReasonField, RoleNeeded, action_from_address, hosts_words,
};
use crate::live::Live;

/// The chosen target of each host, by the host's name. A host that is left out is missing.
pub(super) type Targets = RwSignal<BTreeMap<String, GenerationRef>>;

/// Returns what the form sends for one host: exactly what it shows. `None` if the host has no current
/// generation.
pub(super) fn confirmed(planned: &PlannedRollback, target: &Generation) -> Option<ConfirmedRollback> {
    Some(ConfirmedRollback {
        host_name: planned.host_name.clone(),
        target: target.reference(),
        seen_current: planned.from.as_ref()?.reference(),
    })
}

/// The targets that are chosen when the dialog opens.
fn preselected(found: &[PlannedRollback]) -> BTreeMap<String, GenerationRef> {
    let target = |planned: &PlannedRollback| {
        planned.from.as_ref()?;
        Some((planned.host_name.clone(), planned.to.as_ref().ok()?.generation.reference()))
    };
    found.iter().filter_map(target).collect()
}

/// Most hosts that roll back at once unless a person says otherwise.
const AT_ONCE: usize = 10;

/// Returns the chosen hosts that have moved to another generation since the dialog was opened.
fn moved(
    live: Live,
    seen: &[(String, GenerationRef)],
    targets: &BTreeMap<String, GenerationRef>,
) -> Vec<String> {
    let is_elsewhere = |(name, seen): &&(String, GenerationRef)| {
        let now = live.host(name).and_then(|now| now.with(|now| now.generation.clone()));
        targets.contains_key(name) && now.as_ref().map(Generation::reference).is_some_and(|now| now != *seen)
    };
    seen.iter().filter(is_elsewhere).map(|(name, _)| name.clone()).collect()
}

/// The dialog: each host with its target or why it has none, the reason, and the two ways out.
#[component]
pub(super) fn RollbackManyForm(
    title: &'static str,
    /// The address that leaving it leads to.
    #[prop(into)]
    back: String,
    /// Identifiers of elements, separated by spaces: the first one that can take the focus gets it afterwards.
    focus_after: &'static str,
    /// The deployment in which the hosts failed, if that is what it is about.
    #[prop(optional)]
    deployment: Option<String>,
    /// The hosts.
    found: PlannedRollbacks,
    /// The resource that reads them again.
    planned: Planned,
    /// The address that reads them again.
    again: String,
) -> impl IntoView {
    let PlannedRollbacks { summary, hosts: found } = found;
    let live = expect_context::<Live>();
    let action = action_from_address::<RollBackHosts>();
    let targets: Targets = RwSignal::new(preselected(&found));
    let seen: Vec<_> = found
        .iter()
        .filter_map(|planned| Some((planned.host_name.clone(), planned.from.as_ref()?.reference())))
        .collect();
    let moved = Memo::new(move |_| targets.with(|targets| moved(live, &seen, targets)));
    let another = Memo::new(move |_| {
        live.rollout()
            .with(|newest| newest.as_ref().is_some_and(|newest| newest.state == RolloutState::Running))
    });
    let pending = action.pending();
    let begun =
        Memo::new(move |_| pending.get() || action.value().with(|value| matches!(value, Some(Ok(())))));
    let count = Memo::new(move |_| targets.with(BTreeMap::len));
    let is_possible = found.iter().any(|planned| planned.to.is_ok() || !planned.others.is_empty());
    let closed = move || {
        let stands_in_the_way = another.get() || moved.with(|moved| !moved.is_empty());
        stands_in_the_way || begun.get() || count.get() == 0 || !live.may(Action::RollBackMany, None)
    };
    let summed_up = (!summary.is_empty()).then(|| {
        view! { <NamedList id="roll-back-summary" heading="What will happen" items=summary/> }
    });
    let at_once = found.len().clamp(1, AT_ONCE);
    let lines = found.into_iter().map(|planned| view! { <HostLine planned targets/> }).collect_view();
    view! {
        <Dialog title back=back.clone() focus="roll-back-cancel" focus_after>
            <ActionForm action=action>
                {deployment.map(|id| view! { <input type="hidden" name="deployment" value=id/> })}
                <input type="hidden" name="back" value=back.clone()/>
                {move || (another.get() && !begun.get()).then(|| view! {
                    <p class="banner warn" role="alert">
                        "A roll-out is running. No request was sent. Wait for it to end, or stop it on the fleet page."
                    </p>
                })}
                <Moved moved begun planned again/>
                <RoleNeeded what="Rolling back" does=Action::RollBackMany/>
                <p class="dialog-about">
                    "Each host goes to the generation shown, and then runs its tests if auto-test is on. If any host has changed since you opened this, none is rolled back."
                </p>
                {summed_up}
                <ul class="host-lines planned" aria-label="Hosts">{lines}</ul>
                <PacingFields at_once stop=false/>
                <ReasonField/>
                <TypedNumber count/>
                <DialogEnd
                    action
                    back
                    cancel_id="roll-back-cancel"
                    closed=Signal::derive(move || closed() || !is_possible)
                >
                    <span class="if-alive">{move || format!("Roll back {}", hosts_words(count.get()))}</span>
                    <span class="if-not-alive">"Roll back as chosen"</span>
                </DialogEnd>
            </ActionForm>
        </Dialog>
    }
}

/// Says which hosts have moved since the dialog was opened.
#[component]
fn Moved(moved: Memo<Vec<String>>, begun: Memo<bool>, planned: Planned, again: String) -> impl IntoView {
    move || {
        let names = moved.get();
        let again = again.clone();
        (!names.is_empty() && !begun.get()).then(|| {
            view! {
                <p class="banner warn" role="alert">
                    {format!("{} moved to another generation while this was open. No request was sent. ", few(&names))}
                    <a
                        href=again
                        on:click=move |event| {
                            event.prevent_default();
                            planned.refetch();
                        }
                    >
                        "Reload"
                    </a>
                </p>
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use backstay_model::sample;

    use super::*;

    fn generation(number: u32) -> Generation {
        Generation { commit: None, ..sample::generation(number, 0) }
    }

    fn planned(from: Option<u32>, to: Result<u32, String>) -> PlannedRollback {
        PlannedRollback {
            host_name: "imac0".into(),
            online: true,
            why: Some("Switch OK, Tests FAIL (x11)".into()),
            fine: false,
            tests: None,
            from: from.map(generation),
            to: to.map(|number| sample::candidate(generation(number))),
            others: vec![],
        }
    }

    #[test]
    fn what_is_sent_is_what_is_shown() {
        let sent = confirmed(&planned(Some(48), Ok(47)), &generation(47)).unwrap();
        assert_eq!(sent.target, generation(47).reference());
        assert_eq!(sent.seen_current, generation(48).reference());
        assert_eq!(confirmed(&planned(None, Ok(47)), &generation(47)), None);
    }

    #[test]
    fn what_last_worked_is_preselected() {
        assert_eq!(preselected(&[planned(Some(48), Ok(47))])["imac0"], generation(47).reference());
        for left_out in [planned(Some(48), Err("none has passed".into())), planned(None, Ok(47))] {
            assert!(preselected(&[left_out]).is_empty());
        }
    }
}
