//! The dialog in which the hosts that a deployment broke are rolled back, each to what last worked.

use backstay_protocol::Generation;
use backstay_protocol::limits::REASON_CHARS;
use backstay_protocol::rollout::{ConfirmedRollback, PlannedRollback};
use leptos::prelude::*;

use super::deployment_and_back;
use crate::ApiError;
use crate::api::{RollBackFailed, confirmed_to_text, load_planned_rollbacks};
use crate::components::{
    Dialog, DialogTrouble, Icon, PageTitle, Refusal, TestsOf, action_from_address, generation_name,
    hosts_words,
};
use crate::live::{Live, Started};

const TITLE: &str = "Roll back failed hosts";

type Planned = Resource<Result<Vec<PlannedRollback>, ApiError>>;

/// The dialog in which the failed hosts of a deployment are rolled back.
#[component]
pub fn RollBackFailedPage() -> impl IntoView {
    let started = expect_context::<Started>();
    let (id, back) = deployment_and_back();
    let planned = Resource::new_blocking(move || id.get(), load_planned_rollbacks);
    view! {
        <PageTitle text=TITLE/>
        <Transition>
            {move || {
                let (id, back) = (id.get(), back.get());
                Suspend::new(async move {
                    match started.and(planned).await {
                        Ok(found) if found.is_empty() => {
                            view! { <DialogTrouble title=TITLE back sentence="No host of this deployment has failed."/> }
                                .into_any()
                        }
                        Ok(found) => view! { <Found id back found again=planned/> }.into_any(),
                        Err(error) => view! { <DialogTrouble title=TITLE back sentence=error.to_string()/> }.into_any(),
                    }
                })
            }}
        </Transition>
    }
    .into_any()
}

/// What is sent of a host: exactly what is shown of it, or nothing where it is left out.
fn confirmed(planned: &PlannedRollback) -> Option<ConfirmedRollback> {
    let (from, (to, _)) = (planned.from.as_ref()?, planned.to.as_ref().ok()?);
    Some(ConfirmedRollback {
        host_name: planned.host_name.clone(),
        target: to.reference(),
        seen_current: from.reference(),
    })
}

/// The hosts that are no longer where the person sees them.
fn moved(live: Live, seen: &[ConfirmedRollback]) -> Vec<String> {
    let is_elsewhere = |host: &&ConfirmedRollback| {
        let now = live.host(&host.host_name).and_then(|now| now.with(|now| now.generation.clone()));
        now.as_ref().map(Generation::reference).is_some_and(|now| now != host.seen_current)
    };
    seen.iter().filter(is_elsewhere).map(|host| host.host_name.clone()).collect()
}

#[component]
fn Found(id: String, back: String, found: Vec<PlannedRollback>, again: Planned) -> impl IntoView {
    let live = expect_context::<Live>();
    let action = action_from_address::<RollBackFailed>();
    let sent: Vec<_> = found.iter().filter_map(confirmed).collect();
    let count = sent.len();
    let fields = sent
        .iter()
        .map(|host| view! { <input type="hidden" name="confirmed[]" value=confirmed_to_text(host)/> })
        .collect_view();
    let moved = Memo::new(move |_| moved(live, &sent));
    let pending = action.pending();
    let begun =
        Memo::new(move |_| pending.get() || action.value().with(|value| matches!(value, Some(Ok(())))));
    let closed =
        move || moved.with(|moved| !moved.is_empty()) || begun.get() || count == 0 || !live.may_operate();
    let lines = found.into_iter().map(|planned| view! { <Line planned/> }).collect_view();
    let address = format!("/deployments/{id}/rollback");
    view! {
        <Dialog title=TITLE back=back.clone() focus="roll-back-cancel" focus_after="roll-back-failed">
            <ActionForm action=action>
                <input type="hidden" name="deployment" value=id/>
                <input type="hidden" name="back" value=back.clone()/>
                {fields}
                {move || {
                    let moved = moved.get();
                    let address = address.clone();
                    (!moved.is_empty() && !begun.get()).then(|| view! {
                        <p class="banner warn" role="alert">
                            {format!("{} moved since you looked. Nothing was asked for. ", moved.join(", "))}
                            <a href=address on:click=move |event| { event.prevent_default(); again.refetch(); }>"Look again"</a>
                        </p>
                    })
                }}
                {move || (!live.may_operate()).then(|| view! {
                    <p class="banner">"You may look. Rolling back takes the role “operator”."</p>
                })}
                <p>"Each goes back to its last known working generation, at once, and its tests run again where they run by themselves."</p>
                <ul class="host-lines planned" aria-label="Hosts">{lines}</ul>
                <label class="reason">
                    <span>"Reason "<span class="faint">"(optional, kept in the audit log)"</span></span>
                    <input type="text" name="reason" maxlength=REASON_CHARS.to_string() autocomplete="off"/>
                </label>
                <Refusal action/>
                <div class="dialog-end">
                    <a class="button" id="roll-back-cancel" href=back>"Cancel"</a>
                    <button type="submit" class="primary" disabled=closed>{format!("Roll back {}", hosts_words(count))}</button>
                </div>
            </ActionForm>
        </Dialog>
    }
    .into_any()
}

/// From where to where one host goes, or why it does not.
#[component]
fn Line(planned: PlannedRollback) -> impl IntoView {
    let PlannedRollback { host_name, online, why, from, to } = planned;
    let offline = (!online).then(|| format!("{host_name} is offline: the rollback waits for it."));
    let from = from.as_ref().map(generation_name);
    let way = match (from, to) {
        (Some(from), Ok((to, tests))) => view! {
            <span class="from-to">
                {from}" → "<b>{generation_name(&to)}</b>" "<span class="badge good">"Last known working"</span>
                " "
                <span class="choice-facts"><TestsOf tests=Some(tests)/></span>
            </span>
        }
        .into_any(),
        (_, to) => {
            let why = to.err().unwrap_or_else(|| "It is not known which generation it is on.".to_owned());
            view! { <span class="left-out"><Icon name="unknown"/>{format!("Left out: {why}")}</span> }.into_any()
        }
    };
    view! {
        <li data-host=host_name.clone()>
            <span class="outcome-line"><b>{host_name.clone()}</b>" - "{why}</span>
            {way}
            {offline.map(|words| view! { <span class="faint">{words}</span> })}
        </li>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use backstay_protocol::TestSummary;
    use chrono::DateTime;

    use super::*;

    fn generation(number: u32) -> Generation {
        Generation {
            number,
            store_path: format!("/nix/store/{number}-nixos-system-imac0"),
            commit: None,
            tree: None,
            version: None,
            kernel: None,
            created_at: DateTime::UNIX_EPOCH,
            current: false,
            booted: false,
            present: true,
            needs_reboot: false,
            inhibitors: vec![],
        }
    }

    #[test]
    fn what_is_sent_is_what_is_shown() {
        let passed = TestSummary { passed: 8, total: 8 };
        let planned = |from: Option<u32>, to: Result<u32, String>| PlannedRollback {
            host_name: "imac0".into(),
            online: true,
            why: "Switch OK, Tests FAIL (x11)".into(),
            from: from.map(generation),
            to: to.map(|number| (generation(number), passed)),
        };
        let sent = confirmed(&planned(Some(48), Ok(47))).unwrap();
        assert_eq!(sent.target, generation(47).reference());
        assert_eq!(sent.seen_current, generation(48).reference());
        assert_eq!(confirmed(&planned(Some(48), Err("none has passed its tests".into()))), None);
        assert_eq!(confirmed(&planned(None, Ok(47))), None);
    }
}
