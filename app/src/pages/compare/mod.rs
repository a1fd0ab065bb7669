//! The pages that compare two generations of a host, or what two hosts run. The server writes their content.

#[cfg(feature = "ssr")]
mod changes;
#[cfg(feature = "ssr")]
mod generations;
#[cfg(feature = "ssr")]
mod hosts;

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::inside::page_of;
use crate::api::load_comparison;
use crate::components::PageTitle;

#[cfg(feature = "ssr")]
pub(crate) use changes::{changes, in_one_line};
#[cfg(feature = "ssr")]
pub(crate) use generations::generations;
#[cfg(feature = "ssr")]
pub(crate) use hosts::{hosts, other_hosts};

/// Compares what the address names: “47..48” of a host, or two hosts.
#[component]
pub fn ComparePage() -> impl IntoView {
    let params = use_params_map();
    let asked = Memo::new(move |_| params.with(|p| (p.get("name"), p.get("pair").unwrap_or_default())));
    let read = Resource::new_blocking(move || asked.get(), |(host, pair)| load_comparison(host, pair));
    page_of(read, "comparison", |page| {
        view! {
            <PageTitle text=page.title/>
            <div class="page compare" inner_html=page.html></div>
        }
        .into_any()
    })
}
