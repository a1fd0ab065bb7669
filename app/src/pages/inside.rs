//! The frame of all pages behind the log-in.

use leptos::prelude::*;
use leptos_router::components::Outlet;
use leptos_router::hooks::use_location;

use super::not_found::Nothing;
use crate::ApiError;
use crate::components::{
    Header, LogDrawer, Notices, Palette, PaletteIsOpen, Selection, Shortcuts, ShortcutsButton,
    ShortcutsDialog,
};
use crate::live::{Live, Started};
use crate::routes::{BEGUN, Route};

/// The frame of all pages behind the log-in. Reads the fleet once and follows the event stream from there.
#[component]
pub fn Inside() -> impl IntoView {
    Started::provide();
    Shortcuts::provide();
    PaletteIsOpen::provide();
    let started = expect_context::<Started>();
    Selection::provide(expect_context::<Live>());
    // Computed before the parts of the page are rendered concurrently: two that compute it at once block each
    // other.
    let location = use_location();
    location.pathname.with_untracked(|_| ());
    location.query.with_untracked(|_| ());
    view! {
        <a class="skip" href="#main" rel="external">"Skip to content"</a>
        <Suspense>
            {move || Suspend::new(async move {
                match started.live().await {
                    Ok(live) => view! { <Header/><Begun live/> }.into_any(),
                    Err(error) => view! { <NoStart error/> }.into_any(),
                }
            })}
        </Suspense>
        <main id="main" tabindex="-1">
            <Outlet/>
        </main>
        <footer class="foot">
            <a href=Route::About.path()>"About Backstay"</a>
            <ShortcutsButton/>
            // `local_times.js` says the zone, and enables it.
            <button type="button" class="quiet zone" disabled>"Times in UTC"</button>
        </footer>
        <LogDrawer/>
        <Palette/>
        <ShortcutsDialog/>
        <Notices/>
    }
}

/// Answers a plain form that began something on several hosts.
#[component]
fn Begun(live: Live) -> impl IntoView {
    let query = use_location().query;
    // Nothing else on the page needs to be loaded again, and a form in it would lose what is filled in.
    let is_open = live.rollout().with_untracked(|newest| newest.as_ref().is_some_and(|r| r.state.is_open()));
    move || {
        query.with(|query| query.get_str(BEGUN).is_some()).then(|| {
            view! {
                <p class="banner begun" role="status">"The request was accepted. This page shows its progress."</p>
                {is_open.then(|| view! { <ReloadWithoutScript/> })}
            }
        })
    }
}

/// Has a browser without script load the page again every few seconds.
#[component]
pub(super) fn ReloadWithoutScript() -> impl IntoView {
    // As text: browsers with script do not parse what is in here.
    view! { <noscript inner_html=r#"<meta http-equiv="refresh" content="5"><p class="faint">This page reloads every 5 seconds.</p>"#></noscript> }
}

/// Says that the fleet could not be read. If nobody is logged in, the response redirects to the log-in page
/// anyway.
#[component]
fn NoStart(error: ApiError) -> impl IntoView {
    view! {
        <div class="alone">
            <p class="refusal" role="alert">{error.to_string()}</p>
            <p><a href=Route::LogIn { next: None }.path() rel="external">"Log in"</a></p>
        </div>
    }
}

/// The page of the one thing that its address names. Once that is read, `found` shows it; otherwise the page says
/// that there is no such `what`, or that it could not be read.
pub(super) fn page_of<T: Clone + Send + Sync + 'static>(
    read: Resource<Result<Option<T>, ApiError>>,
    what: &'static str,
    found: fn(T) -> AnyView,
) -> AnyView {
    let started = expect_context::<Started>();
    view! {
        <Transition fallback=Loading>
            {move || Suspend::new(async move {
                match started.and(read).await {
                    Ok(Some(read)) => found(read),
                    Ok(None) => view! { <Nothing what/> }.into_any(),
                    Err(error) => view! { <NotRead error/> }.into_any(),
                }
            })}
        </Transition>
    }
    .into_any()
}

/// Stands in for a page until its data is read.
#[component]
pub(super) fn Loading() -> impl IntoView {
    view! { <p class="loading">"Loading…"</p> }
}

/// Says that a page's data could not be read, and why.
#[component]
pub(super) fn NotRead(error: ApiError) -> impl IntoView {
    view! { <p class="refusal" role="alert">{error.to_string()}</p> }
}
