//! The menu of a host.

use backstay_protocol::OpKind;
use leptos::prelude::*;

use crate::api::RequestOp;
use crate::browser;
use crate::components::Icon;
use crate::live::Live;

/// The menu of a host: a popover of the browser itself, which opens and closes without any script.
#[component]
pub fn ActionsMenu(
    /// The host's name.
    host: String,
    /// What its buttons do.
    action: ServerAction<RequestOp>,
) -> impl IntoView {
    let id = format!("menu-{host}");
    let (rollback, details) = (format!("/hosts/{host}/rollback"), format!("/hosts/{host}"));
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
        <div class="menu" popover="auto" id=id on:click=hide>
            <p class="menu-title" aria-hidden="true">{host.clone()}</p>
            <a class="item" href=rollback>
                <Icon name="rollback"/>{OpKind::Rollback.title()}
            </a>
            <ActionForm action=action>
                <input type="hidden" name="host" value=host.clone()/>
                <Item kind=OpKind::Pull/>
                <Item kind=OpKind::Switch/>
                <Item kind=OpKind::Test/>
                <Item kind=OpKind::Refresh/>
            </ActionForm>
            <a class="item" href=details><Icon name="details"/>"Details"</a>
        </div>
    }
    .into_any()
}

#[component]
fn Item(kind: OpKind) -> impl IntoView {
    let live = expect_context::<Live>();
    view! {
        <button class="item" type="submit" name="kind" value=kind.as_str() disabled=move || !live.may_operate()>
            <Icon name=icon(kind)/>
            {kind.title()}
        </button>
    }
}

fn icon(kind: OpKind) -> &'static str {
    match kind {
        OpKind::Rollback => "rollback",
        OpKind::Switch => "switch",
        OpKind::Pull => "pull",
        OpKind::Test => "test",
        OpKind::Refresh => "refresh",
    }
}
