//! A page that the server alone writes.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use super::inside::page_of;
use crate::api::load_written;
use crate::components::PageTitle;
use crate::routes::is_written;

/// The page of the address, as the server writes it. Its forms are plain ones.
#[component]
pub fn ServerWrittenPage() -> impl IntoView {
    let path = use_location().pathname;
    // Another kind of page follows in a moment: this one stays as it is until then.
    let asked = Memo::new(move |before: Option<&String>| {
        path.with(|path| if is_written(path) { path.clone() } else { before.cloned().unwrap_or_default() })
    });
    let read = Resource::new_blocking(move || asked.get(), load_written);
    page_of(read, "page", |page| {
        view! {
            <PageTitle text=page.title/>
            <div class="page written" inner_html=page.html></div>
        }
        .into_any()
    })
}
