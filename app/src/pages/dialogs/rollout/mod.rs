//! The dialog that starts a roll-out.

mod effect;
mod hosts;

use std::collections::BTreeSet;
use std::sync::Arc;

use backstay_model::rollout::{AT_ONCE, RolloutCommits};
use backstay_model::{Action, OpKind, State};
use leptos::html;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::{PacingFields, TypedNumber};
use crate::api::{StartRollout, load_rollout_commits};
use crate::browser;
use crate::components::{
    ActionForm, Dialog, DialogEnd, DialogTrouble, HostScope, PageTitle, ReasonField, RoleNeeded, Selection,
    action_from_address, hosts_words, names_fitting,
};
use crate::live::{Live, Row, Started};
use crate::routes::Route;

use effect::is_due;
use hosts::HostChoice;

const TITLE: &str = "Roll out";

/// The ops that can be rolled out.
const KINDS: [OpKind; 4] = [OpKind::PullSwitch, OpKind::Pull, OpKind::Switch, OpKind::Test];

/// The dialog that starts a roll-out. The address may name the op (`kind`) and the hosts: `host` for each,
/// `hosts=selected`, or the filter `q` that finds them. By default it is a pull and switch of all hosts.
#[component]
pub fn RolloutDialog() -> impl IntoView {
    let started = expect_context::<Started>();
    // The commits are optional: without them the dialog still says what will be done.
    let commits = Resource::new_blocking(|| (), |()| load_rollout_commits());
    view! {
        <PageTitle text=TITLE/>
        <Suspense>
            {move || Suspend::new(async move {
                let live = started.live().await.ok()?;
                let commits = commits.await.unwrap_or_default();
                Some(view! { <Ask live commits/> })
            })}
        </Suspense>
    }
}

/// The current choice.
#[derive(Clone, Copy)]
struct Chosen {
    kind: RwSignal<OpKind>,
    hosts: RwSignal<BTreeSet<String>>,
}

/// The hosts that the address asked for.
struct RequestedHosts {
    scope: HostScope,
    hosts: BTreeSet<String>,
}

impl RequestedHosts {
    /// Returns the hosts on which there is something to do. If that is not known for a host, it counts only if a
    /// person named it.
    fn due(&self, live: Live, kind: OpKind, commits: &RolloutCommits) -> BTreeSet<String> {
        let is_named = self.scope != HostScope::All;
        let due = |row: &&Row| {
            let due = row.host.with_untracked(|host| is_due(host, kind, commits)).unwrap_or(is_named);
            due && self.hosts.contains(&row.name)
        };
        live.rows().with_untracked(|rows| rows.iter().filter(due).map(|row| row.name.clone()).collect())
    }
}

impl Chosen {
    /// The op and the hosts that the address asks for. Of these hosts, those on which there is something to
    /// do are chosen.
    fn from_address(live: Live, commits: &RolloutCommits) -> (Self, RequestedHosts) {
        let query = use_query_map().get_untracked();
        let kind = query.get("kind").and_then(|kind| kind.parse().ok()).filter(|kind| KINDS.contains(kind));
        let scope = HostScope::of(&query);
        let wanted = match &scope {
            HostScope::All => None,
            HostScope::Named(names) => Some(names.clone()),
            HostScope::Selected => {
                Some(untrack(|| expect_context::<Selection>().names()).into_iter().collect())
            }
            HostScope::Fitting(filter) => Some(names_fitting(live, filter)),
        };
        let is_wanted = |name: &String| wanted.as_ref().is_none_or(|wanted| wanted.contains(name));
        let known = live
            .rows()
            .with_untracked(|rows| rows.iter().map(|row| row.name.clone()).filter(is_wanted).collect());
        let kind = kind.unwrap_or(OpKind::PullSwitch);
        let requested = RequestedHosts { scope, hosts: known };
        let due = requested.due(live, kind, commits);
        (Self { kind: RwSignal::new(kind), hosts: RwSignal::new(due) }, requested)
    }

    /// Takes over what a person chose before the page was hydrated.
    fn take_over(self, form: &web_sys::Element) {
        if let Some(kind) = browser::chosen_radio(form, "kind").and_then(|radio| radio.value().parse().ok()) {
            self.kind.set(kind);
        }
        self.hosts.set(browser::checked_boxes(form, "hosts[]").into_iter().collect());
    }

    /// “Pull and Switch 4 hosts”.
    fn words(self) -> String {
        let what = match self.kind.get() {
            OpKind::Test => "Run Tests on",
            kind => kind.title(),
        };
        format!("{what} {}", hosts_words(self.hosts.with(BTreeSet::len)))
    }
}

#[component]
fn Ask(live: Live, commits: RolloutCommits) -> impl IntoView {
    if live.rows().with_untracked(Vec::is_empty) {
        return view! { <DialogTrouble title=TITLE back=Route::Fleet.path() sentence="There is no host yet."/> }.into_any();
    }
    let action = action_from_address::<StartRollout>();
    let commits = Arc::new(commits);
    let (chosen, requested) = Chosen::from_address(live, &commits);
    let is_lost = requested.scope == HostScope::Selected && requested.hosts.is_empty();
    let requested = Arc::new(requested);
    // The dialog was opened from the selection bar, a deployment's panel, or the head of the page.
    let focus_after = format!("bulk-{} roll-out roll-out-shown main", chosen.kind.get_untracked().as_str());
    let list = NodeRef::<html::Fieldset>::new();
    Effect::new(move |_| {
        if let Some(list) = list.get() {
            chosen.take_over(&list);
        }
    });
    let running = Memo::new(move |_| live.rollout().with(|r| r.as_ref().is_some_and(|r| r.state.is_open())));
    let pending = action.pending();
    let begun =
        Memo::new(move |_| pending.get() || action.value().with(|value| matches!(value, Some(Ok(())))));
    let count = Memo::new(move |_| chosen.hosts.with(BTreeSet::len));
    let closed = move || running.get() || begun.get() || count.get() == 0 || !live.may(Action::RollOut, None);
    view! {
        <Dialog title=TITLE back=Route::Fleet.path() focus="rollout-cancel" focus_after>
            <ActionForm action=action>
                <input type="hidden" name="back" value=Route::Fleet.path()/>
                {move || (running.get() && !begun.get()).then(|| view! {
                    <p class="banner warn" role="alert">
                        "A roll-out is running. No request was sent. Wait for it to end, or stop it on the fleet page."
                    </p>
                })}
                <RoleNeeded what="Rolling out" does=Action::RollOut/>
                {is_lost.then(|| view! {
                    <p class="banner warn" role="alert">
                        "The selection was lost when the page reloaded. Select the hosts again."
                    </p>
                })}
                <fieldset node_ref=list class="rollout-choice">
                    <Kinds chosen/>
                    <CheckMany live chosen requested=Arc::clone(&requested) commits=Arc::clone(&commits)/>
                    <Hosts live chosen requested commits/>
                </fieldset>
                <PacingFields at_once=AT_ONCE as usize stop=true/>
                <ReasonField/>
                <TypedNumber count/>
                <DialogEnd
                    action
                    back=Route::Fleet.path()
                    cancel_id="rollout-cancel"
                    closed=Signal::derive(closed)
                >
                    <span class="if-alive">{move || chosen.words()}</span>
                    <span class="if-not-alive">"Start on the checked hosts"</span>
                </DialogEnd>
            </ActionForm>
        </Dialog>
    }
    .into_any()
}

#[component]
fn Kinds(chosen: Chosen) -> impl IntoView {
    let first = chosen.kind.get_untracked();
    let kinds = KINDS
        .into_iter()
        .map(|kind| {
            view! {
                <label class="kind">
                    <input
                        type="radio"
                        name="kind"
                        value=kind.as_str()
                        checked=kind == first
                        required
                        on:change=move |_| chosen.kind.set(kind)
                    />
                    {kind.title()}
                </label>
            }
        })
        .collect_view();
    view! { <div class="kinds" role="radiogroup" aria-label="What to do">{kinds}</div> }
}

/// Longest list without a line that sums it up.
const SUMMED_UP: usize = 10;

/// The number of due hosts, and buttons that check many of them at once.
#[component]
fn CheckMany(
    live: Live,
    chosen: Chosen,
    requested: Arc<RequestedHosts>,
    commits: Arc<RolloutCommits>,
) -> impl IntoView {
    let all = requested.hosts.len();
    let with_tests = |state: State| {
        let is = |row: &&Row| {
            requested.hosts.contains(&row.name) && row.host.with_untracked(|h| h.lights.tests.state == state)
        };
        live.rows().with_untracked(|rows| rows.iter().filter(is).count())
    };
    let (passing, failing) = (with_tests(State::Ok), with_tests(State::Failed));
    let due = {
        let (requested, commits) = (Arc::clone(&requested), Arc::clone(&commits));
        move |kind| requested.due(live, kind, &commits)
    };
    let summary = {
        let due = due.clone();
        move || {
            let kind = chosen.kind.get();
            (all > SUMMED_UP).then(|| {
                let due =
                    if kind == OpKind::Test { String::new() } else { summed_up(due(kind).len(), all) + " " };
                due + &tests_now(passing, failing)
            })
        }
    };
    view! {
        <p class="check-many">
            <span class="faint" role="status">{summary}</span>
            <span class="alive">
                <button type="button" class="quiet" on:click=move |_| chosen.hosts.set(due(chosen.kind.get_untracked()))>
                    "Check what is due"
                </button>
                <button type="button" class="quiet" on:click=move |_| chosen.hosts.set(requested.hosts.clone())>"Check all"</button>
                <button type="button" class="quiet" on:click=move |_| chosen.hosts.set(BTreeSet::new())>"Check none"</button>
            </span>
        </p>
    }
}

/// “130 of 1000 hosts are due. The other 870 hosts are not checked.”
fn summed_up(due: usize, all: usize) -> String {
    let (is, others) = match due {
        0 => return format!("Nothing is known to be due on these {}.", hosts_words(all)),
        due if due == all => return format!("All {} are due.", hosts_words(all)),
        1 => ("is", all - 1),
        due => ("are", all - due),
    };
    let others = hosts_words(others);
    format!("{due} of {} {is} due. The other {others} are not checked.", hosts_words(all))
}

/// “870 pass all tests now, 110 fail.”
fn tests_now(passing: usize, failing: usize) -> String {
    let fail = if failing == 1 { "fails" } else { "fail" };
    let pass = if passing == 1 { "passes" } else { "pass" };
    format!("{passing} {pass} all tests now, {failing} {fail}.")
}

/// The hosts that the address asked for, and below them the others, folded.
#[component]
fn Hosts(
    live: Live,
    chosen: Chosen,
    requested: Arc<RequestedHosts>,
    commits: Arc<RolloutCommits>,
) -> impl IntoView {
    let all = live.rows().with_untracked(Vec::len);
    let about_all = requested.hosts.is_empty() || requested.hosts.len() == all;
    let listed = if about_all { all } else { requested.hosts.len() };
    let of = move |is_first: bool| {
        let commits = Arc::clone(&commits);
        let is_listed = {
            let requested = Arc::clone(&requested);
            move |row: &Row| about_all || requested.hosts.contains(&row.name) == is_first
        };
        let rows = Memo::new_with_compare(
            move |_| {
                live.rows().with(|rows| rows.iter().filter(|row| is_listed(row)).cloned().collect::<Vec<_>>())
            },
            |old, new| old.map(|rows| ids(rows)) != new.map(|rows| ids(rows)),
        );
        rows.with_untracked(|_| ());
        view! {
            <For each=move || rows.get() key=|row| row.id let:row>
                {
                    let commits = Arc::clone(&commits);
                    view! { <HostChoice row chosen commits/> }
                }
            </For>
        }
    };
    let others = (!about_all).then(|| {
        view! {
            <details class="other-hosts">
                <summary>"Other hosts"</summary>
                <ul class="host-lines choosing" aria-label="Other hosts">{of(false)}</ul>
            </details>
        }
    });
    view! {
        <details class="chosen-hosts" open=listed <= SUMMED_UP>
            <summary>{format!("Choose among {}", hosts_words(listed))}</summary>
            <ul class="host-lines choosing" aria-label="Hosts">{of(true)}</ul>
        </details>
        {others}
    }
}

fn ids(rows: &[Row]) -> Vec<backstay_model::HostId> {
    rows.iter().map(|row| row.id).collect()
}

#[cfg(test)]
mod tests {
    use super::{summed_up, tests_now};

    #[test]
    fn the_tests_of_many_hosts_are_counted() {
        assert_eq!(tests_now(870, 110), "870 pass all tests now, 110 fail.");
        assert_eq!(tests_now(1, 1), "1 passes all tests now, 1 fails.");
    }

    #[test]
    fn many_hosts_are_summed_up() {
        for (due, all, words) in [
            (0, 1000, "Nothing is known to be due on these 1000 hosts."),
            (12, 12, "All 12 hosts are due."),
            (1, 12, "1 of 12 hosts is due. The other 11 hosts are not checked."),
            (130, 1000, "130 of 1000 hosts are due. The other 870 hosts are not checked."),
        ] {
            assert_eq!(summed_up(due, all), words);
        }
    }
}
