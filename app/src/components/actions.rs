//! The menu of a host.

use backstay_model::{HostView, OpKind, OpView};
use leptos::ev;
use leptos::prelude::*;

use crate::api::RequestOp;
use crate::browser;
use crate::components::{Icon, use_log_address};
use crate::live::Live;
use crate::routes::Route;

/// The menu of a host: a popover of the browser itself, which opens and closes without any script.
#[component]
pub fn ActionsMenu(
    /// The host's name.
    host: String,
    /// What its buttons do.
    action: ServerAction<RequestOp>,
    /// Whether what is in it is made when it is opened first: most menus of a page never are. What the server renders
    /// must work without script, and so is whole.
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
        <div class="menu" popover="auto" id=id on:click=hide on:beforetoggle=move |_: ev::Event| filled.maybe_update(fill)>
            {move || filled.get().then(|| view! { <Items host=host.clone() action/> })}
        </div>
    }
    .into_any()
}

/// Whether that is news.
fn fill(filled: &mut bool) -> bool {
    !std::mem::replace(filled, true)
}

/// What is in a host's menu.
#[component]
fn Items(host: String, action: ServerAction<RequestOp>) -> impl IntoView {
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
            <input type="hidden" name="host" value=host/>
            <Item kind=OpKind::PullSwitch why/>
            <Item kind=OpKind::Pull why/>
            <Item kind=OpKind::Switch why/>
            <Item kind=OpKind::Test why/>
            <Item kind=OpKind::Refresh why/>
        </ActionForm>
        <a class="item" href=details><Icon name="details"/>"Details"</a>
    }
    .into_any()
}

/// What stands in the way of asking for an op, or is to be known before.
#[derive(Clone, PartialEq)]
enum Why {
    /// The person may only look.
    Role,
    /// Another op holds the host.
    Busy(Box<OpView>),
    /// What is asked for will wait.
    Offline(String),
    /// Nothing.
    Free,
}

impl Why {
    fn of(live: Live, host: &str) -> Self {
        let host = live.host(host).map(|host| host.get());
        match host {
            _ if !live.may_operate() => Self::Role,
            Some(HostView { op: Some(op), .. }) => Self::Busy(Box::new(op)),
            Some(HostView { online: false, name, .. }) => Self::Offline(name),
            _ => Self::Free,
        }
    }

    fn closes(&self) -> bool {
        matches!(self, Self::Role | Self::Busy(_))
    }
}

/// Why items cannot be chosen, in words.
#[component]
fn Reason(why: Memo<Why>) -> impl IntoView {
    let log_address = use_log_address();
    move || match why.get() {
        Why::Role => {
            view! { <p class="menu-why">"You have read-only access. Ops require the operator role."</p> }
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

#[component]
fn Item(kind: OpKind, why: Memo<Why>) -> impl IntoView {
    view! {
        <button class="item" type="submit" name="kind" value=kind.as_str() disabled=move || why.with(Why::closes)>
            <Icon name=op_icon(kind)/>
            {kind.title()}
        </button>
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
