//! The dialog in which a roll-out is asked for.

mod hosts;

use std::collections::BTreeSet;

use backstay_protocol::OpKind;
use backstay_protocol::limits::REASON_CHARS;
use backstay_protocol::rollout::MOST_AT_ONCE;
use leptos::html;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::api::StartRollout;
use crate::browser;
use crate::components::{Dialog, DialogTrouble, PageTitle, Refusal, action_from_address, hosts_words};
use crate::live::{Live, Started};

use hosts::HostChoice;

const TITLE: &str = "Roll out";

/// What can be rolled out.
const KINDS: [OpKind; 4] = [OpKind::PullSwitch, OpKind::Pull, OpKind::Switch, OpKind::Test];

/// On how many hosts at once, unless somebody says otherwise.
const AT_ONCE: u32 = 2;

/// The dialog in which a roll-out is asked for. The address may name the op (`kind`) and the hosts (`host`, for each);
/// without, it is a pull and switch on all.
#[component]
pub fn RolloutPage() -> impl IntoView {
    let started = expect_context::<Started>();
    view! {
        <PageTitle text=TITLE/>
        <Suspense>
            {move || Suspend::new(async move { started.live().await.ok().map(|live| view! { <Ask live/> }) })}
        </Suspense>
    }
    .into_any()
}

/// What is chosen so far.
#[derive(Clone, Copy)]
struct Chosen {
    kind: RwSignal<OpKind>,
    hosts: RwSignal<BTreeSet<String>>,
}

impl Chosen {
    /// As the address says.
    fn from_address(live: Live) -> Self {
        let query = use_query_map().get_untracked();
        let kind = query.get("kind").and_then(|kind| kind.parse().ok()).filter(|kind| KINDS.contains(kind));
        let wanted = query.get_all("host").unwrap_or_default();
        let known = live.rows().with_untracked(|rows| {
            rows.iter()
                .map(|row| row.name.clone())
                .filter(|name| wanted.is_empty() || wanted.contains(name))
                .collect()
        });
        Self { kind: RwSignal::new(kind.unwrap_or(OpKind::PullSwitch)), hosts: RwSignal::new(known) }
    }

    /// A person may have chosen before the page was alive.
    fn as_checked(self, form: &web_sys::Element) {
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
fn Ask(live: Live) -> impl IntoView {
    if live.rows().with_untracked(Vec::is_empty) {
        return view! { <DialogTrouble title=TITLE back="/" sentence="There is no host yet."/> }.into_any();
    }
    let action = action_from_address::<StartRollout>();
    let chosen = Chosen::from_address(live);
    let first = chosen.hosts.get_untracked();
    let list = NodeRef::<html::Fieldset>::new();
    Effect::new(move |_| {
        if let Some(list) = list.get() {
            chosen.as_checked(&list);
        }
    });
    let running = Memo::new(move |_| live.rollout().with(|r| r.as_ref().is_some_and(|r| r.state.is_open())));
    let pending = action.pending();
    let begun =
        Memo::new(move |_| pending.get() || action.value().with(|value| matches!(value, Some(Ok(())))));
    let none = Memo::new(move |_| chosen.hosts.with(BTreeSet::is_empty));
    let closed = move || running.get() || begun.get() || none.get() || !live.may_operate();
    view! {
        <Dialog title=TITLE back="/" focus="rollout-cancel" focus_after="roll-out">
            <ActionForm action=action>
                <input type="hidden" name="back" value="/"/>
                {move || (running.get() && !begun.get()).then(|| view! {
                    <p class="banner warn" role="alert">
                        "A roll-out is going on. Nothing was asked for. Wait for its end, or stop it on the fleet page."
                    </p>
                })}
                {move || (!live.may_operate()).then(|| view! {
                    <p class="banner">"You may look. Rolling out takes the role “operator”."</p>
                })}
                <fieldset node_ref=list class="rollout-choice">
                    <Kinds chosen/>
                    <Hosts live chosen first/>
                </fieldset>
                <div class="rollout-how">
                    <label class="at-once">
                        "At once"
                        <input type="number" name="parallel" min="1" max=MOST_AT_ONCE.to_string() value=AT_ONCE.to_string() required/>
                    </label>
                    <label class="check">
                        <input type="checkbox" name="stop_on_failure" value="true" checked/>
                        "Stop at the first failure"
                    </label>
                </div>
                <label class="reason">
                    <span>"Reason "<span class="faint">"(optional, kept in the audit log)"</span></span>
                    <input type="text" name="reason" maxlength=REASON_CHARS.to_string() autocomplete="off"/>
                </label>
                <Refusal action/>
                <div class="dialog-end">
                    <a class="button" id="rollout-cancel" href="/">"Cancel"</a>
                    <button type="submit" class="primary" disabled=closed>
                        <span class="if-alive">{move || chosen.words()}</span>
                        <span class="if-not-alive">"Start on the checked hosts"</span>
                    </button>
                </div>
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

#[component]
fn Hosts(live: Live, chosen: Chosen, first: BTreeSet<String>) -> impl IntoView {
    view! {
        <ul class="host-lines choosing" aria-label="Hosts">
            <For each=move || live.rows().get() key=|row| row.id let:row>
                {
                    let checked = first.contains(&row.name);
                    view! { <HostChoice row checked chosen/> }
                }
            </For>
        </ul>
    }
    .into_any()
}
