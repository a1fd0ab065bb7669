//! What all pages behind the log-in share.

use leptos::prelude::*;
use leptos_router::components::Outlet;
use leptos_router::hooks::use_location;

use crate::ApiError;
use crate::components::{Header, LogDrawer, Notices, Palette, Selection, Shortcuts, ShortcutsDialog};
use crate::live::{Live, Started};
use crate::routes::Route;

/// All pages behind the log-in: reads the fleet once and follows the event stream from there.
#[component]
pub fn Inside() -> impl IntoView {
    Started::provide();
    Shortcuts::provide();
    let started = expect_context::<Started>();
    Selection::provide(expect_context::<Live>());
    // Known before the parts of a page are rendered at once: two that work it out together are in each other's way.
    let location = use_location();
    location.pathname.with_untracked(|_| ());
    location.query.with_untracked(|_| ());
    view! {
        <a class="skip" href="#main" rel="external">"Skip to content"</a>
        <Suspense>
            {move || Suspend::new(async move {
                match started.live().await {
                    Ok(_) => view! { <Header/> }.into_any(),
                    Err(error) => view! { <NoStart error/> }.into_any(),
                }
            })}
        </Suspense>
        <main id="main" tabindex="-1">
            <Outlet/>
        </main>
        <footer class="foot"><a href=Route::About.path()>"About Backstay"</a></footer>
        <LogDrawer/>
        <Palette/>
        <ShortcutsDialog/>
        <Notices/>
    }
    .into_any()
}

/// The fleet could not be read. Where nobody is logged in, the answer has led to the log-in page already.
#[component]
fn NoStart(error: ApiError) -> impl IntoView {
    view! {
        <div class="alone">
            <p class="refusal" role="alert">{error.to_string()}</p>
            <p><a href=Route::LogIn { next: None }.path() rel="external">"Log in"</a></p>
        </div>
    }
}

/// What a page is until all that it shows was read.
#[component]
pub(super) fn Loading() -> impl IntoView {
    view! { <p class="loading">"Loading…"</p> }
}

/// What a page could not read.
#[component]
pub(super) fn NotRead(error: ApiError) -> impl IntoView {
    view! { <p class="refusal" role="alert">{error.to_string()}</p> }
}
