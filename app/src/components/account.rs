//! The menu of the person who is logged in.

use leptos::prelude::*;

use super::tell_me::TellBad;
use crate::api::LogOut;
use crate::browser;
use crate::components::{ActionForm, Icon, action_from_address};
use crate::live::Live;
use crate::routes::Route;

/// The menu of the person who is logged in: a native popover, which works without script.
#[component]
pub(super) fn Account() -> impl IntoView {
    let live = expect_context::<Live>();
    let log_out = action_from_address::<LogOut>();
    let name = move || live.person().map(|person| person.name);
    view! {
        <button
            type="button"
            class="quiet account"
            id="account"
            popovertarget="account-menu"
            aria-label=move || format!("Account of {}", name().unwrap_or_default())
        >
            <span class="person">{name}</span>
            <Icon name="down"/>
        </button>
        <div class="menu account-menu" popover="auto" id="account-menu">
            <p class="menu-title">{move || live.person().map(|person| format!("Role: {}", person.role))}</p>
            <a class="item" href=Route::Account.path() rel="external">"Account and sessions"</a>
            <ThemeChoice/>
            <TellBad/>
            <ActionForm action=log_out>
                <button type="submit" class="item">"Log out"</button>
            </ActionForm>
        </div>
    }
}

/// Chooses light, dark or the system's theme. Shown once the page is alive, because it needs script.
#[component]
fn ThemeChoice() -> impl IntoView {
    let theme = RwSignal::new(String::new());
    Effect::new(move |_| theme.set(browser::stored_theme().unwrap_or_default()));
    let choose = move |event| {
        let chosen = event_target_value(&event);
        browser::choose_theme(Some(chosen.as_str()).filter(|chosen| !chosen.is_empty()));
        theme.set(chosen);
    };
    view! {
        <label>
            "Theme"
            <select on:change=choose prop:value=theme>
                <option value="">"System"</option>
                <option value="light">"Light"</option>
                <option value="dark">"Dark"</option>
            </select>
        </label>
    }
}
