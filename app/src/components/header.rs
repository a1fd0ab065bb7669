//! The top of every page.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use crate::api::LogOut;
use crate::browser;
use crate::components::{Icon, Mark, action_from_address};
use crate::live::{Connection, Live};

/// The top of every page: where one is, whether the page is live, who is logged in.
#[component]
pub fn Header() -> impl IntoView {
    let live = expect_context::<Live>();
    let log_out = action_from_address::<LogOut>();
    view! {
        <header class="top">
            <a class="brand" href="/"><Mark/>"Backstay"</a>
            <nav aria-label="Main">
                <NavLink href="/" text="Fleet" also="/hosts/"/>
                <NavLink href="/deployments" text="Deployments" also="/deployments/"/>
                <NavLink href="/ops" text="Ops" also="/ops/"/>
                <NavLink href="/audit" text="Audit" also="/audit"/>
            </nav>
            <div class="top-end">
                <ConnectionState/>
                <ThemeToggle/>
                <span class="person" title=move || live.person().map(|p| p.role.to_string())>
                    {move || live.person().map(|p| p.name)}
                </span>
                <ActionForm action=log_out>
                    <button type="submit" class="quiet">"Log out"</button>
                </ActionForm>
            </div>
        </header>
    }
    .into_any()
}

#[component]
fn NavLink(href: &'static str, text: &'static str, also: &'static str) -> impl IntoView {
    let path = use_location().pathname;
    let here = move || path.with(|path| path == href || path.starts_with(also));
    view! { <a href=href aria-current=move || here().then_some("page")>{text}</a> }
}

#[component]
fn ConnectionState() -> impl IntoView {
    let live = expect_context::<Live>();
    let (state, words) = (
        move || match live.connection().get() {
            Connection::Opening => "opening",
            Connection::Live => "live",
            Connection::Reconnecting => "lost",
        },
        move || match live.connection().get() {
            Connection::Opening => "Connecting…",
            Connection::Live => "Live",
            Connection::Reconnecting => "Reconnecting…",
        },
    );
    view! { <span class="connection" data-connection=state role="status">{words}</span> }
}

/// Light, dark, or as the system says; of use only once the page is alive, and shown only then.
#[component]
fn ThemeToggle() -> impl IntoView {
    let theme = RwSignal::new(None::<&'static str>);
    Effect::new(move |_| theme.set(browser::stored_theme().as_deref().and_then(known)));
    let turn = move |_| {
        let next = match theme.get_untracked() {
            None => Some("dark"),
            Some("dark") => Some("light"),
            Some(_) => None,
        };
        browser::choose_theme(next);
        theme.set(next);
    };
    view! {
        <button type="button" class="quiet theme" on:click=turn>
            <Icon name="theme"/>
            <span class="theme-words">
                {move || match theme.get() {
                    None => "Theme: system",
                    Some("dark") => "Theme: dark",
                    Some(_) => "Theme: light",
                }}
            </span>
        </button>
    }
}

fn known(theme: &str) -> Option<&'static str> {
    ["light", "dark"].into_iter().find(|known| *known == theme)
}
