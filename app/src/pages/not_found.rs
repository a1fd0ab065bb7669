//! The page for an address that does not exist.

use leptos::prelude::*;

use crate::components::PageTitle;
use crate::routes::Route;

/// The page for an address that does not exist.
#[component]
pub fn NotFound() -> impl IntoView {
    view! { <Nothing what="page"/> }
}

/// Says in words, and in the status, that there is no such page, host, op or deployment.
#[component]
pub(super) fn Nothing(what: &'static str) -> impl IntoView {
    #[cfg(feature = "ssr")]
    crate::session::not_found();
    view! {
        <PageTitle text="Not found"/>
        <section class="nothing">
            <h1>"Not found"</h1>
            <p>{format!("This {what} does not exist or was removed.")}</p>
            <p><a href=Route::Fleet.path()>"Back to fleet"</a></p>
        </section>
    }
}
