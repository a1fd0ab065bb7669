//! The bar with actions on the selected hosts.

use backstay_model::{Action, OpKind};
use leptos::ev;
use leptos::html;
use leptos::prelude::*;
use leptos_router::hooks::use_navigate;

use super::{FORM, Marks, Selecting, count_words, keys};
use crate::browser;
use crate::components::{Icon, op_icon, requires};
use crate::live::Live;
use crate::routes::Route;

/// The ops that can be rolled out on the selected hosts.
const KINDS: [OpKind; 4] = [OpKind::Pull, OpKind::Switch, OpKind::PullSwitch, OpKind::Test];

/// The bar below the hosts while some are selected. Each button opens a dialog that shows what will happen to
/// each host; no request is sent before the person confirms it. The bar is the form of the hosts' checkboxes,
/// so it also works before the page is alive: a style sheet shows it once a checkbox is checked.
#[component]
pub(crate) fn BulkBar() -> impl IntoView {
    let selecting = expect_context::<Selecting>();
    let live = expect_context::<Live>();
    let form = NodeRef::<html::Form>::new();
    Effect::new(move |_| {
        if form.get().is_some() {
            adopt_checked(selecting, live);
        }
    });
    Effect::new(move |_| {
        let keys = window_event_listener(ev::keydown, move |event| keys::pressed(selecting, &event));
        on_cleanup(move || keys.remove());
    });
    let counts = Memo::new(move |_| selecting.counts());
    let some = Memo::new(move |_| counts.get().0 > 0);
    // A flag for style sheets, which make room for the bar. A `:has` selector would search all rows at each
    // change.
    Effect::new(move |_| {
        browser::set_flag("selection", some.get());
        on_cleanup(|| browser::set_flag("selection", false));
    });
    let words = move || some.get().then(|| count_words(counts.get()));
    let announced = Memo::new(move |before: Option<&String>| match counts.get() {
        (0, _) if before.is_none_or(String::is_empty) => String::new(),
        (0, _) => "Nothing selected.".to_owned(),
        counts => count_words(counts),
    });
    view! {
        <p class="unseen" role="status" id="bulk-says">{announced}</p>
        <form
            class="bulk-bar"
            id=FORM
            node_ref=form
            method="get"
            action=Route::Rollout { kind: None }.path()
            aria-label="Selected hosts"
            data-some=move || some.get().then_some("true")
        >
            <p class="bulk-count" aria-hidden="true">
                <b>{words}</b>
                <span class="if-not-alive">"The checked hosts:"</span>
            </p>
            <SelectRest selecting/>
            <div class="bulk-does">
                <Compare selecting/>
                <Show when=move || live.may(Action::RollOut, None)>
                    {KINDS.map(|kind| view! { <RollOut selecting kind/> })}
                </Show>
                <Show
                    when=move || live.may(Action::RollBackMany, None)
                    fallback=|| view! { <span class="faint">{requires("Acting on several hosts", Action::RollBackMany)}</span> }
                >
                    <RollBack selecting/>
                </Show>
            </div>
            <button type="button" class="quiet alive bulk-clear" on:click=move |_| selecting.selection.clear()>
                "Clear"
            </button>
        </form>
    }
}

/// Applies the boxes that a person checked before the page was alive; browsers also keep them across a
/// reload.
fn adopt_checked(selecting: Selecting, live: Live) {
    let Some(page) = document().document_element() else { return };
    let names = browser::checked_boxes(&page, "host");
    live.rows().with_untracked(|rows| {
        for row in rows.iter().filter(|row| names.contains(&row.name)) {
            selecting.turn(row.id, true, false);
        }
    });
}

/// Selects the other shown hosts: pages with cards have no checkbox for that in a table head.
#[component]
fn SelectRest(selecting: Selecting) -> impl IntoView {
    let rest = Memo::new(move |_| selecting.marks_of_shown() == Marks::Some);
    let all = move || selecting.shown.with(Vec::len);
    move || {
        rest.get().then(|| {
            view! {
                <button type="button" class="quiet bulk-rest" on:click=move |_| selecting.turn_all_shown(true)>
                    {format!("Select all {}", all())}
                </button>
            }
        })
    }
}

#[component]
fn RollOut(selecting: Selecting, kind: OpKind) -> impl IntoView {
    let address = move || selecting.selection.address(&Route::Rollout { kind: Some(kind) }.path());
    view! {
        <button type="submit" id=format!("bulk-{}", kind.as_str()) name="kind" value=kind.as_str() on:click=to(address)>
            <Icon name=op_icon(kind)/>
            {short(kind)}
        </button>
    }
}

#[component]
fn RollBack(selecting: Selecting) -> impl IntoView {
    let address = move || selecting.selection.address(&Route::RollbackMany.path());
    view! {
        <button type="submit" id="bulk-rollback" formaction=Route::RollbackMany.path() class="primary" on:click=to(address)>
            <Icon name=op_icon(OpKind::Rollback)/>
            "Roll back"
        </button>
    }
}

/// Compares two hosts, if two are selected.
#[component]
fn Compare(selecting: Selecting) -> impl IntoView {
    let pair = Memo::new(move |_| match &selecting.selection.names()[..] {
        [one, other] => Some(Route::CompareHosts(one, other).path()),
        _ => None,
    });
    move || pair.get().map(|pair| view! { <a class="button" href=pair>"Compare"</a> })
}

/// Opens an address without a reload, so that the selection survives.
fn to(address: impl Fn() -> String + 'static) -> impl Fn(ev::MouseEvent) {
    let navigate = use_navigate();
    move |event| {
        event.prevent_default();
        navigate(&untrack(&address), leptos_router::NavigateOptions { scroll: false, ..Default::default() });
    }
}

fn short(kind: OpKind) -> &'static str {
    match kind {
        OpKind::PullSwitch => "Pull + Switch",
        OpKind::Test => "Test",
        kind => kind.title(),
    }
}
