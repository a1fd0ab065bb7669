//! The line below the header of every page: whether the page is live, and the state of the fleet.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_location;

use crate::browser;
use crate::browser::time_of_day;
use crate::components::{Ago, Icon};
use crate::fleet::Counts;
use crate::live::{Connection, FleetStatus, Live};
use crate::routes::Route;

/// Whether the page is live, and the state of the fleet. The title of the tab says the same in short;
/// `tab_state.js` shows it in the tab's icon.
#[component]
pub(super) fn StatusLine() -> impl IntoView {
    let live = expect_context::<Live>();
    let status = Memo::new(move |_| {
        let mut counts = Counts::default();
        live.each_host(|host| counts.add(host));
        live.deployment().with(|newest| FleetStatus::of(&counts, newest.as_ref()))
    });
    let is_stale = move || matches!(live.connection().get(), Connection::Reconnecting { .. });
    let alarm = move || status.with(FleetStatus::alarm);
    Effect::new(move |_| {
        browser::set_flag("stale", is_stale());
        browser::set_alarm(alarm());
        on_cleanup(|| {
            browser::set_flag("stale", false);
            browser::set_alarm(None);
        });
    });
    let (state, words) = (
        move || match live.connection().get() {
            Connection::Opening => "opening",
            Connection::Live => "live",
            Connection::Reconnecting { .. } => "lost",
        },
        move || match live.connection().get() {
            Connection::Opening => "Not live yet",
            Connection::Live => "Live",
            Connection::Reconnecting { .. } => "Reconnecting…",
        },
    );
    view! {
        <TabTitle status/>
        <div class="status" data-alarm=move || alarm().map(|failed| failed.to_string())>
            <div role="status">
                <span class="connection" data-connection=state>{words}</span>
                {as_of(live)}
                <Outdated/>
            </div>
            <noscript>" Reload the page to see news."</noscript>
            {move || status.with(|status| fleet(status, is_stale()))}
        </div>
    }
}

/// The state of the fleet. While the page is stale, only what a person has to decide.
fn fleet(status: &FleetStatus, is_stale: bool) -> AnyView {
    match status.undecided {
        Some(id) => view! {
            <a class="status-link" href=Route::Deployment(id).path()>
                <Icon name="failed"/>{status.words.clone()}" · Decide"
            </a>
        }
        .into_any(),
        None => (!is_stale).then(|| view! { <span>{status.words.clone()}</span> }).into_any(),
    }
}

/// Writes the state of the fleet into the title of the tab. The server reads it at once: see
/// [`super::PageTitle`].
#[component]
fn TabTitle(status: Memo<FleetStatus>) -> impl IntoView {
    let live = expect_context::<Live>();
    let now = move || (status.get(), matches!(live.connection().get(), Connection::Reconnecting { .. }));
    let rendered = cfg!(feature = "ssr").then(|| untrack(now));
    view! {
        <Title formatter=move |page: String| {
            let (status, is_stale) = rendered.clone().unwrap_or_else(now);
            status.tab_title(&page, is_stale)
        }/>
    }
}

/// Says that the page is stale, inside a dialog, which hides the status line.
#[component]
pub(super) fn StaleInDialog() -> impl IntoView {
    let words = as_of(expect_context::<Live>());
    move || words().map(|as_of| view! { <p class="banner warn" role="status">"Reconnecting…"{as_of}</p> })
}

/// “showing the state of 22:41:03 (40 s ago)”, while the connection is lost.
fn as_of(live: Live) -> impl Fn() -> Option<AnyView> + Copy {
    move || {
        let Connection::Reconnecting { as_of } = live.connection().get() else { return None };
        let words = format!(" showing the state of {}", time_of_day(as_of));
        // Not read aloud each second.
        Some(view! { <span>{words}<span aria-hidden="true">" ("<Ago at=as_of/>")"</span></span> }.into_any())
    }
}

/// Shown if the server was updated while this page was open.
#[component]
fn Outdated() -> impl IntoView {
    let outdated = expect_context::<Live>().outdated();
    let location = use_location();
    let here = move || format!("{}{}", location.pathname.get(), location.query.get().to_query_string());
    move || {
        outdated.get().then(|| {
            view! {
                <p class="outdated">
                    "Backstay was updated. Until you reload, this page may show wrong information. "
                    <a href=here rel="external">"Reload the page"</a>
                </p>
            }
        })
    }
}
