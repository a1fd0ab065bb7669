//! What is shown where there is nothing.

use leptos::prelude::*;

use crate::components::{Mark, PageTitle};
use crate::routes::Route;

/// What is shown where there is nothing.
#[component]
pub fn NotFound() -> impl IntoView {
    view! {
        <main id="main" class="alone">
            <Mark/>
            <Nothing what="page"/>
        </main>
    }
}

/// Says that there is nothing of this kind here, to people and, by the status, to programs.
#[component]
pub(super) fn Nothing(what: &'static str) -> impl IntoView {
    #[cfg(feature = "ssr")]
    crate::session::not_found();
    view! {
        <PageTitle text="Not found"/>
        <section class="nothing">
            <h1>"Not found"</h1>
            <p>{format!("There is no such {what} here, or no longer.")}</p>
            <p><a href=Route::Fleet.path()>"To the fleet"</a></p>
        </section>
    }
}
