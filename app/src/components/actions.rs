//! The menu of a host.

use backstay_model::{Action, HostView, OpKind, OpView};
use leptos::ev;
use leptos::prelude::*;

use crate::browser;
use crate::components::{ActionForm, FormAction, Icon, use_log_address};
use crate::live::Live;
use crate::routes::Route;

/// The menu of a host: a native popover, which works without script.
#[component]
pub fn ActionsMenu(
    /// The host's name.
    host: String,
    /// The action of its buttons.
    action: FormAction,
    /// Whether to render its items only when it first opens: most menus of a page never do. The server
    /// renders every item, because its page must work without script.
    #[prop(optional)]
    spare: bool,
) -> impl IntoView {
    let id = format!("menu-{host}");
    let filled = RwSignal::new(!spare);
    let hide = {
        let id = id.clone();
        move |_| browser::hide_popover(&id)
    };
    view! {
        <button
            type="button"
            class="quiet more"
            id=format!("actions-{host}")
            popovertarget=id.clone()
            aria-label=format!("Actions for {host}")
        >
            <Icon name="more"/>
        </button>
        <div
            class="menu"
            popover="auto"
            id=id
            on:click=hide
            on:beforetoggle=move |_: ev::Event| filled.maybe_update(fill)
            on:toggle=|event| browser::enter_menu(&event)
            on:keydown=|event| browser::step_in_menu(&event)
        >
            {move || filled.get().then(|| view! { <Items host=host.clone() action/> })}
        </div>
    }
}

/// Returns whether the menu was not filled before.
fn fill(filled: &mut bool) -> bool {
    !std::mem::replace(filled, true)
}

/// The ops of the menu, in its order.
const OPS: [OpKind; 5] = [OpKind::PullSwitch, OpKind::Pull, OpKind::Switch, OpKind::Test, OpKind::Refresh];

/// The items of a host's menu.
#[component]
fn Items(host: String, action: FormAction) -> impl IntoView {
    let (rollback, details) =
        (Route::RollbackHost { host: &host, to: None, from_host: false }.path(), Route::Host(&host).path());
    let live = expect_context::<Live>();
    let why = {
        let host = host.clone();
        Memo::new(move |_| Why::of(live, &host))
    };
    view! {
        <p class="menu-title" aria-hidden="true">{host.clone()}</p>
        <Reason why/>
        <a class="item" href=rollback>
            <Icon name="rollback"/>{OpKind::Rollback.title()}
        </a>
        <ActionForm action=action>
            <input type="hidden" name="host" value=host.clone()/>
            {OPS.map(|kind| view! { <Item kind host=host.clone() why/> })}
        </ActionForm>
        <a class="item" href=details><Icon name="details"/>"Details"</a>
    }
}

/// What prevents a request for an op, or what a person has to know before one.
#[derive(Clone, PartialEq)]
enum Why {
    /// The person has read-only access.
    Role,
    /// Another op holds the host.
    Busy(Box<OpView>),
    /// The op will wait for the host.
    Offline(String),
    /// Nothing in the way.
    Free,
}

impl Why {
    fn of(live: Live, host: &str) -> Self {
        let name = Some(host);
        match live.host(host).map(|host| host.get()) {
            _ if !live.may(Action::RunTests, name) => Self::Role,
            Some(HostView { op: Some(op), .. }) => Self::Busy(Box::new(op)),
            Some(HostView { online: false, name, .. }) => Self::Offline(name),
            _ => Self::Free,
        }
    }

    fn closes(&self) -> bool {
        matches!(self, Self::Role | Self::Busy(_))
    }
}

/// Says why items are disabled.
#[component]
fn Reason(why: Memo<Why>) -> impl IntoView {
    let log_address = use_log_address();
    move || {
        match why.get() {
        Why::Role => {
            view! { <p class="menu-why">"You have read-only access to this host. Ops require the responder role."</p> }
                .into_any()
        }
        Why::Busy(op) => {
            let id = op.id;
            view! {
                <p class="menu-why">
                    "Busy: "<a href=move || log_address(id) data-noscroll="">{op.title()}</a>
                    ". Wait for it, or cancel it."
                </p>
            }
            .into_any()
        }
        Why::Offline(name) => {
            view! { <p class="menu-why">{format!("{name} is offline. Ops wait until it is back.")}</p> }
                .into_any()
        }
        Why::Free => ().into_any(),
    }
    }
}

/// An item, if the person may request its op, and it makes sense on this host.
#[component]
fn Item(kind: OpKind, host: String, why: Memo<Why>) -> impl IntoView {
    let live = expect_context::<Live>();
    let offered = Memo::new(move |_| live.offers(kind, &host));
    move || {
        offered.get().then(|| view! {
            <button class="item" type="submit" name="kind" value=kind.as_str() disabled=move || why.with(Why::closes)>
                <Icon name=op_icon(kind)/>
                {kind.title()}
            </button>
        })
    }
}

/// The icon of an op.
pub(crate) fn op_icon(kind: OpKind) -> &'static str {
    match kind {
        OpKind::Rollback => "rollback",
        OpKind::Switch => "switch",
        OpKind::Pull | OpKind::PullSwitch => "pull",
        OpKind::Test => "test",
        OpKind::Refresh => "refresh",
    }
}
